/* SPDX-License-Identifier: MIT */
/* Tests of agent/pace.c, on clocks of the test. */

#include "agent/pace.h"

#include <criterion/criterion.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "common/timestamp.h"

#define SECOND_US   TIMESTAMP_SECOND_US
#define INTERVAL_US (10 * SECOND_US)
#define BEGIN_US    (1795392000 * SECOND_US)

#define QUEUE_MAX_BYTES 1000

static bool has_clocks;
static struct clock_reading clocks = {
	.real_us = BEGIN_US,
	.monotonic_us = 1000 * SECOND_US,
	.boot_us = 5000 * SECOND_US, /* it has slept before */
};

static struct queue *queue;
static struct pace pace;

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	int64_t now_us = clock == CLOCK_REALTIME   ? clocks.real_us
			 : clock == CLOCK_BOOTTIME ? clocks.boot_us
						   : clocks.monotonic_us;

	if (!has_clocks)
		return (int)syscall(SYS_clock_gettime, clock, ret_now);
	*ret_now = (struct timespec){now_us / SECOND_US, now_us % SECOND_US * 1000};
	return 0;
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

static void setup(void)
{
	static const int64_t interval_us = INTERVAL_US;

	cr_assert_eq(queue_new(QUEUE_MAX_BYTES, &queue), 0);
	cr_assert_eq(pace_init(&pace, &interval_us, 1, INTERVAL_US, queue), 0);
	has_clocks = true;
	pace_begin(&pace);
	pace_start(&pace);
	pace_arm(&pace);
}

static void teardown(void)
{
	has_clocks = false;
	pace_done(&pace);
	queue_free(queue);
}

TestSuite(pace, .init = setup, .fini = teardown);

static void expect_event(enum hm_clock_event event, int64_t now_us, int64_t change_us)
{
	struct round *round = queue_take(queue);

	cr_assert_not_null(round);
	cr_assert(round->is_event);
	cr_expect_eq(round->event.event, event, "%d", round->event.event);
	cr_expect_eq(round->event.now_us, now_us, "%lld s",
		     (long long)(round->event.now_us - BEGIN_US) / SECOND_US);
	cr_expect_eq(round->event.change_us, change_us, "%lld s",
		     (long long)round->event.change_us / SECOND_US);
	queue_finish(queue, round);
}

static void expect_no_event(void)
{
	cr_expect_null(queue_take(queue));
}

Test(pace, says_nothing_while_all_is_well)
{
	for (int i = 1; i < 10; i++) {
		run_for(INTERVAL_US);
		(void)pace_take(&pace);
		cr_expect_eq(pace.turn.times_us[0], BEGIN_US + i * INTERVAL_US);
		pace_arm(&pace);
	}
	expect_no_event();
	cr_expect_eq(pace.n_missed, 0);
}

/* The kernel moves the clock first, lets timers fire, and only then tells those who wait for that. */
Test(pace, sees_a_clock_that_was_set_before_its_timer_does)
{
	run_for(INTERVAL_US / 2);
	clocks.real_us += 3600 * SECOND_US;
	(void)pace_take(&pace);
	pace_arm(&pace);

	expect_event(HM_CLOCK_STEPPED, clocks.real_us, 3600 * SECOND_US);
	expect_no_event();
	cr_expect_not(pace.is_held_up);
	cr_expect_eq(pace.n_missed, 0);
}

Test(pace, tells_apart_what_it_missed_and_how_the_clock_was_set_then)
{
	run_for(55 * SECOND_US);
	clocks.real_us += 3600 * SECOND_US;
	(void)pace_take(&pace);

	expect_event(HM_CLOCK_HELD_UP, BEGIN_US + 55 * SECOND_US, 45 * SECOND_US);
	expect_event(HM_CLOCK_STEPPED, clocks.real_us, 3600 * SECOND_US);
	expect_no_event();
	cr_expect(pace.is_held_up);
}

/* The main thread does not come back from its disk. */
Test(pace, tells_what_it_missed_as_lost_where_no_event_is_taken)
{
	const struct clock_event event = {.event = HM_CLOCK_STEPPED};
	struct queue_span lost;

	for (int i = 0; i < QUEUE_EVENTS_MAX; i++)
		cr_assert_eq(queue_push_event(queue, &event), 0);
	run_for(55 * SECOND_US);
	(void)pace_take(&pace);

	cr_assert(queue_take_lost(queue, &lost));
	cr_expect_eq(lost.first_us, BEGIN_US + INTERVAL_US);
	cr_expect_eq(lost.last_us, clocks.real_us);
}

Test(pace, was_not_held_up_by_sleep)
{
	run_for(9 * SECOND_US);
	sleep_for(600 * SECOND_US);
	run_for(SECOND_US / 2);
	(void)pace_take(&pace);

	expect_event(HM_CLOCK_RESUMED, clocks.real_us, 600 * SECOND_US);
	expect_no_event();
	cr_expect_not(pace.is_held_up);
}

/* Processes are frozen some time before the host sleeps, and thawed some time after. */
Test(pace, was_not_held_up_for_as_long_as_the_host_slept)
{
	run_for(11 * SECOND_US);
	sleep_for(600 * SECOND_US);
	run_for(2 * SECOND_US);
	(void)pace_take(&pace);

	expect_event(HM_CLOCK_HELD_UP, clocks.real_us - 600 * SECOND_US, 3 * SECOND_US);
	expect_event(HM_CLOCK_RESUMED, clocks.real_us, 600 * SECOND_US);
	expect_no_event();
}

/* @return how often the timer fires from now on, microseconds; 0 = once */
static int64_t timer_period_us(void)
{
	struct itimerspec setting;

	cr_assert_eq(timerfd_gettime(pace.timer_fd, &setting), 0);
	return setting.it_interval.tv_sec * SECOND_US + setting.it_interval.tv_nsec / 1000;
}

Test(pace, sets_a_timer_that_goes_on_by_itself)
{
	cr_expect_eq(timer_period_us(), INTERVAL_US);
	schedule_change(&pace.schedule.ship, INTERVAL_US + SECOND_US, BEGIN_US);
	pace_arm(&pace);
	cr_expect_eq(timer_period_us(), 0, "what is due is not always as far away");
	schedule_change(&pace.schedule.ship, 0, BEGIN_US);
	schedule_change(&pace.schedule.rounds[0], SECOND_US, BEGIN_US);
	pace_arm(&pace);
	cr_expect_eq(timer_period_us(), SECOND_US);
}
