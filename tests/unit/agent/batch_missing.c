/* SPDX-License-Identifier: MIT */
/* Tests of agent/batch.c: what is said of series that have no value. */

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>

#include "hostmetrics/wire.h"
#include "tests/support/test_batch.h"

/* What is said of all their series. */
#define RESTS(word) "rest of t: " word "\nrest of presses_total: " word "\nrest of load: " word "\n"

static struct test_batch test;

static void setup(void)
{
	test_batch_init(&test);
}

static void teardown(void)
{
	test_batch_done(&test);
}

TestSuite(batch_missing, .init = setup, .fini = teardown);

Test(batch_missing, does_not_ship_what_is_not_finite)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], NAN);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], INFINITY, "0", "x");
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], -INFINITY, "f12");

	cr_assert_str_eq(test_batch_format(&test), "");
	cr_assert_eq(test.batch.n_problems, 3);
	cr_assert_str_eq(test_batch_pack(&test), "load: source_failed\n"
						 "t{type=\"x\",zone=\"0\"}: source_failed\n"
						 "presses_total{key=\"f12\"}: source_failed\n");
}

Test(batch_missing, says_of_each_value_that_is_missing_why)
{
	batch_begin(&test.batch);
	hm_emit_missing(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], -EIO);
	hm_emit_missing(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], -ETIMEDOUT, "0",
			"x");
	test_batch_take_zone(&test, "1");
	cr_assert_str_eq(test_batch_pack(&test), "load: source_failed\n"
						 "t{type=\"x\",zone=\"0\"}: source_stuck\n"
						 "t{type=\"x\",zone=\"1\"} 1\n");
	test_batch_commit(&test);
	cr_assert_eq(test.batch.n_shown, 1, "a series without any value is not shown");

	/* Also of one that is missing for long. */
	for (int i = 0; i < 5; i++) {
		batch_begin(&test.batch);
		hm_emit_missing(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], -EIO);
		test_batch_commit(&test);
	}
	cr_assert_str_eq(test_batch_pack(&test), "load: source_failed\n");
	cr_assert_eq(test.batch.n_series, 1);
}

Test(batch_missing, says_once_that_a_series_is_gone)
{
	static const char *const both[] = {"0", "1"};

	test_batch_take_zones(&test, both, 2);
	test_batch_take_zones(&test, both, 1);
	batch_begin(&test.batch);
	test_batch_take_zone(&test, "0");
	cr_assert_str_eq(test_batch_pack(&test), "t{type=\"x\",zone=\"0\"} 1\n");

	/* One that was missing, too. */
	hm_emit_missing(&test.batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], -EIO, "1", "x");
	test_batch_commit(&test);
	batch_begin(&test.batch);
	test_batch_take_zone(&test, "0");
	cr_assert_str_eq(test_batch_pack(&test), "t{type=\"x\",zone=\"0\"} 1\n"
						 "t{type=\"x\",zone=\"1\"}: source_gone\n");
	/* That round is not safe, so it is said once more. */
	batch_begin(&test.batch);
	cr_assert_str_eq(test_batch_pack(&test), "t{type=\"x\",zone=\"0\"}: source_gone\n"
						 "t{type=\"x\",zone=\"1\"}: source_gone\n");
	test_batch_commit(&test);
	batch_begin(&test.batch);
	cr_assert_str_eq(test_batch_pack(&test), "");
}

Test(batch_missing, says_of_all_series_in_each_round_that_fails_that_they_are_missing)
{
	static const char *const both[] = {"0", "1"};

	test_batch_take_zones(&test, both, 2);
	for (int i = 0; i < 10; i++) {
		batch_begin(&test.batch);
		test_batch_take_zone(&test, "0");
		test_batch_take_zone(&test, "9");
		batch_discard(&test.batch, HM_REASON_SOURCE_FAILED);
		cr_assert_str_eq(test_batch_pack(&test),
				 "t{type=\"x\",zone=\"0\"}: source_failed\n"
				 "t{type=\"x\",zone=\"1\"}: source_failed\n");
		test_batch_commit(&test);
	}
	cr_assert_eq(test.batch.n_shown, 0, "their values are old");
	batch_begin(&test.batch);
	test_batch_take_zone(&test, "1");
	cr_assert_str_eq(test_batch_pack(&test), "t{type=\"x\",zone=\"1\"} 1\n"
						 "t{type=\"x\",zone=\"0\"}: source_gone\n");
}

Test(batch_missing, says_once_that_the_source_of_all_is_gone)
{
	static const char *const one[] = {"0"};

	test_batch_take_zones(&test, one, 1);
	for (int i = 0; i < 2; i++) {
		batch_begin(&test.batch);
		batch_discard(&test.batch, HM_REASON_SOURCE_GONE);
		cr_assert_str_eq(test_batch_pack(&test),
				 i == 0 ? "t{type=\"x\",zone=\"0\"}: source_gone\n" : "");
		test_batch_commit(&test);
	}
}

Test(batch_missing, says_of_a_time_without_a_round_what_is_missing)
{
	static const char *const both[] = {"0", "1"};
	struct buffer packed = {0};

	test_batch_take_zones(&test, both, 2);
	test_batch_take_zones(&test, both, 1);
	batch_pack_missing(&test.batch, 1, HM_REASON_SOURCE_STUCK, &packed);
	cr_assert_str_eq(test_batch_unpack(&test, &packed),
			 "t{type=\"x\",zone=\"0\"}: source_stuck\n");
	buffer_done(&packed);
}

Test(batch_missing, ships_a_total_that_it_owes_though_the_round_fails)
{
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_PRESSES], 5, "f12");
	batch_settle(&test.batch);
	batch_begin(&test.batch);
	batch_discard(&test.batch, HM_REASON_SOURCE_FAILED);

	cr_assert_str_eq(test_batch_pack(&test),
			 "presses_total{key=\"f12\"} 5\n" RESTS("source_failed"));
}

/* An agent before may have had series that this one does not know. */
Test(batch_missing, says_of_all_series_why_they_are_missing_until_it_knows_them)
{
	batch_begin(&test.batch);
	batch_discard(&test.batch, HM_REASON_SOURCE_FAILED);
	cr_expect_str_eq(test_batch_pack(&test), RESTS("source_failed"));
	test_batch_commit(&test);
	batch_begin(&test.batch);
	hm_emit(&test.batch, &test_batch_metrics[TEST_BATCH_LOAD], 1);
	cr_expect_str_eq(test_batch_pack(&test), "load 1\n" RESTS("source_gone"));
	cr_expect_str_eq(test_batch_pack(&test), "load 1\n" RESTS("source_gone"),
			 "it was not safe");
	test_batch_commit(&test);
	batch_begin(&test.batch);
	cr_expect_str_eq(test_batch_pack(&test), "load: source_gone\n");
	test_batch_commit(&test);
	batch_begin(&test.batch);
	batch_discard(&test.batch, HM_REASON_SOURCE_FAILED);
	cr_expect_str_eq(test_batch_pack(&test), "", "all are known");
}

Test(batch_missing, says_nothing_of_all_series_where_its_first_round_has_them)
{
	batch_begin(&test.batch);
	batch_discard(&test.batch, HM_REASON_SOURCE_GONE);
	cr_expect_str_eq(test_batch_pack(&test), "");
}
