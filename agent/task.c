/* SPDX-License-Identifier: MIT */
/* What may never return, done by processes beside the agent's. */

#include "hostmetrics/task.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/timestamp.h"

/* So many processes at most: one for each task that does not return, and one for the others. */
#define WORKERS_MAX 64

/* A task that takes longer may be one that does not return: where others wait, a further process does these. */
#define SLOW_US 5000

#define US_PER_MS 1000

/* What goes to a process, and comes back. */
struct message {
	int (*run)(void *memory);
	int result;
	char memory[HM_TASK_MAX_BYTES] __attribute__((aligned(16)));
};

enum task_state {
	TASK_IDLE,
	TASK_WAITING,
	TASK_RUNNING,
	TASK_DONE,
};

struct hm_task {
	TAILQ_ENTRY(hm_task) entry;
	int (*run)(void *memory);
	enum task_state state;
	int result;     /* once it is done */
	size_t n_bytes; /* at each of these */
	char *given;
	char *found;
};

TAILQ_HEAD(task_list, hm_task);

struct worker {
	int fd;
	struct hm_task *task; /* that it does; NULL: it is idle, or the task was removed */
	bool is_busy;
	bool is_late; /* the run that its task was begun in is over */
};

struct hm_tasks {
	struct task_list list;
	struct worker workers[WORKERS_MAX];
	size_t n_workers;
};

int hm_tasks_new(struct hm_tasks **ret_tasks)
{
	struct hm_tasks *tasks = calloc(1, sizeof(*tasks));

	if (!tasks)
		return -ENOMEM;
	TAILQ_INIT(&tasks->list);
	*ret_tasks = tasks;
	return 0;
}

static void free_task(struct hm_task *task)
{
	free(task->given);
	free(task->found);
	free(task);
}

void hm_tasks_free(struct hm_tasks *tasks)
{
	struct hm_task *task;
	struct hm_task *next;

	if (!tasks)
		return;
	TAILQ_FOREACH_SAFE(task, &tasks->list, entry, next)
		free_task(task);
	/* That is how they see that nobody needs them. */
	for (size_t i = 0; i < tasks->n_workers; i++)
		close(tasks->workers[i].fd);
	free(tasks);
}

int hm_task_add(struct hm_tasks *tasks, int (*run)(void *memory), const void *memory,
		size_t n_bytes, struct hm_task **ret_task)
{
	struct hm_task *task;

	if (n_bytes > HM_TASK_MAX_BYTES)
		return -EMSGSIZE;
	task = calloc(1, sizeof(*task));
	if (!task)
		return -ENOMEM;
	*task = (struct hm_task){
		.run = run,
		.n_bytes = n_bytes,
		.given = malloc(n_bytes + 1),
		.found = malloc(n_bytes + 1),
	};
	if (!task->given || !task->found) {
		free_task(task);
		return -ENOMEM;
	}
	if (n_bytes > 0)
		memcpy(task->given, memory, n_bytes);
	TAILQ_INSERT_TAIL(&tasks->list, task, entry);
	*ret_task = task;
	return 0;
}

void hm_task_remove(struct hm_tasks *tasks, struct hm_task *task)
{
	for (size_t i = 0; i < tasks->n_workers; i++) {
		if (tasks->workers[i].task == task)
			tasks->workers[i].task = NULL;
	}
	TAILQ_REMOVE(&tasks->list, task, entry);
	free_task(task);
}

int hm_task_result(const struct hm_task *task, const void **ret_memory)
{
	if (task->state != TASK_DONE)
		return -ETIMEDOUT;
	*ret_memory = task->found;
	return task->result;
}

/* -- the processes --------------------------------------------------------------------------------- */

/* In a process of its own, made by fork(2) from one with threads: system calls only. */
static _Noreturn void work(int fd)
{
	struct message message;
	sigset_t ends;

	/* The agent's threads block these; but a service has ended only when they have ended this process, too. */
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)sigprocmask(SIG_UNBLOCK, &ends, NULL);
	/* Descriptors kept here would keep locks and connections of an agent that has ended. */
	if (dup2(fd, 0) < 0 || close_range(1, ~0U, 0) < 0)
		_exit(1);
	(void)prctl(PR_SET_NAME, "agent-task");
	for (;;) {
		ssize_t n_bytes = recv(0, &message, sizeof(message), 0);

		if (n_bytes < (ssize_t)offsetof(struct message, memory))
			_exit(0);
		message.result = message.run(message.memory);
		if (send(0, &message, (size_t)n_bytes, MSG_NOSIGNAL) != n_bytes)
			_exit(0);
	}
}

/* @return its end of a connection, or -errno. Nobody has to wait for the process: it is no child. */
static int start_process(void)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			work(fds[1]);
		_exit(pid < 0 ? 1 : 0);
	}
	close(fds[1]);
	if (pid > 0 && waitpid(pid, NULL, 0) == pid)
		return fds[0];
	close(fds[0]);
	return -EAGAIN;
}

static struct worker *find_idle(struct hm_tasks *tasks)
{
	for (size_t i = 0; i < tasks->n_workers; i++) {
		if (!tasks->workers[i].is_busy)
			return &tasks->workers[i];
	}
	return NULL;
}

static void remove_worker(struct hm_tasks *tasks, struct worker *worker)
{
	close(worker->fd);
	*worker = tasks->workers[--tasks->n_workers];
}

/* @return NULL: tasks are not done in time */
static struct worker *add_worker(struct hm_tasks *tasks)
{
	int fd = tasks->n_workers < WORKERS_MAX ? start_process() : -EAGAIN;
	struct worker *worker = &tasks->workers[tasks->n_workers];

	if (fd < 0)
		return NULL;
	*worker = (struct worker){.fd = fd};
	tasks->n_workers++;
	return worker;
}

/* What has come late is of a moment that is over. @param n_bytes  of the answer; 0 or less: the process is gone */
static void settle(struct worker *worker, const struct message *message, ssize_t n_bytes)
{
	struct hm_task *task = worker->task;

	if (task && worker->is_late) {
		task->state = TASK_IDLE;
	} else if (task) {
		task->state = TASK_DONE;
		task->result = n_bytes > 0 ? message->result : -EIO;
		memcpy(task->found, n_bytes > 0 ? message->memory : task->given, task->n_bytes);
	}
	worker->task = NULL;
	worker->is_busy = false;
}

/* Take answers that are there. @return how many of this run */
static size_t take_answers(struct hm_tasks *tasks)
{
	size_t n_answers = 0;

	for (size_t i = tasks->n_workers; i-- > 0;) {
		struct worker *worker = &tasks->workers[i];
		struct message message;
		ssize_t n_bytes;

		if (!worker->is_busy)
			continue;
		n_bytes = recv(worker->fd, &message, sizeof(message), MSG_DONTWAIT);
		if (n_bytes < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		n_answers += !worker->is_late;
		settle(worker, &message, n_bytes);
		if (n_bytes <= 0)
			remove_worker(tasks, worker);
	}
	return n_answers;
}

/* -- a run ----------------------------------------------------------------------------------------- */

static struct hm_task *next_waiting(const struct hm_tasks *tasks)
{
	struct hm_task *task;

	TAILQ_FOREACH(task, &tasks->list, entry) {
		if (task->state == TASK_WAITING)
			return task;
	}
	return NULL;
}

static void give(struct worker *worker, struct hm_task *task)
{
	struct message message = {.run = task->run};
	const size_t n_bytes = offsetof(struct message, memory) + task->n_bytes;

	memcpy(message.memory, task->given, task->n_bytes);
	/* Where that fails the process is gone, which taking its answer tells. */
	(void)send(worker->fd, &message, n_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
	task->state = TASK_RUNNING;
	*worker = (struct worker){.fd = worker->fd, .task = task, .is_busy = true};
}

/* Give what waits to who is idle. @param may_add  one process more, where nobody is */
static void give_all(struct hm_tasks *tasks, bool may_add)
{
	struct hm_task *task;

	while ((task = next_waiting(tasks))) {
		struct worker *worker = find_idle(tasks);

		if (!worker && may_add)
			worker = add_worker(tasks);
		if (!worker)
			return;
		give(worker, task);
		may_add = false;
	}
}

/* @return how many are to be done */
static size_t begin_run(struct hm_tasks *tasks)
{
	struct hm_task *task;
	size_t n = 0;

	(void)take_answers(tasks);
	/* Those that were late have nothing to do any more. */
	for (size_t i = tasks->n_workers, n_idle = 0; i-- > 0;) {
		if (!tasks->workers[i].is_busy && n_idle++ > 0)
			remove_worker(tasks, &tasks->workers[i]);
	}
	TAILQ_FOREACH(task, &tasks->list, entry) {
		if (task->state == TASK_RUNNING)
			continue;
		task->state = TASK_WAITING;
		n++;
	}
	return n;
}

/* What was not begun is not begun any more. */
static void end_run(struct hm_tasks *tasks)
{
	struct hm_task *task;

	TAILQ_FOREACH(task, &tasks->list, entry) {
		if (task->state == TASK_WAITING)
			task->state = TASK_IDLE;
	}
	for (size_t i = 0; i < tasks->n_workers; i++)
		tasks->workers[i].is_late = tasks->workers[i].is_busy;
}

/* Until one of this run has answered. @return false: none has */
static bool await(const struct hm_tasks *tasks, int64_t timeout_us)
{
	struct pollfd fds[WORKERS_MAX];
	nfds_t n = 0;

	for (size_t i = 0; i < tasks->n_workers; i++) {
		const struct worker *worker = &tasks->workers[i];

		if (worker->is_busy && !worker->is_late)
			fds[n++] = (struct pollfd){.fd = worker->fd, .events = POLLIN};
	}
	return poll(fds, n, (int)((timeout_us + US_PER_MS - 1) / US_PER_MS)) > 0;
}

void hm_tasks_run(struct hm_tasks *tasks, int64_t timeout_us)
{
	const int64_t end_us = timestamp_monotonic_us() + timeout_us;
	size_t n_left = begin_run(tasks);

	if (n_left > 0)
		give_all(tasks, true);
	while (n_left > 0) {
		const int64_t left_us = end_us - timestamp_monotonic_us();

		if (left_us <= 0)
			break;
		/* Those that take long keep their process; one more does what waits. */
		if (!await(tasks, left_us < SLOW_US ? left_us : SLOW_US))
			give_all(tasks, true);
		n_left -= take_answers(tasks);
		give_all(tasks, false);
	}
	end_run(tasks);
}
