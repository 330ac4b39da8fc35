/* SPDX-License-Identifier: MIT */
/* HELLO: how an agent begins. */

#include "common/wire_hello.h"

#include <string.h>

#include "common/cursor.h"
#include "common/text.h"
#include "common/wire_id.h"
#include "hostmetrics/wire.h"

void wire_hello_put(struct buffer *out, const struct wire_hello *hello)
{
	buffer_append(out, hello->host_id, HM_ID_BYTES);
	buffer_append(out, hello->epoch, HM_ID_BYTES);
	buffer_append(out, hello->boot_id, HM_ID_BYTES);
	cursor_put_u64(out, (uint64_t)hello->now_us);
	cursor_put_u32(out, hello->flags);
	cursor_put_text(out, &hello->host);
	cursor_put_text(out, &hello->version);
}

static enum hm_reason check(const struct wire_hello *hello)
{
	if (!wire_id_is_set(hello->host_id) || !wire_id_is_set(hello->epoch) ||
	    !wire_id_is_set(hello->boot_id))
		return HM_REASON_BAD_ID;
	if (hello->host.length == 0 || hello->host.length > HM_HOST_NAME_MAX_BYTES ||
	    !text_is_clean(hello->host.start, hello->host.length))
		return HM_REASON_BAD_NAME;
	if (hello->now_us == INT64_MIN)
		return HM_REASON_BAD_TIME;
	return HM_REASON_NONE;
}

enum hm_reason wire_hello_get(const uint8_t *payload, size_t length, struct wire_hello *ret_hello)
{
	struct cursor cursor = {.at = payload, .left = length};
	const uint8_t *ids = cursor_get_bytes(&cursor, (size_t)3 * HM_ID_BYTES);
	struct wire_hello hello = {.now_us = (int64_t)cursor_get_u64(&cursor)};
	enum hm_reason reason;

	hello.flags = cursor_get_u32(&cursor);
	hello.host = cursor_get_any_text(&cursor);
	hello.version = cursor_get_text(&cursor, HM_AGENT_VERSION_MAX_BYTES);
	if (!ids || !cursor_is_done(&cursor))
		return HM_REASON_BAD_MESSAGE;
	memcpy(hello.host_id, ids, HM_ID_BYTES);
	memcpy(hello.epoch, ids + HM_ID_BYTES, HM_ID_BYTES);
	memcpy(hello.boot_id, ids + (size_t)2 * HM_ID_BYTES, HM_ID_BYTES);
	reason = check(&hello);
	if (reason == HM_REASON_NONE)
		*ret_hello = hello;
	return reason;
}
