/* SPDX-License-Identifier: MIT */
/* Where samples are kept. */

#include "collector/store.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/retention.h"
#include "collector/store_part.h"
#include "common/message.h"
#include "common/timestamp.h"

/* Agents wait for their ACK: what they sent is logged after so long, or when it is so much. */
#define MESSAGES_US         INT64_C(3000)
#define MESSAGES_MUCH_BYTES ((size_t)256 << 10)

static struct timespec to_timespec(int64_t time_us)
{
	return (struct timespec){
		.tv_sec = time_us / TIMESTAMP_SECOND_US,
		.tv_nsec = time_us % TIMESTAMP_SECOND_US * 1000,
	};
}

bool store_wait_until(struct store *store, pthread_cond_t *condition, int64_t until_us)
{
	struct timespec until = to_timespec(until_us);

	return pthread_cond_timedwait(condition, &store->engine->mutex, &until) != ETIMEDOUT;
}

static bool wants_commit(const struct store *store)
{
	const struct engine *engine = store->engine;

	return store->is_closing || store->flush_done != store->flush_wanted ||
	       engine->controls.length > 0 || engine->wants_room || engine->wants_segment ||
	       engine->pending_bytes > STORE_PENDING_MUCH_BYTES ||
	       engine->messages.length > MESSAGES_MUCH_BYTES;
}

/* When what came in is to be logged. With the mutex held. */
static int64_t next_due(const struct store *store)
{
	const struct engine *engine = store->engine;
	int64_t due_us = engine->pending_bytes > 0 ? store->due_us : INT64_MAX;

	/* Those without a time are left of a run that failed. */
	if (engine->message_bytes > 0 && store->messages_us < due_us)
		due_us = store->messages_us;
	return due_us;
}

/* Wait until there is something to log and the time has come. With the mutex held.
 * @param not_before_us  after a failure; 0 = at once */
static void wait_for_samples(struct store *store, int64_t not_before_us)
{
	struct engine *engine = store->engine;
	int64_t mark_us = timestamp_monotonic_us() + STORE_GATHER_US;

	/* On a full disk what a checkpoint wants to have logged has room, and makes more. */
	while (!store->is_closing && engine->controls.length == 0 && !engine->wants_room &&
	       timestamp_monotonic_us() < not_before_us)
		(void)store_wait_until(store, &store->wanted, not_before_us);
	while (!wants_commit(store)) {
		if (engine->pending_bytes > 0 || engine->message_bytes > 0) {
			if (!store_wait_until(store, &store->wanted, next_due(store)))
				return;
		} else if (engine_wants_mark(engine)) {
			if (!store_wait_until(store, &store->wanted, mark_us))
				return;
		} else {
			pthread_cond_wait(&store->wanted, &engine->mutex);
		}
	}
}

static void *run_committer(void *context)
{
	struct store *store = context;
	struct engine *engine = store->engine;
	int64_t not_before_us = 0;
	bool is_last = false;

	pthread_mutex_lock(&engine->mutex);
	while (!is_last) {
		uint64_t flush_wanted;
		uint64_t durable;
		int result;

		wait_for_samples(store, not_before_us);
		is_last = store->is_closing;
		flush_wanted = store->flush_wanted;
		/* What comes in from now on has its own time. */
		store->due_us = timestamp_monotonic_us() + STORE_GATHER_US;
		durable = engine->durable;
		store->messages_us = 0;
		pthread_mutex_unlock(&engine->mutex);
		result = engine_commit(engine);
		pthread_mutex_lock(&engine->mutex);
		if (engine->durable != durable && store->acknowledge)
			store->acknowledge(store->acknowledge_context);
		not_before_us = result < 0 ? timestamp_monotonic_us() + STORE_RETRY_US : 0;
		if (result == 0)
			store->flush_done = flush_wanted;
		pthread_cond_broadcast(&store->done);
		if (store->is_awaited && store->news)
			wakeup_send(store->news);
		store->is_awaited = false;
	}
	pthread_mutex_unlock(&engine->mutex);
	return NULL;
}

void store_append(struct store *store, struct bundle *bundle)
{
	struct engine *engine = store->engine;
	bool was_clean;

	if (bundle->n_samples == 0)
		return;
	pthread_mutex_lock(&engine->mutex);
	while (engine->pending_bytes > STORE_PENDING_MAX_BYTES && !store->is_closing)
		pthread_cond_wait(&store->done, &engine->mutex);
	was_clean = engine->pending_bytes == 0;
	if (was_clean)
		store->due_us = timestamp_monotonic_us() + STORE_GATHER_US;
	pthread_mutex_unlock(&engine->mutex);
	engine_append(engine, bundle);
	pthread_mutex_lock(&engine->mutex);
	if (was_clean || engine->pending_bytes > STORE_PENDING_MUCH_BYTES)
		pthread_cond_signal(&store->wanted);
	pthread_mutex_unlock(&engine->mutex);
}

void store_note_messages(struct store *store)
{
	struct engine *engine = store->engine;

	pthread_mutex_lock(&engine->mutex);
	/* They may be logged already. */
	if (engine->message_bytes > 0 && store->messages_us == 0) {
		store->messages_us = timestamp_monotonic_us() + MESSAGES_US;
		pthread_cond_signal(&store->wanted);
	} else if (engine->messages.length > MESSAGES_MUCH_BYTES) {
		pthread_cond_signal(&store->wanted);
	}
	pthread_mutex_unlock(&engine->mutex);
}

int store_wait_commit(struct store *store, int64_t timeout_ms)
{
	struct engine *engine = store->engine;
	int64_t until_us = timestamp_monotonic_us() + timeout_ms * 1000;
	int result;

	pthread_mutex_lock(&engine->mutex);
	result = engine->trouble;
	if (result == 0 && engine->message_bytes > 0)
		result = store_wait_until(store, &store->done, until_us) ? 0 : -ETIMEDOUT;
	pthread_mutex_unlock(&engine->mutex);
	return result;
}

void store_set_acknowledge(struct store *store, void (*acknowledge)(void *context), void *context)
{
	pthread_mutex_lock(&store->engine->mutex);
	store->acknowledge = acknowledge;
	store->acknowledge_context = context;
	pthread_mutex_unlock(&store->engine->mutex);
}

int store_flush(struct store *store, int64_t timeout_ms)
{
	struct engine *engine = store->engine;
	int64_t until_us = timestamp_monotonic_us() + timeout_ms * 1000;
	uint64_t ticket;
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	ticket = ++store->flush_wanted;
	pthread_cond_signal(&store->wanted);
	while (store->flush_done < ticket && result == 0)
		result = store_wait_until(store, &store->done, until_us) ? 0 : -ETIMEDOUT;
	pthread_mutex_unlock(&engine->mutex);
	return result;
}

uint64_t store_flush_begin(struct store *store)
{
	uint64_t ticket;

	pthread_mutex_lock(&store->engine->mutex);
	ticket = ++store->flush_wanted;
	store->is_awaited = true;
	pthread_cond_signal(&store->wanted);
	pthread_mutex_unlock(&store->engine->mutex);
	return ticket;
}

int store_flush_result(struct store *store, uint64_t ticket)
{
	int result = 0;

	pthread_mutex_lock(&store->engine->mutex);
	if (store->flush_done < ticket) {
		store->is_awaited = true;
		result = -EAGAIN;
	}
	pthread_mutex_unlock(&store->engine->mutex);
	return result;
}

bool store_is_busy(struct store *store)
{
	bool is_busy;

	pthread_mutex_lock(&store->engine->mutex);
	is_busy = store->engine->pending_bytes > STORE_PENDING_BUSY_BYTES;
	store->is_awaited |= is_busy;
	pthread_mutex_unlock(&store->engine->mutex);
	return is_busy;
}

uint64_t store_checkpoint(struct store *store)
{
	struct engine *engine = store->engine;
	uint64_t ticket;

	pthread_mutex_lock(&engine->mutex);
	ticket = ++store->checkpoint_wanted;
	pthread_cond_signal(&store->moving);
	pthread_mutex_unlock(&engine->mutex);
	return ticket;
}

int store_set_retention(struct store *store, const char *text)
{
	int result = retention_set(store->engine, text);

	pthread_mutex_lock(&store->engine->mutex);
	pthread_cond_signal(&store->moving);
	pthread_mutex_unlock(&store->engine->mutex);
	return result;
}

int store_checkpoint_result(struct store *store, uint64_t ticket)
{
	struct engine *engine = store->engine;
	int result = -EAGAIN;

	pthread_mutex_lock(&engine->mutex);
	if (store->checkpoint_done >= ticket)
		result = store->checkpoint_result;
	pthread_mutex_unlock(&engine->mutex);
	return result;
}

void store_set_news(struct store *store, struct wakeup *news)
{
	pthread_mutex_lock(&store->engine->mutex);
	store->news = news;
	pthread_mutex_unlock(&store->engine->mutex);
}

const struct hash_key *store_hash_key(const struct store *store)
{
	return &store->key;
}

struct engine *store_engine(struct store *store)
{
	return store->engine;
}

/* Conditions by the monotonic clock. */
static int init_conditions(struct store *store)
{
	pthread_condattr_t attributes;
	int error = pthread_condattr_init(&attributes);

	if (error)
		return -error;
	error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (!error)
		error = pthread_cond_init(&store->wanted, &attributes);
	if (!error)
		error = pthread_cond_init(&store->done, &attributes);
	if (!error)
		error = pthread_cond_init(&store->moving, &attributes);
	pthread_condattr_destroy(&attributes);
	return -error;
}

static int start_thread(struct store *store, void *(*run)(void *context))
{
	int error = pthread_create(&store->threads[store->n_threads], NULL, run, store);

	if (error) {
		message_error("cannot start the store's thread: %s", strerror(error));
		return -error;
	}
	store->n_threads++;
	return 0;
}

static int open_engine(struct store *store, const char *path, uint64_t segment_bytes)
{
	struct engine_options options = {
		.disk = &disk_kernel,
		.folder = store->folder.fd,
		.segment_bytes = segment_bytes,
		.key = store->key,
	};
	int result = engine_open(&options, &store->engine);

	if (result < 0)
		message_error("cannot use the store '%s': %s", path, strerror(-result));
	return result;
}

int store_open(const char *path, uint64_t segment_bytes, struct store **ret_store)
{
	struct store *store = calloc(1, sizeof(*store));
	int result;

	if (!store)
		return -ENOMEM;
	store->folder.fd = -1;
	result = init_conditions(store);
	if (result < 0) {
		free(store);
		return result;
	}
	result = hash_key_new(&store->key);
	if (result == 0)
		result = store_folder_open(&store->folder, path);
	if (result == 0)
		result = open_engine(store, path, segment_bytes);
	if (result == 0)
		result = start_thread(store, run_committer);
	if (result == 0)
		result = start_thread(store, store_run_checkpoint);
	if (result < 0)
		store_close(store);
	else
		*ret_store = store;
	return result;
}

static void stop_threads(struct store *store)
{
	struct engine_stats stats;

	if (!store->engine)
		return;
	pthread_mutex_lock(&store->engine->mutex);
	store->is_closing = true;
	pthread_cond_broadcast(&store->wanted);
	pthread_cond_broadcast(&store->done);
	pthread_cond_broadcast(&store->moving);
	pthread_mutex_unlock(&store->engine->mutex);
	for (size_t i = 0; i < store->n_threads; i++)
		(void)pthread_join(store->threads[i], NULL);
	/* With nothing to log, the log says that all of it is durable. */
	if (store->n_threads > 0)
		(void)engine_commit(store->engine);
	engine_get_stats(store->engine, &stats);
	if (stats.n_waiting > 0)
		message_warning("%" PRIu64 " samples could not be stored: %s", stats.n_waiting,
				stats.last_error);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	stop_threads(store);
	engine_close(store->engine);
	store_folder_close(&store->folder);
	pthread_cond_destroy(&store->moving);
	pthread_cond_destroy(&store->done);
	pthread_cond_destroy(&store->wanted);
	free(store);
}
