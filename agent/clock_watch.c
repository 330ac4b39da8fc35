/* SPDX-License-Identifier: MIT */
/* What happened to the time of this host between two looks at its clocks. */

#include "agent/clock_watch.h"

#include <stdlib.h>
#include <time.h>

#include "common/timestamp.h"

/* On a host that is so busy that they never are, the last try counts. */
#define READINGS_MAX 100

static int64_t read_clock(clockid_t clock)
{
	struct timespec now = {.tv_sec = 0};

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * TIMESTAMP_SECOND_US + now.tv_nsec / 1000;
}

void clock_reading_take(struct clock_reading *ret_reading)
{
	int64_t begin_us = read_clock(CLOCK_BOOTTIME);

	for (int i = 0; i < READINGS_MAX; i++) {
		ret_reading->real_us = read_clock(CLOCK_REALTIME);
		ret_reading->monotonic_us = read_clock(CLOCK_MONOTONIC);
		ret_reading->boot_us = read_clock(CLOCK_BOOTTIME);
		if (ret_reading->boot_us - begin_us < CLOCK_MOMENT_US)
			return;
		begin_us = ret_reading->boot_us;
	}
}

struct clock_event clock_event_now(enum hm_clock_event event)
{
	struct clock_reading now;

	clock_reading_take(&now);
	return (struct clock_event){
		.event = event, .now_us = now.real_us, .since_boot_us = now.boot_us};
}

struct clock_change clock_watch_look(struct clock_watch *watch, const struct clock_reading *now)
{
	const struct clock_reading last = watch->last;
	struct clock_change change = {0};
	int64_t stepped_us, slept_us;

	watch->last = *now;
	if (!watch->has_looked) {
		watch->has_looked = true;
		return change;
	}
	stepped_us = (now->real_us - last.real_us) - (now->boot_us - last.boot_us);
	slept_us = (now->boot_us - last.boot_us) - (now->monotonic_us - last.monotonic_us);
	if (llabs(stepped_us) >= CLOCK_CHANGE_MIN_US)
		change.stepped_us = stepped_us;
	if (slept_us >= CLOCK_CHANGE_MIN_US)
		change.slept_us = slept_us;
	return change;
}
