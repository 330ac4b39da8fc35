/* SPDX-License-Identifier: MIT */
/* Blocks of many shapes from a seed. */

#include "tests/support/random_block.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TIMES_MAX   3000U
#define COLUMNS_MAX 6U

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return random_next(state) % limit;
}

static double from_bits(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Of all sizes up to 63 bits. */
static int64_t any_size(uint64_t *state)
{
	uint64_t value = random_next(state) >> (1 + random_below(state, 63));

	return random_below(state, 2) ? (int64_t)value : -(int64_t)value;
}

/* NaN with payloads and signs, infinities, zeros, the smallest and largest. */
static double odd_value(uint64_t *state)
{
	static const uint64_t odd[] = {
		0x7ff8000000000000, 0xfff8000000000001, 0x7ff0000000000002, 0x7ff4dead0000beef,
		0x7ff0000000000000, 0xfff0000000000000, 0x8000000000000000, 0x0000000000000001,
		0x800fffffffffffff, 0x7fefffffffffffff, 0x0010000000000000, 0x4340000000000001,
		0x4320000000000000, 0xc320000000000000, 0x431fffffffffffff, 0x43e0000000000000,
	};

	return from_bits(odd[random_below(state, sizeof(odd) / sizeof(*odd))]);
}

/* What counters and gauges are before they are scaled. */
static int64_t step(uint64_t *state, unsigned shape, int64_t last)
{
	switch (shape % 4) {
	case 0: /* seldom moves */
		return random_below(state, 50) == 0 ? last + (int64_t)random_below(state, 9) : last;
	case 1: /* grows by about as much */
		return last + 1000 + (int64_t)random_below(state, 300);
	case 2: /* goes up and down, with a divisor */
		return last + 4096 * ((int64_t)random_below(state, 64) - 32);
	default: /* bursts */
		return random_below(state, 3) ? last : last + (any_size(state) >> 33);
	}
}

static double scale(unsigned shape, int64_t integer)
{
	switch (shape / 4) {
	case 0:
		return (double)integer;
	case 1:
		return (double)integer / 100;
	case 2:
		return (double)integer * 1e-3;
	default:
		return (double)integer / 1000 / 1000;
	}
}

void random_values(uint64_t *state, unsigned shape, double *ret_values, size_t n)
{
	int64_t last = any_size(state) >> 20;
	bool has_odd = random_below(state, 4) == 0;
	double value = odd_value(state);

	for (size_t i = 0; i < n; i++) {
		if (shape < 16) {
			last = step(state, shape, last);
			value = scale(shape, last);
		} else if (shape == 16) {
			value = from_bits(random_next(state));
		}
		ret_values[i] = value;
		if (has_odd && random_below(state, 40) == 0)
			ret_values[i] = odd_value(state);
	}
}

static void make_times(uint64_t *state, int64_t *times_us, size_t n)
{
	unsigned shape = (unsigned)random_below(state, 5);
	int64_t time_us = shape == 0 ? INT64_MIN : 1795415594000000;

	for (size_t i = 0; i < n; i++) {
		times_us[i] = time_us;
		if (shape == 1)
			time_us += 1000000;
		else if (shape == 2)
			time_us += random_below(state, 9) ? 10000000 : 20000000;
		else if (shape == 3)
			time_us += (int64_t)random_below(state, 2000000);
		else if (shape == 0 && i + 2 >= n)
			time_us = INT64_MAX;
	}
}

static size_t make_runs(uint64_t *state, size_t n_times, struct block_column *column)
{
	struct block_run *runs = need(calloc(n_times, sizeof(*runs)));
	size_t left = n_times;
	size_t n_present = 0;
	size_t n = 0;

	while (left > 0) {
		struct block_run *run = &runs[n++];

		run->n_present = (uint32_t)random_below(state, left + 1);
		left -= run->n_present;
		run->n_missing = (uint32_t)random_below(state, left + 1);
		if (run->n_present == 0 && run->n_missing == 0)
			run->n_missing = 1;
		left -= run->n_missing;
		run->reason = run->n_missing > 0 ? (uint8_t)random_next(state) : 0;
		n_present += run->n_present;
	}
	column->runs = runs;
	column->n_runs = n;
	return n_present;
}

static size_t random_size(uint64_t *state)
{
	switch (random_below(state, 4)) {
	case 0:
		return 1 + random_below(state, 4);
	case 1:
		return 1 + random_below(state, 100);
	case 2:
		return 60 + random_below(state, 10);
	default:
		return 1 + random_below(state, TIMES_MAX);
	}
}

void random_block_make(uint64_t seed, struct random_block *ret_block)
{
	uint64_t state = seed;
	struct random_block block = {.n_times = random_size(&state)};
	uint32_t series_id = (uint32_t)random_below(&state, 300);

	block.times_us = need(calloc(block.n_times, sizeof(*block.times_us)));
	make_times(&state, block.times_us, block.n_times);
	block.n_columns = 1 + random_below(&state, COLUMNS_MAX);
	block.columns = need(calloc(block.n_columns, sizeof(*block.columns)));
	for (size_t i = 0; i < block.n_columns; i++) {
		struct block_column *column = &block.columns[i];
		double *values = need(calloc(block.n_times, sizeof(*values)));

		column->series_id = series_id;
		series_id += 1 + (uint32_t)random_below(&state, i % 2 ? 3 : 500000000);
		column->n_values = block.n_times;
		if (random_below(&state, 3) == 0)
			column->n_values = make_runs(&state, block.n_times, column);
		random_values(&state, (unsigned)random_below(&state, RANDOM_BLOCK_SHAPES), values,
			      column->n_values);
		column->values = values;
	}
	*ret_block = block;
}

void random_block_done(struct random_block *block)
{
	for (size_t i = 0; i < block->n_columns; i++) {
		free((void *)block->columns[i].runs);
		free((void *)block->columns[i].values);
	}
	free(block->columns);
	free(block->times_us);
	*block = (struct random_block){0};
}

int random_block_encode(const struct random_block *block, struct block_encoder *encoder,
			enum block_effort effort, struct buffer *out)
{
	return block_encode(encoder, block->times_us, block->n_times, block->columns,
			    block->n_columns, effort, out);
}

const char *random_block_compare_columns(const struct block_column *wanted,
					 const struct block_column *column)
{
	bool is_complete = true;

	for (size_t i = 0; wanted->runs && i < wanted->n_runs; i++)
		is_complete &= wanted->runs[i].n_missing == 0;
	if (wanted->series_id != column->series_id)
		return "a series id";
	if (wanted->n_values != column->n_values)
		return "a number of values";
	if (column->n_values > 0 &&
	    memcmp(wanted->values, column->values, column->n_values * sizeof(double)) != 0)
		return "a value";
	if (is_complete)
		return column->runs ? "runs of a complete column" : NULL;
	if (wanted->n_runs != column->n_runs)
		return "a number of runs";
	for (size_t i = 0; i < column->n_runs; i++) {
		if (wanted->runs[i].n_present != column->runs[i].n_present ||
		    wanted->runs[i].n_missing != column->runs[i].n_missing ||
		    wanted->runs[i].reason != column->runs[i].reason)
			return "a run";
	}
	return NULL;
}

const char *random_block_compare(const struct random_block *block, struct block_decoder *decoder,
				 const uint8_t *bytes, size_t length)
{
	const char *problem = NULL;
	const int64_t *times_us;
	size_t n_times;

	if (block_decoder_open(decoder, bytes, length) != 0)
		return "the block";
	times_us = block_decoder_times(decoder, &n_times);
	if (n_times != block->n_times ||
	    memcmp(times_us, block->times_us, n_times * sizeof(*times_us)) != 0)
		return "a time";
	if (block_decoder_n_columns(decoder) != block->n_columns)
		return "the number of columns";
	for (size_t i = 0; i < block->n_columns && !problem; i++) {
		struct block_column column;

		if (block_decoder_series_id(decoder, i) != block->columns[i].series_id)
			return "a series id";
		if (block_decoder_column(decoder, i, &column) != 0)
			return "a column";
		problem = random_block_compare_columns(&block->columns[i], &column);
	}
	return problem;
}
