/* SPDX-License-Identifier: MIT */
/* Tests of BATCH. */

#include "common/wire_batch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hostmetrics/wire.h"
#include "tests/support/native.h"

#define N_SERIES 10

static struct buffer out;
static struct buffer block;
static struct block_encoder *encoder;
static struct block_decoder *decoder;

static void setup(void)
{
	encoder = block_encoder_new();
	decoder = block_decoder_new();
	cr_assert(encoder && decoder);
}

static void teardown(void)
{
	buffer_done(&out);
	buffer_done(&block);
	block_encoder_free(encoder);
	block_decoder_free(decoder);
}

TestSuite(wire_batch, .init = setup, .fini = teardown);

static void begin(void)
{
	struct wire_stamp stamp = native_stamp(12);

	buffer_clear(&out);
	wire_stamp_put(&out, &stamp);
}

/* A block of one series. @param values  as many as times */
static void add(uint32_t series_id, const int64_t *times_us, const double *values, size_t n)
{
	struct block_column column = {.series_id = series_id, .values = values, .n_values = n};

	buffer_clear(&block);
	cr_assert_eq(block_encode(encoder, times_us, n, &column, 1, BLOCK_EFFORT_FAST, &block), 0);
	batch_put_block(&out, block.data, block.length);
}

static void add_one(uint32_t series_id, int64_t time_us, double value)
{
	add(series_id, &time_us, &value, 1);
}

static enum hm_reason check_of(uint32_t n_series, struct wire_batch_content *ret_content)
{
	return wire_batch_check(decoder, (const uint8_t *)out.data, out.length, n_series,
				ret_content);
}

static enum hm_reason check(void)
{
	struct wire_batch_content content;

	return check_of(N_SERIES, &content);
}

static enum hm_reason read_batch(const uint8_t *payload, size_t length)
{
	struct wire_batch_content content;

	return wire_batch_check(decoder, payload, length, N_SERIES, &content);
}

Test(wire_batch, what_is_good_passes_and_is_counted)
{
	static const int64_t late_us[] = {5, 5, 70};
	static const double values[] = {-0.0, 5e-324, 1.7976931348623157e308};
	struct wire_batch_content content;

	begin();
	add_one(9, 1000, -1);
	add(3, late_us, values, 3);
	add_one(9, INT64_MAX, 2);
	cr_assert_eq(check_of(N_SERIES, &content), HM_REASON_NONE);
	cr_expect_eq(content.stamp.sequence, 12);
	cr_expect_eq(content.n_samples, 5);
	cr_expect_eq(content.n_blocks, 3);
	cr_expect_eq(content.first_us, 5, "late ones are no error");
	cr_expect_eq(content.last_us, INT64_MAX);
}

Test(wire_batch, a_missing_tick_keeps_its_reason)
{
	static const int64_t times_us[] = {10, 20, 30, 40};
	static const double values[] = {1, 4};
	static const struct block_run some[] = {{1, 2, HM_REASON_STORE_FAILED}, {1, 0, 0}};
	static const struct block_run none[] = {{0, 3, HM_REASON_NO_DESCRIPTOR}, {0, 1, 200}};
	static const struct block_column columns[] = {
		{.series_id = 1, .runs = some, .n_runs = 2, .values = values, .n_values = 2},
		{.series_id = 2, .runs = none, .n_runs = 2},
	};
	struct wire_batch_content content;
	const struct block_run *runs;
	size_t n_runs;

	begin();
	cr_assert_eq(block_encode(encoder, times_us, 4, columns, 2, BLOCK_EFFORT_FAST, &block), 0);
	batch_put_block(&out, block.data, block.length);
	cr_assert_eq(check_of(3, &content), HM_REASON_NONE);
	cr_expect_eq(content.n_samples, 2);
	cr_assert_eq(block_decoder_runs(decoder, 0, &runs, &n_runs), 0);
	cr_assert_eq(n_runs, 2);
	cr_expect_eq(runs[0].reason, HM_REASON_STORE_FAILED);
	cr_assert_eq(block_decoder_runs(decoder, 1, &runs, &n_runs), 0);
	cr_assert_eq(n_runs, 2);
	cr_expect_eq(runs[0].reason, HM_REASON_NO_DESCRIPTOR);
	cr_expect_eq(runs[1].reason, 200, "one of a later version");
}

Test(wire_batch, cut_anywhere_it_is_damage_but_between_blocks)
{
	begin();
	add_one(1, 1000, 42);
	cr_expect_eq(native_count_accepted(&out, read_batch), 0);
	add_one(2, 1000, 42.5);
	cr_expect_eq(native_count_accepted(&out, read_batch), 1);
}

Test(wire_batch, without_a_block_it_is_empty)
{
	begin();
	cr_expect_eq(check(), HM_REASON_EMPTY);
	batch_put_block(&out, "", 0);
	cr_expect_eq(check(), HM_REASON_BAD_BLOCK, "an empty block");
}

Test(wire_batch, a_length_is_that_of_its_block)
{
	static const uint32_t lengths[] = {0, 1, 16, 18, 0x7fffffff, 0x80000000, 0xffffffff};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		begin();
		add_one(0, 1000, 42);
		cr_assert_neq(block.length, 16);
		for (int k = 0; k < 4; k++)
			out.data[HM_STAMP_BYTES + k] = (char)(lengths[i] >> 8 * k);
		cr_expect_neq(check(), HM_REASON_NONE, "%u", lengths[i]);
	}
}

Test(wire_batch, every_series_was_declared)
{
	struct wire_batch_content content;

	begin();
	add_one(0, 1000, 42);
	cr_expect_eq(check_of(0, &content), HM_REASON_NOT_DECLARED);
	cr_expect_eq(check_of(1, &content), HM_REASON_NONE);
	begin();
	add_one(0, 1000, 42);
	add_one(N_SERIES, 1000, 42);
	cr_expect_eq(check(), HM_REASON_NOT_DECLARED);
	begin();
	add_one(UINT32_MAX, 1000, 42);
	cr_expect_eq(check(), HM_REASON_NOT_DECLARED);
}

Test(wire_batch, values_are_finite)
{
	const double odd[] = {NAN, -NAN, INFINITY, -INFINITY};
	static const int64_t times_us[40];

	for (size_t i = 0; i < 40; i++) {
		double values[40] = {0, 1, 2, 3};

		begin();
		values[i] = odd[i % 4];
		add(0, times_us, values, 40);
		cr_expect_eq(check(), HM_REASON_NOT_FINITE, "%zu", i);
	}
}

Test(wire_batch, times_are_times)
{
	begin();
	add_one(0, INT64_MIN, 1);
	cr_expect_eq(check(), HM_REASON_BAD_TIME);
	begin();
	add_one(0, INT64_MIN + 1, 1);
	cr_expect_eq(check(), HM_REASON_NONE);
}

/* Two times, packed, of order 1: the second is 2^62 more than the first. */
Test(wire_batch, a_time_that_overflows_is_damage)
{
	static const uint8_t far[] = {2,    1,    5,    23,   0x80, 0x80, 0x80, 0x80,
				      0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 1,    0x80,
				      0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
				      0x01, 0,    0,    0,    0,    2,    0,    2};
	static const uint8_t near[] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
	struct wire_batch_content content;

	begin();
	batch_put_block(&out, far, sizeof(far));
	cr_expect_eq(check(), HM_REASON_BAD_BLOCK, "from 2^62 on");
	memcpy(out.data + HM_STAMP_BYTES + 8, near, sizeof(near));
	cr_assert_eq(check_of(N_SERIES, &content), HM_REASON_NONE, "from 1 - 2^63 on");
	cr_expect_eq(content.first_us, INT64_MIN + 1);
	cr_expect_eq(content.last_us - content.first_us, (int64_t)1 << 62);
}

Test(wire_batch, an_encoding_of_a_later_version_is_told_apart)
{
	begin();
	add_one(0, 1000, 42);
	/* Behind 4 bytes of length: times, columns, encoding of the times. */
	out.data[HM_STAMP_BYTES + 6] = 3;
	cr_expect_eq(check(), HM_REASON_UNKNOWN_ENCODING);
}

/* A block of `n_columns` whose values are all 1, at `n_times`: a few bytes a column. */
static void add_constant(size_t n_times, size_t n_columns)
{
	struct block_column *columns = calloc(n_columns, sizeof(*columns));
	int64_t *times_us = calloc(n_times, sizeof(*times_us));
	double *values = calloc(n_times, sizeof(*values));

	cr_assert(columns && times_us && values);
	for (size_t i = 0; i < n_columns; i++)
		columns[i] = (struct block_column){
			.series_id = (uint32_t)i, .values = values, .n_values = n_times};
	buffer_clear(&block);
	cr_assert_eq(block_encode(encoder, times_us, n_times, columns, n_columns, BLOCK_EFFORT_FAST,
				  &block),
		     0);
	batch_put_block(&out, block.data, block.length);
	free(columns);
	free(times_us);
	free(values);
}

Test(wire_batch, what_it_decodes_to_is_bounded)
{
	struct wire_batch_content content;

	begin();
	add_constant(1024, HM_BATCH_SAMPLES_MAX / 1024);
	cr_expect_eq(check_of(65536, &content), HM_REASON_NONE);
	cr_expect_eq(content.n_samples, HM_BATCH_SAMPLES_MAX);
	add_one(0, 0, 1);
	cr_expect_eq(check_of(65536, &content), HM_REASON_TOO_MANY_SAMPLES, "one more");
	begin();
	add_constant(1, 65535);
	cr_expect_eq(check_of(65536, &content), HM_REASON_NONE, "many series");
	begin();
	add_constant(65535, 1);
	cr_expect_eq(check_of(65536, &content), HM_REASON_NONE, "many times");
}

/* Times of which no series has a sample are work, too. */
Test(wire_batch, times_without_samples_are_bounded)
{
	static int64_t times_us[65536];
	static const struct block_run run = {0, 65536, 1};
	struct block_column column = {.runs = &run, .n_runs = 1};
	struct wire_batch_content content;

	begin();
	for (int i = 0; i < 5; i++) {
		enum hm_reason wanted = i < 4 ? HM_REASON_NONE : HM_REASON_TOO_MANY_SAMPLES;

		buffer_clear(&block);
		cr_assert_eq(block_encode(encoder, times_us, 65536, &column, 1, BLOCK_EFFORT_FAST,
					  &block),
			     0);
		batch_put_block(&out, block.data, block.length);
		cr_expect_eq(check_of(1, &content), wanted, "%d", i);
	}
}

/* A few bytes say that a column has a reason at each of many times: whoever stores these has to keep all. */
Test(wire_batch, absences_are_bounded)
{
	static int64_t times_us[65536];
	static struct block_run run = {0, 65536, HM_REASON_SOURCE_FAILED};
	struct block_column columns[5];
	struct wire_batch_content content;

	for (uint32_t i = 0; i < 5; i++)
		columns[i] = (struct block_column){.series_id = i, .runs = &run, .n_runs = 1};
	for (size_t n = 4; n <= 5; n++) {
		begin();
		buffer_clear(&block);
		cr_assert_eq(block_encode(encoder, times_us, 65536, columns, n, BLOCK_EFFORT_FAST,
					  &block),
			     0);
		batch_put_block(&out, block.data, block.length);
		cr_expect_eq(check_of(5, &content),
			     n == 4 ? HM_REASON_NONE : HM_REASON_TOO_MANY_SAMPLES);
	}
	cr_expect_eq(content.n_samples, 0, "they are none");
	/* Of which nothing is said costs nothing. */
	run.reason = HM_REASON_NONE;
	begin();
	buffer_clear(&block);
	cr_assert_eq(block_encode(encoder, times_us, 65536, columns, 5, BLOCK_EFFORT_FAST, &block),
		     0);
	batch_put_block(&out, block.data, block.length);
	cr_expect_eq(check_of(5, &content), HM_REASON_NONE);
}

Test(wire_batch, a_flipped_bit_does_no_harm)
{
	static const int64_t times_us[] = {1000000, 2000000, 3000000};
	static const double values[] = {0.5, 7, -3};

	begin();
	add(1, times_us, values, 3);
	for (size_t bit = (size_t)HM_STAMP_BYTES * 8; bit < out.length * 8; bit++) {
		uint8_t *exact = malloc(out.length);

		memcpy(exact, out.data, out.length);
		exact[bit / 8] ^= (uint8_t)(1 << bit % 8);
		(void)read_batch(exact, out.length);
		free(exact);
	}
	cr_expect_eq(check(), HM_REASON_NONE);
}
