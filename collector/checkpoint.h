/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_CHECKPOINT_H
#define COLLECTOR_CHECKPOINT_H

/*
 * Moves samples from the log into metric files, a group of hosts at a time: reads what is durable,
 * sorts it by file and series, says in the log which files it is about to append to and how long they
 * are, appends, syncs, and says in the log up to where the hosts are in files. The only writer of
 * metric files. One thread.
 */

#include "collector/engine.h"

struct checkpoint;

/* @param engine  borrowed. @return 0 or -ENOMEM */
int checkpoint_new(struct engine *engine, struct checkpoint **ret_checkpoint);

/* Takes NULL. */
void checkpoint_free(struct checkpoint *checkpoint);

/* See engine_checkpoint(). */
int checkpoint_run(struct checkpoint *checkpoint, enum engine_scope scope);

#endif
