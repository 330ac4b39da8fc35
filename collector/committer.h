/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_COMMITTER_H
#define COLLECTOR_COMMITTER_H

/*
 * The one writer of the log: seals what the engine's hosts gathered, adds what the checkpoint wants
 * logged, begins segments with a snapshot, writes and syncs. What is not durable yet is kept here, so
 * that a failed sync loses nothing. One thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "collector/log.h"
#include "collector/recovery.h"

struct engine;
struct committer;

/*
 * @param engine    borrowed; everything but its committer is ready
 * @param number    of the first segment to be written
 * @param recovery  what the log before it says
 * @return 0 or -ENOMEM
 */
int committer_new(struct engine *engine, uint32_t number, const struct recovery *recovery,
		  struct committer **ret_committer);

/* Takes NULL. */
void committer_free(struct committer *committer);

/* Work for another engine, of the same store, with the same state. */
void committer_move(struct committer *committer, struct engine *engine);

/* Begin the first segment. @return 0; -errno, which was told: committer_run() will try again */
int committer_begin(struct committer *committer);

/* See engine_commit(). */
int committer_run(struct committer *committer);

/* Is something left of a run that failed, durable and not said to be so, or is there no segment to write
 * to? */
bool committer_has_pending(const struct committer *committer);

#endif
