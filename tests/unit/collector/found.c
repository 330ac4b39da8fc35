/* SPDX-License-Identifier: MIT */
/* Tests of the samples that a query gathers. */

#include "collector/found.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <time.h>

static struct budget budget = {.max = 1 << 20};
static const struct limits limits = {.memory = &budget};
static struct found_list list;

static void teardown(void)
{
	found_done(&list, &limits);
	cr_assert_eq(budget.used, 0);
}

TestSuite(found, .fini = teardown);

static void add(uint32_t position, int64_t time_us)
{
	const struct found found = {.position = position, .time_us = time_us};

	cr_assert_eq(found_add(&list, &limits, &found), 0);
}

static bool is_before(const struct found *a, const struct found *b)
{
	if (a->position != b->position)
		return a->position < b->position;
	return a->time_us != b->time_us ? a->time_us < b->time_us : a->number < b->number;
}

static uint32_t draw(uint64_t *seed, uint32_t n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(*seed >> 33) % n;
}

Test(found, is_sorted_by_series_time_and_order)
{
	uint64_t seed = (uint64_t)time(NULL);

	cr_log_info("seed %" PRIu64, seed);
	for (int i = 0; i < 8000; i++)
		add(draw(&seed, 50), draw(&seed, 500));
	found_sort(&list);
	cr_assert_eq(list.n, 8000);
	for (size_t i = 1; i < list.n; i++)
		cr_assert(is_before(&list.at[i - 1], &list.at[i]), "%zu", i);

	found_keep_latest(&list);
	for (size_t i = 1; i < list.n; i++)
		cr_assert(list.at[i - 1].position != list.at[i].position ||
			  list.at[i - 1].time_us < list.at[i].time_us);
}

Test(found, keeps_the_last_of_one_time)
{
	add(1, 5);
	add(0, 5);
	add(0, 5);
	found_sort(&list);
	found_keep_latest(&list);
	cr_assert_eq(list.n, 2);
	cr_assert_eq(list.at[0].number, 2);
	cr_assert_eq(list.at[1].number, 0);
}

Test(found, may_be_empty)
{
	found_sort(&list);
	found_keep_latest(&list);
	cr_assert_eq(list.n, 0);
}

Test(found, ends_at_the_limit)
{
	const struct found found = {0};
	int result = 0;

	while (result == 0)
		result = found_add(&list, &limits, &found);
	cr_assert_eq(result, -ENOBUFS);
	/* Not less than it may have by an eighth. */
	cr_assert_leq(list.n * FOUND_BYTES, 1 << 20);
	cr_assert_gt(list.n * FOUND_BYTES * 9 / 8, 1 << 20);
}
