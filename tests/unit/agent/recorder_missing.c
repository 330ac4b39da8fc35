/* SPDX-License-Identifier: MIT */
/* Tests of agent/recorder.c: what comes into the spool of samples that are missing. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/test_recorder.h"
#include "tests/support/test_spool.h"

static struct test_recorder test;

static void setup(void)
{
	test_recorder_open(&test);
}

static void teardown(void)
{
	test_recorder_close(&test);
}

TestSuite(recorder_missing, .init = setup, .fini = teardown, .timeout = 60);

Test(recorder_missing, writes_why_samples_are_missing)
{
	for (int64_t i = 1; i <= 4; i++) {
		test_recorder_put(&test, 10 * i, "a", (double)i);
		if (i < 2) {
			test_recorder_put(&test, 10 * i, "b", 5);
		} else {
			test_recorder_put_missing(&test, 10 * i, "b",
						  i < 4 ? HM_REASON_SOURCE_FAILED
							: HM_REASON_SOURCE_GONE);
		}
		/* One that never had a value is declared all the same. */
		test_recorder_put_missing(&test, 10 * i, "c", HM_REASON_SOURCE_STUCK);
		test_recorder_take(&test);
	}
	cr_assert_eq(recorder_n_unsealed(test.recorder), 5, "the marks are no samples");
	recorder_ship(test.recorder);
	cr_assert_str_eq(test_recorder_batched(&test),
			 "0: 10=1 20=2 30=3 40=4\n"
			 "1: 10=5 20=source_failed 30=source_failed 40=source_gone\n"
			 "2: 10=source_stuck 20=source_stuck 30=source_stuck "
			 "40=source_stuck\n");
	cr_assert_eq(test_recorder_status(&test).n_samples, 5);
}

static void put_rest(int64_t time_us, enum hm_reason reason)
{
	test_recorder_put_missing(&test, time_us, "", reason);
}

/* Its plugin does not know them: the agent has begun anew. */
Test(recorder_missing, says_of_all_series_of_a_metric_why_they_are_missing)
{
	test_recorder_put(&test, 10, "a", 1);
	test_recorder_put(&test, 10, "a{x=\"1\"}", 1);
	test_recorder_put(&test, 10, "ab", 1);
	test_recorder_take(&test);
	test_recorder_reopen(&test);
	put_rest(20, HM_REASON_SOURCE_FAILED);
	test_recorder_put(&test, 20, "ab", 2);
	test_recorder_take(&test);
	test_recorder_put(&test, 30, "a", 3);
	put_rest(30, HM_REASON_SOURCE_GONE);
	test_recorder_put(&test, 30, "ab", 3);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_expect_str_eq(test_recorder_batched(&test),
			 "0: 10=1\n1: 10=1\n2: 10=1\n"
			 "0: 20=source_failed 30=3\n1: 20=source_failed 30=source_gone\n"
			 "2: 20=2 30=3\n");
}

static void take_gone(void)
{
	test_recorder_put(&test, 10, "a", 1);
	test_recorder_put(&test, 10, "b", 1);
	test_recorder_put(&test, 10, "c", 1);
	test_recorder_take(&test);
	test_recorder_put(&test, 20, "a", 2);
	test_recorder_put_missing(&test, 20, "b", HM_REASON_SOURCE_GONE);
	test_recorder_put_missing(&test, 20, "c", HM_REASON_SOURCE_GONE);
	test_recorder_take(&test);
	test_recorder_put(&test, 30, "a", 3);
	test_recorder_put(&test, 30, "c", 3);
	test_recorder_take(&test);
}

Test(recorder_missing, says_again_what_is_gone_where_samples_were_lost)
{
	take_gone();
	recorder_lose(test.recorder, &(struct queue_span){20, 20});
	test_recorder_put(&test, 40, "a", 4);
	test_recorder_take(&test);
	test_recorder_put(&test, 50, "a", 5);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_expect_str_eq(test_recorder_batched(&test), "2: 10=1 20=source_gone 30=3\n"
						       "1: 10=1 20=source_gone 40=source_gone\n"
						       "0: 10=1 20=2 30=3 40=4 50=5\n");
}

/* Where a full spool lost something in each round, they would fill it, and nothing else would be kept. */
Test(recorder_missing, says_seldom_again_what_many_series_are_gone)
{
	const struct queue_span lost = {20, 20};
	char name[16];

	for (int i = 0; i < 1024; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		test_recorder_put(&test, 10, name, 1);
	}
	test_recorder_take(&test);
	for (int i = 0; i < 1024; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		test_recorder_put_missing(&test, 20, name, HM_REASON_SOURCE_GONE);
	}
	test_recorder_take(&test);
	for (int64_t time_us = 30; time_us <= 80; time_us += 10) {
		recorder_lose(test.recorder, &lost);
		test_recorder_put(&test, time_us, "a", 1);
		test_recorder_take(&test);
	}
	recorder_ship(test.recorder);
	cr_expect_not_null(strstr(test_recorder_batched(&test),
				  "\n1023: 10=1 20=source_gone 30=source_gone 70=source_gone\n"));
}

Test(recorder_missing, says_again_what_is_gone_where_a_gap_took_it)
{
	uint64_t sequence = 0;

	take_gone();
	recorder_ship(test.recorder);
	while (test_recorder_status(&test).n_gone_batches == 0)
		sequence = test_spool_append(test.spool, 100000, 1);
	recorder_ship(test.recorder);
	test_recorder_put(&test, 40, "a", 4);
	test_recorder_take(&test);
	test_recorder_put(&test, 50, "a", 5);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_expect_str_eq(test_recorder_batched_behind(&test, sequence),
			 "1: 40=source_gone\n0: 40=4 50=5\n");
}

Test(recorder_missing, writes_a_round_in_which_all_is_missing)
{
	test_recorder_put_missing(&test, 10, "a", HM_REASON_SOURCE_FAILED);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_assert_str_eq(test_recorder_batched(&test), "0: 10=source_failed\n");
	cr_assert_eq(test_recorder_status(&test).n_samples, 0);
	cr_assert_eq(test_recorder_status(&test).n_ticks, 0);
}

Test(recorder_missing, marks_what_is_left_out_only_where_it_has_samples)
{
	test_recorder_put_missing(&test, 10, "b", HM_REASON_QUOTA);
	test_recorder_put(&test, 10, "a", 1);
	test_recorder_put_missing(&test, 10, "c", HM_REASON_NOT_SAMPLED);
	test_recorder_put(&test, 10, "d", 1);
	test_recorder_take(&test);
	test_recorder_put_missing(&test, 20, "b", HM_REASON_NOT_SAMPLED);
	test_recorder_take(&test);
	/* Another agent knows them from the spool. */
	test_recorder_reopen(&test);
	test_recorder_put_missing(&test, 30, "c", HM_REASON_QUOTA);
	test_recorder_put_missing(&test, 30, "d", HM_REASON_QUOTA);
	test_recorder_put_missing(&test, 30, "a", HM_REASON_NOT_SAMPLED);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_assert_str_eq(test_recorder_spooled(&test),
			 "declare 0=a/1/seconds 1=d/1/seconds\nbatch\nbatch\n");
	cr_assert_str_eq(test_recorder_batched(&test),
			 "0: 10=1\n1: 10=1\n0: 30=not_sampled\n1: 30=quota\n");
	cr_assert_eq(recorder_n_lost(test.recorder), 0);
}
