/* SPDX-License-Identifier: MIT */
/* Tests of common/signals.c. */

#include "common/signals.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/epoll_info.h"

static struct loop *loop;
static struct signals *signals;
static struct epoll_info before;
static int n_calls[NSIG];
static bool frees;

static void on_signal(void *context, int number)
{
	cr_assert_eq(context, &loop);
	n_calls[number]++;
	if (frees) {
		signals_free(signals);
		signals = NULL;
	}
}

static void setup(void)
{
	cr_assert_eq(epoll_info_read(getpid(), &before), 0);
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(signals_new(loop, on_signal, &loop, &signals), 0);
}

static void teardown(void)
{
	signals_free(signals);
	loop_free(loop);
}

TestSuite(signals, .init = setup, .fini = teardown);

static void turn_often(void)
{
	for (int i = 0; i < 10; i++)
		cr_assert_eq(loop_turn(loop, 0), 0);
}

Test(signals, come_to_the_callback)
{
	struct epoll_info info;

	cr_assert_eq(kill(getpid(), SIGTERM), 0);
	cr_assert_eq(kill(getpid(), SIGINT), 0);
	cr_assert_eq(kill(getpid(), SIGHUP), 0);
	turn_often();

	cr_assert_eq(n_calls[SIGTERM], 1);
	cr_assert_eq(n_calls[SIGINT], 1);
	cr_assert_eq(n_calls[SIGHUP], 1);
	cr_assert_eq(epoll_info_since(&before, &info), 0);
	cr_assert_eq(info.n_descriptors, 1);
	cr_assert_eq(info.n_level_triggered, 0);
}

Test(signals, come_again)
{
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(kill(getpid(), SIGHUP), 0);
		turn_often();
	}

	cr_assert_eq(n_calls[SIGHUP], 3);
}

static void *wait_for_term(void *context)
{
	sigset_t mask;

	cr_assert_eq(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
	*(int *)context = sigismember(&mask, SIGTERM);
	return NULL;
}

Test(signals, are_blocked_in_threads_made_afterwards)
{
	pthread_t thread;
	int is_blocked = -1;

	cr_assert_eq(pthread_create(&thread, NULL, wait_for_term, &is_blocked), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);

	cr_assert_eq(is_blocked, 1);
}

Test(signals, may_be_freed_by_the_callback)
{
	frees = true;
	cr_assert_eq(kill(getpid(), SIGTERM), 0);
	cr_assert_eq(kill(getpid(), SIGHUP), 0);
	turn_often();

	cr_assert_eq(n_calls[SIGTERM] + n_calls[SIGHUP], 1);
	cr_assert_null(signals);
	signals_free(NULL);
}

Test(signals, broken_pipe_does_not_end_the_process)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	close(ends[0]);

	cr_assert_eq(write(ends[1], "x", 1), -1);
	cr_assert_eq(errno, EPIPE);

	close(ends[1]);
}
