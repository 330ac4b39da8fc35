/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_CONTROLS_H
#define COLLECTOR_CONTROLS_H

/* Records that others than the sealer want to have logged: they wait in the engine for its committer. */

#include <stdint.h>

#include "common/buffer.h"
#include "common/cursor.h"
#include "hostmetrics/format.h"

struct engine;

/* A record that waits. */
struct control {
	enum hm_record_type type;
	uint32_t host; /* whose chain it belongs to; 0 = to none */
	const uint8_t *payload;
	uint32_t payload_bytes;
};

/*
 * Have a record logged; engine->controls_wanted is the caller's to count. With the mutex held.
 * @return 0; -ENOMEM, also where the payload failed: nothing was added
 */
int controls_put(struct engine *engine, enum hm_record_type type, uint32_t host,
		 const struct buffer *payload);

/* Forget what was put since the buffer had this length. With the mutex held. */
void controls_cut(struct engine *engine, size_t length);

/* The next of those that were put. @param cursor  over engine->controls as it was taken over */
void controls_get(struct cursor *cursor, struct control *ret_control);

#endif
