/* SPDX-License-Identifier: MIT */
#ifndef AGENT_QUEUE_H
#define AGENT_QUEUE_H

/*
 * Rounds that wait for the collector, in memory. The sampler's thread pushes and ships, the main
 * thread takes; each call holds the queue's mutex for a moment only.
 */

#include <bsd/sys/queue.h>
#include <stddef.h>
#include <stdint.h>

/* What an agent's queue holds at most; then the oldest whole rounds are dropped, and counted. */
#define QUEUE_MAX_BYTES ((size_t)64 << 20)

/* One round as text lines, each ended by a newline. */
struct round {
	TAILQ_ENTRY(round) entry;
	size_t n_samples; /* = lines */
	size_t length;
	char data[];
};

struct queue;

/* Rounds that were taken, but not finished, count as waiting. */
struct queue_stats {
	size_t n_bytes;
	size_t n_samples;
	uint64_t n_dropped_samples;
	uint64_t n_dropped_rounds;
};

/* @return 0 or -ENOMEM */
int queue_new(size_t max_bytes, struct queue **ret_queue);

/* Takes NULL. No round may be taken. */
void queue_free(struct queue *queue);

/*
 * Add a round at the end; it is not taken before queue_ship(). What no longer fits is dropped from
 * the front, the new round itself when it is larger than all of the queue.
 * @param data  copied
 * @return 0 or -ENOMEM
 */
int queue_push(struct queue *queue, const char *data, size_t length, size_t n_samples);

/* Let everything that waits now be taken. */
void queue_ship(struct queue *queue);

/* Take the oldest round off; NULL when none may go. It is never dropped from now on. */
struct round *queue_take(struct queue *queue);

/* Free a round that was taken. Takes NULL. */
void queue_finish(struct queue *queue, struct round *round);

void queue_get_stats(struct queue *queue, struct queue_stats *ret_stats);

#endif
