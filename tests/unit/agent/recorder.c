/* SPDX-License-Identifier: MIT */
/* Tests of agent/recorder.c: what comes into the spool. */

#include "agent/recorder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

TestSuite(recorder, .init = setup, .fini = teardown, .timeout = 60);

Test(recorder, declares_a_series_once_and_seals_when_it_is_to_be_shipped)
{
	test_recorder_put(&test, 10, "a{x=\"1\"}", 1);
	test_recorder_put_events(&test, 10, "b_total", 2);
	test_recorder_take(&test);
	cr_assert_str_eq(test_recorder_spooled(&test), "", "nothing before it is durable");
	cr_assert_eq(test_recorder_status(&test).n_ticks, 1);
	cr_assert_eq(recorder_n_unsealed(test.recorder), 2);

	test_recorder_put(&test, 20, "a{x=\"1\"}", 1);
	test_recorder_put(&test, 20, "a{x=\"2\"}", 1);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_assert_str_eq(test_recorder_spooled(&test),
			 "declare 0=a{x=\"1\"}/1/seconds 1=b_total/2/\n"
			 "declare 2=a{x=\"2\"}/1/seconds\nbatch\n");
	cr_assert_eq(test_recorder_status(&test).n_ticks, 0);
	cr_assert_eq(test_recorder_status(&test).n_samples, 4);
	cr_assert_eq(recorder_n_unsealed(test.recorder), 0);

	recorder_ship(test.recorder);
	cr_assert_eq(test_recorder_status(&test).n_messages, 3, "nothing is shipped twice");
}

/* Where a series was in the last round is where it is looked for first; that another stands there shows by its order. */
Test(recorder, follows_series_that_change_their_places_in_a_round)
{
	static const struct {
		const char *names[4];
		uint64_t orders[4];
	} rounds[] = {
		{{"a", "b", "c"}, {1, 2, 3}},  {{"a", "b", "c"}, {1, 2, 3}},
		{{"b", "a", "c"}, {2, 1, 3}},  {{"b", "c"}, {2, 3}},
		{{"d", "b", "c"}, {4, 2, 3}},  {{"a", "b", "b2"}, {1, 0, 0}},
		{{"a", "b2", "b"}, {5, 0, 2}}, {{"a", "b", "c", "d"}, {5, 2, 3, 4}},
	};

	for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
		for (size_t j = 0; j < 4 && rounds[i].names[j]; j++)
			test_recorder_put_ordered(&test, (int64_t)i, rounds[i].names[j],
						  rounds[i].names[j][0], rounds[i].orders[j]);
		test_recorder_take(&test);
	}
	recorder_ship(test.recorder);
	cr_expect_str_eq(test_recorder_spooled(&test),
			 "declare 0=a/1/seconds 1=b/1/seconds 2=c/1/seconds\n"
			 "declare 3=d/1/seconds\ndeclare 4=b2/1/seconds\nbatch\n");
	cr_expect_str_eq(test_recorder_batched(&test),
			 "4: 5=98 6=98\n0: 0=97 1=97 2=97 5=97 6=97 7=97\n"
			 "1: 0=98 1=98 2=98 3=98 4=98 5=98 6=98 7=98\n"
			 "2: 0=99 1=99 2=99 3=99 4=99 7=99\n3: 4=100 7=100\n");
}

Test(recorder, seals_the_ticks_that_another_has_left_and_goes_on_with_its_series)
{
	test_recorder_put(&test, 10, "a", 1);
	test_recorder_take(&test);
	test_recorder_reopen(&test);
	cr_assert_str_eq(test_recorder_spooled(&test), "declare 0=a/1/seconds\nbatch\n");
	test_recorder_put(&test, 20, "a", 1);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_assert_str_eq(test_recorder_spooled(&test), "declare 0=a/1/seconds\nbatch\nbatch\n");
	cr_assert_eq(test_recorder_status(&test).n_samples, 2);
}

Test(recorder, passes_over_ticks_that_are_none)
{
	static const uint8_t empty[8];
	uint64_t number;

	cr_assert_eq(spool_append_tick(test.spool, "?", 1, &number), 0);
	cr_assert_eq(spool_append_tick(test.spool, empty, sizeof(empty), &number), 0);
	recorder_ship(test.recorder);
	cr_assert_eq(test_recorder_status(&test).n_messages, 0);
	test_recorder_put(&test, 10, "a", 1);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_assert_str_eq(test_recorder_spooled(&test), "declare 0=a/1/seconds\nbatch\n");
	cr_assert_eq(test_recorder_status(&test).n_ticks, 0,
		     "the batch behind them supersedes them");
}

/* A crash, or damage, took the declaration of what a tick is of. */
Test(recorder, gives_no_tick_the_series_of_others)
{
	uint8_t payload[64];
	struct spool_tick tick;
	size_t length;
	uint64_t number;

	test_recorder_put(&test, 10, "a", 1);
	test_recorder_take(&test);
	cr_assert_eq(spool_get_tick(test.spool, 0, &tick), 0);
	length = tick.payload_bytes;
	cr_assert_leq(length, sizeof(payload));
	memcpy(payload, tick.payload, length);
	recorder_free(test.recorder);
	spool_free(test.spool);
	test.spool = test_spool_open(-1, "web01");
	cr_assert_eq(spool_append_tick(test.spool, payload, length, &number), 0);
	cr_assert_eq(recorder_new(test.spool, test_spool_id, &test.recorder), 0);

	test_recorder_put(&test, 20, "b", 2);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_assert_str_eq(test_recorder_batched(&test), "0: 20=2\n");
	cr_assert_not_null(strstr(test_recorder_spooled(&test), "clock 6 at "));
}

Test(recorder, declares_in_another_epoch_what_it_has_declared_before)
{
	test_recorder_put(&test, 10, "a", 1);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	spool_free(test.spool);
	test.spool = test_spool_open(test.folder, "web02");
	cr_assert_eq(recorder_use_spool(test.recorder, test.spool), 0);
	test_recorder_put(&test, 20, "a", 1);
	test_recorder_take(&test);
	recorder_ship(test.recorder);

	cr_assert_str_eq(test_recorder_spooled(&test), "declare 0=a/1/seconds\nbatch\n");
}

/* A disk may give at last what it did not when the agent began: then the spool declares what stood there before. */
Test(recorder, gives_no_sample_to_another_series_of_a_spool_that_declares_more)
{
	struct spool *before = test.spool;
	struct spool *after = test_spool_open(-1, "web01");
	struct recorder *mine = test.recorder;

	test_recorder_put_ordered(&test, 10, "a", 1, 1);
	test_recorder_take(&test);
	recorder_ship(mine);
	test.spool = after;
	cr_assert_eq(recorder_new(after, test_spool_id, &test.recorder), 0);
	test_recorder_put(&test, 10, "c", 3);
	test_recorder_put(&test, 10, "b", 2);
	test_recorder_take(&test);
	recorder_free(test.recorder);

	test.recorder = mine;
	cr_assert_eq(recorder_use_spool(mine, after), 0);
	spool_free(before);
	test_recorder_put_ordered(&test, 20, "a", 1, 1);
	test_recorder_put(&test, 20, "b", 2);
	test_recorder_take(&test);
	recorder_ship(mine);
	cr_expect_str_eq(test_recorder_spooled(&test), "declare 0=c/1/seconds 1=b/1/seconds\n"
						       "declare 2=a/1/seconds\nbatch\n");
	cr_expect_str_eq(test_recorder_batched(&test), "0: 10=3\n1: 10=2 20=2\n2: 20=1\n");
}

Test(recorder, gives_two_samples_of_one_series_and_time_two_ticks)
{
	test_recorder_put(&test, 10, "a", 1);
	test_recorder_put(&test, 10, "a", 2);
	test_recorder_put(&test, 20, "a", 3);
	test_recorder_take(&test);
	cr_assert_eq(test_recorder_status(&test).n_ticks, 3);
	recorder_ship(test.recorder);
	cr_assert_eq(test_recorder_status(&test).n_samples, 3);
	cr_assert_eq(recorder_n_lost(test.recorder), 0);
}

Test(recorder, loses_only_what_no_collector_would_take)
{
	test_recorder_put(&test, 10, "a b", 1);
	test_recorder_put(&test, 10, "a", 1);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_assert_eq(recorder_n_lost(test.recorder), 1);
	cr_assert_eq(test_recorder_status(&test).n_samples, 1);
}

Test(recorder, seals_by_itself_when_there_are_too_many_ticks)
{
	for (int64_t i = 0; i < 10000; i++) {
		test_recorder_put(&test, 10 + i, "a", (double)i / 3);
		test_recorder_take(&test);
	}
	recorder_ship(test.recorder);
	cr_assert_eq(recorder_n_lost(test.recorder), 0);
	cr_assert_eq(test_recorder_status(&test).n_samples, 10000);
	cr_assert_eq(test_recorder_status(&test).n_ticks, 0);
}

/* However many series, no tick is in two batches: a crash between these would store its samples twice. */
Test(recorder, divides_a_long_round_into_ticks_that_fit_a_batch)
{
	for (int i = 0; i < 20000; i++) {
		char name[100];

		(void)snprintf(name, sizeof(name), "a{x=\"%d\"}", i);
		test_recorder_put(&test, 10, name, i / 3e17 + 1 / 3e20);
	}
	test_recorder_take(&test);
	cr_assert_eq(test_recorder_status(&test).n_ticks, 5);
	recorder_ship(test.recorder);
	cr_assert_eq(test_recorder_status(&test).n_samples, 20000);
	cr_assert_eq(test_recorder_status(&test).n_ticks, 0);
	cr_assert_eq(recorder_n_lost(test.recorder), 0);
}

/* Nobody would ever read it. */
Test(recorder, goes_on_in_another_segment_where_its_own_was_removed)
{
	test_recorder_put(&test, 10, "a", 1);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_assert_eq(unlinkat(test.folder, "00000001.log", 0), 0);
	test_recorder_put(&test, 20, "a", 2);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_expect_not(test_recorder_status(&test).is_in_memory);
	test_recorder_put(&test, 30, "a", 3);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	test_recorder_reopen(&test);
	cr_expect_eq(test_recorder_status(&test).n_samples, 2);
	test_recorder_put(&test, 40, "a", 4);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_expect_str_eq(test_recorder_batched(&test), "0: 40=4\n");
	cr_expect_eq(recorder_n_lost(test.recorder), 0);
}

/* Of long names, that no round has had yet. */
static void take_new(int n)
{
	static int n_names;
	char name[3000];

	for (int i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "s{n=\"%02900d\"}", n_names++);
		test_recorder_put(&test, n_names, name, 1);
	}
	test_recorder_take(&test);
	recorder_ship(test.recorder);
}

/* The first of them, which has the order 7. */
static void put_known(int64_t time_us)
{
	char name[3000];

	(void)snprintf(name, sizeof(name), "s{n=\"%02900d\"}", 0);
	test_recorder_put_ordered(&test, time_us, name, 1, 7);
}

static void take_known(void)
{
	put_known(999999);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
}

/* All is stored. */
static void ack_all(void)
{
	struct spool_epoch_info info;

	for (size_t i = 0; spool_get_epoch(test.spool, i, &info) == 0; i++)
		spool_acked(test.spool, info.id, info.last);
	cr_assert_eq(spool_sync(test.spool), 0);
	cr_assert_eq(spool_sync(test.spool), 0);
}

Test(recorder, forgets_series_where_no_more_can_be_declared)
{
	while (!recorder_is_full(test.recorder))
		take_new(50);
	cr_assert_gt(recorder_n_lost(test.recorder), 0);
	ack_all();
	recorder_begin_anew(test.recorder);
	cr_assert(recorder_is_full(test.recorder), "all are sampled");

	test_recorder_reopen(&test);
	take_known();
	while (!recorder_is_full(test.recorder))
		take_new(50);
	recorder_begin_anew(test.recorder);
	cr_assert(recorder_is_full(test.recorder), "something waits");
	take_known();
	ack_all();
	recorder_begin_anew(test.recorder);
	cr_assert_not(recorder_is_full(test.recorder));
	put_known(1000000);
	test_recorder_put(&test, 1000000, "a", 1);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_expect_not_null(strstr(test_recorder_spooled(&test), " 1=a/1/seconds\nbatch\nclock 6 "));
	test_recorder_put(&test, 1000010, "a", 2);
	test_recorder_take(&test);

	/* What has the ids of the one before it comes back as well. */
	test_recorder_reopen(&test);
	cr_expect_str_eq(test_recorder_batched(&test),
			 "0: 1000000=1\n1: 1000000=1\n1: 1000010=2\n");
	cr_expect_not(recorder_is_full(test.recorder));
}

Test(recorder, goes_on_in_memory)
{
	recorder_free(test.recorder);
	spool_free(test.spool);
	test.spool = test_spool_open(-1, "web01");
	cr_assert_eq(recorder_new(test.spool, test_spool_id, &test.recorder), 0);
	test_recorder_put(&test, 10, "a", 1);
	test_recorder_take(&test);
	recorder_ship(test.recorder);
	cr_assert(test_recorder_status(&test).is_in_memory);
	cr_assert_str_eq(test_recorder_spooled(&test), "declare 0=a/1/seconds\nbatch\n");
}
