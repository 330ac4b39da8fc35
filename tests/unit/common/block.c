/* SPDX-License-Identifier: MIT */
/* Tests of common/block.c. */

#include "common/block.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/random_block.h"

/* Fewer where a machine is emulated. */
#ifndef N_RANDOM_BLOCKS
#define N_RANDOM_BLOCKS 2000
#endif

static struct block_encoder *encoder;
static struct block_decoder *decoder;
static struct buffer out;

static void setup(void)
{
	encoder = block_encoder_new();
	decoder = block_decoder_new();
	cr_assert_not_null(encoder);
	cr_assert_not_null(decoder);
}

static void teardown(void)
{
	block_encoder_free(encoder);
	block_decoder_free(decoder);
	buffer_done(&out);
}

TestSuite(block, .init = setup, .fini = teardown);

static const uint8_t *bytes(void)
{
	return (const uint8_t *)out.data;
}

/* Encode in both ways and decode. */
static void round_trip(const struct random_block *block)
{
	for (int effort = BLOCK_EFFORT_FAST; effort <= BLOCK_EFFORT_SMALL; effort++) {
		const char *problem;

		buffer_clear(&out);
		cr_assert_eq(random_block_encode(block, encoder, (enum block_effort)effort, &out),
			     0);
		problem = random_block_compare(block, decoder, bytes(), out.length);
		cr_assert_null(problem, "effort %d: %s", effort, problem);
	}
}

static void round_trip_values(const double *values, size_t n)
{
	int64_t *times_us = calloc(n, sizeof(*times_us));
	struct block_column column = {.series_id = 7, .values = values, .n_values = n};

	round_trip(&(struct random_block){times_us, n, &column, 1});
	free(times_us);
}

static int encode_one(const int64_t *times_us, size_t n_times, const struct block_column *column)
{
	return block_encode(encoder, times_us, n_times, column, 1, BLOCK_EFFORT_SMALL, &out);
}

Test(block, random_blocks_come_back_bit_for_bit, .timeout = 120)
{
	uint64_t seed = (uint64_t)time(NULL);

	printf("seed %llu\n", (unsigned long long)seed);
	for (int i = 0; i < N_RANDOM_BLOCKS; i++) {
		struct random_block block;

		random_block_make(seed + (uint64_t)i, &block);
		round_trip(&block);
		random_block_done(&block);
	}
}

Test(block, one_sample_takes_a_few_bytes)
{
	const int64_t time_us = 1795415594000000;
	const double value = 42;
	struct block_column column = {.series_id = 3, .values = &value, .n_values = 1};

	round_trip(&(struct random_block){(int64_t *)&time_us, 1, &column, 1});
	/* n_times, n_columns, time: encoding, length, 8; column: id, encoding, length, scale, 1 */
	cr_assert_eq(out.length, 2 + 2 + 8 + 3 + 2);
}

Test(block, a_tick_of_thousands_of_series_takes_few_bytes_each)
{
	enum { N = 5000 };
	static struct block_column columns[N];
	static double values[N];
	const int64_t time_us = 1795415594000000;

	for (uint32_t i = 0; i < N; i++) {
		values[i] = i % 60;
		columns[i] =
			(struct block_column){.series_id = i, .values = &values[i], .n_values = 1};
	}
	round_trip(&(struct random_block){(int64_t *)&time_us, 1, columns, N});
	cr_assert_leq(out.length, 5 * N + 16);
}

Test(block, times_of_every_range_come_back)
{
	int64_t times_us[] = {INT64_MIN, INT64_MIN, -5, -5, 0, 1, INT64_MAX, INT64_MAX};
	double values[8] = {0, 1, 2, 3, 4, 5, 6, 7};
	struct block_column column = {.values = values, .n_values = 8};

	round_trip(&(struct random_block){times_us, 8, &column, 1});
	for (int i = 0; i < 8; i++)
		times_us[i] = 77;
	round_trip(&(struct random_block){times_us, 8, &column, 1});
}

Test(block, values_that_are_no_numbers_come_back)
{
	static const uint64_t bits[] = {0x7ff8000000000000,
					0xfff8000000000001,
					0x7ff0000000000001,
					0x7ff0000000000000,
					0xfff0000000000000,
					0x8000000000000000,
					0,
					1,
					0x800fffffffffffff,
					0x7fefffffffffffff,
					0xffefffffffffffff,
					0x4320000000000000};
	enum { N = sizeof(bits) / sizeof(*bits) };
	double values[N];

	memcpy(values, bits, sizeof(values));
	round_trip_values(values, N);
	for (int i = 0; i < N; i++)
		round_trip_values(&values[i], 1);
}

Test(block, runs_keep_their_reasons)
{
	const int64_t times_us[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	const double values[4] = {1.5, 2.5, 3.5, -1};
	const struct block_run runs[] = {{0, 2, 14}, {0, 1, 255}, {3, 2, 0}, {1, 1, 3}};
	const struct block_run none[] = {{0, 4, 1}, {0, 6, 2}};
	struct block_column columns[] = {
		{.series_id = 1, .runs = runs, .n_runs = 4, .values = values, .n_values = 4},
		{.series_id = 2, .runs = none, .n_runs = 2},
	};

	round_trip(&(struct random_block){(int64_t *)times_us, 10, columns, 2});
}

Test(block, runs_of_a_complete_column_are_not_stored)
{
	const int64_t times_us[3] = {1, 2, 3};
	const double values[3] = {1, 2, 3};
	const struct block_run runs[] = {{2, 0, 0}, {1, 0, 0}};
	struct block_column with = {.runs = runs, .n_runs = 2, .values = values, .n_values = 3};
	struct block_column without = {.values = values, .n_values = 3};
	size_t length;

	cr_assert_eq(encode_one(times_us, 3, &with), 0);
	length = out.length;
	cr_assert_eq(encode_one(times_us, 3, &without), 0);
	cr_assert_eq(out.length, 2 * length);
	cr_assert_arr_eq(out.data, out.data + length, length);
}

Test(block, what_is_beyond_the_limits_or_out_of_order_is_refused_and_appends_nothing)
{
	const int64_t times_us[3] = {1, 2, 3};
	const int64_t backwards[2] = {2, 1};
	const double values[3] = {1, 2, 3};
	const struct block_run longer[] = {{2, 2, 0}}, shorter[] = {{1, 1, 0}};
	const struct block_run empty[] = {{1, 0, 0}, {0, 0, 0}, {2, 0, 0}}, huge[] = {{~0U, 4, 0}};
	struct block_column good = {.series_id = 5, .values = values, .n_values = 3};
	struct block_column bad = good;
	struct block_column twice[2] = {good, good};

	buffer_append_text(&out, "before");
	cr_assert_eq(encode_one(times_us, 0, &good), -EINVAL);
	cr_assert_eq(encode_one(times_us, BLOCK_TIMES_MAX + 1, &good), -EINVAL);
	cr_assert_eq(block_encode(encoder, times_us, 3, &good, 0, BLOCK_EFFORT_FAST, &out),
		     -EINVAL);
	cr_assert_eq(block_encode(encoder, times_us, 3, &good, BLOCK_COLUMNS_MAX + 1,
				  BLOCK_EFFORT_FAST, &out),
		     -EINVAL);
	cr_assert_eq(block_encode(encoder, times_us, 3, twice, 2, BLOCK_EFFORT_FAST, &out),
		     -EINVAL);
	bad.n_values = 2;
	cr_assert_eq(encode_one(backwards, 2, &bad), -EINVAL);
	cr_assert_eq(encode_one(times_us, 3, &bad), -EINVAL);
	bad = (struct block_column){.runs = longer, .n_runs = 1, .values = values, .n_values = 2};
	cr_assert_eq(encode_one(times_us, 3, &bad), -EINVAL);
	bad.runs = shorter;
	bad.n_values = 1;
	cr_assert_eq(encode_one(times_us, 3, &bad), -EINVAL);
	bad = (struct block_column){.runs = empty, .n_runs = 3, .values = values, .n_values = 3};
	cr_assert_eq(encode_one(times_us, 3, &bad), -EINVAL);
	bad = (struct block_column){.runs = huge, .n_runs = 1, .values = values, .n_values = 3};
	cr_assert_eq(encode_one(times_us, 3, &bad), -EINVAL);
	cr_assert_str_eq(buffer_text(&out), "before");
}

Test(block, more_samples_than_the_limit_are_refused_by_both_ways)
{
	enum { N = BLOCK_SAMPLES_MAX / BLOCK_TIMES_MAX + 1 };
	static int64_t times_us[BLOCK_TIMES_MAX];
	static double values[BLOCK_TIMES_MAX];
	static struct block_column columns[N];
	struct random_block block = {times_us, BLOCK_TIMES_MAX, columns, N - 1};
	size_t column_length;

	for (uint32_t i = 0; i < N; i++)
		columns[i] = (struct block_column){
			.series_id = i, .values = values, .n_values = BLOCK_TIMES_MAX};
	round_trip(&block);
	cr_assert_eq(block_encode(encoder, times_us, BLOCK_TIMES_MAX, columns, N, BLOCK_EFFORT_FAST,
				  &out),
		     -EINVAL);

	/* One more column of zeros by hand. */
	column_length = 5;
	cr_assert_eq(out.data[3], N - 1);
	out.data[3] = N;
	buffer_append(&out, bytes() + out.length - column_length, column_length);
	cr_assert_eq(block_decoder_open(decoder, bytes(), out.length), -EBADMSG);
}

/* A reason is as much to whoever takes it out as a sample. */
Test(block, more_absences_than_the_limit_are_refused_by_both_ways)
{
	enum { N = BLOCK_SAMPLES_MAX / BLOCK_TIMES_MAX + 1 };
	static int64_t times_us[BLOCK_TIMES_MAX];
	static const struct block_run run = {0, BLOCK_TIMES_MAX, 50};
	static struct block_column columns[N];
	struct random_block block = {times_us, BLOCK_TIMES_MAX, columns, N - 1};
	struct block_encoded encoded;
	size_t column_length;

	for (uint32_t i = 0; i < N; i++)
		columns[i] = (struct block_column){.series_id = i, .runs = &run, .n_runs = 1};
	round_trip(&block);
	block_decoder_encoded(decoder, 0, &encoded);
	cr_assert_eq(encoded.n_absent, BLOCK_TIMES_MAX);
	cr_assert_eq(block_encode(encoder, times_us, BLOCK_TIMES_MAX, columns, N, BLOCK_EFFORT_FAST,
				  &out),
		     -EINVAL);

	/* One more column by hand: an id, an encoding, a run, no payload. */
	column_length = 8;
	cr_assert_eq(out.data[3], N - 1);
	out.data[3] = N;
	buffer_append(&out, bytes() + out.length - column_length, column_length);
	cr_assert_eq(block_decoder_open(decoder, bytes(), out.length), -EBADMSG);
	/* Of which nothing is said. */
	out.data[out.length - 2] = 0;
	cr_assert_eq(block_decoder_open(decoder, bytes(), out.length), 0);
	block_decoder_encoded(decoder, N - 1, &encoded);
	cr_assert_eq(encoded.n_absent, 0);
}

Test(block, unknown_encodings_are_told_apart_from_damage)
{
	const int64_t time_us = 5;
	const double value = 1;
	struct block_column column = {.values = &value, .n_values = 1};
	const uint8_t unknown[] = {3, 0x0c, 0x40, 0x80};

	cr_assert_eq(encode_one(&time_us, 1, &column), 0);
	/* 1 time, 1 column, time: encoding 0, length 1, 5; column: id 0, encoding 0 ... */
	for (size_t i = 0; i < sizeof(unknown); i++) {
		out.data[6] = (char)unknown[i];
		cr_assert_eq(block_decoder_open(decoder, bytes(), out.length), -ENOTSUP);
		out.data[6] = 0;
		out.data[2] = (char)unknown[i];
		cr_assert_eq(block_decoder_open(decoder, bytes(), out.length), -ENOTSUP);
		out.data[2] = 0;
	}
	cr_assert_eq(block_decoder_open(decoder, bytes(), out.length), 0);
}

Test(block, times_that_go_back_are_refused)
{
	/* 2 times, 1 column; packed, order 0: divisor 1, base 0, width 2: 2 and 0 (folded 1 and 0) */
	uint8_t block[] = {2, 1, 1, 5, 1, 0, 2, 0, 2, 0, 0, 2, 0, 0};

	cr_assert_eq(block_decoder_open(decoder, block, sizeof(block)), -EBADMSG);
	block[8] = 8; /* 0 and 1 */
	cr_assert_eq(block_decoder_open(decoder, block, sizeof(block)), 0);
}

/* Decode whatever opens. @return did all of it decode? */
static bool decode_all(const uint8_t *data, size_t length)
{
	struct block_column column;
	bool is_good = true;

	if (block_decoder_open(decoder, data, length) < 0)
		return false;
	for (size_t i = 0; i < block_decoder_n_columns(decoder); i++)
		is_good &= block_decoder_column(decoder, i, &column) == 0;
	return is_good;
}

/* A block that has columns of every encoding, with runs and odd values. */
static void make_mixed_block(enum block_effort effort)
{
	enum { N = 200 };
	int64_t times_us[N];
	double values[6][N];
	const struct block_run runs[] = {{150, 20, 3}, {30, 0, 0}};
	struct block_column columns[7] = {0};
	uint64_t state = 1;

	for (int i = 0; i < N; i++)
		times_us[i] = i * 1000000 + (i % 7 == 0);
	random_values(&state, 17, values[0], N);
	random_values(&state, 0, values[1], N);
	random_values(&state, 5, values[2], N);
	random_values(&state, 11, values[3], N);
	random_values(&state, 15, values[4], N);
	random_values(&state, 16, values[5], N);
	values[2][9] = -0.0;
	for (uint32_t i = 0; i < 6; i++)
		columns[i] = (struct block_column){
			.series_id = 200 * i, .values = values[i], .n_values = N};
	columns[2].runs = runs;
	columns[2].n_runs = 2;
	columns[2].n_values = 180;
	buffer_clear(&out);
	cr_assert_eq(block_encode(encoder, times_us, N, columns, 6, effort, &out), 0);
	cr_assert(decode_all(bytes(), out.length));
}

Test(block, cut_or_longer_blocks_are_refused)
{
	make_mixed_block(BLOCK_EFFORT_SMALL);
	for (size_t length = 0; length < out.length; length++) {
		/* Memory of just this length: a sanitizer sees what reads behind it. */
		uint8_t *copy = malloc(length + 1);

		memcpy(copy + 1, bytes(), length);
		cr_assert_eq(block_decoder_open(decoder, copy + 1, length), -EBADMSG);
		free(copy);
	}
	buffer_append_byte(&out, 0);
	cr_assert_eq(block_decoder_open(decoder, bytes(), out.length), -EBADMSG);
}

Test(block, no_flipped_bit_does_harm, .timeout = 120)
{
	for (int effort = BLOCK_EFFORT_FAST; effort <= BLOCK_EFFORT_SMALL; effort++) {
		size_t n_good = 0;
		uint8_t *copy;

		make_mixed_block((enum block_effort)effort);
		copy = malloc(out.length);
		memcpy(copy, bytes(), out.length);
		for (size_t bit = 0; bit < out.length * 8; bit++) {
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
			n_good += decode_all(copy, out.length);
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		/* Most flips only change a value: a block has no checksum of its own. */
		cr_assert_lt(n_good, out.length * 8);
		cr_assert(decode_all(copy, out.length));
		free(copy);
	}
}

Test(block, the_times_kept_from_another_block_do_no_harm)
{
	int64_t times_us[3] = {1, 2, 3};
	const double values[3] = {1, 2, 3};
	struct block_column column = {.values = values, .n_values = 3};
	struct random_block block = {times_us, 3, &column, 1};
	const uint8_t damaged[] = {3, 1, 0, 1};

	for (int i = 0; i < 3; i++) {
		round_trip(&block);
		cr_assert_eq(block_decoder_open(decoder, damaged, sizeof(damaged)), -EBADMSG);
		round_trip(&block);
		times_us[2]++;
	}
	/* Equal bytes, another number of times. */
	for (size_t n = 3; n > 0; n--) {
		int64_t equal[3] = {7, 7, 7};
		struct block_column fewer = {.values = values, .n_values = n};

		round_trip(&(struct random_block){equal, n, &fewer, 1});
	}
}

Test(block, free_takes_null)
{
	block_encoder_free(NULL);
	block_decoder_free(NULL);
}
