/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_UNDO_H
#define COLLECTOR_UNDO_H

/* Takes back what a checkpoint did that was not completed. */

#include "collector/cuts.h"

struct engine;

/*
 * Have every file of an unfinished group as it was before, for good: the new log says nothing of it.
 * Where that fails its blocks do not count all the same, since they lie beyond the host's checkpoint.
 */
void undo_run(const struct engine *engine, const struct cuts *cuts);

#endif
