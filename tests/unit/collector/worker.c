/* SPDX-License-Identifier: MIT */
/* Tests of threads that write answers. */

#include "collector/worker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static struct workers *workers;
static _Atomic int n_freed;

static void setup(void)
{
	cr_assert_eq(workers_new(&workers), 0);
}

static void teardown(void)
{
	workers_free(workers);
}

TestSuite(worker, .init = setup, .fini = teardown);

static void count_free(void *state)
{
	(void)state;
	n_freed++;
}

/* Take all of an answer. @return what its producer said last */
static int take_all(struct control_reply *reply)
{
	int result = 1;

	while (result == 1 || result == -EAGAIN) {
		result = reply->produce(reply->state, reply);
		if (result == -EAGAIN)
			(void)usleep(1000);
	}
	return result;
}

static void write_rows(struct worker *worker, void *state)
{
	struct control_reply *reply = worker_reply(worker);

	for (int i = 0; i < *(int *)state; i++) {
		control_integer(reply, i);
		control_row_end(reply);
		if (worker_deliver(worker) < 0 || worker_check(worker) < 0)
			return;
	}
	control_end(reply, HM_CONTROL_OK, NULL);
}

static void work_on(struct worker *worker, void *state)
{
	int *ret_result = state;

	while ((*ret_result = worker_check(worker)) == 0)
		(void)usleep(1000);
}

static int start(struct control_reply *reply, void (*run)(struct worker *, void *), void *state,
		 int64_t time_max_us)
{
	const struct worker_job job = {run, count_free, state, time_max_us};

	return workers_start(workers, &job, reply);
}

Test(worker, writes_an_answer_of_any_length)
{
	struct control_reply reply = {0};
	int n_rows = 300000;
	size_t length;

	cr_assert_eq(start(&reply, write_rows, &n_rows, INT64_MAX), 0);
	cr_assert_eq(take_all(&reply), 0);

	cr_assert(reply.ended);
	length = reply.out.length;
	cr_assert_gt(length, 2000000);
	cr_assert_eq(memcmp(reply.out.data, "row\t0\nrow\t1\n", 12), 0);
	cr_assert_eq(memcmp(reply.out.data + length - 18, "row\t299999\nend\tok\n", 18), 0);
	control_reply_done(&reply);
	cr_assert_eq(n_freed, 1);
}

Test(worker, ends_when_its_client_is_gone)
{
	struct control_reply reply = {0};
	int n_rows = 300000;

	/* It waits for the client that reads nothing. */
	cr_assert_eq(start(&reply, write_rows, &n_rows, INT64_MAX), 0);
	(void)usleep(50000);
	cr_assert_eq(n_freed, 0);
	control_reply_done(&reply);
	workers_free(workers);
	workers = NULL;
	cr_assert_eq(n_freed, 1);
}

Test(worker, is_told_when_its_time_is_over)
{
	struct control_reply reply = {0};
	int result = 0;

	cr_assert_eq(start(&reply, work_on, &result, 20000), 0);
	/* It ended without an end: no answer is taken for whole. */
	cr_assert_lt(take_all(&reply), 0);
	cr_assert_eq(result, -ETIME);
	control_reply_done(&reply);
}

Test(worker, does_not_count_what_it_waits_for_its_client)
{
	struct control_reply reply = {0};
	int n_rows = 100000;

	cr_assert_eq(start(&reply, write_rows, &n_rows, 1000000), 0);
	for (int i = 0; i < 3; i++)
		(void)usleep(500000);
	cr_assert_eq(take_all(&reply), 0);
	cr_assert(reply.ended);
	control_reply_done(&reply);
}

Test(worker, lets_no_more_run_than_it_may)
{
	struct control_reply first = {0};
	struct control_reply second = {0};
	int result = 0;
	int n_rows = 1;

	cr_assert_eq(start(&first, work_on, &result, INT64_MAX), 0);
	cr_assert_eq(start(&second, write_rows, &n_rows, INT64_MAX), -EAGAIN);
	cr_assert_null(second.produce);
	control_reply_done(&first);
	cr_assert_eq(start(&second, write_rows, &n_rows, INT64_MAX), 0);
	cr_assert_eq(take_all(&second), 0);
	control_reply_done(&second);
}

Test(worker, has_its_client_wait)
{
	struct control_reply reply = {0};
	int result = 0;

	cr_assert_eq(start(&reply, work_on, &result, INT64_C(5500000)), 0);
	(void)take_all(&reply);
	cr_assert_eq(reply.out.length, strlen("wait\n"));
	cr_assert_eq(memcmp(reply.out.data, "wait\n", 5), 0);
	control_reply_done(&reply);
}
