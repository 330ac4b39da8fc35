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
	bool is_shipped; /* and nobody has asked since */
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

static void remove_round(struct queue *queue, struct round *round)
{
	TAILQ_REMOVE(&queue->rounds, round, entry);
}

static void uncount(struct queue *queue, const struct round *round)
{
	queue->stats.n_bytes -= round->length;
	queue->stats.n_samples -= round->n_samples;
}

/* Move what is too much to `dropped`, which is freed when nobody waits for the mutex any more. */
static void drop_oldest(struct queue *queue, struct round_list *dropped)
{
	while (queue->stats.n_bytes > queue->max_bytes && !TAILQ_EMPTY(&queue->rounds)) {
		struct round *round = TAILQ_FIRST(&queue->rounds);

		remove_round(queue, round);
		uncount(queue, round);
		queue->stats.n_dropped_rounds++;
		queue->stats.n_dropped_samples += round->n_samples;
		TAILQ_INSERT_TAIL(dropped, round, entry);
	}
}

int queue_push(struct queue *queue, const char *data, size_t length, size_t n_samples)
{
	struct round_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct round *round = malloc(sizeof(*round) + length);

	if (!round)
		return -ENOMEM;
	round->n_samples = n_samples;
	round->length = length;
	memcpy(round->data, data, length);

	pthread_mutex_lock(&queue->lock);
	TAILQ_INSERT_TAIL(&queue->rounds, round, entry);
	queue->stats.n_bytes += length;
	queue->stats.n_samples += n_samples;
	drop_oldest(queue, &dropped);
	pthread_mutex_unlock(&queue->lock);
	list_free(&dropped);
	return 0;
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

struct round *queue_take(struct queue *queue)
{
	struct round *round;

	pthread_mutex_lock(&queue->lock);
	round = TAILQ_FIRST(&queue->rounds);
	if (round)
		remove_round(queue, round);
	pthread_mutex_unlock(&queue->lock);
	return round;
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
