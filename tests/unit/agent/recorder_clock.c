/* SPDX-License-Identifier: MIT */
/* Tests of agent/recorder.c: what comes into the spool of the clock, and of times of which samples are lost. */

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/test_recorder.h"

static struct test_recorder test;

static void setup(void)
{
	test_recorder_open(&test);
}

static void teardown(void)
{
	test_recorder_close(&test);
}

TestSuite(recorder_clock, .init = setup, .fini = teardown, .timeout = 60);

static void note(enum hm_clock_event what, int64_t now_us, int64_t change_us)
{
	const struct clock_event event = {
		.event = what, .now_us = now_us, .since_boot_us = 1, .change_us = change_us};

	recorder_note(test.recorder, &event);
}

Test(recorder_clock, notes_what_happens_to_the_clock)
{
	note(HM_CLOCK_STARTED, 1, 0);
	note(HM_CLOCK_STEPPED, 2, -5);
	note(HM_CLOCK_RESUMED, 3, 6);
	note(HM_CLOCK_HELD_UP, 4, 7);
	note(HM_CLOCK_STOPPED, 8, 0);
	recorder_ship(test.recorder);
	cr_assert_str_eq(test_recorder_spooled(&test),
			 "clock 1\nclock 3 at 2 by -5\nclock 4 at 3 by 6\n"
			 "clock 5 at 4 by 7\nclock 2\n");
}

static unsigned count_clocks(const char *said)
{
	unsigned n = 0;

	for (const char *at = test_recorder_spooled(&test); (at = strstr(at, said)); at++)
		n++;
	return n;
}

/* A plugin that is slower than its interval: that is no more than one event for each shipment. */
Test(recorder_clock, notes_that_it_is_held_up_at_every_turn_as_once)
{
	for (int64_t i = 1; i <= 600; i++) {
		note(HM_CLOCK_HELD_UP, 1000000000 + i * 3000000, 1500000);
		if (i % 20 == 0)
			recorder_ship(test.recorder);
	}
	cr_expect_eq(count_clocks("clock 5"), 31);
	cr_expect_eq(strstr(test_recorder_spooled(&test), "clock 5 at 1003000000 by 1500000\n"
							  "clock 5 at 1060000000 by 55500000\n"
							  "clock 5 at 1120000000 by 58500000\n"),
		     buffer_text(&test.text));
}

Test(recorder_clock, notes_at_once_that_it_is_held_up_again_after_a_while)
{
	note(HM_CLOCK_HELD_UP, 1000000000, 1500000);
	note(HM_CLOCK_HELD_UP, 1070000000, 1500000);
	note(HM_CLOCK_HELD_UP, 1075000000, 1500000);
	cr_assert_eq(spool_sync(test.spool), 0);
	cr_expect_eq(count_clocks("clock 5"), 2);
	/* What comes behind it is told behind it. */
	note(HM_CLOCK_STEPPED, 1000000000, -75000000);
	note(HM_CLOCK_HELD_UP, 1005000000, 1500000);
	cr_assert_eq(spool_sync(test.spool), 0);
	cr_expect_str_eq(test_recorder_spooled(&test), "clock 5 at 1000000000 by 1500000\n"
						       "clock 5 at 1070000000 by 1500000\n"
						       "clock 5 at 1075000000 by 1500000\n"
						       "clock 3 at 1000000000 by -75000000\n"
						       "clock 5 at 1005000000 by 1500000\n");
}

/* What the spool has no room for is one span, and written when it has. */
Test(recorder_clock, notes_later_what_the_spool_has_no_room_for)
{
	const int64_t n = 5000;
	struct spool_epoch_info info;
	unsigned n_noted;
	char lost[100];

	for (int64_t i = 1; i <= n; i++)
		note(HM_CLOCK_STEPPED, i * 100000000, 50000000);
	note(HM_CLOCK_STOPPED, n * 100000000 + 1, 0);
	test_recorder_put(&test, n * 100000000 + 2, "a", 1);
	test_recorder_take(&test);
	cr_expect_eq(recorder_n_lost(test.recorder), 0, "there is room for its declaration");
	recorder_ship(test.recorder);
	n_noted = count_clocks("clock 3");
	cr_assert_lt(n_noted, n);
	cr_expect_eq(count_clocks("clock 2"), 1);
	cr_expect_eq(count_clocks("clock 6"), 0);

	cr_assert_eq(spool_get_epoch(test.spool, 0, &info), 0);
	spool_acked(test.spool, info.id, info.last);
	recorder_ship(test.recorder);
	(void)snprintf(lost, sizeof(lost), "clock 6 at %" PRId64 " by %" PRId64 "\n", n * 100000000,
		       n * 100000000 - (int64_t)(n_noted + 1) * 100000000 + 50000000);
	cr_expect_eq(count_clocks(lost), 1, "%s", lost);
}

Test(recorder_clock, notes_once_of_what_times_samples_were_lost)
{
	test_recorder_put(&test, INT64_C(1795392010000000), "a b", 1);
	test_recorder_put(&test, INT64_C(1795392010000000), "a", 1);
	test_recorder_put_missing(&test, INT64_C(1795392020000000), "a b", HM_REASON_SOURCE_FAILED);
	test_recorder_take(&test);
	recorder_lose(test.recorder,
		      &(struct queue_span){INT64_C(1795392000000000), INT64_C(1795392005000000)});
	recorder_ship(test.recorder);
	recorder_ship(test.recorder);
	cr_assert_str_eq(test_recorder_spooled(&test), "declare 0=a/1/seconds\nbatch\n"
						       "clock 6 at 1795392020000000 by 20000000\n");
	cr_assert_eq(recorder_n_lost(test.recorder), 1);

	recorder_lose(test.recorder,
		      &(struct queue_span){INT64_C(1795392030000000), INT64_C(1795392030000000)});
	recorder_ship(test.recorder);
	cr_assert_not_null(
		strstr(test_recorder_spooled(&test), "clock 6 at 1795392030000000 by 1\n"));
}

/* The clock was set back and forth: all samples are there once, in the order in which they were taken. */
Test(recorder_clock, keeps_all_samples_whatever_the_clock_does)
{
	static const int64_t times_us[] = {10, 20, 30, 5, 15, 30, 30, 1000000000000000, 40, 50};
	const size_t n = sizeof(times_us) / sizeof(times_us[0]);

	for (size_t i = 0; i < n; i++) {
		test_recorder_put(&test, times_us[i], "a", (double)i);
		test_recorder_put(&test, times_us[i], "b", (double)i);
		test_recorder_take(&test);
		if (i == 4)
			test_recorder_reopen(&test);
	}
	recorder_ship(test.recorder);
	cr_assert_str_eq(test_recorder_batched(&test),
			 "0: 10=0 20=1 30=2\n1: 10=0 20=1 30=2\n0: 5=3 15=4\n1: 5=3 15=4\n"
			 "0: 30=5 30=6 1000000000000000=7\n1: 30=5 30=6 1000000000000000=7\n"
			 "0: 40=8 50=9\n1: 40=8 50=9\n");
	cr_assert_eq(test_recorder_status(&test).n_samples, 2 * n);
}
