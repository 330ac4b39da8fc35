/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SCHEDULE_H
#define AGENT_SCHEDULE_H

/*
 * When rounds are taken and shipped: at the start, then at the wall-clock multiples of each
 * interval. No clock in here: every function is told what time it is. Times are microseconds since
 * 1970 UTC.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One thing that recurs: a plugin's round, or the shipment. */
struct schedule_slot {
	int64_t interval_us; /* 0 = never */
	int64_t next_us;     /* the grid point that it waits for */
};

struct schedule {
	struct schedule_slot *rounds; /* one for each plugin */
	size_t n_rounds;
	struct schedule_slot ship;
};

/* Grid points that went by unused. */
struct schedule_hole {
	int64_t first_us;
	uint64_t n; /* from there on, an interval apart; 0 = none */
};

/* What is due now. */
struct schedule_turn {
	int64_t *times_us; /* by plugin: the time its samples carry, or SCHEDULE_NOT_DUE */
	bool has_round;    /* one of them is due */
	bool ships;        /* after the rounds */
	struct schedule_hole *holes; /* by plugin, of the last schedule_pass() */
};

#define SCHEDULE_NOT_DUE INT64_MIN

/*
 * @param intervals_us  one for each plugin, copied; 0 = it is never due
 * @return 0 or -ENOMEM
 */
int schedule_init(struct schedule *schedule, const int64_t intervals_us[], size_t n_intervals,
		  int64_t ship_interval_us);
void schedule_done(struct schedule *schedule);

/* Room for what is due. @return 0 or -ENOMEM */
int schedule_turn_init(struct schedule_turn *turn, const struct schedule *schedule);
void schedule_turn_done(struct schedule_turn *turn);

/* The first turn: everything is due, and its samples carry `now_us` itself. */
void schedule_start(struct schedule *schedule, int64_t now_us, struct schedule_turn *turn);

/*
 * Time has passed, and somebody may have set the clock; call it before schedule_take(). Grid points that went by
 * unused are in turn->holes, and never come again. Those that a clock that was set forward has jumped over are none.
 * Set backward by less than an interval, the grid point that was waited for stays, so that no time is used twice; by
 * more, the grid goes on from the new time.
 * @param before_us  what the clock would show had nobody set it: `now_us` where nobody has
 */
void schedule_pass(struct schedule *schedule, int64_t before_us, int64_t now_us,
		   struct schedule_turn *turn);

/* What is due at `now_us`. Who comes late gets the latest grid point that has passed, once. */
void schedule_take(struct schedule *schedule, int64_t now_us, struct schedule_turn *turn);

/*
 * Have a slot recur otherwise from `now_us` on; what was due by then must have been taken. One whose
 * interval stays as it is keeps its place.
 * @param interval_us  0 = it is never due
 */
void schedule_change(struct schedule_slot *slot, int64_t interval_us, int64_t now_us);

/* The next time at which something is due; INT64_MAX when nothing ever is. */
int64_t schedule_next_us(const struct schedule *schedule);

/* The same, behind a time: when all is due again that is so up to then. */
int64_t schedule_behind_us(const struct schedule *schedule, int64_t time_us);

/* How long it always is from one such time to the next; 0 = sometimes longer, sometimes shorter. */
int64_t schedule_period_us(const struct schedule *schedule);

#endif
