/* SPDX-License-Identifier: MIT */
#ifndef COMMON_BLOCK_H
#define COMMON_BLOCK_H

/*
 * The one structure of samples on the wire, in the log and in metric files: a column of times and
 * columns of values, one for each series, that share these times. docs/format.md has the bytes.
 * Lossless: times are exact to the microsecond, values bit for bit, payloads of NaN and -0 too.
 * No descriptors, no threads: bytes in, bytes out. Nothing here trusts the bytes that it decodes.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

/* Limits of a block, for both ways. */
#define BLOCK_TIMES_MAX   ((size_t)65536)
#define BLOCK_COLUMNS_MAX ((size_t)65536)
#define BLOCK_SAMPLES_MAX ((size_t)4 << 20) /* of all columns together, and absences */

/* A run of a column: so many times that have a sample, then so many that have none. Those that have a reason are
 * the column's absences; of the others nothing is said. */
struct block_run {
	uint32_t n_present;
	uint32_t n_missing;
	uint8_t reason; /* enum hm_reason: why those are missing; HM_REASON_NONE = nothing is said */
};

struct block_column {
	uint32_t series_id;
	const struct block_run
		*runs; /* over all times of the block; NULL = every time has a sample */
	size_t n_runs;
	const double *values;
	size_t n_values; /* the sum of n_present; without runs the number of times */
};

/* A column as it stands in its block, not decoded. */
struct block_encoded {
	uint32_t series_id;
	uint32_t n_values;
	uint32_t n_absent; /* times that have a reason instead of a sample */
	uint32_t n_runs;   /* 0: every time has a sample */
	uint8_t encoding;
	const uint8_t *bytes; /* of its runs, and behind them from `payload_at` on of its values */
	size_t payload_at;
	size_t n_bytes;
};

/* How much work is worth a smaller block. */
enum block_effort {
	BLOCK_EFFORT_FAST,  /* the wire and the log */
	BLOCK_EFFORT_SMALL, /* metric files */
};

struct block_encoder; /* scratch memory, kept from one block to the next */

/* @return NULL without memory */
struct block_encoder *block_encoder_new(void);

/* Takes NULL. */
void block_encoder_free(struct block_encoder *encoder);

/*
 * Append a block's bytes.
 * @param times_us  non-decreasing, equal ones allowed; at least one
 * @param columns   at least one, by growing series_id
 * @return 0; -EINVAL: beyond the limits, not in order, or runs that do not fit; -ENOMEM
 */
int block_encode(struct block_encoder *encoder, const int64_t *times_us, size_t n_times,
		 const struct block_column *columns, size_t n_columns, enum block_effort effort,
		 struct buffer *out);

/* What is asked of a block in turn; see block_decoder_*(). */
struct block_decoder;

/* @return NULL without memory */
struct block_decoder *block_decoder_new(void);

/* Takes NULL. */
void block_decoder_free(struct block_decoder *decoder);

/*
 * Begin with a block: decodes the times and checks the structure of every column, so that declared
 * lengths equal consumed ones at every level, before anything of that size is allocated.
 * @param bytes  exactly one block; borrowed until the next call or the decoder's end
 * @return 0; -EBADMSG: not a block; -ENOTSUP: an encoding that this version does not know; -ENOMEM
 */
int block_decoder_open(struct block_decoder *decoder, const uint8_t *bytes, size_t length);

/* The times. Borrowed until the next block_decoder_open(). */
const int64_t *block_decoder_times(const struct block_decoder *decoder, size_t *ret_n_times);

size_t block_decoder_n_columns(const struct block_decoder *decoder);

/* The series of a column, without decoding its values. */
uint32_t block_decoder_series_id(const struct block_decoder *decoder, size_t column);

/*
 * A column's bytes, checked as far as block_decoder_open() does. Whoever copies them can have the column
 * decoded when the block is gone.
 * @param ret_encoded  its bytes are borrowed from the block
 */
void block_decoder_encoded(const struct block_decoder *decoder, size_t column,
			   struct block_encoded *ret_encoded);

/*
 * The runs of a column, without decoding its values.
 * @param ret_runs  borrowed until the next call for this decoder; NULL: every time has a sample
 * @return 0 or -ENOMEM
 */
int block_decoder_runs(struct block_decoder *decoder, size_t column,
		       const struct block_run **ret_runs, size_t *ret_n);

/*
 * Decode a column of any block, not only of the one that is open.
 * @param encoded     as block_decoder_encoded() gave it, with these bytes or a copy of them
 * @param ret_column  its pointers are borrowed until the next call for this decoder
 * @return 0; -EBADMSG; -ENOMEM
 */
int block_decoder_decode(struct block_decoder *decoder, const struct block_encoded *encoded,
			 struct block_column *ret_column);

/*
 * Decode one column of the block that is open.
 * @param ret_column  its pointers are borrowed until the next call for this decoder
 * @return 0; -EBADMSG; -ENOMEM
 */
int block_decoder_column(struct block_decoder *decoder, size_t column,
			 struct block_column *ret_column);

#endif
