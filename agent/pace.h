/* SPDX-License-Identifier: MIT */
#ifndef AGENT_PACE_H
#define AGENT_PACE_H

/*
 * When the sampler takes rounds: the schedule (agent/schedule.h) on the clocks of this host, with a timer for its next
 * deadline. What happens to the clocks, and which grid points were missed, is noted in the queue. On one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/clock_watch.h"
#include "agent/queue.h"
#include "agent/schedule.h"

/* Others may look at all, and change the schedule. */
struct pace {
	int timer_fd;      /* readable when something is due, or somebody has set the clock */
	int64_t armed_us;  /* when it fires next; 0 = it is to be set */
	int64_t period_us; /* and then again and again; 0 = once */
	struct schedule schedule;
	struct schedule_turn turn;
	bool is_held_up;   /* turn.holes are not just what the host has slept through */
	uint64_t n_missed; /* grid points that went by unused, asleep or not */
	struct queue *queue;
	struct clock_watch watch;
};

/*
 * @param intervals_us  as schedule_init() takes them
 * @param queue         borrowed
 * @return 0 or -errno; then pace_done() is to be called as well
 */
int pace_init(struct pace *pace, const int64_t intervals_us[], size_t n_intervals,
	      int64_t ship_interval_us, struct queue *queue);
void pace_done(struct pace *pace);

/* Look at the clocks for the first time: what is not taken from now on was missed. */
void pace_begin(struct pace *pace);

/* Take the first turn, at which all is due. */
void pace_start(struct pace *pace);

/* Take what is due. @return the time up to which that is so */
int64_t pace_take(struct pace *pace);

/* Have the timer fire at the next deadline, and whenever somebody sets the clock. */
void pace_arm(struct pace *pace);

#endif
