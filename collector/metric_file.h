/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_METRIC_FILE_H
#define COLLECTOR_METRIC_FILE_H

/*
 * One file of a metric of a host: what a checkpoint appends to it, and what it holds. Everything
 * through a struct disk. Which bytes of a file count is the caller's to know: it says how long the
 * file is, and up to which position of the log its blocks are valid. One thread at a time for one
 * object; no state of its own beyond what is passed in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/block.h"
#include "common/buffer.h"
#include "common/disk.h"
#include "common/store_file.h"
#include "hostmetrics/format.h"

struct tombstones;

/* A sample. Or an absence, a time at which a series has none and it was said why: then the value is the
 * reason (enum hm_reason, not 0). Which of both it is says the list that it is in. */
struct metric_file_sample {
	int64_t time_us;
	double value;
};

/* The end of a file, as far as it counts; what the next addition needs to know of it. Zeroed but
 * for `salt` and `part`: there is no such file yet. What lies behind length_bytes must be cut off
 * before anything is written there: an old block that is covered in part could leave whole ones
 * behind it, which would verify. */
struct metric_file_end {
	uint32_t salt;            /* store_path_salt() for a new file */
	uint32_t part;            /* 0 but for a file that goes on after a failed sync */
	uint64_t continues_bytes; /* so much of the part before counts */
	uint64_t length_bytes;    /* 0 = to be made */
	uint64_t names_offset; /* of the newest SERIES, META, TOMBSTONE or FRONT block; 0 = none */
	int64_t highest_us;    /* last time in it; set to INT64_MIN for a new file */
	uint32_t next_series_id; /* above all that the file names or uses */
};

/* The samples of a series, by growing time; equal times in the order in which they were written. Likewise its
 * absences: of several of one time the last is written, and none where a sample has that time. */
struct metric_file_column {
	uint32_t series_id;
	const struct metric_file_sample *samples;
	size_t n_samples;
	const struct metric_file_sample *absences;
	size_t n_absences;
};

/* What is to be appended. All of it is borrowed. */
struct metric_file_addition {
	const uint8_t *store_id; /* HM_ID_BYTES */
	const char *host;
	const char *metric;
	enum hm_file_type type; /* HM_FILE_METRIC or HM_FILE_ODD */
	enum hm_stored_kind kind;
	const char *unit;
	bool has_new_meta; /* kind and unit differ from what the file says; the header of a new one says
			    * them anyway */
	const struct store_file_series *series; /* that the file does not name yet */
	size_t n_series;
	const struct metric_file_column *columns; /* by growing id */
	size_t n_columns;
	uint64_t position; /* of the log: up to here the host's samples are in its files */
};

/*
 * Append the addition's bytes to `out`, to be written at end->length_bytes: a header where that is
 * 0, then META, SERIES and DATA blocks. Series that share their times (or most of them) share a
 * block; splits what is beyond a block's limits.
 * @param end  updated as if the bytes were written; unchanged on failure
 * @return 0; -EINVAL: a name too long, columns not in order; -ENOMEM
 */
int metric_file_encode(struct block_encoder *encoder, const struct metric_file_addition *addition,
		       struct metric_file_end *end, struct buffer *out);

/* What is said of a file that is being loaded. Each returns 0 or -errno, which ends the loading. */
struct metric_file_visitor {
	void *context;
	/* First. Borrowed for the call. */
	int (*header)(void *context, const struct store_file_header *header);
	/* Last, once it is loaded: what the file takes on the disk. */
	void (*allocated)(void *context, uint64_t n_bytes);
	/* Of an id once, by growing id. Borrowed for the call. */
	int (*series)(void *context, const struct store_file_series *series);
	/* Only where kind and unit are no longer what the header says. Borrowed for the call. */
	int (*meta)(void *context, const struct store_file_meta *meta);
	/* The last sample of a series that the file names: the highest time, of equal ones the last
	 * written. After all series. */
	int (*last)(void *context, uint32_t series_id, const struct metric_file_sample *sample);
	/* The newest absence of a series that the file names, if it is later than its last sample; else perhaps
	 * an older one, or none is told. After all last samples. */
	int (*absence)(void *context, uint32_t series_id, int64_t time_us);
	/* It has a front: nothing before it counts, nor do parts before. After all others.
	 * @param position  that says so */
	int (*front)(void *context, uint64_t front_bytes, uint64_t position);
	/* Of the file's series; grown by what the file says, and looked at for last samples. Sorted.
	 * NULL: nothing is deleted. */
	struct tombstones *tombstones;
	/* A range that is damaged and passed over. After header, before all others. */
	int (*damage)(void *context, uint64_t offset, uint64_t length_bytes);
};

/* Which file, and how much of it counts. */
struct metric_file_place {
	int folder;            /* open */
	const char *path;      /* below it */
	uint64_t length_bytes; /* read no further; UINT64_MAX: all of it */
	uint64_t front_bytes;  /* nor before this; 0 where it is not known */
	uint64_t position_max; /* blocks of a later position do not count; UINT64_MAX: all do */
	/* But for those from this position on, of a log that is lost; 0: there are none. */
	uint64_t lost_from;
	/* What its header says, should that be damaged; NULL: the file is then none. Borrowed. */
	const struct store_file_header *expected;
	/* For loading: a sector that the device does not give counts as damaged, too. Where the file ends
	 * is then not known well enough to append to it. */
	bool passes_bad_sectors;
};

/*
 * Read names, kind and each series' last sample, and where the file ends. Reads backwards and no
 * more than is needed, but forwards through all of it where a block is damaged.
 * @param visitor       any of its functions may be NULL
 * @param ret_end       length_bytes: behind the last block that counts
 * @param ret_position  the highest of the blocks that count; 0 without one
 * @return 0; -ENOENT; -EINVAL: no metric file; -EBADMSG: its header is damaged (and no block verifies
 * by what is expected of it); -ENOTSUP: a version that is not known; -ENOMEM; -errno of the disk (-EIO: it cannot be known where the file ends) or
 * of the visitor
 */
int metric_file_load(const struct disk *disk, const struct metric_file_place *place,
		     struct block_decoder *decoder, const struct metric_file_visitor *visitor,
		     struct metric_file_end *ret_end, uint64_t *ret_position);

/* What a reader wants of a file. */
struct metric_file_wish {
	int64_t since_us;
	int64_t until_us; /* itself as well */
	void *context;
	bool (*wants)(void *context, uint32_t series_id); /* NULL = all */
	/* In the order of the file: blocks as they were appended, within a block series after
	 * series, within a series by time. @return 0 or -errno, which ends the reading */
	int (*take)(void *context, uint32_t series_id, const struct metric_file_sample *samples,
		    size_t n_samples);
	/*
	 * Where it is set, called instead of both for each block that may have samples of the span, its
	 * times decoded and its columns not. What was written before a position of the log is told
	 * from what was written behind it here.
	 */
	int (*block)(void *context, struct block_decoder *decoder, uint64_t position);
	/* May be NULL. Of what was read, in the order of the file. */
	int (*damage)(void *context, uint64_t offset, uint64_t length_bytes);
};

/*
 * Read samples. Blocks that end before since_us, or begin after until_us, are not decoded, and a
 * backward look finds where to begin. A sector that the device does not give counts as damaged.
 * @return 0; as metric_file_load(), or -errno of the wish
 */
int metric_file_read(const struct disk *disk, const struct metric_file_place *place,
		     struct block_decoder *decoder, const struct metric_file_wish *wish);

#endif
