/* SPDX-License-Identifier: MIT */
/* An edge-triggered event loop on epoll. */

#include "common/loop.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Taken from the kernel at once. What is left there comes first in the next turn. */
#define LOOP_EVENTS_MAX 256

#define LOOP_INTEREST (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

struct loop_source {
	TAILQ_ENTRY(loop_source) all;   /* in loop->sources, after its removal in loop->removed */
	TAILQ_ENTRY(loop_source) queue; /* in loop->ready */
	struct loop *loop;
	int fd;
	loop_callback callback;
	void *context;
	uint32_t events; /* that came since the last call */
	bool is_ready;
	bool is_removed;
	unsigned int ready_turn; /* the turn that put it on the ready list */
};

TAILQ_HEAD(loop_source_list, loop_source);

struct loop {
	int epoll_fd;
	bool is_quitting;
	unsigned int turn;
	struct loop_waiting waiting;
	struct loop_source_list sources;
	struct loop_source_list ready;   /* to be called, in this order */
	struct loop_source_list removed; /* may still be in use by its own callback */
};

int loop_new(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	TAILQ_INIT(&loop->sources);
	TAILQ_INIT(&loop->ready);
	TAILQ_INIT(&loop->removed);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		int result = -errno;

		free(loop);
		return result;
	}
	*ret_loop = loop;
	return 0;
}

static void free_removed(struct loop *loop)
{
	struct loop_source *source;
	struct loop_source *next;

	for (source = TAILQ_FIRST(&loop->removed); source; source = next) {
		next = TAILQ_NEXT(source, all);
		free(source);
	}
	TAILQ_INIT(&loop->removed);
}

void loop_free(struct loop *loop)
{
	struct loop_source *source;
	struct loop_source *next;

	if (!loop)
		return;
	for (source = TAILQ_FIRST(&loop->sources); source; source = next) {
		next = TAILQ_NEXT(source, all);
		loop_remove(source);
	}
	free_removed(loop);
	(void)close(loop->epoll_fd);
	free(loop);
}

int loop_add(struct loop *loop, int fd, loop_callback callback, void *context,
	     struct loop_source **ret_source)
{
	struct loop_source *source = calloc(1, sizeof(*source));
	struct epoll_event event = {.events = LOOP_INTEREST, .data.ptr = source};

	if (!source)
		return -ENOMEM;
	source->loop = loop;
	source->fd = fd;
	source->callback = callback;
	source->context = context;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		int result = -errno;

		free(source);
		return result;
	}
	TAILQ_INSERT_TAIL(&loop->sources, source, all);
	if (ret_source)
		*ret_source = source;
	return 0;
}

void loop_remove(struct loop_source *source)
{
	struct loop *loop;

	if (!source || source->is_removed)
		return;
	loop = source->loop;
	/* Cannot fail while the caller keeps the descriptor open, as loop_add() asks for. */
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	if (source->is_ready)
		TAILQ_REMOVE(&loop->ready, source, queue);
	source->is_removed = true;
	TAILQ_REMOVE(&loop->sources, source, all);
	TAILQ_INSERT_TAIL(&loop->removed, source, all);
}

void loop_ready(struct loop_source *source)
{
	if (source->is_ready || source->is_removed)
		return;
	source->is_ready = true;
	source->ready_turn = source->loop->turn;
	TAILQ_INSERT_TAIL(&source->loop->ready, source, queue);
}

void loop_on_wait(struct loop *loop, const struct loop_waiting *waiting)
{
	loop->waiting = *waiting;
}

/* @return as epoll_wait(2), but -errno */
static int wait_for_events(const struct loop *loop, struct epoll_event events[], int timeout_ms)
{
	const struct loop_waiting *waiting = &loop->waiting;
	const bool is_told = waiting->begin && timeout_ms != 0;
	int n_events;

	if (is_told)
		waiting->begin(waiting->context);
	n_events = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS_MAX, timeout_ms);
	if (n_events < 0)
		n_events = -errno;
	if (is_told)
		waiting->end(waiting->context);
	return n_events;
}

/* Put every source that has events on the ready list, before any callback runs. */
static int collect(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[LOOP_EVENTS_MAX];
	int n_events;

	/* What waits for its next turn must not wait for the kernel. */
	if (!TAILQ_EMPTY(&loop->ready))
		timeout_ms = 0;
	n_events = wait_for_events(loop, events, timeout_ms);
	if (n_events < 0)
		return n_events == -EINTR ? 0 : n_events;
	for (int i = 0; i < n_events; i++) {
		struct loop_source *source = events[i].data.ptr;

		source->events |= events[i].events;
		loop_ready(source);
	}
	return 0;
}

static void call(struct loop_source *source)
{
	uint32_t events = source->events;

	TAILQ_REMOVE(&source->loop->ready, source, queue);
	source->is_ready = false;
	source->events = 0;
	if (source->callback(source->context, events))
		loop_ready(source);
}

int loop_turn(struct loop *loop, int timeout_ms)
{
	struct loop_source *source;
	int result = collect(loop, timeout_ms);

	/* Who is put on the list from here on has the new number and waits for the next turn. */
	loop->turn++;
	while ((source = TAILQ_FIRST(&loop->ready)) && source->ready_turn != loop->turn)
		call(source);
	free_removed(loop);
	return result;
}

int loop_run(struct loop *loop)
{
	int result = 0;

	loop->is_quitting = false;
	while (!loop->is_quitting && result == 0)
		result = loop_turn(loop, -1);
	return result;
}

void loop_quit(struct loop *loop)
{
	loop->is_quitting = true;
}
