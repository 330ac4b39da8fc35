/* SPDX-License-Identifier: MIT */
/* Tests of common/wakeup.c. */

#include "common/wakeup.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/support/epoll_info.h"

#define N_THREADS 4
#define N_SENDS   20000

struct probe {
	struct wakeup *wakeup;
	int n_calls;
	int n_resends; /* calls that send again */
	bool frees;
	atomic_int n_made; /* by the threads, before each send */
	int n_seen;        /* of them, by the last call */
};

static struct loop *loop;
static struct epoll_info before;
static struct probe probe;

static void on_wakeup(void *context)
{
	struct probe *mine = context;

	mine->n_calls++;
	mine->n_seen = atomic_load(&mine->n_made);
	if (mine->n_resends > 0) {
		mine->n_resends--;
		wakeup_send(mine->wakeup);
	}
	if (mine->frees) {
		wakeup_free(mine->wakeup);
		mine->wakeup = NULL;
	}
}

static void setup(void)
{
	cr_assert_eq(epoll_info_read(getpid(), &before), 0);
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(wakeup_new(loop, on_wakeup, &probe, &probe.wakeup), 0);
	cr_assert_eq(loop_turn(loop, 0), 0);
	alarm(20);
}

static void teardown(void)
{
	wakeup_free(probe.wakeup);
	loop_free(loop);
}

TestSuite(wakeup, .init = setup, .fini = teardown);

static void turn_often(void)
{
	for (int i = 0; i < 10; i++)
		cr_assert_eq(loop_turn(loop, 0), 0);
}

Test(wakeup, does_not_call_back_before_it_is_sent)
{
	struct epoll_info info;

	turn_often();

	cr_assert_eq(probe.n_calls, 0);
	cr_assert_eq(epoll_info_since(&before, &info), 0);
	cr_assert_eq(info.n_descriptors, 1);
	cr_assert_eq(info.n_level_triggered, 0);
}

Test(wakeup, sent_often_calls_back_once)
{
	for (int i = 0; i < 1000; i++)
		wakeup_send(probe.wakeup);
	turn_often();

	cr_assert_eq(probe.n_calls, 1);
}

Test(wakeup, sent_by_its_own_callback_calls_back_again)
{
	probe.n_resends = 3;
	wakeup_send(probe.wakeup);
	turn_often();

	cr_assert_eq(probe.n_calls, 4);
}

static void *send_many(void *context)
{
	struct probe *mine = context;

	for (int i = 0; i < N_SENDS; i++) {
		atomic_fetch_add(&mine->n_made, 1);
		wakeup_send(mine->wakeup);
	}
	return NULL;
}

Test(wakeup, of_other_threads_never_gets_lost)
{
	pthread_t threads[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, send_many, &probe), 0);
	/* Waits for ever (and the alarm ends it) where the last one is not seen. */
	while (probe.n_seen < N_THREADS * N_SENDS)
		cr_assert_eq(loop_turn(loop, -1), 0);

	for (int i = 0; i < N_THREADS; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
	cr_assert_leq(probe.n_calls, N_THREADS * N_SENDS);
}

Test(wakeup, may_be_freed_by_its_own_callback)
{
	probe.frees = true;
	wakeup_send(probe.wakeup);
	turn_often();

	cr_assert_eq(probe.n_calls, 1);
	cr_assert_null(probe.wakeup);
	wakeup_free(NULL);
}
