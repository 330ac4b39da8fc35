/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WORKER_H
#define COLLECTOR_WORKER_H

/*
 * Threads that write answers which take long, so that the control socket's loop goes on. Each has one
 * answer; what it writes is handed to the loop in pieces, and it waits while the client does not read
 * them. It runs at a lower priority than what takes samples in, and ends when the client is gone.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/control.h"
#include "common/control_server.h"
#include "common/wakeup.h"

/* Where all places are taken, the one whose client has not read for so long, the longest of them,
 * gives way: as among the clients of the control socket. */
#define WORKER_PATIENCE_US CONTROL_PATIENCE_US

struct workers;
struct worker;

struct worker_job {
	/* On the thread: write the rows and the end. Broken off it returns, and what it wrote is lost. */
	void (*run)(struct worker *worker, void *state);
	void (*free_state)(void *state); /* on either thread */
	void *state;
	int64_t time_max_us; /* without what it waits for its client */
};

/* @return 0 or -ENOMEM */
int workers_new(struct workers **ret_workers);

/* So many may run at once. */
void workers_set_max(struct workers *workers, size_t n);

/* Who is told that there is something to be read; borrowed. NULL = nobody, the client asks again. */
void workers_set_news(struct workers *workers, struct wakeup *news);

/* Break all off and wait until they have ended. Takes NULL. */
void workers_free(struct workers *workers);

/*
 * Have the rest of an answer written. On the loop's thread.
 * @return 0; -EAGAIN: too many run; -ENOMEM, -errno of pthread_create(3). Then the state is the
 * caller's still
 */
int workers_start(struct workers *workers, const struct worker_job *job,
		  struct control_reply *reply);

/* How many gave way because their clients did not read. */
uint64_t workers_n_evicted(struct workers *workers);

/* How many threads there are just now. */
size_t workers_n_running(struct workers *workers);

/*
 * Have the process keep some of the memory that a query gave back for the next one: getting and clearing
 * pages takes longer than most queries do. Once, before there are threads.
 */
void workers_keep_memory(void);

/* Where the thread writes. */
struct control_reply *worker_reply(struct worker *worker);

/* Hand over what is written, once it is worth it. May wait. @return 0; -ECANCELED: the client is gone */
int worker_deliver(struct worker *worker);

/* Whether to go on: 0; -ECANCELED: the client is gone; -ETIME. @param context  a struct worker */
int worker_check(void *context);

#endif
