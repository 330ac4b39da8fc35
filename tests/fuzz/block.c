/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: common/block.c. Any bytes as a block: what decodes is encoded again in both ways and
 * must come back the same. And any bytes as times, runs and values, which must come back too.
 */

#include "common/block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random_block.h"

/* Of what is encoded again: a few bytes can stand for many samples. */
#define SAMPLES_MAX ((size_t)1 << 16)
#define COLUMNS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void *copy_of(const void *data, size_t n_bytes)
{
	void *copy = malloc(n_bytes + 1);

	if (!copy)
		abort();
	if (n_bytes > 0)
		memcpy(copy, data, n_bytes);
	return copy;
}

/* Encode and decode: the same must come out. */
static void check_round_trip(const struct random_block *block)
{
	struct block_encoder *encoder = block_encoder_new();
	struct block_decoder *decoder = block_decoder_new();
	struct buffer out = {0};

	for (int effort = BLOCK_EFFORT_FAST; effort <= BLOCK_EFFORT_SMALL; effort++) {
		uint8_t *exact;

		buffer_clear(&out);
		if (random_block_encode(block, encoder, (enum block_effort)effort, &out) != 0)
			abort();
		exact = copy_of(out.data, out.length);
		if (random_block_compare(block, decoder, exact, out.length))
			abort();
		free(exact);
	}
	buffer_done(&out);
	block_encoder_free(encoder);
	block_decoder_free(decoder);
}

/* @return do all columns decode? */
static bool decode_all(struct block_decoder *decoder, struct random_block *ret_block)
{
	struct random_block block = {.n_columns = block_decoder_n_columns(decoder)};
	const int64_t *times_us = block_decoder_times(decoder, &block.n_times);
	bool is_good = true;

	block.times_us = copy_of(times_us, block.n_times * sizeof(*times_us));
	block.columns = calloc(block.n_columns, sizeof(*block.columns));
	if (!block.columns)
		abort();
	for (size_t i = 0; i < block.n_columns; i++) {
		struct block_column column;

		if (block_decoder_column(decoder, i, &column) < 0) {
			is_good = false;
			continue;
		}
		column.values = copy_of(column.values, column.n_values * sizeof(*column.values));
		if (column.runs)
			column.runs = copy_of(column.runs, column.n_runs * sizeof(*column.runs));
		block.columns[i] = column;
	}
	*ret_block = block;
	return is_good;
}

static void check_hostile(const uint8_t *data, size_t n_bytes)
{
	struct block_decoder *decoder = block_decoder_new();
	struct random_block block;

	if (block_decoder_open(decoder, data, n_bytes) == 0) {
		size_t n_times;
		const int64_t *times_us = block_decoder_times(decoder, &n_times);

		for (size_t i = 1; i < n_times; i++)
			if (times_us[i] < times_us[i - 1])
				abort();
		if (block_decoder_n_columns(decoder) * n_times <= SAMPLES_MAX) {
			if (decode_all(decoder, &block))
				check_round_trip(&block);
			random_block_done(&block);
		}
	}
	block_decoder_free(decoder);
}

static uint8_t take(const uint8_t **data, const uint8_t *end)
{
	return *data < end ? *(*data)++ : 0;
}

/* The next value: a small step, a scaled one, or any bits. */
static double take_value(const uint8_t **data, const uint8_t *end, int64_t *last)
{
	uint8_t kind = take(data, end);
	uint64_t bits = 0;
	double value;

	*last += (int64_t)(kind >> 3) - 16;
	switch (kind & 7) {
	case 0:
		*last = *last % ((int64_t)1 << 42) * 4096;
		return (double)*last;
	case 1:
		return (double)*last / 100;
	case 2:
		return (double)*last * 1e-3;
	case 3:
		return (double)*last / 1000 / 1000;
	case 4:
		for (int i = 0; i < 8; i++)
			bits = bits << 8 | take(data, end);
		memcpy(&value, &bits, sizeof(value));
		return value;
	default:
		return (double)*last;
	}
}

/* Few bytes make many values: they are repeated. */
static void check_structured(const uint8_t *data, size_t n_bytes)
{
	const uint8_t *end = data + n_bytes;
	struct random_block block = {.n_times = 1 + take(&data, end) +
						(size_t)take(&data, end) % 4 * 256};
	uint64_t time_us = 0;

	block.n_columns = 1 + take(&data, end) % COLUMNS_MAX;
	block.times_us = calloc(block.n_times, sizeof(*block.times_us));
	block.columns = calloc(block.n_columns, sizeof(*block.columns));
	if (!block.times_us || !block.columns)
		abort();
	for (size_t i = 0; i < block.n_times; i++) {
		unsigned shift = take(&data, end);
		uint64_t step = (uint64_t)take(&data, end) << (shift & 63);

		if (__builtin_add_overflow(time_us, step, &time_us))
			time_us = UINT64_MAX;
		block.times_us[i] = (int64_t)(time_us ^ (uint64_t)1 << 63);
	}
	for (size_t i = 0; i < block.n_columns; i++) {
		double *values = calloc(block.n_times, sizeof(*values));
		int64_t last = 0;

		if (!values)
			abort();
		for (size_t k = 0; k < block.n_times; k++)
			values[k] = take_value(&data, end, &last);
		block.columns[i] = (struct block_column){
			.series_id = (uint32_t)i, .values = values, .n_values = block.n_times};
	}
	check_round_trip(&block);
	random_block_done(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	check_hostile(data, n_bytes);
	check_structured(data, n_bytes);
	return 0;
}
