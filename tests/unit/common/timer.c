/* SPDX-License-Identifier: MIT */
/* Tests of common/timer.c. */

#include "common/timer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/epoll_info.h"

struct probe {
	struct timer *timer;
	int n_calls;
	bool frees;
};

static struct loop *loop;
static struct epoll_info before;

static void on_timer(void *context)
{
	struct probe *mine = context;

	mine->n_calls++;
	if (mine->frees) {
		timer_free(mine->timer);
		mine->timer = NULL;
	}
}

static struct probe probe;

static void setup(void)
{
	cr_assert_eq(epoll_info_read(getpid(), &before), 0);
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(timer_new(loop, on_timer, &probe, &probe.timer), 0);
	/* A timer that does not fire must not hang the test. */
	alarm(20);
}

static void teardown(void)
{
	timer_free(probe.timer);
	loop_free(loop);
}

TestSuite(timer, .init = setup, .fini = teardown);

static int64_t now_ms(void)
{
	struct timespec now;

	cr_assert_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(int time_ms)
{
	usleep((useconds_t)time_ms * 1000);
}

/* Turn the loop for a while. */
static void turn_for_ms(int time_ms)
{
	int64_t end_ms = now_ms() + time_ms;

	while (now_ms() < end_ms)
		cr_assert_eq(loop_turn(loop, 1), 0);
}

Test(timer, stands_still_until_started)
{
	struct epoll_info info;

	turn_for_ms(30);

	cr_assert_eq(probe.n_calls, 0);
	cr_assert_eq(epoll_info_since(&before, &info), 0);
	cr_assert_eq(info.n_descriptors, 1);
	cr_assert_eq(info.n_level_triggered, 0);
}

Test(timer, fires_once_and_not_before_its_time)
{
	int64_t start_ms = now_ms();

	cr_assert_eq(timer_start(probe.timer, 50, 0), 0);
	while (probe.n_calls == 0)
		cr_assert_eq(loop_turn(loop, -1), 0);
	cr_assert_geq(now_ms() - start_ms, 49);

	turn_for_ms(120);
	cr_assert_eq(probe.n_calls, 1);
}

Test(timer, fires_again_every_interval)
{
	cr_assert_eq(timer_start(probe.timer, 5, 10), 0);
	while (probe.n_calls < 5)
		cr_assert_eq(loop_turn(loop, -1), 0);

	cr_assert_eq(probe.n_calls, 5);
}

Test(timer, with_a_first_time_of_zero_fires_at_once)
{
	cr_assert_eq(timer_start(probe.timer, 0, 0), 0);
	sleep_ms(2);
	cr_assert_eq(loop_turn(loop, 0), 0);

	cr_assert_eq(probe.n_calls, 1);
}

Test(timer, missed_expirations_are_one_call)
{
	cr_assert_eq(timer_start(probe.timer, 10, 10), 0);
	sleep_ms(100);
	cr_assert_eq(loop_turn(loop, 0), 0);

	cr_assert_eq(probe.n_calls, 1);
}

Test(timer, stopped_before_its_call_is_not_called)
{
	cr_assert_eq(timer_start(probe.timer, 5, 0), 0);
	sleep_ms(20);
	timer_stop(probe.timer);
	turn_for_ms(20);

	cr_assert_eq(probe.n_calls, 0);
}

Test(timer, starting_again_replaces_what_was_set)
{
	cr_assert_eq(timer_start(probe.timer, 5, 5), 0);
	cr_assert_eq(timer_start(probe.timer, 60000, 0), 0);
	turn_for_ms(40);
	cr_assert_eq(probe.n_calls, 0);

	cr_assert_eq(timer_start(probe.timer, 1, 0), 0);
	turn_for_ms(40);
	cr_assert_eq(probe.n_calls, 1);
}

Test(timer, may_be_freed_by_its_own_callback)
{
	probe.frees = true;
	cr_assert_eq(timer_start(probe.timer, 1, 1), 0);
	turn_for_ms(30);

	cr_assert_eq(probe.n_calls, 1);
	cr_assert_null(probe.timer);
}

Test(timer, refuses_times_that_are_none)
{
	cr_assert_eq(timer_start(probe.timer, -5, 0), -EINVAL);
	cr_assert_eq(timer_start(probe.timer, 5, -1), -EINVAL);
	cr_assert_eq(timer_start(probe.timer, INT64_MAX, INT64_MAX), 0);
	turn_for_ms(10);

	cr_assert_eq(probe.n_calls, 0);
}

Test(timer, free_takes_null)
{
	timer_free(NULL);
}
