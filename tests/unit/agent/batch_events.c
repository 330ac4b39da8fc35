/* SPDX-License-Identifier: MIT */
/* Tests of agent/batch.c: totals of events, which no round counts twice and none loses. */

#include <criterion/criterion.h>
#include <stdio.h>

#include "hostmetrics/wire.h"
#include "tests/support/test_batch.h"

static struct test_batch test;

static void setup(void)
{
	test_batch_init(&test);
}

static void teardown(void)
{
	test_batch_done(&test);
}

TestSuite(batch_events, .init = setup, .fini = teardown);

static const char *press(double n_presses)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], n_presses, "f12");
	return test_batch_format(&test);
}

static void expect_presses(const char *text, double total)
{
	char expected[100];

	(void)snprintf(expected, sizeof(expected), "10.5 presses_total{key=\"f12\"} %g\n", total);
	cr_assert_str_eq(text, expected);
}

Test(batch_events, adds_counted_events_up_when_a_round_is_safe)
{
	expect_presses(press(2), 2);
	test_batch_commit(&test);
	expect_presses(press(3), 5);
	test_batch_commit(&test);
	expect_presses(press(0), 5);
}

Test(batch_events, gives_the_same_total_twice_when_a_round_was_not_safe)
{
	press(2);
	test_batch_commit(&test);

	expect_presses(press(3), 5);
	expect_presses(press(3), 5);
	expect_presses(press(4), 6);
}

Test(batch_events, keeps_a_total_of_a_series_that_is_gone_for_long)
{
	press(7);
	test_batch_commit(&test);
	for (int i = 0; i < 100; i++) {
		batch_begin(&test.batch);
		test_batch_commit(&test);
	}
	cr_assert_eq(test.batch.n_shown, 0);

	expect_presses(press(1), 8);
}

Test(batch_events, ships_what_was_counted_before_a_restart_with_the_next_round)
{
	press(2);
	test_batch_commit(&test);
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], 5, "f12");
	batch_settle(&test.batch);

	/* The device is gone: the plugin says nothing of it any more. */
	batch_begin(&test.batch);
	expect_presses(test_batch_format(&test), 7);
	/* Not safe: it is shipped again. */
	batch_begin(&test.batch);
	expect_presses(test_batch_format(&test), 7);
	test_batch_commit(&test);
	batch_begin(&test.batch);
	cr_assert_str_eq(test_batch_format(&test), "");
}

Test(batch_events, counts_events_before_and_after_a_restart_once_each)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], 5, "f12");
	batch_settle(&test.batch);

	expect_presses(press(1), 6);
	test_batch_commit(&test);
	expect_presses(press(0), 6);
}

Test(batch_events, gives_nothing_of_a_round_that_is_discarded)
{
	batch_begin(&test.batch);
	test_batch_take_zone(&test, "0");
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], 5, "f12");
	batch_discard(&test.batch, HM_REASON_SOURCE_FAILED);
	cr_assert_str_eq(test_batch_format(&test), "");
	test_batch_commit(&test);
	cr_assert_eq(test.batch.n_shown, 0);

	expect_presses(press(1), 1);
}

Test(batch_events, does_not_let_a_total_fall)
{
	press(2);
	test_batch_commit(&test);
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], -1, "f12");

	cr_assert_str_eq(test_batch_format(&test), "");
	cr_assert_eq(test.batch.n_problems, 1);
}
