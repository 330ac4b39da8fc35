/* SPDX-License-Identifier: MIT */
/* The thread of the store that moves samples into files. */

#include <errno.h>

#include "collector/retention.h"
#include "collector/store_part.h"
#include "common/timestamp.h"
#include "common/wakeup.h"

/* Hosts are looked for whose samples belong into files so often. */
#define CHECKPOINT_US INT64_C(10000000)

/* What is to be removed from files waits so long for the log. */
#define LOG_US INT64_C(1000000)

/* Between two groups of files the disk is left to others, unless somebody waits. */
#define PAUSE_US INT64_C(50000)

/* The disk was full: wait until the checkpoint has been given what is kept for it. */
static void wait_for_room(struct store *store)
{
	struct engine *engine = store->engine;
	int64_t until_us = timestamp_monotonic_us() + STORE_RETRY_US;

	pthread_mutex_lock(&engine->mutex);
	pthread_cond_signal(&store->wanted);
	while (engine->wants_room && !store->is_closing &&
	       store_wait_until(store, &store->done, until_us))
		;
	pthread_mutex_unlock(&engine->mutex);
}

/* Move what is due, or all, into files. Without the mutex. @return 0 or -errno */
static int move_all(struct store *store, enum engine_scope scope)
{
	struct engine *engine = store->engine;
	int result = 0;

	while (result == 0 || result == -EAGAIN) {
		result = engine_checkpoint(engine, scope);
		pthread_mutex_lock(&engine->mutex);
		if (store->is_closing)
			result = -ECANCELED;
		if (result == -EAGAIN) {
			pthread_cond_signal(&store->wanted);
			if (engine->controls_durable < engine->controls_wanted)
				(void)store_wait_until(store, &store->done,
						       timestamp_monotonic_us() + STORE_GATHER_US);
		} else if (result == 0 && store->checkpoint_done == store->checkpoint_wanted) {
			(void)store_wait_until(store, &store->moving,
					       timestamp_monotonic_us() + PAUSE_US);
		}
		pthread_mutex_unlock(&engine->mutex);
	}
	return result == -ENODATA ? 0 : result;
}

/* The same; on a full disk with what is kept for that, as long as it helps. */
static int move_samples(struct store *store, enum engine_scope scope)
{
	struct engine_stats before;
	struct engine_stats after = {.n_checkpoints = UINT64_MAX};
	int result;

	do {
		before = after;
		result = move_all(store, scope);
		if (result != -ENOSPC && result != -EDQUOT)
			return result;
		wait_for_room(store);
		engine_get_stats(store->engine, &after);
	} while (after.n_checkpoints != before.n_checkpoints);
	return result;
}

/* Have logged what was put for that, and the segment begun that it waits for. */
static void wait_for_log(struct store *store)
{
	struct engine *engine = store->engine;
	int64_t until_us = timestamp_monotonic_us() + LOG_US;

	pthread_mutex_lock(&engine->mutex);
	pthread_cond_signal(&store->wanted);
	while ((engine->controls_durable < engine->controls_wanted || engine->wants_segment) &&
	       !store->is_closing && store_wait_until(store, &store->done, until_us))
		;
	pthread_mutex_unlock(&engine->mutex);
}

void *store_run_checkpoint(void *context)
{
	struct store *store = context;
	struct engine *engine = store->engine;
	uint64_t n_before = 0;

	pthread_mutex_lock(&engine->mutex);
	while (!store->is_closing) {
		uint64_t wanted = store->checkpoint_wanted;
		bool is_asked = store->checkpoint_done != wanted;
		bool has_news = engine->stats.n_checkpoints != n_before || engine->retention_next;
		int result;

		if (!is_asked && !has_news &&
		    store_wait_until(store, &store->moving,
				     timestamp_monotonic_us() + CHECKPOINT_US))
			continue;
		n_before = engine->stats.n_checkpoints;
		pthread_mutex_unlock(&engine->mutex);
		/* Without memory now, it is tried again in a while. */
		(void)retention_run(engine);
		wait_for_log(store);
		result = move_samples(store, is_asked ? ENGINE_SCOPE_ALL : ENGINE_SCOPE_DUE);
		pthread_mutex_lock(&engine->mutex);
		if (!is_asked)
			continue;
		store->checkpoint_done = wanted;
		store->checkpoint_result = result;
		if (store->news)
			wakeup_send(store->news);
	}
	pthread_mutex_unlock(&engine->mutex);
	return NULL;
}
