/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_CHECKPOINT_PART_H
#define COLLECTOR_CHECKPOINT_PART_H

/* What the parts of the checkpoint share: the group that is being moved. */

#include <stddef.h>
#include <stdint.h>

#include "collector/checkpoint.h"
#include "collector/group.h"
#include "collector/group_writer.h"
#include "collector/tail.h"

enum checkpoint_state {
	CHECKPOINT_IDLE,
	CHECKPOINT_ANNOUNCED, /* the log is to say which files are appended to */
	CHECKPOINT_WRITING,
	CHECKPOINT_WRITTEN, /* the log is to say that they are */
};

struct checkpoint {
	struct engine *engine; /* borrowed */
	struct tail *tail;
	enum checkpoint_state state;
	struct group group;
	uint64_t number; /* of the group */
	uint64_t ticket; /* of the record that must be durable first */
	uint64_t
		until; /* all up to here is being moved: what comes in meanwhile can wait; 0 = not */
	size_t next_host; /* of the catalog: where to look for one that is due */
	size_t next_file; /* of the group, to be written */
	int sync_fd;      /* of the file system, from before the first write on; -1 = none */
	struct group_writer writer;
};

/* Fill the group with hosts that are due, in turn. @return 0, with an empty one where none is; -errno */
int checkpoint_gather(struct checkpoint *checkpoint, enum engine_scope scope);

/*
 * Undo the group: its samples stay in the log. @param is_sync  a sync failed, so none of the files
 * that were written is ever written again
 */
void checkpoint_undo(struct checkpoint *checkpoint, int error, bool is_sync);

/*
 * Is an error that of one host's folder, or of files that are gone? Then the group is tried again at once:
 * with new parts, and without a host whose folder is none any more, until the next start finds another.
 */
bool checkpoint_passes_over(struct checkpoint *checkpoint, int error);

/* The log says so: readers may see what was appended. */
void checkpoint_publish(struct checkpoint *checkpoint);

/* Give back the descriptor of the file system, where there is one. */
void checkpoint_close_sync(struct checkpoint *checkpoint);

#endif
