/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TRIM_H
#define COLLECTOR_TRIM_H

/*
 * What a checkpoint does to a metric's file of which something was deleted, or is older than the host's
 * horizon: the file says what does not count any more; where that is more than half of it, what still
 * counts goes on in a new part; where it is all, the file goes. It is decided from the file alone. One
 * thread, which does not hold the engine's mutex.
 */

#include <stddef.h>
#include <stdint.h>

#include "collector/engine.h"
#include "collector/group.h"
#include "collector/metric_names.h"
#include "collector/tombstone.h"

struct trim {
	struct engine *engine; /* borrowed */
	struct block_decoder *decoder;
	struct tombstones known;            /* of the file, as its blocks say */
	struct tombstones tombstones;       /* and as they will say */
	struct metric_file_sample *samples; /* of a column, and behind them its absences */
	size_t samples_capacity;
	struct metric_names names; /* that the file has */
	bool cannot_punch;         /* the file system cannot: known once it was tried */
};

/* @return 0; -ENOMEM, after which trim_done() may be called */
int trim_init(struct trim *trim, struct engine *engine);
void trim_done(struct trim *trim);

/* Keep no memory that only the largest file needed. */
void trim_rest(struct trim *trim);

/*
 * Decide what to do: sets file->trim. For a rewrite file->before is that of the new part.
 * @return 0 or -ENOMEM
 */
int trim_plan(struct trim *trim, const struct group *group, struct group_file *file);

/*
 * What goes before the group's own samples: for a front, all names that are still needed.
 * @param out  behind what is to be written from file->after on, which goes on with it
 * @return 0 or -errno
 */
int trim_begin(struct trim *trim, struct block_encoder *encoder, struct group_file *file,
	       struct buffer *out);

/* Write into a new part what still counts of those before. @return 0 or -errno */
int trim_copy(struct trim *trim, struct block_encoder *encoder, const struct group *group,
	      struct group_file *file, int fd);

/* What goes behind the group's own samples: tombstones and the front. @return 0 or -errno */
int trim_end(const struct group *group, struct group_file *file, struct buffer *out);

/*
 * The group's checkpoint is durable: the file is as it was written, and what it gives back goes on the
 * engine's list of releases. With the engine's mutex held.
 */
void trim_publish(struct trim *trim, const struct group *group, struct group_file *file);

/*
 * Give back to the file system what can be given back now: nothing while a snapshot is copied, and a part
 * that another one took the place of only once two segments of the log say so. What fails is given up
 * until the next start.
 */
void trim_release(struct trim *trim);

#endif
