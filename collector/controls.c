/* SPDX-License-Identifier: MIT */
/* Records that wait to be logged. */

#include "collector/controls.h"

#include <errno.h>

#include "collector/engine.h"

void controls_cut(struct engine *engine, size_t length)
{
	engine->controls.length = length;
	engine->controls.failed = false;
}

int controls_put(struct engine *engine, enum hm_record_type type, uint32_t host,
		 const struct buffer *payload)
{
	size_t length = engine->controls.length;

	cursor_put_u32(&engine->controls, (uint32_t)type);
	cursor_put_u32(&engine->controls, host);
	cursor_put_u32(&engine->controls, (uint32_t)payload->length);
	buffer_append(&engine->controls, payload->data, payload->length);
	if (!buffer_failed(payload) && !buffer_failed(&engine->controls))
		return 0;
	controls_cut(engine, length);
	return -ENOMEM;
}

void controls_get(struct cursor *cursor, struct control *ret_control)
{
	*ret_control = (struct control){.type = (enum hm_record_type)cursor_get_u32(cursor)};
	ret_control->host = cursor_get_u32(cursor);
	ret_control->payload_bytes = cursor_get_u32(cursor);
	ret_control->payload = cursor_get_bytes(cursor, ret_control->payload_bytes);
}
