/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SPOOL_SEGMENT_H
#define AGENT_SPOOL_SEGMENT_H

/* The spool's segment that is being written: preallocated, salted, each record written at once. One
 * thread. */

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/disk.h"
#include "common/log_file.h"

/* Parts of a segment: what is left for records that free others, or say how things are. */
#define SPOOL_CONTROL_PART 8

struct spool_segment {
	const struct disk *disk; /* borrowed */
	int folder;              /* borrowed */
	int fd;                  /* -1 = none is open */
	uint32_t number;
	uint32_t salt;
	uint64_t n_bytes;
	uint64_t end; /* offset behind the last record */
	struct buffer scratch;
};

/*
 * Make a segment's file, whole and durable under its name, and write its headers. They are durable with the
 * first spool_segment_sync(). Another one must not be open.
 * @return 0; -EEXIST: there is one of this number; -errno; there may be a file all the same
 */
int spool_segment_begin(struct spool_segment *segment, uint32_t number, uint64_t n_bytes);

/* Does a record with such a payload fit? @param is_control  into what is left for such, too */
bool spool_segment_has_room(const struct spool_segment *segment, size_t payload_bytes,
			    bool is_control);

/*
 * Write a record; there must be room.
 * @param record  its position is filled in
 * @return 0; -ENOMEM: nothing was done; -errno: the segment is to be closed, for good
 */
int spool_segment_put(struct spool_segment *segment, struct log_record *record);

/* Make it durable. @return 0; -errno: the segment is to be closed, for good */
int spool_segment_sync(struct spool_segment *segment);

/* Takes a closed one. */
/* Was its file removed, so that nobody will ever read it? */
bool spool_segment_is_removed(const struct spool_segment *segment);

void spool_segment_close(struct spool_segment *segment);

/* Close it and release its memory. */
void spool_segment_done(struct spool_segment *segment);

#endif
