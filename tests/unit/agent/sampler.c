/* SPDX-License-Identifier: MIT */
/* Tests of agent/sampler.c: the thread, on the real clock, with short intervals. */

#include "agent/sampler.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/round.h"
#include "common/timestamp.h"
#include "tests/support/fake_plugin.h"

#define SECOND_US   INT64_C(1000000)
#define INTERVAL_US INT64_C(50000)

#define QUEUE_MAX_BYTES ((size_t)1 << 20)

static struct fake_plugin_control *const control = &fake_plugin_control;

static struct hm_host host;
static struct plugin *plugins[2];
static struct plugin_set set = {.plugins = plugins, .n_plugins = 1};
static struct loop *loop;
static struct queue *queue;
static struct wakeup *news;
static struct sampler *sampler;
static int n_news;

static struct {
	_Atomic bool is_taken; /* somebody else is there */
	_Atomic bool blocks;   /* who is there does not come back */
	_Atomic bool wants_others;
	_Atomic int n_written;
	_Atomic int n_expected;
	_Atomic int64_t late_us; /* what was expected last was so long away, less two intervals */
} desk;

static void note_news(void *context)
{
	(void)context;
	n_news++;
}

static void make_plugin(bool is_disabled)
{
	struct plugin_config config = {
		.table = &fake_plugin,
		.host = &host,
		.interval_us = INTERVAL_US,
		.is_disabled = is_disabled,
	};

	cr_assert_eq(plugin_new(&config, &plugins[0]), 0);
}

static void setup(void)
{
	cr_assert_eq(host_init(&host, ""), 0);
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(wakeup_new(loop, note_news, NULL, &news), 0);
	cr_assert_eq(queue_new(QUEUE_MAX_BYTES, &queue), 0);
}

static void start(int64_t ship_interval_us)
{
	if (!plugins[0])
		make_plugin(false);
	cr_assert_eq(sampler_new(&set, ship_interval_us, queue, news, &sampler), 0);
	cr_assert(sampler_is_done(sampler));
	cr_assert_eq(sampler_start(sampler), 0);
}

static void wait_until_done(void)
{
	int64_t end_us = timestamp_monotonic_us() + 20 * SECOND_US;

	while (!sampler_is_done(sampler) && timestamp_monotonic_us() < end_us)
		(void)loop_turn(loop, 10);
	cr_assert(sampler_is_done(sampler));
}

static void teardown(void)
{
	if (sampler) {
		control->blocks = false;
		desk.blocks = false;
		sampler_stop(sampler);
		wait_until_done();
	}
	sampler_free(sampler);
	plugin_free(plugins[0]);
	queue_free(queue);
	wakeup_free(news);
	loop_free(loop);
	host_done(&host);
}

TestSuite(sampler, .init = setup, .fini = teardown, .timeout = 60);

static struct sampler_stats stats(void)
{
	struct sampler_stats stats;

	sampler_get_stats(sampler, &stats);
	return stats;
}

static void wait_for_rounds(uint64_t n_rounds)
{
	int64_t end_us = timestamp_monotonic_us() + 20 * SECOND_US;

	while (stats().n_rounds < n_rounds && timestamp_monotonic_us() < end_us)
		(void)loop_turn(loop, 5);
	cr_assert_geq(stats().n_rounds, n_rounds);
}

/* The time of the next round's first sample, in microseconds. */
static int64_t take_time(void)
{
	struct round *round = queue_take(queue);
	struct round_sample sample;
	const char *at;

	cr_assert_not_null(round);
	at = round->data;
	cr_assert(round_next(&at, round->data + round->length, &sample));
	cr_assert_eq(strncmp(sample.name.start, "fake_", 5), 0);
	queue_finish(queue, round);
	return sample.time_us;
}

Test(sampler, takes_the_first_round_now_and_the_others_on_the_grid)
{
	int64_t before_us = timestamp_now_us();
	int64_t first_us;
	int64_t last_us;

	start(60 * SECOND_US);
	wait_for_rounds(6);
	first_us = take_time();
	cr_assert_geq(first_us, before_us);
	cr_assert_leq(first_us, timestamp_now_us());

	last_us = take_time();
	cr_assert_eq(last_us % INTERVAL_US, 0);
	cr_assert_gt(last_us, first_us - INTERVAL_US);
	for (int i = 0; i < 4; i++) {
		int64_t time_us = take_time();

		cr_assert_eq(time_us % INTERVAL_US, 0);
		cr_assert_gt(time_us, last_us);
		last_us = time_us;
	}
}

Test(sampler, ships_the_first_round_at_once_and_the_others_when_it_is_time)
{
	/* A boundary of this interval does not lie in the life of this test, but for bad luck. */
	start(3600 * SECOND_US);
	wait_for_rounds(1);
	(void)loop_turn(loop, 1000);
	cr_assert(queue_take_ship(queue));
	n_news = 0;
	wait_for_rounds(3);
	(void)loop_turn(loop, 1000);

	cr_assert_not(queue_take_ship(queue));
	cr_assert_geq(n_news, 1, "of each round");
}

Test(sampler, ships_every_round_where_the_intervals_are_equal)
{
	start(INTERVAL_US);
	for (uint64_t i = 1; i <= 3; i++) {
		int64_t end_us = timestamp_monotonic_us() + 20 * SECOND_US;
		bool is_shipped = false;

		wait_for_rounds(i);
		while (!is_shipped && timestamp_monotonic_us() < end_us) {
			is_shipped = queue_take_ship(queue);
			(void)loop_turn(loop, 5);
		}
		cr_assert(is_shipped);
		(void)take_time();
	}
}

Test(sampler, cleans_up_when_a_round_is_in_the_queue)
{
	control->n_events = 5;
	start(SECOND_US);
	wait_for_rounds(2);

	cr_assert_geq(control->n_cleanups, 2);
	cr_assert_eq(control->n_events, 0);
	cr_assert_eq(stats().n_samples, 2 * stats().n_rounds);
}

Test(sampler, runs_no_plugin_that_is_disabled)
{
	make_plugin(true);
	start(INTERVAL_US);
	(void)loop_turn(loop, 200);
	(void)loop_turn(loop, 200);

	cr_assert_eq(control->n_starts, 0);
	cr_assert_eq(stats().n_rounds, 0);
}

Test(sampler, starts_a_plugin_anew_when_that_is_requested)
{
	start(SECOND_US);
	wait_for_rounds(1);
	plugin_request_restart(plugins[0]);
	sampler_wake(sampler);
	while (control->n_starts < 2)
		(void)loop_turn(loop, 5);
	cr_assert_eq(control->n_stops, 1);

	wait_for_rounds(stats().n_rounds + 1);
	sampler_wake(sampler);
	wait_for_rounds(stats().n_rounds + 1);
	cr_assert_eq(control->n_starts, 2);
}

Test(sampler, stops_the_plugins_and_sends_the_news_when_it_ends)
{
	start(3600 * SECOND_US);
	wait_for_rounds(1);
	n_news = 0;
	sampler_stop(sampler);
	wait_until_done();
	(void)loop_turn(loop, 1000);

	cr_assert_eq(control->n_stops, 1);
	cr_assert_geq(n_news, 1);
}

Test(sampler, counts_the_rounds_that_a_slow_plugin_made_it_miss)
{
	int64_t begin_us = timestamp_monotonic_us();
	uint64_t n_passed;

	start(SECOND_US);
	wait_for_rounds(2);
	control->blocks = true;
	(void)usleep(10 * INTERVAL_US);
	control->blocks = false;
	wait_for_rounds(stats().n_rounds + 2);
	n_passed = (uint64_t)((timestamp_monotonic_us() - begin_us) / INTERVAL_US);

	cr_assert_geq(stats().n_missed_rounds, 5);
	/* A busy machine misses more, but no more than there were. */
	cr_assert_leq(stats().n_missed_rounds + stats().n_rounds, n_passed + 2);
}

/* What is in the queue: each reason of a missing sample, with its times. */
struct seen {
	size_t n_events;
	struct clock_event event; /* the last one */
	size_t n_missing;
	enum hm_reason reason;
	int64_t first_us; /* of what is missing */
	int64_t last_us;
};

static struct seen look_into_queue(void)
{
	struct seen seen = {.first_us = INT64_MAX};
	struct round *round;

	while ((round = queue_take(queue))) {
		const char *at = round->data;
		struct round_sample sample;

		if (round->is_event) {
			seen.n_events++;
			seen.event = round->event;
		}
		while (round_next(&at, round->data + round->length, &sample)) {
			if (sample.reason == HM_REASON_NONE)
				continue;
			seen.n_missing++;
			seen.reason = sample.reason;
			seen.first_us =
				sample.time_us < seen.first_us ? sample.time_us : seen.first_us;
			seen.last_us = sample.time_us;
		}
		queue_finish(queue, round);
	}
	return seen;
}

Test(sampler, tells_that_it_was_held_up_and_by_which_plugin)
{
	int64_t begin_us, end_us;
	struct seen seen;

	start(SECOND_US);
	wait_for_rounds(2);
	(void)look_into_queue();
	begin_us = timestamp_now_us();
	control->blocks = true;
	(void)usleep(10 * INTERVAL_US);
	control->blocks = false;
	end_us = timestamp_now_us();
	wait_for_rounds(stats().n_rounds + 2);
	seen = look_into_queue();

	cr_assert_geq(seen.n_events, 1);
	cr_assert_eq(seen.event.event, HM_CLOCK_HELD_UP);
	cr_assert_eq((seen.event.now_us - seen.event.change_us) % INTERVAL_US, 0);
	cr_assert_leq(seen.event.now_us - seen.event.change_us, begin_us + 3 * INTERVAL_US);
	cr_assert_geq(seen.event.now_us, end_us);
	cr_assert_gt(seen.event.since_boot_us, 0);

	/* Of both series at each grid point that it has missed. */
	cr_assert_eq(seen.reason, HM_REASON_SOURCE_STUCK);
	cr_assert_eq(seen.first_us, seen.event.now_us - seen.event.change_us);
	cr_assert_geq(seen.last_us, end_us - 2 * INTERVAL_US);
	cr_assert_leq(seen.last_us, end_us + INTERVAL_US);
	cr_assert_eq(seen.n_missing,
		     2 * (size_t)((seen.last_us - seen.first_us) / INTERVAL_US + 1));
}

Test(sampler, tells_that_a_stop_has_left_out_plugins_of_a_round)
{
	const struct plugin *stuck = NULL;
	struct seen seen;

	make_plugin(false);
	plugins[1] = plugins[0];
	make_plugin(false);
	set.n_plugins = 2;
	start(SECOND_US);
	wait_for_rounds(2);
	/* In the first one, so that the second is still to come. */
	while (stuck != plugins[0]) {
		control->blocks = false;
		(void)usleep(INTERVAL_US / 2);
		control->blocks = true;
		while (!(stuck = plugin_set_find_stuck(&set, 1000)))
			(void)usleep(1000);
	}
	sampler_stop(sampler);
	control->blocks = false;
	wait_until_done();
	seen = look_into_queue();

	cr_assert_eq(seen.n_missing, 2);
	cr_assert_eq(seen.reason, HM_REASON_AGENT_STOPPED);
	plugin_free(plugins[1]);
}

Test(sampler, is_not_done_while_a_plugin_is_stuck_and_nobody_waits_for_it)
{
	control->blocks = true;
	start(SECOND_US);
	while (control->n_gets == 0)
		(void)usleep(1000);
	sampler_stop(sampler);
	(void)usleep(100000);

	cr_assert_not(sampler_is_done(sampler));
	cr_assert_eq(plugin_set_find_stuck(&set, 50000), plugins[0]);
	cr_assert_null(plugin_set_find_stuck(&set, 3600 * SECOND_US));
}

Test(sampler, puts_a_round_that_a_stop_met_into_the_queue)
{
	control->blocks = true;
	start(SECOND_US);
	while (control->n_gets == 0)
		(void)usleep(1000);
	sampler_stop(sampler);
	control->blocks = false;
	wait_until_done();

	(void)take_time();
	cr_assert_eq(control->n_cleanups, 1);
}

/* -- at the desk ----------------------------------------------------------------------------------- */

static bool begin_at_desk(void *context)
{
	(void)context;
	return !desk.is_taken;
}

static bool write_at_desk(void *context, const void *samples, size_t length)
{
	const char *at = samples;
	struct round_sample sample;

	(void)context;
	while (desk.blocks)
		(void)usleep(1000);
	cr_assert(round_next(&at, at + length, &sample));
	desk.n_written++;
	return desk.wants_others;
}

static void expect_at_desk(void *context, int64_t wait_us, int64_t period_us)
{
	(void)context;
	cr_assert_eq(period_us, INTERVAL_US);
	desk.late_us = wait_us - 2 * INTERVAL_US;
	desk.n_expected++;
}

static void start_with_desk(void)
{
	static const struct sampler_desk used = {
		.begin = begin_at_desk, .write = write_at_desk, .expect = expect_at_desk};

	make_plugin(false);
	cr_assert_eq(sampler_new(&set, 3600 * SECOND_US, queue, news, &sampler), 0);
	sampler_use_desk(sampler, &used);
	cr_assert_eq(sampler_start(sampler), 0);
}

Test(sampler, writes_its_rounds_itself_where_nobody_else_is_at_the_desk)
{
	start_with_desk();
	wait_for_rounds(6);

	cr_assert_geq(desk.n_written, 5);
	(void)take_time();
	cr_assert_null(queue_take(queue), "only the first one is for others");
	cr_assert_eq(n_news, 1);
	cr_assert_geq(desk.n_expected, 5);
	cr_assert_leq(desk.late_us, 0);
	cr_assert_gt(desk.late_us, -INTERVAL_US);
	cr_assert_geq(control->n_cleanups, 6);
}

Test(sampler, sends_the_news_where_the_desk_wants_others)
{
	desk.wants_others = true;
	start_with_desk();
	wait_for_rounds(6);

	cr_assert_geq(n_news, 4);
}

Test(sampler, puts_its_rounds_into_the_queue_while_somebody_is_at_the_desk)
{
	desk.is_taken = true;
	start_with_desk();
	wait_for_rounds(6);

	cr_assert_eq(desk.n_written, 0);
	cr_assert_geq(n_news, 4);
	for (int i = 0; i < 6; i++)
		(void)take_time();
}

/* What is on its way is counted once, whoever goes on. */
Test(sampler, goes_on_where_it_does_not_come_back_from_the_desk)
{
	int64_t last_us;

	start_with_desk();
	wait_for_rounds(3);
	(void)take_time();
	desk.blocks = true;
	(void)usleep(3 * INTERVAL_US);
	cr_assert_null(queue_take(queue), "it is still there");

	desk.is_taken = true;
	sampler_relieve(sampler);
	sampler_relieve(sampler);
	wait_for_rounds(stats().n_rounds + 5);
	/* Nobody has relieved it in time. */
	queue_finish(queue, queue_take(queue));
	last_us = take_time();
	for (int i = 0; i < 3; i++) {
		int64_t time_us = take_time();

		cr_assert_eq(time_us, last_us + INTERVAL_US);
		last_us = time_us;
	}
	/* It comes back, and another time it does not. */
	desk.blocks = false;
	desk.is_taken = false;
	wait_for_rounds(stats().n_rounds + 3);
	desk.blocks = true;
	(void)usleep(3 * INTERVAL_US);
	desk.is_taken = true;
	sampler_relieve(sampler);
	wait_for_rounds(stats().n_rounds + 2);
	desk.blocks = false;
	sampler_stop(sampler);
	wait_until_done();

	cr_assert_eq(control->n_cleanups, (int)stats().n_rounds);
	cr_assert_eq(control->n_cleanups, control->n_gets);
}
