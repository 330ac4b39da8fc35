/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_GROUP_WRITER_H
#define COLLECTOR_GROUP_WRITER_H

/*
 * Appends a group's samples to the files of its hosts, and takes them back. The only writer of metric
 * files. Syncs nothing. One thread, which does not hold the engine's mutex.
 */

#include <stdbool.h>

#include "collector/engine.h"
#include "collector/group.h"
#include "collector/trim.h"

/* A file names a series when it first has samples of it, and once more the next time: so one damaged
 * block takes no names with it. */
#define GROUP_WRITER_NAMED_TIMES 2

struct group_writer {
	struct engine *engine; /* borrowed */
	struct block_encoder *encoder;
	struct trim trim;
	struct buffer bytes;              /* of the file being written */
	struct store_file_series *series; /* that it does not name yet */
	struct metric_file_column *columns;
	struct metric_file_sample *samples; /* and behind those of the file its absences */
	size_t capacity;                    /* of these three */
};

/* @param engine  borrowed. @return 0; -ENOMEM, after which group_writer_done() may be called */
int group_writer_init(struct group_writer *writer, struct engine *engine);

/* Release the memory. Takes a zeroed one. */
void group_writer_done(struct group_writer *writer);

/* Give back what the largest file needed, until there is another. */
void group_writer_rest(struct group_writer *writer);

/* The name of a file in its host's folder. */
void group_writer_name(const struct group_file *file, char name[static CATALOG_FILE_NAME_BYTES]);

/*
 * Set file->before: where it ends before the group. One that is new gets its salt, and no name that is
 * taken; catalog_forget_names() must follow.
 * @return 0; -ENOMEM; -errno: whether a name is taken cannot be known
 */
int group_writer_locate(struct group_writer *writer, struct group_file *file);

/*
 * Is there anything to be appended to a located file? A part that is to be begun always is: by its name, what a
 * failed sync left in the one before does not count. The kernel may show that, and the disk not have it.
 */
bool group_writer_has_work(const struct group_file *file);

/*
 * Append a file's samples to it, where it ends by file->before; set file->after, and what else the
 * group keeps of it. A new file is made, and its folder where that is not there.
 * @return 0; -ESTALE: somebody took away what the file had, see file->is_lost, and nothing was written;
 * -ENOMEM; -errno of the disk, with some of the bytes perhaps in the file
 */
int group_writer_append(struct group_writer *writer, const struct group *group,
			struct group_file *file);

/*
 * Have a file as it was before. One that is new goes, so that the next of its name is another.
 * @param is_sync  a sync failed: one that is not new must not be written again
 * @return 0; -errno: it is not as before; -ESTALE where it is lost
 */
int group_writer_cut(const struct group_writer *writer, const struct group_file *file,
		     bool is_sync);

#endif
