/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_END_H
#define COMMON_WIRE_END_H

/* The end of a session, either side's last message: ERROR or BYE. Both are the same in all versions. */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/series.h"
#include "hostmetrics/format.h"

struct wire_end {
	/* HM_REASON_COUNT or above: one of a later version. */
	enum hm_reason reason;
	uint32_t wait_ms;        /* before the next try, at least; 0 = as the other side likes */
	struct series_text text; /* for people; at most HM_END_TEXT_MAX_BYTES */
};

void wire_end_put(struct buffer *out, const struct wire_end *end);

/*
 * @param ret_end  its text is borrowed from the payload
 * @return HM_REASON_NONE or HM_REASON_BAD_MESSAGE
 */
enum hm_reason wire_end_get(const uint8_t *payload, size_t length, struct wire_end *ret_end);

#endif
