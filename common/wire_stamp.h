/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_STAMP_H
#define COMMON_WIRE_STAMP_H

/*
 * The stamp that all messages begin with which are stored: whose it is, and which place it has in its
 * epoch. With it a message tells all of itself, in the spool, on the wire and in the log.
 */

#include <stdint.h>

#include "common/buffer.h"
#include "common/cursor.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

struct wire_stamp {
	uint8_t host_id[HM_ID_BYTES];
	uint8_t epoch[HM_ID_BYTES];
	uint64_t sequence; /* 1 to HM_SEQUENCE_MAX */
};

/* Append HM_STAMP_BYTES. */
void wire_stamp_put(struct buffer *out, const struct wire_stamp *stamp);

/*
 * Read it: `cursor` goes on to what follows.
 * @return HM_REASON_NONE, HM_REASON_BAD_MESSAGE, HM_REASON_BAD_ID or HM_REASON_BAD_SEQUENCE
 */
enum hm_reason wire_stamp_get(struct cursor *cursor, struct wire_stamp *ret_stamp);

#endif
