/* SPDX-License-Identifier: MIT */
/* Tests of agent/batch.c. */

#include "agent/batch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostmetrics/wire.h"
#include "tests/support/test_batch.h"

static const struct hm_metric foreign = {.name = "foreign", .kind = HM_GAUGE};

static struct test_batch test;

static void setup(void)
{
	test_batch_init(&test);
}

static void teardown(void)
{
	test_batch_done(&test);
}

TestSuite(batch, .init = setup, .fini = teardown);

Test(batch, formats_lines_with_sorted_labels)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 45.5, "0", "acpitz");
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], 0.1);

	cr_assert_str_eq(test_batch_format(&test), "10.5 t{type=\"acpitz\",zone=\"0\"} 45.5\n"
						   "10.5 load 0.1\n");
}

Test(batch, escapes_label_values)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], 1, "a \"b\" \\");

	cr_assert_str_eq(test_batch_format(&test),
			 "10.5 presses_total{key=\"a \\\"b\\\" \\\\\"} 1\n");
}

Test(batch, ships_only_what_this_round_has)
{
	batch_begin(&test.batch);
	test_batch_take_zone(&test, "0");
	test_batch_take_zone(&test, "1");
	test_batch_commit(&test);
	batch_begin(&test.batch);
	test_batch_take_zone(&test, "1");

	cr_assert_str_eq(test_batch_format(&test), "10.5 t{type=\"x\",zone=\"1\"} 1\n");
}

Test(batch, looks_nothing_up_while_a_round_is_like_the_last_one)
{
	static const char *const zones[] = {"0", "1", "2"};

	test_batch_take_zones(&test, zones, 3);
	batch_begin(&test.batch);
	for (size_t i = 0; i < 3; i++) {
		const struct batch_series *expected = test.batch.cursor;

		test_batch_take_zone(&test, zones[i]);
		cr_assert_not_null(expected);
		cr_assert_eq(expected->round, test.batch.round);
		cr_assert_eq(test.batch.cursor, TAILQ_NEXT(expected, entry));
	}
	cr_assert_null(test.batch.cursor);
	cr_assert_eq(test.batch.n_series, 3);
}

Test(batch, takes_the_order_of_a_round_that_differs)
{
	static const char *const first[] = {"0", "1", "2", "3"};
	static const char *const second[] = {"3", "9", "1", "0", "2"};
	const struct batch_series *series;
	size_t i = 0;

	test_batch_take_zones(&test, first, 4);
	test_batch_take_zones(&test, second, 5);

	cr_assert_eq(test.batch.n_series, 5);
	TAILQ_FOREACH(series, &test.batch.series, entry)
		cr_assert_str_eq(series->labels, second[i++]);
}

Test(batch, tells_label_values_apart_that_join_to_the_same_text)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 1, "ab", "c");
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 2, "a", "bc");

	cr_assert_eq(test.batch.n_series, 2);
	cr_assert_eq(test.batch.n_problems, 0);
}

/* Labels that begin as those that should come next, or end before them, are others. */
Test(batch, takes_no_labels_for_those_of_the_last_round_that_only_begin_like_them)
{
	static const char *const values[][3] = {
		{"a", "b"}, {"ab", "c"}, {"ab", "cd"}, {"abx", "c"},
		{"", "ab"}, {"", ""},    {"ab", ""},
	};
	const size_t n_values = sizeof(values) / sizeof(values[0]);

	for (size_t i = 0; i < n_values; i++) {
		batch_begin(&test.batch);
		hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 1, "ab", "c");
		test_batch_commit(&test);
		batch_begin(&test.batch);
		hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 2, values[i][0],
			values[i][1]);
		cr_expect_eq(test.batch.n_problems, 0);
		cr_expect_eq(test.batch.n_series, i == 1 ? 1 : 2, "%zu", i);
		for (size_t j = 0; j <= BATCH_ROUNDS_KEPT; j++) {
			test_batch_commit(&test);
			batch_begin(&test.batch);
		}
		test_batch_commit(&test);
	}
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 1, "ab", "c");
	test_batch_commit(&test);
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 1, "ab", "c", "d");
	cr_expect_eq(test.batch.n_problems, 1);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 1, "ab");
	cr_expect_eq(test.batch.n_problems, 2);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 1, "ab", "c");
	cr_expect_eq(test.batch.n_problems, 2);
	cr_expect_eq(test.batch.n_series, 1);
}

Test(batch, forgets_series_that_were_not_seen_for_three_rounds)
{
	static const char *const both[] = {"0", "1"};

	test_batch_take_zones(&test, both, 2);
	test_batch_take_zones(&test, both, 1);
	test_batch_take_zones(&test, both, 1);
	cr_assert_eq(test.batch.n_series, 2);
	cr_assert_eq(test.batch.n_shown, 2);
	test_batch_take_zones(&test, both, 1);
	cr_assert_eq(test.batch.n_series, 1);
	cr_assert_eq(test.batch.n_shown, 1);

	test_batch_take_zones(&test, both, 2);
	cr_assert_eq(test.batch.n_shown, 2);
}

Test(batch, does_not_grow_with_devices_that_come_and_go)
{
	for (int i = 0; i < 1000; i++) {
		char zone[16];

		(void)snprintf(zone, sizeof(zone), "%d", i);
		batch_begin(&test.batch);
		test_batch_take_zone(&test, zone);
		test_batch_commit(&test);
		cr_assert_leq(test.batch.n_series, BATCH_ROUNDS_KEPT);
	}
}

static void expect_problem(const char *reason)
{
	cr_assert_str_eq(test_batch_format(&test), "");
	cr_assert_eq(test.batch.n_problems, 1);
	cr_assert_not_null(strstr(buffer_text(&test.batch.reasons), reason), "%s",
			   buffer_text(&test.batch.reasons));
}

Test(batch, keeps_the_reason_of_a_missing_value)
{
	batch_begin(&test.batch);
	hm_emit_missing(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], -EIO, "0",
			"acpitz");

	expect_problem("t{zone=\"0\",type=\"acpitz\"}: Input/output error\n");
	batch_begin(&test.batch);
	cr_assert_eq(test.batch.reasons.length, 0);
}

Test(batch, takes_a_value_with_too_few_labels_for_missing)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 1, "0");

	expect_problem("number of labels");
}

Test(batch, takes_a_value_with_too_many_labels_for_missing)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], 1, "0", "1", "2", "3", "4", "5",
		"6", "7", "8", "9");

	expect_problem("number of labels");
}

Test(batch, takes_a_foreign_metric_for_missing)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &foreign, 1);

	expect_problem("not its own");
}

Test(batch, takes_a_value_with_an_unclean_label_for_missing)
{
	static const char *const unclean[] = {"\xff", "a\x1b[31m", "\xc0\xaf", "a\nb", "\x7f"};

	for (size_t i = 0; i < sizeof(unclean) / sizeof(unclean[0]); i++) {
		batch_begin(&test.batch);
		hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], 1, unclean[i]);
		expect_problem("not UTF-8");
		cr_assert_null(strchr(buffer_text(&test.batch.reasons), '\x1b'));
	}
}

Test(batch, takes_labels_that_are_too_long_for_missing)
{
	static char label[HM_LABEL_SET_MAX_BYTES + 1];

	memset(label, 'x', HM_LABEL_SET_MAX_BYTES);
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], 1, label);

	expect_problem("too long");
	/* A line of the log stays one that a person can read. */
	cr_assert_leq(test.batch.reasons.length, 300);
}

Test(batch, takes_events_that_no_total_can_hold_for_missing)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], 1e308, "f12");
	test_batch_commit(&test);
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], 1e308, "f12");

	cr_assert_str_eq(test_batch_format(&test), "");
	expect_problem("too large");
}

Test(batch, takes_the_first_value_of_a_series_that_comes_twice)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], 1);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], 2);

	cr_assert_str_eq(test_batch_format(&test), "10.5 load 1\n");
	cr_assert_eq(test.batch.n_problems, 1);
}

Test(batch, keeps_a_bounded_number_of_reasons)
{
	batch_begin(&test.batch);
	for (int i = 0; i < 100000; i++)
		hm_emit_missing(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], -EIO);

	cr_assert_eq(test.batch.n_problems, 100000);
	cr_assert_leq(test.batch.reasons.length, BATCH_REASONS_MAX_BYTES + 100);
}

Test(batch, shows_the_last_safe_value)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], 1);
	test_batch_commit(&test);
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], 2);

	cr_assert_eq(test.batch.n_shown, 1);
	cr_assert_str_eq(test.batch.shown[0]->text, "load");
	cr_assert_eq(test.batch.shown[0]->shown_value, 1);
	cr_assert_eq(test.batch.shown[0]->shown_time_us, 10500000);
}

Test(batch, takes_one_that_was_never_used)
{
	struct hm_batch zeroed = {0};

	batch_done(&zeroed);
}
