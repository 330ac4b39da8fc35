/* SPDX-License-Identifier: MIT */
/* ACK: what is durable. */

#include "common/wire_ack.h"

#include "common/cursor.h"
#include "hostmetrics/wire.h"

void wire_ack_put(struct buffer *out, uint64_t sequence)
{
	cursor_put_u64(out, sequence);
}

enum hm_reason wire_ack_get(const uint8_t *payload, size_t length, uint64_t *ret_sequence)
{
	struct cursor cursor = {.at = payload, .left = length};
	uint64_t sequence = cursor_get_u64(&cursor);

	if (!cursor_is_done(&cursor))
		return HM_REASON_BAD_MESSAGE;
	if (sequence == 0 || sequence > HM_SEQUENCE_MAX)
		return HM_REASON_BAD_SEQUENCE;
	*ret_sequence = sequence;
	return HM_REASON_NONE;
}
