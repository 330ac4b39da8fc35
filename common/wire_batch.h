/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_BATCH_H
#define COMMON_WIRE_BATCH_H

/*
 * BATCH: samples, in blocks (common/block.h) whose ids were declared in the epoch. To make one, put a stamp
 * (common/wire_stamp.h), then each block by batch_put_block().
 */

#include <stddef.h>
#include <stdint.h>

#include "common/batch.h"
#include "common/block.h"
#include "common/cursor.h"
#include "common/wire_stamp.h"
#include "hostmetrics/format.h"

struct wire_batch {
	struct wire_stamp stamp;
	struct cursor blocks; /* for batch_get_block() */
};

/* What is in a batch. */
struct wire_batch_content {
	struct wire_stamp stamp;
	size_t n_samples;
	size_t n_blocks;
	int64_t first_us; /* of all times of its blocks */
	int64_t last_us;
};

/*
 * Read the stamp only.
 * @param ret_batch  its blocks are borrowed from the payload
 * @return HM_REASON_NONE, HM_REASON_EMPTY; what wire_stamp_get() gives
 */
enum hm_reason wire_batch_get(const uint8_t *payload, size_t length, struct wire_batch *ret_batch);

/*
 * Check a batch by decoding all of it: what passes can be stored as it is. How much it decodes to is
 * bounded, and checked before values are decoded.
 * @param decoder   scratch memory: of one block's times, and of one column at a time
 * @param n_series  of the epoch, that were declared in sequences before this one's
 * @return HM_REASON_NONE; HM_REASON_BAD_MESSAGE, HM_REASON_EMPTY, HM_REASON_BAD_BLOCK, HM_REASON_UNKNOWN_ENCODING,
 * HM_REASON_TOO_MANY_SAMPLES, HM_REASON_NOT_DECLARED, HM_REASON_BAD_TIME (INT64_MIN), HM_REASON_NOT_FINITE,
 * HM_REASON_NO_MEMORY; what wire_stamp_get() gives
 */
enum hm_reason wire_batch_check(struct block_decoder *decoder, const uint8_t *payload,
				size_t length, uint32_t n_series,
				struct wire_batch_content *ret_content);

#endif
