/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_UNDO_H
#define COLLECTOR_UNDO_H

/* Takes back what a checkpoint did that was not completed. */

#include "collector/recovery.h"

/*
 * Have every file of an unfinished group as it was before, for good: the new log says nothing of it.
 * Where that fails its blocks do not count all the same, since they lie beyond the host's checkpoint; but
 * the file is in doubt, and is not to be written again: cut->is_doubtful.
 *
 * Where batches of a host are lost from the log, what a checkpoint wrote of them may be all that there is,
 * of a group whose end, or all that the log said of it, is lost as well. It counts, and the host's
 * checkpoint is where it ends, where the host's own file, which is written last, has it, and all of the
 * files that the log names are whole; or else up to where a later group says that they were. Such cuts
 * are CUT_NONE, or further behind.
 * @return 0; -ENOMEM; -errno: that cannot be known now, and nothing was cut
 */
int undo_run(struct engine *engine, struct recovery *recovery);

#endif
