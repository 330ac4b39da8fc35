/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_LOG_H
#define COLLECTOR_LOG_H

/*
 * The write-ahead log, as its only writer sees it: records are gathered in memory, then written and
 * synced at once. Segments are preallocated and salted; one that failed is never written again.
 * One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/disk.h"
#include "common/log_file.h"

/* The size of a segment, unless a test wants a smaller one. */
#define LOG_SEGMENT_BYTES ((uint64_t)64 << 20)

struct log_options {
	const struct disk *disk; /* borrowed */
	int folder;              /* of the segments; borrowed */
	uint8_t store_id[HM_ID_BYTES];
	uint64_t segment_bytes;
};

struct log {
	struct log_options options;
	uint32_t number; /* of the segment being written; 0 = none yet */
	uint64_t segment_bytes;
	uint32_t salt;
	int fd;           /* of it; -1 = none */
	uint64_t end;     /* offset behind the last record, the gathered ones too */
	uint64_t written; /* offset behind what is written and synced */
	uint64_t durable; /* position: all before it is on the disk */
	uint64_t said;    /* the highest `durable` that a synced record says */
	uint64_t marked;  /* what `durable` is when the last mark is on the disk */
	bool has_reserve; /* the file of log_keep_reserve() is there */
	struct buffer pending;
	/* What was done since start, for status and tests. */
	uint64_t n_syncs;
	uint64_t n_bytes;
	uint64_t n_failed;
	int64_t sync_longest_us;
};

void log_init(struct log *log, const struct log_options *options);

/* Takes a zeroed log. */
void log_done(struct log *log);

/* What a number of whole segments takes on the disk, with the reserve where that is there. */
uint64_t log_disk_bytes(const struct log *log, uint64_t n_segments);

/*
 * Begin segment `number`. What was gathered must be committed. The header is gathered; the file and
 * its name are on the disk. After a failure the segment before is still open, if it was.
 * @return 0; -ENOSPC, -EDQUOT: the disk is full; other -errno: there is no segment to write to now
 */
int log_begin(struct log *log, uint32_t number);

/*
 * Begin a small segment, in half of the room that is kept: for the records of a checkpoint, which frees
 * more, where there is no other. No batch fits into it.
 * @return as log_begin()
 */
int log_begin_small(struct log *log, uint32_t number);

/*
 * Keep room on the disk that nothing but log_release_reserve() uses: no segment is begun without it.
 * @return 0 or -errno
 */
int log_keep_reserve(struct log *log);

/* Give that room to others: a checkpoint, which then frees more. @return 0; -ENOENT: it is given */
int log_release_reserve(struct log *log);

/* Is a segment being written? */
bool log_is_open(const struct log *log);

/* Is it one of log_begin_small()? */
bool log_is_small(const struct log *log);

/*
 * Does a record with such a payload still fit? What came in leaves some room for the records of a checkpoint, with
 * which a full disk is freed again.
 * @param is_content  it came in
 */
bool log_has_room(const struct log *log, bool is_content, size_t payload_bytes);

/*
 * Gather a record; there must be room.
 * @param record  type, host, previous, received_us and payload count; the rest is filled in
 * @return 0 or -ENOMEM
 */
int log_add(struct log *log, struct log_record *record);

/* Forget what is gathered. */
void log_forget(struct log *log);

/*
 * Write and sync what is gathered. After a failure the segment is closed, never to be written
 * again; nothing that was gathered counts.
 * @return 0 or -errno
 */
int log_commit(struct log *log);

/*
 * Read what a closed segment has up to an offset from the device itself, past the kernel's memory.
 * @param ret_n_damaged  ranges that should be records and are not
 * @return 0; -EOPNOTSUPP: the file system cannot do that; -errno
 */
int log_verify(const struct log *log, uint32_t number, uint64_t end_offset,
	       uint64_t *ret_n_damaged);

/* Close and remove the segment that was begun: nothing of it counts. */
void log_abandon(struct log *log);

/* Remove a segment that nothing needs. @return 0 or -errno */
int log_unlink(struct log *log, uint32_t number);

#endif
