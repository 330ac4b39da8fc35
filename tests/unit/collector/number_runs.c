/* SPDX-License-Identifier: MIT */
/* Tests of growing numbers in runs. */

#include "collector/number_runs.h"

#include <criterion/criterion.h>
#include <stddef.h>

static struct pool pool;

static void setup(void)
{
	pool = (struct pool){.item_bytes = sizeof(struct number_run)};
}

static void teardown(void)
{
	pool_done(&pool);
}

TestSuite(number_runs, .init = setup, .fini = teardown);

static void assert_has(const struct number_runs *runs, const uint32_t *numbers, size_t n)
{
	size_t at = 0;

	for (const struct number_run *run = &runs->first; run; run = number_runs_next(&pool, run)) {
		for (uint32_t i = 0; i < run->n; i++, at++) {
			cr_assert_lt(at, n);
			cr_assert_eq(run->first + i, numbers[at]);
		}
	}
	cr_assert_eq(at, n);
}

Test(number_runs, numbers_that_follow_each_other_take_nothing_of_the_pool)
{
	const uint32_t numbers[] = {7, 8, 9};
	struct number_runs runs = {0};

	assert_has(&runs, NULL, 0);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(number_runs_add(&runs, &pool, numbers[i]), 0);
	assert_has(&runs, numbers, 3);
	cr_assert_eq(pool.n, 0);
}

Test(number_runs, lists_that_share_a_pool_keep_apart)
{
	const uint32_t evens[] = {0, 2, 4, 6, 7, 100}, odds[] = {1, 3, 5, 9, 10, 11};
	struct number_runs even = {0}, odd = {0};

	for (size_t i = 0; i < 6; i++) {
		cr_assert_eq(number_runs_add(&even, &pool, evens[i]), 0);
		cr_assert_eq(number_runs_add(&odd, &pool, odds[i]), 0);
	}
	assert_has(&even, evens, 6);
	assert_has(&odd, odds, 6);
	cr_assert_eq(pool.n, 4 + 3);
}
