/* SPDX-License-Identifier: MIT */
#ifndef AGENT_QUEUE_H
#define AGENT_QUEUE_H

/*
 * Rounds, and what happened to the clock between them, on their way from the sampler's thread, which pushes them, to
 * the main thread, which takes them and writes them into the spool; each call holds the queue's mutex for a moment
 * only. So no disk ever delays a sample.
 */

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/clock_watch.h"

/* So many events of the clock wait at most. */
#define QUEUE_EVENTS_MAX 10000

/* First and last time of something. */
struct queue_span {
	int64_t first_us;
	int64_t last_us;
};

/* One round, as agent/round.h; or an event, and no samples. */
struct round {
	TAILQ_ENTRY(round) entry;
	bool is_event;
	struct clock_event event;
	uint64_t number;        /* how many were pushed before */
	struct queue_span span; /* of all that is in it */
	size_t n_samples;
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

/* @param max_bytes  then the oldest whole rounds are lost, and counted. @return 0 or -ENOMEM */
int queue_new(size_t max_bytes, struct queue **ret_queue);

/* Takes NULL. No round may be taken. */
void queue_free(struct queue *queue);

/*
 * Add a round at the end. What no longer fits is dropped from the front, the new round itself when it is larger than all of the queue.
 * @param data  copied
 * @param span  its times
 * @return 0; -ENOMEM: it is lost
 */
int queue_push(struct queue *queue, const char *data, size_t length, size_t n_samples,
	       const struct queue_span *span);

/* Add an event at the end. It is never dropped. @return 0, -ENOMEM; -ENOSPC: there are too many */
int queue_push_event(struct queue *queue, const struct clock_event *event);

/* Samples of these times are lost: they were taken, or nobody can be told why they were not. */
void queue_lose(struct queue *queue, const struct queue_span *span);

/* Was anything lost since the last call? @param ret_span  from the first to the last of it */
bool queue_take_lost(struct queue *queue, struct queue_span *ret_span);

/* What was pushed up to now is to be shipped. */
void queue_ship(struct queue *queue);

/* Was there a queue_ship() since the last call? */
bool queue_take_ship(struct queue *queue);

/* Take the oldest round off; NULL when there is none. It is never dropped from now on. */
struct round *queue_take(struct queue *queue);

/* How many rounds and events were pushed so far. */
uint64_t queue_count_pushed(struct queue *queue);

/* Take the oldest off where it is one of the first that were pushed, so many; else NULL. */
struct round *queue_take_of(struct queue *queue, uint64_t n_pushed);

/* Free a round that was taken. Takes NULL. */
void queue_finish(struct queue *queue, struct round *round);

void queue_get_stats(struct queue *queue, struct queue_stats *ret_stats);

#endif
