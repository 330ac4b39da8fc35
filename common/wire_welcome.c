/* SPDX-License-Identifier: MIT */
/* WELCOME: what the collector has of an epoch. */

#include "common/wire_welcome.h"

#include <string.h>

#include "common/cursor.h"
#include "common/wire_id.h"
#include "hostmetrics/wire.h"

void wire_welcome_put(struct buffer *out, const struct wire_welcome *welcome)
{
	buffer_append(out, welcome->store_id, HM_ID_BYTES);
	cursor_put_u64(out, welcome->durable);
	cursor_put_u32(out, welcome->durable_crc);
	cursor_put_u32(out, welcome->n_series);
	cursor_put_u32(out, welcome->max_unacked);
	cursor_put_u64(out, (uint64_t)welcome->now_us);
	cursor_put_u32(out, welcome->flags);
}

enum hm_reason wire_welcome_get(const uint8_t *payload, size_t length,
				struct wire_welcome *ret_welcome)
{
	struct cursor cursor = {.at = payload, .left = length};
	const uint8_t *store_id = cursor_get_bytes(&cursor, HM_ID_BYTES);
	struct wire_welcome welcome = {.durable = cursor_get_u64(&cursor)};

	welcome.durable_crc = cursor_get_u32(&cursor);
	welcome.n_series = cursor_get_u32(&cursor);
	welcome.max_unacked = cursor_get_u32(&cursor);
	welcome.now_us = (int64_t)cursor_get_u64(&cursor);
	welcome.flags = cursor_get_u32(&cursor);
	if (!store_id || !cursor_is_done(&cursor) || welcome.max_unacked == 0)
		return HM_REASON_BAD_MESSAGE;
	if (!wire_id_is_set(store_id))
		return HM_REASON_BAD_ID;
	if (welcome.durable > HM_SEQUENCE_MAX)
		return HM_REASON_BAD_SEQUENCE;
	if (welcome.n_series > HM_EPOCH_SERIES_MAX)
		return HM_REASON_TOO_MANY_SERIES;
	memcpy(welcome.store_id, store_id, HM_ID_BYTES);
	*ret_welcome = welcome;
	return HM_REASON_NONE;
}
