/* SPDX-License-Identifier: MIT */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

/*
 * An edge-triggered event loop; one per thread. Every descriptor is registered once, for
 * EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLET, and never modified. All events of one wait are collected
 * before the first callback runs, so a callback may remove any source, its own included.
 */

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_source;

/*
 * Called when the descriptor may be ready.
 * @param events  epoll's bits that came since the last call; 0 when called again only because of
 * loop_ready() or of its own `true`
 * @return true = not drained: call again in the next turn, after all others that are ready. false =
 * drained to EAGAIN.
 */
typedef bool (*loop_callback)(void *context, uint32_t events);

/* Who is told that a loop waits. */
struct loop_waiting {
	void (*begin)(void *context);
	void (*end)(void *context); /* before any callback runs */
	void *context;
};

/* @return 0, -ENOMEM or -errno of epoll_create1(2). */
int loop_new(struct loop **ret_loop);

/* Remove all sources and free the loop. Takes NULL. Closes no descriptor of a source. */
void loop_free(struct loop *loop);

/*
 * Watch a descriptor. The caller keeps owning it and removes the source before closing it.
 * @return 0, -ENOMEM or -errno of epoll_ctl(2). *ret_source (may be NULL) is owned by the loop.
 */
int loop_add(struct loop *loop, int fd, loop_callback callback, void *context,
	     struct loop_source **ret_source);

/* Stop watching; the callback is not called again. Takes NULL. Same thread as the loop. */
void loop_remove(struct loop_source *source);

/* Have the callback called in the next turn without waiting for an event. Takes one already queued.
 * Same thread. */
void loop_ready(struct loop_source *source);

/* Have the functions called, on the loop's thread, around each time that it waits for events. */
void loop_on_wait(struct loop *loop, const struct loop_waiting *waiting);

/* Dispatch until loop_quit(). @return 0 or -errno of epoll_wait(2). */
int loop_run(struct loop *loop);

/* Dispatch what is ready now and what becomes so within timeout_ms (-1 = wait): one turn. @return 0
 * or -errno. */
int loop_turn(struct loop *loop, int timeout_ms);

/* Make loop_run() return after the present turn. From a callback of this loop only. */
void loop_quit(struct loop *loop);

#endif
