/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_GAP_H
#define COMMON_WIRE_GAP_H

/*
 * GAP: batches that are gone, and why. It takes their places in the epoch: with it the mark goes on over
 * all of them. DECLAREs never go; a run of batches that one interrupts is two gaps.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/wire_stamp.h"
#include "hostmetrics/format.h"

struct wire_gap {
	struct wire_stamp stamp; /* its sequence is the last one that is gone */
	uint64_t first;          /* so many at most: HM_GAP_SEQUENCES_MAX */
	int64_t first_us;        /* of the samples */
	int64_t last_us;
	uint64_t n_samples;    /* 0 = not known */
	enum hm_reason reason; /* HM_REASON_COUNT or above: one of a later version */
};

void wire_gap_put(struct buffer *out, const struct wire_gap *gap);

/*
 * @return HM_REASON_NONE; HM_REASON_BAD_GAP: first beyond last, in sequences or times, or more of them than a
 * gap may have; HM_REASON_BAD_MESSAGE, HM_REASON_BAD_TIME; what wire_stamp_get() gives
 */
enum hm_reason wire_gap_get(const uint8_t *payload, size_t length, struct wire_gap *ret_gap);

#endif
