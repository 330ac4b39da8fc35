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
#include "hostmetrics/format.h"

struct metric_file_sample {
	int64_t time_us;
	double value;
};

/* The end of a file, as far as it counts; what the next addition needs to know of it. Zeroed but
 * for `salt` and `part`: there is no such file yet. */
struct metric_file_end {
	uint32_t salt;            /* random, chosen for a new file */
	uint32_t part;            /* 0 but for a file that goes on after a failed sync */
	uint64_t continues_bytes; /* so much of the part before counts */
	uint64_t length_bytes;    /* 0 = to be made */
	uint64_t series_offset;   /* of the newest SERIES block; 0 = none */
	int64_t highest_us;       /* last time in it; INT64_MIN without samples */
};

/* A series that the file does not name yet. */
struct metric_file_series {
	uint32_t id;
	const char *labels; /* canonical, not ended by a NUL */
	size_t labels_length;
};

/* The samples of a series, by growing time; equal times in the order in which they were written. */
struct metric_file_column {
	uint32_t series_id;
	const struct metric_file_sample *samples;
	size_t n_samples;
};

/* What is to be appended. All of it is borrowed. */
struct metric_file_addition {
	const uint8_t *store_id; /* HM_ID_BYTES */
	const char *host;
	const char *metric;
	enum hm_file_type type; /* HM_FILE_METRIC or HM_FILE_ODD */
	enum hm_stored_kind kind;
	const char *unit;
	bool has_new_meta; /* kind and unit differ from what the file says; a new file says them anyway */
	const struct metric_file_series *series;
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
 * @return 0 or -ENOMEM
 */
int metric_file_encode(struct block_encoder *encoder, const struct metric_file_addition *addition,
		       struct metric_file_end *end, struct buffer *out);

/* What is said of a file that is being loaded. Each returns 0 or -errno, which ends the loading. */
struct metric_file_visitor {
	void *context;
	/* First. Names and unit are borrowed for the call, not ended by a NUL. */
	int (*header)(void *context, const struct hm_file_names *names);
	int (*series)(void *context, const struct metric_file_series *series);
	int (*meta)(void *context, enum hm_stored_kind kind, const char *unit, size_t unit_length);
	/* The last sample of a series that the file has: later ones win. */
	int (*last)(void *context, uint32_t series_id, const struct metric_file_sample *sample);
	/* A range that is damaged and passed over. */
	int (*damage)(void *context, uint64_t offset, uint64_t length_bytes);
};

/*
 * Read names, kind and each series' last sample, and where the file ends. Reads backwards and no
 * more than is needed, but forwards through all of it where a block is damaged.
 * @param path          below `folder`
 * @param length_bytes  read no further; UINT64_MAX: all of it
 * @param position_max  blocks of a later position do not count
 * @param ret_end       length_bytes: behind the last block that counts
 * @param ret_position  the highest of the blocks that count; 0 without one
 * @return 0; -ENOENT; -EINVAL: no metric file, or its header is damaged; -ENOTSUP: a version that is
 * not known; -ENOMEM; -errno of the disk or of the visitor
 */
struct metric_file_place {
	int folder;
	const char *path;
	uint64_t length_bytes;
	uint64_t position_max;
};
int metric_file_load(const struct disk *disk, const struct metric_file_place *place,
		     const struct metric_file_visitor *visitor, struct metric_file_end *ret_end,
		     uint64_t *ret_position);

/* What a reader wants of a file. */
struct metric_file_wish {
	int64_t since_us;
	int64_t until_us;
	void *context;
	bool (*wants)(void *context, uint32_t series_id);
	/* In the order of the file: blocks as they were appended, within a block series after
	 * series, within a series by time. @return 0 or -errno, which ends the reading */
	int (*take)(void *context, uint32_t series_id, const struct metric_file_sample *samples,
		    size_t n_samples);
	/* May be NULL. */
	int (*damage)(void *context, uint64_t offset, uint64_t length_bytes);
};

/*
 * Read samples. Blocks that end before since_us, or begin after until_us, are not decoded, and a
 * backward look finds where to begin.
 * @return 0; as metric_file_load()
 */
int metric_file_read(const struct disk *disk, const struct metric_file_place *place,
		     struct block_decoder *decoder, const struct metric_file_wish *wish);

#endif
