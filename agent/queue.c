/* SPDX-License-Identifier: MIT */
/* Rounds on their way from the sampler to the spool. */

#include "agent/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

TAILQ_HEAD(round_list, round);

struct queue {
	pthread_mutex_t lock;
	size_t max_bytes;
	struct round_list rounds;
	size_t n_events; /* among them */
	uint64_t n_pushed;
	bool is_shipped; /* and nobody has asked since */
	bool has_lost;   /* likewise */
	struct queue_span lost;
	struct queue_stats stats;
};

int queue_new(size_t max_bytes, struct queue **ret_queue)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	pthread_mutex_init(&queue->lock, NULL);
	queue->max_bytes = max_bytes;
	TAILQ_INIT(&queue->rounds);
	*ret_queue = queue;
	return 0;
}

static void list_free(struct round_list *rounds)
{
	struct round *round;
	struct round *next;

	TAILQ_FOREACH_SAFE(round, rounds, entry, next)
		free(round);
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	list_free(&queue->rounds);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

static void insert_round(struct queue *queue, struct round *round)
{
	round->number = queue->n_pushed++;
	TAILQ_INSERT_TAIL(&queue->rounds, round, entry);
	queue->n_events += round->is_event;
}

static void remove_round(struct queue *queue, struct round *round)
{
	TAILQ_REMOVE(&queue->rounds, round, entry);
	queue->n_events -= round->is_event;
}

static void uncount(struct queue *queue, const struct round *round)
{
	queue->stats.n_bytes -= round->length;
	queue->stats.n_samples -= round->n_samples;
}

static void note_lost(struct queue *queue, const struct queue_span *span)
{
	if (!queue->has_lost || span->first_us < queue->lost.first_us)
		queue->lost.first_us = span->first_us;
	if (!queue->has_lost || span->last_us > queue->lost.last_us)
		queue->lost.last_us = span->last_us;
	queue->has_lost = true;
}

/* Move what is too much to `dropped`, which is freed when nobody waits for the mutex any more. */
static void drop_oldest(struct queue *queue, struct round_list *dropped)
{
	struct round *round;
	struct round *next;

	TAILQ_FOREACH_SAFE(round, &queue->rounds, entry, next) {
		if (queue->stats.n_bytes <= queue->max_bytes)
			break;
		if (round->is_event)
			continue;
		remove_round(queue, round);
		uncount(queue, round);
		note_lost(queue, &round->span);
		queue->stats.n_dropped_rounds++;
		queue->stats.n_dropped_samples += round->n_samples;
		TAILQ_INSERT_TAIL(dropped, round, entry);
	}
}

int queue_push(struct queue *queue, const char *data, size_t length, size_t n_samples,
	       const struct queue_span *span)
{
	struct round_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct round *round = malloc(sizeof(*round) + length);

	if (!round)
		return -ENOMEM;
	*round = (struct round){.n_samples = n_samples, .span = *span, .length = length};
	memcpy(round->data, data, length);

	pthread_mutex_lock(&queue->lock);
	insert_round(queue, round);
	queue->stats.n_bytes += length;
	queue->stats.n_samples += n_samples;
	drop_oldest(queue, &dropped);
	pthread_mutex_unlock(&queue->lock);
	list_free(&dropped);
	return 0;
}

int queue_push_event(struct queue *queue, const struct clock_event *event)
{
	struct round *round = calloc(1, sizeof(*round));
	int result = 0;

	if (!round)
		return -ENOMEM;
	round->is_event = true;
	round->event = *event;

	pthread_mutex_lock(&queue->lock);
	if (queue->n_events == QUEUE_EVENTS_MAX)
		result = -ENOSPC;
	else
		insert_round(queue, round);
	pthread_mutex_unlock(&queue->lock);
	if (result < 0)
		free(round);
	return result;
}

void queue_lose(struct queue *queue, const struct queue_span *span)
{
	pthread_mutex_lock(&queue->lock);
	note_lost(queue, span);
	pthread_mutex_unlock(&queue->lock);
}

bool queue_take_lost(struct queue *queue, struct queue_span *ret_span)
{
	bool has_lost;

	pthread_mutex_lock(&queue->lock);
	has_lost = queue->has_lost;
	if (has_lost)
		*ret_span = queue->lost;
	queue->has_lost = false;
	pthread_mutex_unlock(&queue->lock);
	return has_lost;
}

void queue_ship(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->is_shipped = true;
	pthread_mutex_unlock(&queue->lock);
}

bool queue_take_ship(struct queue *queue)
{
	bool is_shipped;

	pthread_mutex_lock(&queue->lock);
	is_shipped = queue->is_shipped;
	queue->is_shipped = false;
	pthread_mutex_unlock(&queue->lock);
	return is_shipped;
}

uint64_t queue_count_pushed(struct queue *queue)
{
	uint64_t n_pushed;

	pthread_mutex_lock(&queue->lock);
	n_pushed = queue->n_pushed;
	pthread_mutex_unlock(&queue->lock);
	return n_pushed;
}

struct round *queue_take_of(struct queue *queue, uint64_t n_pushed)
{
	struct round *round;

	pthread_mutex_lock(&queue->lock);
	round = TAILQ_FIRST(&queue->rounds);
	if (round && round->number >= n_pushed)
		round = NULL;
	if (round)
		remove_round(queue, round);
	pthread_mutex_unlock(&queue->lock);
	return round;
}

struct round *queue_take(struct queue *queue)
{
	return queue_take_of(queue, UINT64_MAX);
}

void queue_finish(struct queue *queue, struct round *round)
{
	if (!round)
		return;
	pthread_mutex_lock(&queue->lock);
	uncount(queue, round);
	pthread_mutex_unlock(&queue->lock);
	free(round);
}

void queue_get_stats(struct queue *queue, struct queue_stats *ret_stats)
{
	pthread_mutex_lock(&queue->lock);
	*ret_stats = queue->stats;
	pthread_mutex_unlock(&queue->lock);
}
