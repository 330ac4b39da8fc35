/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_RECOVERY_H
#define COLLECTOR_RECOVERY_H

/*
 * What the log says after whatever happened: which hosts there are, which of their batches count, and
 * up to where they are in files. Changes nothing on the disk, so that running it twice gives the same.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/cuts.h"
#include "collector/withheld.h"

struct engine;

struct recovery {
	struct engine *engine; /* borrowed */
	uint32_t *segments;    /* numbers of the log's segments, sorted */
	size_t n_segments;
	size_t segments_capacity;
	struct withheld withheld; /* why nothing of the log was read */
	uint32_t newest;  /* of the segments that were made here, as far as can be told; 0 = none */
	struct cuts cuts; /* files of checkpoints that were not completed */
	bool has_snapshot;  /* false: the log is new, or lost */
	uint32_t base;      /* segment of the snapshot from which on it was read; 0 = without one */
	uint64_t durable;   /* the highest position that the log says was durable */
	uint64_t end;       /* behind the last record that counts */
	uint64_t n_damaged; /* ranges */
	uint64_t n_dropped; /* records behind the first damage that was not durable */
};

/*
 * Read the log into the engine's catalog: hosts with their numbers, ids, last batches, checkpoints. Where
 * its folder cannot be listed, or something in it not be read, which says nothing of what is there, nothing is:
 * what the rest says may be past. What the disk does not give counts as damaged where it was waited for.
 * @return 0; -ENOMEM; -errno: the folder cannot be listed for a reason that is no damage
 */
int recovery_run(struct engine *engine, struct recovery *ret_recovery);

/* Takes a zeroed one, and one whose run failed. */
void recovery_done(struct recovery *recovery);

#endif
