/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CLOCK_WATCH_H
#define AGENT_CLOCK_WATCH_H

/*
 * What happened to the time of this host between two looks at its clocks: somebody set the wall clock, the host
 * slept. No clock in here but for clock_reading_take(): the caller says what they read.
 */

#include <stdbool.h>
#include <stdint.h>

#include "hostmetrics/wire.h"

/* Clocks that are read within so long are read at one moment. */
#define CLOCK_MOMENT_US INT64_C(1000)

/* What is shorter is not told: a second, such as a leap second, that may be read as a little less. */
#define CLOCK_CHANGE_MIN_US (INT64_C(1000000) - CLOCK_MOMENT_US)

/* What the clocks of the host read, all at one moment. */
struct clock_reading {
	int64_t real_us;      /* CLOCK_REALTIME: what people set */
	int64_t monotonic_us; /* CLOCK_MONOTONIC: stands still while the host sleeps */
	int64_t boot_us;      /* CLOCK_BOOTTIME: goes on */
};

/* Zeroed = has not looked yet. */
struct clock_watch {
	struct clock_reading last;
	bool has_looked;
};

/* What happened since the look before; 0 = it did not. */
struct clock_change {
	int64_t stepped_us; /* so much the wall clock is ahead of where it would be */
	int64_t slept_us;
};

/* An event as CLOCK tells it (common/wire_clock.h), on its way to the spool. */
struct clock_event {
	enum hm_clock_event event;
	int64_t now_us; /* the clock behind the event */
	int64_t since_boot_us;
	int64_t change_us;
};

void clock_reading_take(struct clock_reading *ret_reading);

/* STARTED or STOPPED, now. */
struct clock_event clock_event_now(enum hm_clock_event event);

/*
 * Look at the clocks. The first look sees no change. Slewing is none: it makes all three of them faster, or slower.
 */
struct clock_change clock_watch_look(struct clock_watch *watch, const struct clock_reading *now);

#endif
