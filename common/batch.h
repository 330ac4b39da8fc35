/* SPDX-License-Identifier: MIT */
#ifndef COMMON_BATCH_H
#define COMMON_BATCH_H

/*
 * The payload of a BATCH record: whose samples they are, and which number the batch has in its
 * sender's epoch. It names its own host and series, so that what becomes of other records does not
 * matter to it. Bytes in, bytes out; docs/format.md has the layout.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/cursor.h"
#include "common/series.h"
#include "hostmetrics/format.h"

/* A batch is sealed with no more series and samples than this. */
#define BATCH_SERIES_MAX  ((size_t)8192)
#define BATCH_SAMPLES_MAX ((size_t)16384)

struct batch_head {
	uint8_t host_id[HM_ID_BYTES];
	uint8_t epoch[HM_ID_BYTES];
	uint64_t sequence; /* 1 is the first of an epoch */
	struct series_text host;
	uint32_t n_series;
};

/* A series that a batch names; its number in the blocks is its place, from 0. */
struct batch_series {
	enum hm_stored_kind kind;
	struct series_text unit;
	struct series_text metric;
	struct series_text labels; /* canonical */
};

/* Append the head; then n_series series and one block or more are to follow. */
void batch_put_head(struct buffer *out, const struct batch_head *head);
void batch_put_series(struct buffer *out, const struct batch_series *series);
void batch_put_block(struct buffer *out, const void *bytes, size_t length);

/* Read the head: `cursor` goes on to the series. Texts are borrowed. @return 0 or -EBADMSG */
int batch_get_head(struct cursor *cursor, struct batch_head *ret_head);

/* @return 0 or -EBADMSG */
int batch_get_series(struct cursor *cursor, struct batch_series *ret_series);

/* The next block's bytes. @return 0; -ENODATA: there are no more; -EBADMSG */
int batch_get_block(struct cursor *cursor, const uint8_t **ret_bytes, size_t *ret_length);

#endif
