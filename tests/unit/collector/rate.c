/* SPDX-License-Identifier: MIT */
/* Tests of how many things a second came lately. */

#include "collector/rate.h"

#include <criterion/criterion.h>

#define SECOND_US INT64_C(1000000)

static struct rate rate;
static double found;

static void setup(void)
{
	rate = (struct rate){0};
	found = -1;
}

TestSuite(rate, .init = setup);

/* So many each time, every so many seconds, from `first` to `last`. */
static void come(uint64_t n, int64_t first_s, int64_t last_s, int64_t step_s)
{
	for (int64_t s = first_s; s <= last_s; s += step_s)
		rate_add(&rate, n, s * SECOND_US);
}

static bool is_known_at(int64_t seconds)
{
	return rate_get(&rate, seconds * SECOND_US, &found);
}

Test(rate, is_not_known_before_the_second_arrival)
{
	cr_expect_not(is_known_at(5));
	rate_add(&rate, 100, 5 * SECOND_US);
	cr_expect_not(is_known_at(6));
	rate_add(&rate, 30, 15 * SECOND_US);
	cr_expect(is_known_at(16));
	cr_expect_float_eq(found, 3, 1e-9, "what came first came in the time before it");
}

Test(rate, of_what_comes_once_a_minute_is_the_same_at_any_moment)
{
	for (int64_t minute = 1; minute < 100; minute++) {
		rate_add(&rate, 600, minute * 60 * SECOND_US);
		for (int64_t s = 0; s < 60 && minute > 1; s++) {
			cr_assert(is_known_at(minute * 60 + s));
			cr_assert_float_eq(found, 10, 1e-9, "minute %lld", (long long)minute);
		}
	}
}

Test(rate, forgets_what_came_ten_minutes_ago)
{
	come(1000, 0, 3600, 1);
	come(10, 3601, 3600 + 601, 1);
	cr_assert(is_known_at(3600 + 601));
	cr_expect_float_eq(found, 10, 1e-9);
}

Test(rate, tells_what_changed_within_ten_minutes_and_not_the_moment)
{
	come(1000, 0, 3600, 1);
	come(10, 3601, 3660, 1);
	cr_assert(is_known_at(3660));
	cr_expect_gt(found, 500);
	cr_expect_lt(found, 1000);
}

Test(rate, is_none_once_nothing_came_for_five_minutes)
{
	come(10, 0, 100, 1);
	cr_assert(is_known_at(100 + 300));
	cr_expect_float_eq(found, 10, 1e-9);
	cr_assert(is_known_at(100 + 301));
	cr_expect_eq(found, 0);
}

Test(rate, does_not_spread_what_comes_after_a_long_while_over_it)
{
	come(10, 0, 100, 1);
	rate_add(&rate, 5000, 90000 * SECOND_US);
	cr_expect_not(is_known_at(90000));
	rate_add(&rate, 60, 90060 * SECOND_US);
	cr_assert(is_known_at(90060));
	cr_expect_float_eq(found, 1, 1e-9);
}
