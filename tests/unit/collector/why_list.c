/* SPDX-License-Identifier: MIT */
/* Tests of what was found out of all series of a host. */

#include "collector/why_list.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct hash_key key = {{1, 2}};
static struct budget budget;
static struct limits limits = {.memory = &budget};
static struct why_list list = {.key = &key, .limits = &limits};
static struct catalog_series series[3];

static void setup(void)
{
	budget.max = 1 << 20;
}

static void teardown(void)
{
	why_list_done(&list);
	cr_expect_eq(budget.used, 0, "all memory is given back");
}

TestSuite(why_list, .init = setup, .fini = teardown);

static int add(int64_t from_us, int64_t to_us, unsigned what, const struct catalog_series *of)
{
	const struct why_finding finding = {.from_us = from_us, .to_us = to_us, .what = what};

	return why_list_add(&list, &finding, of);
}

Test(why_list, counts_what_is_the_same_of_several_once)
{
	const struct why_finding **sorted;

	cr_assert_eq(add(10, 20, HM_REASON_DELETED, &series[1]), 0);
	cr_assert_eq(add(10, 20, HM_REASON_DELETED, &series[2]), 0);
	cr_assert_eq(add(10, 20, HM_REASON_QUOTA, &series[0]), 0);
	cr_assert_eq(add(10, WHY_STILL, HM_REASON_DELETED, &series[0]), 0);
	cr_assert_eq(add(-5, 20, HM_REASON_DELETED, &series[0]), 0);
	cr_assert_eq(why_list_sort(&list, &sorted), 0);
	cr_assert_eq(list.findings.n, 4);
	cr_expect_eq(sorted[0]->from_us, -5);
	cr_expect_eq(sorted[1]->what, HM_REASON_DELETED);
	cr_expect_eq(sorted[1]->n_series, 2);
	cr_expect_eq(sorted[1]->series, &series[1], "the first of them");
	cr_expect_eq(sorted[2]->what, HM_REASON_QUOTA);
	cr_expect_eq(sorted[3]->to_us, WHY_STILL);
	free(sorted);
}

Test(why_list, takes_no_more_memory_than_it_may)
{
	int result = 0;
	int n = 0;

	for (; result == 0; n++)
		result = add(n, n + 1, HM_REASON_DELETED, &series[0]);
	cr_expect_eq(result, -ENOBUFS);
	cr_expect_gt(n, 1000);
	cr_expect_eq(add(0, 1, HM_REASON_DELETED, &series[1]), 0,
		     "what is there already is counted");
}

Test(why_list, has_words_for_all_that_is_told)
{
	for (unsigned what = HM_REASON_NONE + 1; what < HM_REASON_COUNT; what++)
		cr_expect_str_neq(why_key(what), "unknown", "%u", what);
	cr_expect_str_eq(why_key(HM_REASON_NONE), "unknown");
	for (unsigned what = WHY_SAMPLE; what <= WHY_NOT_DUE; what++) {
		cr_expect_str_neq(why_key(what), "unknown", "%u", what);
		cr_expect_neq(strlen(why_text(what)), 0);
	}
	cr_expect_str_eq(why_text(HM_REASON_HOST_SLEPT), "the host was suspended");
	cr_expect_str_eq(why_key(60000), "unknown", "of a later version");
}
