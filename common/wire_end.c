/* SPDX-License-Identifier: MIT */
/* The end of a session. */

#include "common/wire_end.h"

#include "common/cursor.h"
#include "hostmetrics/wire.h"

void wire_end_put(struct buffer *out, const struct wire_end *end)
{
	cursor_put_u16(out, (uint16_t)end->reason);
	cursor_put_u32(out, end->wait_ms);
	cursor_put_text(out, &end->text);
}

enum hm_reason wire_end_get(const uint8_t *payload, size_t length, struct wire_end *ret_end)
{
	struct cursor cursor = {.at = payload, .left = length};
	struct wire_end end = {.reason = (enum hm_reason)cursor_get_u16(&cursor)};

	end.wait_ms = cursor_get_u32(&cursor);
	end.text = cursor_get_text(&cursor, HM_END_TEXT_MAX_BYTES);
	if (!cursor_is_done(&cursor))
		return HM_REASON_BAD_MESSAGE;
	*ret_end = end;
	return HM_REASON_NONE;
}
