/* SPDX-License-Identifier: MIT */
/* Tests of what a session declares. */

#include "collector/declarations.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct hash_key key = {{3, 4}};
static struct declarations *declarations;
static struct line line;

static void setup(void)
{
	cr_assert_eq(declarations_new(NULL, &declarations), 0);
}

static void teardown(void)
{
	declarations_free(declarations);
}

TestSuite(declarations, .init = setup, .fini = teardown);

static int add(const char *text)
{
	cr_assert_eq(line_parse(&line, text, strlen(text), 0), HM_REASON_NONE, "%s", text);
	return declarations_add(declarations, &key, &line);
}

static struct bundle_meta find(const char *metric)
{
	struct series_text name = {metric, strlen(metric)};

	return declarations_find(declarations, &key, &name);
}

static void assert_unit(const char *metric, const char *unit)
{
	struct bundle_meta meta = find(metric);

	cr_assert_eq(meta.unit_length, strlen(unit));
	cr_assert_arr_eq(meta.unit, unit, meta.unit_length);
}

Test(declarations, keeps_kind_and_unit_of_each_metric)
{
	cr_assert_eq(add("# TYPE a counter"), 0);
	cr_assert_eq(add("# UNIT a bytes"), 0);
	cr_assert_eq(add("# UNIT b seconds"), 0);

	cr_assert_eq(find("a").kind, HM_STORED_COUNTER);
	assert_unit("a", "bytes");
	cr_assert_eq(find("b").kind, HM_STORED_UNKNOWN);
	assert_unit("b", "seconds");
	cr_assert_eq(find("c").kind, HM_STORED_UNKNOWN);
	cr_assert_eq(find("c").unit_length, 0);
}

Test(declarations, believes_the_later_one)
{
	cr_assert_eq(add("# TYPE a counter"), 0);
	cr_assert_eq(add("# TYPE a gauge"), 0);
	cr_assert_eq(add("# UNIT a x"), 0);
	cr_assert_eq(add("# UNIT a yy"), 0);

	cr_assert_eq(find("a").kind, HM_STORED_GAUGE);
	assert_unit("a", "yy");
}

Test(declarations, holds_4096_metrics_and_no_more)
{
	char text[64];

	for (int i = 0; i < DECLARATIONS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "# TYPE metric_%d counter", i);
		cr_assert_eq(add(text), 0, "%d", i);
	}

	cr_assert_eq(add("# TYPE one_more counter"), -ENOSPC);
	for (int i = 0; i < DECLARATIONS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "metric_%d", i);
		cr_assert_eq(find(text).kind, HM_STORED_COUNTER, "%d", i);
	}
	cr_assert_eq(add("# TYPE metric_7 gauge"), 0);
	cr_assert_eq(find("metric_7").kind, HM_STORED_GAUGE);
}

Test(declarations, bounds_the_memory_that_one_sender_can_take)
{
	char text[100];
	int result = 0;

	for (int i = 0; i < 100000 && result == 0; i++) {
		(void)snprintf(text, sizeof(text), "# UNIT a %060d", i);
		result = add(text);
	}

	cr_assert_eq(result, -ENOSPC);
	cr_assert_eq(find("a").unit_length, 60);
}

Test(declarations, refuses_a_unit_over_the_limit)
{
	char text[32 + BUNDLE_UNIT_MAX_BYTES] = "# UNIT a ";

	memset(text + strlen(text), 'u', BUNDLE_UNIT_MAX_BYTES + 1);

	cr_assert_eq(add(text), -EINVAL);
	cr_assert_eq(find("a").unit_length, 0);
}

Test(declarations, of_all_sessions_share_one_budget_and_give_it_back)
{
	struct budget budget = {.max = 20000};
	struct declarations *first;
	struct declarations *second;
	char text[64];
	int result = 0;
	int n = 0;

	cr_assert_eq(declarations_new(&budget, &first), 0);
	cr_assert_eq(declarations_new(&budget, &second), 0);
	for (; result == 0 && n < DECLARATIONS_MAX; n++) {
		(void)snprintf(text, sizeof(text), "# TYPE metric_%d counter", n);
		cr_assert_eq(line_parse(&line, text, strlen(text), 0), HM_REASON_NONE);
		result = declarations_add(first, &key, &line);
	}
	cr_assert_eq(result, -ENOSPC);
	cr_assert_gt(n, 300);
	cr_assert_leq(budget.used, budget.max);

	/* What one has taken the other cannot have; what is kept is still found. */
	result = 0;
	for (int i = 0; result == 0 && i < DECLARATIONS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "# UNIT other_%d seconds", i);
		cr_assert_eq(line_parse(&line, text, strlen(text), 0), HM_REASON_NONE);
		result = declarations_add(second, &key, &line);
	}
	cr_assert_eq(result, -ENOSPC);
	declarations_free(first);
	cr_assert_eq(declarations_add(second, &key, &line), 0);
	declarations_free(second);
	cr_assert_eq(budget.used, 0);
}

Test(declarations, are_not_begun_where_the_budget_is_used_up)
{
	struct budget budget = {.max = 10};
	struct declarations *none = NULL;

	cr_assert_eq(declarations_new(&budget, &none), -ENOSPC);
	cr_assert_null(none);
	cr_assert_eq(budget.used, 0);
}
