/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_STORE_PART_H
#define COLLECTOR_STORE_PART_H

/* What the two threads of the store share: one logs what comes in, the other moves it into files. */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/engine.h"
#include "collector/hash.h"
#include "collector/store.h"
#include "collector/store_folder.h"

/* What came in is gathered for so long before it is logged; with the sync itself it is safe within a
 * second. So long, too, an idle log waits before it says what is durable. */
#define STORE_GATHER_US INT64_C(500000)

/* After a failure both threads try again so often. */
#define STORE_RETRY_US INT64_C(2000000)

struct store {
	struct store_folder folder;
	struct hash_key key;
	struct engine *engine;
	struct wakeup *news; /* told when a checkpoint has ended; NULL = nobody is */

	/* All of these go with the engine's mutex. */
	pthread_cond_t wanted; /* the committing thread has something to do */
	pthread_cond_t done;   /* it has done something */
	pthread_cond_t moving; /* the checkpointing thread has something to do */
	int64_t due_us;        /* CLOCK_MONOTONIC: when what is gathered is to be logged */
	int64_t messages_us;   /* likewise: what agents sent; 0 = nothing new has come */
	void (*acknowledge)(void *context); /* NULL = nobody waits for that */
	void *acknowledge_context;
	uint64_t flush_wanted;
	uint64_t flush_done;
	bool is_awaited; /* somebody wants to be told when something was logged, or could not be */
	uint64_t checkpoint_wanted;
	uint64_t checkpoint_done;
	int checkpoint_result; /* of the last that was asked for */
	bool is_closing;

	size_t n_threads;
	pthread_t threads[2];
};

/* Wait at a condition until a time. With the mutex held. @return false: it has come */
bool store_wait_until(struct store *store, pthread_cond_t *condition, int64_t until_us);

/* The thread that moves samples into files. @param context  the store */
void *store_run_checkpoint(void *context);

#endif
