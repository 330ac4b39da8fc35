/* SPDX-License-Identifier: MIT */
#ifndef COMMON_LOG_SEGMENT_H
#define COMMON_LOG_SEGMENT_H

/*
 * A segment of the log, opened for reading: its records by their positions, or one after the other
 * with damaged ranges passed over. What the device does not give is damaged as well: a bad sector
 * costs the records that lie in it. One thread at a time for one object.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/disk.h"
#include "common/log_file.h"

struct log_segment {
	const struct disk *disk; /* borrowed */
	int fd;                  /* -1 = not open */
	struct log_file_header header;
	uint64_t end_bytes;    /* where records end: the second header begins */
	struct disk_loss loss; /* of its records, as far as they were read */
	uint8_t *window;
	size_t window_bytes;
	size_t window_capacity;
	uint64_t window_offset;
};

/*
 * Open a segment. Its header, or else the second one at its end, must be whole.
 * @param folder  the log's
 * @return 0; -ENOENT; as log_file_get_header(); -EXDEV: it says another number than its name;
 * -EIO, -EUCLEAN: neither its headers nor what it is can be read, not in two tries; -ENOMEM; -errno
 */
int log_segment_open(struct log_segment *segment, const struct disk *disk, int folder,
		     uint32_t number);

/* Takes a zeroed one, and one whose opening failed. */
void log_segment_close(struct log_segment *segment);

/*
 * Read the record at an offset.
 * @param ret_record  its payload is borrowed until the next call
 * @return 0; as log_file_get_record(); -ENODATA also at the end; -errno
 */
int log_segment_read(struct log_segment *segment, uint64_t offset, struct log_record *ret_record);

/*
 * Find the next record from an offset on, whatever lies before it.
 * @return as log_segment_read(), but -EBADMSG and -EMSGSIZE are passed over; with 0 and -EILSEQ
 * ret_record->position says where it lies; -ENODATA: there is none up to the end
 */
int log_segment_find(struct log_segment *segment, uint64_t offset, struct log_record *ret_record);

/* Where the record behind this one begins. */
uint64_t log_segment_behind(const struct log_record *record);

#endif
