/* SPDX-License-Identifier: MIT */
/* Tests of agent/schedule.c, on a test clock. */

#include "agent/schedule.h"

#include <criterion/criterion.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)

/* A minute that begins at a minute of the wall clock. */
#define MIDNIGHT_US (INT64_C(1795392000) * SECOND_US)

static struct schedule schedule;
static struct schedule_turn turn;
static int64_t now_us; /* the test clock */

static void teardown(void)
{
	schedule_turn_done(&turn);
	schedule_done(&schedule);
}

TestSuite(schedule, .fini = teardown);

static void start(const int64_t intervals_us[], size_t n_intervals, int64_t ship_interval_us,
		  int64_t at_us)
{
	cr_assert_eq(schedule_init(&schedule, intervals_us, n_intervals, ship_interval_us), 0);
	cr_assert_eq(schedule_turn_init(&turn, &schedule), 0);
	now_us = at_us;
	schedule_start(&schedule, now_us, &turn);
}

/* The agent's defaults: rounds every 10 s, a shipment every 60 s. */
static void start_defaults(int64_t at_us)
{
	static const int64_t interval_us = 10 * SECOND_US;

	start(&interval_us, 1, MINUTE_US, at_us);
}

/* The clock shows now_us, and would show before_us had nobody set it. */
static void step(int64_t before_us)
{
	schedule_pass(&schedule, before_us, now_us, &turn);
	schedule_take(&schedule, now_us, &turn);
}

/* Time has passed. */
static void come_at(int64_t at_us)
{
	now_us = at_us;
	step(at_us);
}

static void expect_hole(size_t i, int64_t first_us, uint64_t n)
{
	cr_assert_eq(turn.holes[i].n, n, "%llu missed", (unsigned long long)turn.holes[i].n);
	if (n > 0)
		cr_assert_eq(turn.holes[i].first_us, first_us);
}

/* Sleep until the next deadline, and a little longer, as a timer does. */
static void wake(void)
{
	come_at(schedule_next_us(&schedule) + 150);
}

/* What a clock that is woken at every deadline sees in a span of time. */
struct seen {
	int n_rounds;
	int n_shipments;
};

static struct seen run_for(int64_t span_us)
{
	int64_t end_us = now_us + span_us;
	struct seen seen = {0};

	while (schedule_next_us(&schedule) < end_us) {
		wake();
		seen.n_rounds += turn.has_round;
		seen.n_shipments += turn.ships;
		expect_hole(0, 0, 0);
	}
	return seen;
}

Test(schedule, takes_and_ships_one_round_at_the_start)
{
	start_defaults(MIDNIGHT_US + 3 * SECOND_US + 7);

	cr_assert(turn.has_round);
	cr_assert(turn.ships);
	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 3 * SECOND_US + 7);
}

Test(schedule, takes_six_rounds_and_ships_once_a_minute_by_default)
{
	start_defaults(MIDNIGHT_US + 3 * SECOND_US);
	for (int minute = 0; minute < 10; minute++) {
		struct seen seen = run_for(MINUTE_US);

		cr_assert_eq(seen.n_rounds, 6, "minute %d: %d rounds", minute, seen.n_rounds);
		cr_assert_eq(seen.n_shipments, 1, "minute %d", minute);
		now_us = MIDNIGHT_US + 3 * SECOND_US + (minute + 1) * MINUTE_US;
	}
}

Test(schedule, gives_samples_exactly_the_grid_s_time)
{
	start_defaults(MIDNIGHT_US + 3 * SECOND_US);
	for (int i = 1; i <= 20; i++) {
		wake();
		cr_assert_eq(turn.times_us[0], MIDNIGHT_US + i * (10 * SECOND_US));
	}
}

Test(schedule, ships_with_the_round_of_the_same_instant)
{
	start_defaults(MIDNIGHT_US + 55 * SECOND_US);
	wake();

	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + MINUTE_US);
	cr_assert(turn.has_round);
	cr_assert(turn.ships);
}

Test(schedule, does_not_take_the_grid_point_of_the_start_again)
{
	start_defaults(MIDNIGHT_US);

	cr_assert_eq(schedule_next_us(&schedule), MIDNIGHT_US + 10 * SECOND_US);
}

Test(schedule, is_not_due_before_its_time)
{
	start_defaults(MIDNIGHT_US + SECOND_US);
	come_at(MIDNIGHT_US + 10 * SECOND_US - 1);

	cr_assert_not(turn.has_round);
	cr_assert_not(turn.ships);
	cr_assert_eq(turn.times_us[0], SCHEDULE_NOT_DUE);
}

Test(schedule, takes_the_latest_grid_point_once_when_it_comes_late)
{
	start_defaults(MIDNIGHT_US + SECOND_US);
	come_at(MIDNIGHT_US + 47 * SECOND_US);

	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 40 * SECOND_US);
	expect_hole(0, MIDNIGHT_US + 10 * SECOND_US, 3);
	cr_assert_eq(schedule_next_us(&schedule), MIDNIGHT_US + 50 * SECOND_US);

	come_at(MIDNIGHT_US + 48 * SECOND_US);
	cr_assert_not(turn.has_round);
	expect_hole(0, 0, 0);
}

Test(schedule, counts_no_shipment_as_missed)
{
	static const int64_t interval_us = MINUTE_US;

	start(&interval_us, 1, SECOND_US, MIDNIGHT_US);
	come_at(MIDNIGHT_US + 30 * SECOND_US);

	cr_assert(turn.ships);
	expect_hole(0, 0, 0);
}

Test(schedule, gives_each_plugin_its_own_interval)
{
	static const int64_t intervals_us[] = {SECOND_US, 0, 5 * SECOND_US};
	int n_rounds[3] = {0};

	start(intervals_us, 3, MINUTE_US, MIDNIGHT_US + 1);
	cr_assert_eq(turn.times_us[1], SCHEDULE_NOT_DUE);
	while (schedule_next_us(&schedule) <= MIDNIGHT_US + MINUTE_US) {
		wake();
		for (int i = 0; i < 3; i++)
			n_rounds[i] += turn.times_us[i] != SCHEDULE_NOT_DUE;
	}

	cr_assert_eq(n_rounds[0], 60);
	cr_assert_eq(n_rounds[1], 0);
	cr_assert_eq(n_rounds[2], 12);
}

Test(schedule, gives_a_late_turn_each_plugin_s_own_grid_point)
{
	static const int64_t intervals_us[] = {10 * SECOND_US, 3 * SECOND_US};

	start(intervals_us, 2, MINUTE_US, MIDNIGHT_US);
	come_at(MIDNIGHT_US + 14 * SECOND_US);

	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 10 * SECOND_US);
	cr_assert_eq(turn.times_us[1], MIDNIGHT_US + 12 * SECOND_US);
}

Test(schedule, counts_nothing_as_missed_when_the_clock_jumps_forward)
{
	start_defaults(MIDNIGHT_US + 3 * SECOND_US);
	now_us = MIDNIGHT_US + 60 * MINUTE_US + 7 * SECOND_US;
	step(MIDNIGHT_US + 9 * SECOND_US);

	expect_hole(0, 0, 0);
	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 60 * MINUTE_US);
	cr_assert_eq(schedule_next_us(&schedule), MIDNIGHT_US + 60 * MINUTE_US + 10 * SECOND_US);
}

Test(schedule, tells_what_was_missed_before_the_clock_jumped_forward)
{
	start_defaults(MIDNIGHT_US + 3 * SECOND_US);
	now_us = MIDNIGHT_US + 60 * MINUTE_US + 7 * SECOND_US;
	step(MIDNIGHT_US + 35 * SECOND_US);
	expect_hole(0, MIDNIGHT_US + 10 * SECOND_US, 3);

	/* By so little that the last point of these is taken all the same. */
	come_at(MIDNIGHT_US + 60 * MINUTE_US + 10 * SECOND_US);
	now_us += 36 * SECOND_US;
	step(now_us - 2 * SECOND_US);
	expect_hole(0, MIDNIGHT_US + 60 * MINUTE_US + 20 * SECOND_US, 2);
	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 60 * MINUTE_US + 40 * SECOND_US);
}

Test(schedule, tells_what_was_missed_though_the_clock_was_set_back_a_little)
{
	start_defaults(MIDNIGHT_US + 3 * SECOND_US);
	now_us = MIDNIGHT_US + 31 * SECOND_US;
	step(now_us + 2 * SECOND_US);
	expect_hole(0, MIDNIGHT_US + 10 * SECOND_US, 2);
	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 30 * SECOND_US);
}

Test(schedule, goes_on_from_the_new_time_when_the_clock_jumps_far_back)
{
	start_defaults(MIDNIGHT_US + 60 * MINUTE_US + 3 * SECOND_US);
	now_us = MIDNIGHT_US + 7 * SECOND_US;
	step(MIDNIGHT_US + 60 * MINUTE_US + 34 * SECOND_US);

	/* These times come once more. */
	expect_hole(0, 0, 0);
	cr_assert_not(turn.has_round);
	cr_assert_eq(schedule_next_us(&schedule), MIDNIGHT_US + 10 * SECOND_US);
}

Test(schedule, uses_no_time_twice_when_the_clock_is_set_back_a_little)
{
	start_defaults(MIDNIGHT_US + 3 * SECOND_US);
	wake();
	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 10 * SECOND_US);
	now_us = MIDNIGHT_US + 9 * SECOND_US + 900000;
	step(now_us + 200000);
	cr_assert_not(turn.has_round);
	wake();

	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 20 * SECOND_US);
	expect_hole(0, 0, 0);
}

Test(schedule, never_waits_longer_than_two_intervals_whatever_the_clock_does)
{
	uint32_t random = 1;

	start_defaults(MIDNIGHT_US);
	for (int i = 0; i < 100000; i++) {
		random = random * UINT32_C(1664525) + UINT32_C(1013904223);
		int64_t before_us = now_us + (int64_t)(random & 0xffffff);

		now_us += (int64_t)(random >> 8) * 40 - INT64_C(300) * SECOND_US;
		step(before_us);

		cr_assert_gt(schedule_next_us(&schedule), now_us);
		cr_assert_leq(schedule_next_us(&schedule), now_us + 20 * SECOND_US);
		if (turn.has_round)
			cr_assert_leq(turn.times_us[0], now_us);
	}
}

Test(schedule, lies_on_the_grid_before_1970_too)
{
	start_defaults(-3 * SECOND_US);

	cr_assert_eq(schedule_next_us(&schedule), 0);
}

Test(schedule, keeps_the_place_of_a_slot_that_does_not_change)
{
	start_defaults(MIDNIGHT_US + 7 * SECOND_US);
	schedule_change(&schedule.rounds[0], 10 * SECOND_US, MIDNIGHT_US + 9 * SECOND_US);
	cr_assert_eq(schedule_next_us(&schedule), MIDNIGHT_US + 10 * SECOND_US);
}

Test(schedule, uses_every_point_of_the_grid_it_changes_to_once)
{
	start_defaults(MIDNIGHT_US + 7 * SECOND_US);
	come_at(MIDNIGHT_US + 10 * SECOND_US);
	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 10 * SECOND_US);

	/* At the very point that was taken just now. */
	schedule_change(&schedule.rounds[0], 5 * SECOND_US, MIDNIGHT_US + 10 * SECOND_US);
	come_at(MIDNIGHT_US + 10 * SECOND_US);
	cr_assert_not(turn.has_round);
	come_at(MIDNIGHT_US + 15 * SECOND_US);
	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 15 * SECOND_US);

	schedule_change(&schedule.rounds[0], 20 * SECOND_US, MIDNIGHT_US + 19 * SECOND_US);
	come_at(MIDNIGHT_US + 20 * SECOND_US);
	cr_assert_eq(turn.times_us[0], MIDNIGHT_US + 20 * SECOND_US);
	expect_hole(0, 0, 0);
}

Test(schedule, stops_and_starts_a_slot)
{
	start_defaults(MIDNIGHT_US);
	schedule_change(&schedule.rounds[0], 0, MIDNIGHT_US + SECOND_US);
	cr_assert_eq(schedule_next_us(&schedule), MIDNIGHT_US + MINUTE_US);
	schedule_change(&schedule.rounds[0], SECOND_US, MIDNIGHT_US + 30 * SECOND_US + 1);
	cr_assert_eq(schedule_next_us(&schedule), MIDNIGHT_US + 31 * SECOND_US);
}

Test(schedule, tells_what_is_due_behind_a_time)
{
	static const int64_t intervals_us[] = {10 * SECOND_US, 0, 4 * SECOND_US};

	start(intervals_us, 3, MINUTE_US, MIDNIGHT_US);
	cr_assert_eq(schedule_next_us(&schedule), MIDNIGHT_US + 4 * SECOND_US);
	cr_assert_eq(schedule_behind_us(&schedule, MIDNIGHT_US + 4 * SECOND_US),
		     MIDNIGHT_US + 8 * SECOND_US);
	cr_assert_eq(schedule_behind_us(&schedule, MIDNIGHT_US + 8 * SECOND_US),
		     MIDNIGHT_US + 10 * SECOND_US);
	cr_assert_eq(schedule_behind_us(&schedule, MIDNIGHT_US + 56 * SECOND_US),
		     MIDNIGHT_US + MINUTE_US);
}

Test(schedule, has_a_period_where_the_intervals_are_multiples_of_one)
{
	start_defaults(MIDNIGHT_US);
	cr_assert_eq(schedule_period_us(&schedule), 10 * SECOND_US);
	schedule_change(&schedule.ship, 5 * SECOND_US, MIDNIGHT_US);
	cr_assert_eq(schedule_period_us(&schedule), 5 * SECOND_US);
	schedule_change(&schedule.ship, 15 * SECOND_US, MIDNIGHT_US);
	cr_assert_eq(schedule_period_us(&schedule), 0);
	schedule_change(&schedule.ship, 0, MIDNIGHT_US);
	cr_assert_eq(schedule_period_us(&schedule), 10 * SECOND_US);
	schedule_change(&schedule.rounds[0], 0, MIDNIGHT_US);
	cr_assert_eq(schedule_period_us(&schedule), 0);
}
