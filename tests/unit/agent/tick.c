/* SPDX-License-Identifier: MIT */
/* Tests of what was taken at one tick. */

#include "agent/tick.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"
#include "hostmetrics/wire.h"
#include "tests/support/random_block.h"

#define TIME_US INT64_C(1795416400000000)

static struct tick tick;
static struct tick copy;
static struct buffer out;

static void setup(void)
{
	tick_begin(&tick, TIME_US);
}

static void teardown(void)
{
	tick_done(&tick);
	tick_done(&copy);
	buffer_done(&out);
}

TestSuite(tick, .init = setup, .fini = teardown);

/* From memory of just that length. */
static int decode(const void *bytes, size_t length, uint32_t n_series)
{
	uint8_t *exact = malloc(length + !length);
	int result;

	if (length > 0)
		memcpy(exact, bytes, length);
	result = tick_decode(&copy, exact, length, n_series);
	free(exact);
	return result;
}

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static void expect_same(void)
{
	cr_expect_eq(copy.time_us, tick.time_us);
	cr_expect_eq(copy.n_set, tick.n_set);
	cr_assert_eq(copy.n_ids, tick.n_ids);
	for (uint32_t id = 0; id < tick.n_ids; id++) {
		const struct tick_sample *a = &copy.samples[id];
		const struct tick_sample *b = &tick.samples[id];

		cr_expect(a->is_there == b->is_there && a->is_missing == b->is_missing &&
				  a->reason == b->reason && bits_of(a->value) == bits_of(b->value),
			  "%u", id);
	}
}

static void expect_it_comes_back(void)
{
	buffer_clear(&out);
	tick_encode(&tick, &out);
	cr_assert_not(buffer_failed(&out));
	cr_assert_eq(decode(out.data, out.length, tick.n_ids), 0);
	expect_same();
}

Test(tick, every_value_comes_back_bit_for_bit)
{
	static const double values[] = {
		0,       -0.0,         1,       -1,       0.1,     12345, 1e300,
		DBL_MIN, DBL_TRUE_MIN, DBL_MAX, -DBL_MAX, 1.0 / 3, 4096,  9007199254740993.0,
	};
	const uint32_t n = sizeof(values) / sizeof(values[0]);

	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(tick_set(&tick, i, values[i]), 0);
	expect_it_comes_back();
	cr_assert_eq(tick_set(&tick, n, 2.5), 0);
	expect_it_comes_back();
}

Test(tick, ids_may_be_left_out_and_come_in_any_order)
{
	cr_assert_eq(tick_set(&tick, 500, 5), 0);
	cr_assert_eq(tick_set(&tick, 3, 3), 0);
	cr_assert_eq(tick_set_missing(&tick, 4, HM_REASON_STORE_FAILED), 0);
	cr_assert_eq(tick_set_missing(&tick, 5, HM_REASON_NONE), 0);
	cr_assert_eq(tick_set_missing(&tick, 7, HM_REASON_NONE), 0);
	cr_assert_eq(tick_set(&tick, 6, 6), 0);
	cr_expect_eq(tick.n_set, 6);

	expect_it_comes_back();
	cr_expect_not(copy.samples[499].is_there);
	cr_expect(copy.samples[5].is_missing);
}

Test(tick, one_without_samples_comes_back)
{
	expect_it_comes_back();
	cr_expect_eq(out.length, 8);
}

Test(tick, another_one_holds_nothing_of_the_one_before)
{
	cr_assert_eq(tick_set(&tick, 1, 1), 0);
	cr_assert_eq(tick_set(&tick, 9, 1), 0);
	tick_begin(&tick, TIME_US + 1);
	cr_assert_eq(tick_set(&tick, 5, 1), 0);

	cr_expect_eq(tick.n_set, 1);
	cr_expect_eq(tick.n_ids, 6);
	cr_expect_not(tick.samples[1].is_there);
	expect_it_comes_back();
}

Test(tick, a_series_has_one_thing_and_that_is_finite)
{
	cr_assert_eq(tick_set(&tick, 1, 1), 0);
	cr_assert_eq(tick_set_missing(&tick, 2, HM_REASON_NONE), 0);

	cr_expect_eq(tick_set(&tick, 1, 2), -EEXIST);
	cr_expect_eq(tick_set_missing(&tick, 1, HM_REASON_NONE), -EEXIST);
	cr_expect_eq(tick_set(&tick, 2, 2), -EEXIST);
	cr_expect_eq(tick_set(&tick, 3, NAN), -EINVAL);
	cr_expect_eq(tick_set(&tick, 3, -INFINITY), -EINVAL);
	cr_expect_eq(tick_set(&tick, HM_EPOCH_SERIES_MAX, 1), -EINVAL);
	cr_expect_eq(tick_set(&tick, HM_EPOCH_SERIES_MAX - 1, 1), 0);
	cr_expect_eq(tick.n_set, 3);
	expect_it_comes_back();
}

Test(tick, small_whole_numbers_take_few_bytes)
{
	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_eq(tick_set(&tick, i, i), 0);
	tick_encode(&tick, &out);

	/* Half a byte for the length, two or three for the number. */
	cr_expect_lt(out.length, 3500);
}

Test(tick, ids_that_are_not_declared_are_refused)
{
	cr_assert_eq(tick_set(&tick, 9, 1), 0);
	tick_encode(&tick, &out);

	cr_expect_eq(decode(out.data, out.length, 9), -EBADMSG);
	cr_expect_eq(copy.n_set, 0);
	cr_expect_eq(decode(out.data, out.length, 0), -EBADMSG);
	cr_expect_eq(decode(out.data, out.length, 10), 0);
	cr_expect_eq(decode(out.data, out.length, UINT32_MAX), 0);
	/* More than an epoch has. */
	buffer_clear(&out);
	cursor_put_u64(&out, 0);
	buffer_append(&out, "\x80\x80\x40\x03\x09", 5);
	cr_expect_eq(decode(out.data, out.length, UINT32_MAX), -EBADMSG);
}

Test(tick, bytes_that_are_none_are_refused)
{
	static const struct {
		const char *what;
		size_t length;
		uint8_t bytes[16];
	} runs[] = {
		{"no series", 2, {0, 0}},
		{"no missing series", 3, {0, 1, 9}},
		{"too many series", 2, {0, 202}},
		{"the first beyond the last", 3, {101, 3, 9}},
		{"the last beyond the last", 3, {100, 3, 9}},
		{"a number that is too long", 4, {0x80, 0, 3, 9}},
		{"a number that does not end", 1, {0x80}},
		{"a value of 9 bytes", 12, {0, 2, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{"a value that ends with 0", 5, {0, 2, 2, 0x3f, 0}},
		{"a value that is cut", 4, {0, 2, 2, 0x3f}},
		{"lengths that are cut", 3, {0, 6, 0}},
		{"the length of a second value", 5, {0, 2, 0x22, 0x3f, 0xf0}},
		{"an infinity", 5, {0, 2, 2, 0x7f, 0xf0}},
		{"a NaN", 5, {0, 2, 2, 0x7f, 0xf8}},
		{"a reason that is cut", 2, {0, 3}},
		{"two runs that are one", 6, {0, 3, 9, 0, 3, 9}},
		{"two runs of values that are one", 6, {0, 2, 0, 0, 2, 0}},
	};

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		buffer_clear(&out);
		tick_encode(&tick, &out);
		buffer_append(&out, runs[i].bytes, runs[i].length);
		cr_expect_eq(decode(out.data, out.length, 100), -EBADMSG, "%s", runs[i].what);
		cr_expect_eq(copy.n_set, 0, "%s", runs[i].what);
	}
}

Test(tick, runs_that_could_not_be_one_are_taken)
{
	static const uint8_t runs[] = {0, 3, 9, 0, 3, 8, 0, 2, 0, 1, 2, 0};

	tick_encode(&tick, &out);
	buffer_append(&out, runs, sizeof(runs));
	cr_assert_eq(decode(out.data, out.length, 100), 0);
	cr_expect_eq(copy.n_set, 4);
	cr_expect_eq(copy.n_ids, 5);
}

Test(tick, a_time_that_is_none_is_refused)
{
	tick_begin(&tick, INT64_MIN);
	tick_encode(&tick, &out);
	cr_expect_eq(decode(out.data, out.length, 100), -EBADMSG);
	for (size_t length = 0; length < 8; length++)
		cr_expect_eq(decode(out.data, length, 100), -EBADMSG);
}

Test(tick, what_is_cut_within_a_run_is_refused)
{
	size_t n_good = 0;

	for (uint32_t i = 0; i < 20; i++)
		cr_assert_eq(tick_set(&tick, i + i / 5, 0.1 * i), 0);
	cr_assert_eq(tick_set_missing(&tick, 100, HM_REASON_STORE_FAILED), 0);
	tick_encode(&tick, &out);
	for (size_t length = 0; length < out.length; length++)
		n_good += decode(out.data, length, 200) == 0;
	/* At the end of the time and of four of the five runs. */
	cr_expect_eq(n_good, 5);
}

Test(tick, random_ones_come_back)
{
	uint64_t state = 1;

	for (unsigned round = 0; round < 200; round++) {
		uint32_t n_ids = (uint32_t)random_below(&state, 300);

		tick_begin(&tick, (int64_t)random_next(&state) / 2);
		for (uint32_t id = 0; id < n_ids; id++) {
			double value;

			switch (random_below(&state, 8)) {
			case 0:
				break;
			case 1:
				cr_assert_eq(
					tick_set_missing(&tick, id,
							 (enum hm_reason)random_below(&state, 3)),
					0);
				break;
			default:
				random_values(&state,
					      (unsigned)random_below(&state, RANDOM_BLOCK_SHAPES),
					      &value, 1);
				if (isfinite(value))
					cr_assert_eq(tick_set(&tick, id, value), 0);
			}
		}
		expect_it_comes_back();
	}
}
