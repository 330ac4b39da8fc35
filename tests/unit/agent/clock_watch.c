/* SPDX-License-Identifier: MIT */
/* Tests of agent/clock_watch.c, on clocks of the test. */

#include "agent/clock_watch.h"

#include <criterion/criterion.h>

#include "common/timestamp.h"

#define SECOND_US TIMESTAMP_SECOND_US
#define HOUR_US   (3600 * SECOND_US)
#define YEAR_US   (INT64_C(365) * 24 * HOUR_US)

static struct clock_watch watch;
static struct clock_reading clocks = {
	.real_us = 1795392000 * SECOND_US,
	.monotonic_us = 1000 * SECOND_US,
	.boot_us = 5000 * SECOND_US, /* it has slept before */
};

static struct clock_change look(void)
{
	return clock_watch_look(&watch, &clocks);
}

static void run_for(int64_t us)
{
	clocks.real_us += us;
	clocks.monotonic_us += us;
	clocks.boot_us += us;
}

static void sleep_for(int64_t us)
{
	clocks.real_us += us;
	clocks.boot_us += us;
}

static void expect(struct clock_change change, int64_t stepped_us, int64_t slept_us)
{
	cr_expect_eq(change.stepped_us, stepped_us, "stepped by %lld",
		     (long long)change.stepped_us);
	cr_expect_eq(change.slept_us, slept_us, "slept for %lld", (long long)change.slept_us);
}

static void setup(void)
{
	expect(look(), 0, 0);
}

TestSuite(clock_watch, .init = setup);

Test(clock_watch, sees_nothing_where_time_just_goes_on)
{
	for (int i = 0; i < 100; i++) {
		run_for(10 * SECOND_US);
		expect(look(), 0, 0);
	}
}

Test(clock_watch, sees_steps_both_ways)
{
	static const int64_t steps_us[] = {SECOND_US,       -SECOND_US, 3600 * SECOND_US,
					   -60 * SECOND_US, YEAR_US,    -40 * YEAR_US};

	for (size_t i = 0; i < sizeof(steps_us) / sizeof(steps_us[0]); i++) {
		run_for(10 * SECOND_US);
		clocks.real_us += steps_us[i];
		expect(look(), steps_us[i], 0);
		run_for(10 * SECOND_US);
		expect(look(), 0, 0);
	}
}

Test(clock_watch, passes_over_steps_of_less_than_a_second)
{
	clocks.real_us += SECOND_US - 2000;
	expect(look(), 0, 0);
	clocks.real_us -= SECOND_US - 2000;
	expect(look(), 0, 0);
}

/* They are not read at the same time. */
Test(clock_watch, sees_a_second_that_is_read_as_a_little_less)
{
	run_for(10 * SECOND_US);
	clocks.real_us -= SECOND_US - 3;
	expect(look(), 3 - SECOND_US, 0);
	sleep_for(SECOND_US - 3);
	expect(look(), 0, SECOND_US - 3);
}

Test(clock_watch, does_not_take_slewing_for_a_step)
{
	/* What the kernel slews are all clocks. */
	for (int i = 0; i < 100; i++) {
		run_for(11 * SECOND_US);
		expect(look(), 0, 0);
	}
}

Test(clock_watch, sees_that_the_host_slept)
{
	run_for(3 * SECOND_US);
	sleep_for(8 * HOUR_US);
	run_for(20000);
	expect(look(), 0, 8 * HOUR_US);
	run_for(10 * SECOND_US);
	sleep_for(SECOND_US - 2000);
	expect(look(), 0, 0);
}

Test(clock_watch, tells_sleep_and_step_apart_that_come_at_once)
{
	sleep_for(600 * SECOND_US);
	clocks.real_us += 7 * SECOND_US;
	expect(look(), 7 * SECOND_US, 600 * SECOND_US);

	sleep_for(600 * SECOND_US);
	clocks.real_us -= 600 * SECOND_US;
	expect(look(), -600 * SECOND_US, 600 * SECOND_US);
}

Test(clock_watch, reads_the_clocks_of_this_host_at_one_moment)
{
	struct clock_reading readings[2];
	struct clock_watch real = {.has_looked = false};

	clock_reading_take(&readings[0]);
	clock_reading_take(&readings[1]);
	cr_expect_geq(readings[1].monotonic_us, readings[0].monotonic_us);
	cr_expect_geq(readings[1].boot_us, readings[1].monotonic_us - 1000);
	(void)clock_watch_look(&real, &readings[0]);
	expect(clock_watch_look(&real, &readings[1]), 0, 0);
}
