/* SPDX-License-Identifier: MIT */
/* When rounds are taken and shipped: the grid of wall-clock multiples. */

#include "agent/schedule.h"

#include <errno.h>
#include <stdlib.h>

/* The latest grid point at or before `now_us`, also before 1970. */
static int64_t grid_floor(int64_t now_us, int64_t interval_us)
{
	int64_t offset_us = now_us % interval_us;

	return now_us - (offset_us < 0 ? offset_us + interval_us : offset_us);
}

int schedule_init(struct schedule *schedule, const int64_t intervals_us[], size_t n_intervals,
		  int64_t ship_interval_us)
{
	/* One more than needed: calloc(0) may answer NULL. */
	struct schedule_slot *rounds = calloc(n_intervals + 1, sizeof(*rounds));

	if (!rounds)
		return -ENOMEM;
	for (size_t i = 0; i < n_intervals; i++)
		rounds[i].interval_us = intervals_us[i];
	*schedule = (struct schedule){
		.rounds = rounds,
		.n_rounds = n_intervals,
		.ship = {.interval_us = ship_interval_us},
	};
	return 0;
}

void schedule_done(struct schedule *schedule)
{
	free(schedule->rounds);
	*schedule = (struct schedule){0};
}

int schedule_turn_init(struct schedule_turn *turn, const struct schedule *schedule)
{
	*turn = (struct schedule_turn){
		.times_us = calloc(schedule->n_rounds + 1, sizeof(*turn->times_us)),
		.holes = calloc(schedule->n_rounds + 1, sizeof(*turn->holes)),
	};
	if (turn->times_us && turn->holes)
		return 0;
	schedule_turn_done(turn);
	return -ENOMEM;
}

void schedule_turn_done(struct schedule_turn *turn)
{
	free(turn->times_us);
	free(turn->holes);
	*turn = (struct schedule_turn){0};
}

/* @return the time that `slot` is given at the start */
static int64_t slot_start(struct schedule_slot *slot, int64_t now_us)
{
	if (slot->interval_us == 0)
		return SCHEDULE_NOT_DUE;
	slot->next_us = grid_floor(now_us, slot->interval_us) + slot->interval_us;
	return now_us;
}

static int64_t slot_take(struct schedule_slot *slot, int64_t now_us)
{
	int64_t time_us;

	if (slot->interval_us == 0 || now_us < slot->next_us)
		return SCHEDULE_NOT_DUE;
	time_us = grid_floor(now_us, slot->interval_us);
	slot->next_us = time_us + slot->interval_us;
	return time_us;
}

/* The grid points up to `before_us` that nobody will take at `now_us` or later. */
static struct schedule_hole slot_hole(const struct schedule_slot *slot, int64_t before_us,
				      int64_t now_us)
{
	struct schedule_hole hole = {.first_us = slot->next_us};
	int64_t end_us; /* the last one, and one more */

	if (slot->interval_us == 0)
		return hole;
	end_us = grid_floor(now_us, slot->interval_us);
	if (before_us < end_us)
		end_us = grid_floor(before_us, slot->interval_us) + slot->interval_us;
	if (slot->next_us < end_us)
		hole.n = (uint64_t)(end_us - slot->next_us) / (uint64_t)slot->interval_us;
	return hole;
}

static void slot_pass(struct schedule_slot *slot, int64_t now_us)
{
	if (slot->interval_us == 0)
		return;

	int64_t floor_us = grid_floor(now_us, slot->interval_us);

	/* Passed by: due now, and only once. */
	if (slot->next_us < floor_us)
		slot->next_us = floor_us;
	if (slot->next_us - now_us > 2 * slot->interval_us)
		slot->next_us = floor_us + slot->interval_us;
}

static void turn_begin(struct schedule_turn *turn)
{
	turn->has_round = false;
	turn->ships = false;
}

void schedule_start(struct schedule *schedule, int64_t now_us, struct schedule_turn *turn)
{
	turn_begin(turn);
	for (size_t i = 0; i < schedule->n_rounds; i++) {
		turn->times_us[i] = slot_start(&schedule->rounds[i], now_us);
		turn->has_round |= turn->times_us[i] != SCHEDULE_NOT_DUE;
	}
	turn->ships = slot_start(&schedule->ship, now_us) != SCHEDULE_NOT_DUE;
}

void schedule_pass(struct schedule *schedule, int64_t before_us, int64_t now_us,
		   struct schedule_turn *turn)
{
	for (size_t i = 0; i < schedule->n_rounds; i++) {
		turn->holes[i] = slot_hole(&schedule->rounds[i], before_us, now_us);
		slot_pass(&schedule->rounds[i], now_us);
	}
	/* A shipment that was late ships all that waits: nothing is missed by it. */
	slot_pass(&schedule->ship, now_us);
}

void schedule_take(struct schedule *schedule, int64_t now_us, struct schedule_turn *turn)
{
	turn_begin(turn);
	for (size_t i = 0; i < schedule->n_rounds; i++) {
		turn->times_us[i] = slot_take(&schedule->rounds[i], now_us);
		turn->has_round |= turn->times_us[i] != SCHEDULE_NOT_DUE;
	}
	turn->ships = slot_take(&schedule->ship, now_us) != SCHEDULE_NOT_DUE;
}

void schedule_change(struct schedule_slot *slot, int64_t interval_us, int64_t now_us)
{
	if (interval_us == slot->interval_us)
		return;
	slot->interval_us = interval_us;
	(void)slot_start(slot, now_us);
}

/* The first time behind `time_us` at which a slot is due; INT64_MAX when it never is. */
static int64_t slot_behind(const struct schedule_slot *slot, int64_t time_us)
{
	if (slot->interval_us == 0)
		return INT64_MAX;
	return slot->next_us > time_us ? slot->next_us
				       : grid_floor(time_us, slot->interval_us) + slot->interval_us;
}

int64_t schedule_behind_us(const struct schedule *schedule, int64_t time_us)
{
	int64_t next_us = slot_behind(&schedule->ship, time_us);

	for (size_t i = 0; i < schedule->n_rounds; i++) {
		int64_t behind_us = slot_behind(&schedule->rounds[i], time_us);

		if (behind_us < next_us)
			next_us = behind_us;
	}
	return next_us;
}

int64_t schedule_period_us(const struct schedule *schedule)
{
	int64_t period_us = schedule->ship.interval_us;
	bool is_whole;

	for (size_t i = 0; i < schedule->n_rounds; i++) {
		int64_t interval_us = schedule->rounds[i].interval_us;

		if (interval_us != 0 && (period_us == 0 || interval_us < period_us))
			period_us = interval_us;
	}
	is_whole = period_us != 0 && schedule->ship.interval_us % period_us == 0;
	for (size_t i = 0; is_whole && i < schedule->n_rounds; i++)
		is_whole = schedule->rounds[i].interval_us % period_us == 0;
	return is_whole ? period_us : 0;
}

int64_t schedule_next_us(const struct schedule *schedule)
{
	return schedule_behind_us(schedule, INT64_MIN);
}
