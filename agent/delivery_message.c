/* SPDX-License-Identifier: MIT */
/* Messages that a spool gives to be sent. */

#include "agent/delivery_message.h"

#include <string.h>

#include "common/cursor.h"
#include "common/wire_stamp.h"

#define PAYLOAD_MAX_BYTES (HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES)

static bool is_stored(enum hm_frame_type type)
{
	return type == HM_FRAME_DECLARE || type == HM_FRAME_BATCH || type == HM_FRAME_GAP ||
	       type == HM_FRAME_CLOCK || type == HM_FRAME_SCHEDULE;
}

/* Is it one of the owner's that fits a frame? @param ret_body  what stands behind the stamp */
static bool is_sendable(const struct delivery_message *message, const struct delivery_owner *owner,
			struct cursor *ret_body)
{
	struct cursor cursor = {.at = message->payload, .left = message->length};
	struct wire_stamp stamp;

	if (!is_stored(message->type) || message->length > PAYLOAD_MAX_BYTES ||
	    wire_stamp_get(&cursor, &stamp) != HM_REASON_NONE)
		return false;
	*ret_body = cursor;
	return stamp.sequence == message->sequence &&
	       memcmp(stamp.epoch, owner->epoch, HM_ID_BYTES) == 0 &&
	       memcmp(stamp.host_id, owner->host_id, HM_ID_BYTES) == 0;
}

bool delivery_message_is_next(const struct delivery_message *message,
			      const struct delivery_owner *owner, uint64_t after)
{
	uint64_t first = message->sequence;
	struct cursor body;

	if (!is_sendable(message, owner, &body))
		return false;
	if (message->type == HM_FRAME_GAP)
		first = cursor_get_u64(&body);
	return !cursor_failed(&body) && message->sequence > after && first <= after + 1;
}

bool delivery_message_is_declare(const struct delivery_message *message,
				 const struct delivery_owner *owner, uint64_t after,
				 uint32_t *ret_n_series)
{
	struct cursor body;
	uint32_t n_series;

	if (!is_sendable(message, owner, &body) || message->type != HM_FRAME_DECLARE ||
	    message->sequence <= after)
		return false;
	/* Only counted: their names were looked at when they were declared. */
	n_series = cursor_get_u32(&body);
	while (!cursor_failed(&body) && !cursor_is_done(&body)) {
		(void)cursor_get_u8(&body);
		(void)cursor_get_any_text(&body);
		(void)cursor_get_any_text(&body);
		n_series++;
	}
	if (!cursor_is_done(&body))
		return false;
	*ret_n_series = n_series;
	return true;
}
