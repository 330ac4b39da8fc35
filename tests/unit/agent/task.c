/* SPDX-License-Identifier: MIT */
/* Tests of agent/task.c: what may never return. Tasks wait for a byte in a named pipe. */

#include "hostmetrics/task.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/timestamp.h"
#include "tests/support/scratch.h"

#define LONG_US  INT64_C(20000000)
#define SHORT_US INT64_C(30000)

struct wait {
	int answer;
	char path
		[256]; /* of a named pipe: it returns when that is opened at its other end; "": at once */
};

static struct hm_tasks *tasks;
static const char *folder;
static char fifo[256];

static void setup(void)
{
	cr_assert_eq(hm_tasks_new(&tasks), 0);
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	folder = scratch_folder();
	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
}

/* All that wait go on, from now on. */
static void release(void)
{
	cr_assert_geq(open(fifo, O_RDWR | O_CLOEXEC), 0);
}

static void teardown(void)
{
	hm_tasks_free(tasks);
	release();
	scratch_remove(folder);
}

TestSuite(task, .init = setup, .fini = teardown, .timeout = 60);

static int run_wait(void *memory)
{
	struct wait *wait = memory;
	int fd;

	wait->answer++;
	if (!wait->path[0])
		return wait->answer;
	fd = open(wait->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return wait->answer;
}

/* @param path  "": it returns at once */
static struct hm_task *add(const char *path, int answer)
{
	struct wait wait = {.answer = answer - 1};
	struct hm_task *task;

	(void)snprintf(wait.path, sizeof(wait.path), "%s", path);
	cr_assert_eq(hm_task_add(tasks, run_wait, &wait, sizeof(wait), &task), 0);
	return task;
}

static int result_of(const struct hm_task *task)
{
	const void *memory = NULL;
	int result = hm_task_result(task, &memory);

	if (result > 0)
		cr_expect_eq(((const struct wait *)memory)->answer, result);
	return result;
}

static int last_process; /* that was counted */

/* Of processes that tasks are done by: the test adopts them. */
static unsigned count_processes(void)
{
	char path[64];
	char text[4096];
	FILE *file;
	unsigned n = 0;
	long pid;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	cr_assert_not_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	for (char *at = text, *end; (pid = strtol(at, &end, 10)) > 0; at = end) {
		last_process = (int)pid;
		n++;
	}
	return n;
}

static void await_processes(unsigned n)
{
	while (count_processes() != n)
		sched_yield();
}

Test(task, all_are_done_by_one_process_in_each_run)
{
	struct hm_task *some[] = {add("", 1), add("", 2), add("", 3)};

	cr_expect_eq(result_of(some[0]), -ETIMEDOUT, "it was never done");
	for (int n = 0; n < 3; n++) {
		hm_tasks_run(tasks, LONG_US);
		for (int i = 0; i < 3; i++)
			cr_expect_eq(result_of(some[i]), i + 1);
	}
	cr_expect_eq(count_processes(), 1);
}

Test(task, one_that_does_not_return_costs_no_other_and_one_process)
{
	struct hm_task *stuck = add(fifo, 1);
	struct hm_task *other = add("", 2);

	for (int n = 0; n < 10; n++) {
		/* Only in the first run is it waited for. */
		hm_tasks_run(tasks, n == 0 ? SHORT_US : LONG_US);
		cr_expect_eq(result_of(stuck), -ETIMEDOUT);
		cr_expect_eq(result_of(other), 2);
	}
	cr_expect_eq(count_processes(), 2);
}

Test(task, one_that_does_not_return_is_waited_for_once)
{
	int64_t begin_us;

	(void)add(fifo, 1);
	hm_tasks_run(tasks, SHORT_US);
	begin_us = timestamp_monotonic_us();
	for (unsigned i = 0; i < 100; i++)
		hm_tasks_run(tasks, LONG_US);
	cr_expect_lt(timestamp_monotonic_us() - begin_us, LONG_US);
	cr_expect_eq(count_processes(), 1);
}

Test(task, one_that_returns_late_counts_from_the_next_run_on)
{
	struct hm_task *stuck = add(fifo, 1);

	hm_tasks_run(tasks, SHORT_US);
	(void)add("", 2);
	hm_tasks_run(tasks, LONG_US);
	cr_expect_eq(count_processes(), 2);
	release();
	cr_expect_eq(result_of(stuck), -ETIMEDOUT);
	while (result_of(stuck) != 1)
		hm_tasks_run(tasks, LONG_US);
	/* The process that was stuck is not needed any more. */
	hm_tasks_run(tasks, LONG_US);
	await_processes(1);
}

Test(task, more_than_there_may_be_processes_do_not_return)
{
	struct hm_task *other;

	for (unsigned i = 0; i < 80; i++)
		(void)add(fifo, 1);
	other = add("", 2);
	while (count_processes() < 64)
		hm_tasks_run(tasks, SHORT_US);
	for (unsigned i = 0; i < 3; i++)
		hm_tasks_run(tasks, SHORT_US);
	/* The others have to wait until one returns. */
	cr_expect_eq(result_of(other), -ETIMEDOUT);
	cr_expect_eq(count_processes(), 64);
	release();
	while (result_of(other) < 0)
		hm_tasks_run(tasks, SHORT_US);
}

Test(task, one_that_is_removed_meanwhile_goes_when_it_returns)
{
	struct hm_task *stuck = add(fifo, 1);
	struct hm_task *other = add("", 2);

	hm_tasks_run(tasks, SHORT_US);
	hm_task_remove(tasks, stuck);
	hm_task_remove(tasks, other);
	hm_tasks_run(tasks, LONG_US);
	hm_tasks_free(tasks);
	tasks = NULL;
	await_processes(1);
	release();
	await_processes(0);
}

Test(task, a_process_that_is_killed_is_one_error)
{
	struct hm_task *task = add("", 1);

	hm_tasks_run(tasks, LONG_US);
	cr_expect_eq(result_of(task), 1);
	cr_assert_eq(count_processes(), 1);
	cr_assert_eq(kill(last_process, SIGKILL), 0);
	await_processes(0);
	hm_tasks_run(tasks, LONG_US);
	cr_expect_eq(result_of(task), -EIO);
	hm_tasks_run(tasks, LONG_US);
	cr_expect_eq(result_of(task), 1);
}

Test(task, has_no_descriptors_but_its_own)
{
	char path[64];

	(void)add("", 1);
	hm_tasks_run(tasks, LONG_US);
	cr_assert_eq(count_processes(), 1);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/0", last_process);
	cr_expect_eq(access(path, F_OK), 0);
	for (int fd = 1; fd < 20; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", last_process, fd);
		cr_expect_neq(access(path, F_OK), 0);
	}
}

Test(task, none_costs_no_process)
{
	hm_tasks_run(tasks, LONG_US);
	cr_expect_eq(count_processes(), 0);
}

Test(task, may_have_so_much_memory)
{
	static const char memory[HM_TASK_MAX_BYTES + 1];
	struct hm_task *task;

	cr_expect_eq(hm_task_add(tasks, run_wait, memory, sizeof(memory), &task), -EMSGSIZE);
	cr_expect_eq(hm_task_add(tasks, run_wait, memory, sizeof(memory) - 1, &task), 0);
	hm_tasks_run(tasks, LONG_US);
	cr_expect_eq(result_of(task), 1);
}

static int run_is_blocked(void *memory)
{
	sigset_t blocked;

	(void)memory;
	return sigprocmask(SIG_BLOCK, NULL, &blocked) < 0 ? -errno : sigismember(&blocked, SIGTERM);
}

/* The agent's threads block it: who waits for a server that is gone would hold up the end of the service. */
Test(task, a_process_is_ended_by_sigterm)
{
	struct hm_task *task;
	const void *memory;
	sigset_t all;

	sigfillset(&all);
	cr_assert_eq(sigprocmask(SIG_SETMASK, &all, NULL), 0);
	cr_assert_eq(hm_task_add(tasks, run_is_blocked, NULL, 0, &task), 0);
	hm_tasks_run(tasks, LONG_US);
	cr_expect_eq(hm_task_result(task, &memory), 0);
}
