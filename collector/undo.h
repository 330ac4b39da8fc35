/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_UNDO_H
#define COLLECTOR_UNDO_H

/* Takes back what a checkpoint did that was not completed. */

#include "collector/cuts.h"

struct engine;

/*
 * Have every file of an unfinished group as it was before, for good: the new log says nothing of it.
 * Where that fails its blocks do not count all the same, since they lie beyond the host's checkpoint; but
 * the file is in doubt, and is not to be written again: cut->is_doubtful.
 *
 * Where batches of the host are lost from the log and all of its files of the group are whole, these count
 * instead: they may be all that there is, of a group that was completed in what is lost. The host's
 * checkpoint is then where they end, and the cuts are CUT_NONE.
 * @return 0 or -ENOMEM
 */
int undo_run(struct engine *engine, struct cuts *cuts);

#endif
