/* SPDX-License-Identifier: MIT */
/* CLOCK: what happened to an agent's time. */

#include "common/wire_clock.h"

#include <string.h>

#include "common/wire_id.h"

void wire_clock_put(struct buffer *out, const struct wire_clock *clock)
{
	wire_stamp_put(out, &clock->stamp);
	buffer_append_byte(out, (char)clock->event);
	buffer_append(out, clock->boot_id, HM_ID_BYTES);
	cursor_put_u64(out, (uint64_t)clock->now_us);
	cursor_put_u64(out, (uint64_t)clock->since_boot_us);
	cursor_put_u64(out, (uint64_t)clock->change_us);
}

static bool is_change_good(const struct wire_clock *clock)
{
	switch (clock->event) {
	case HM_CLOCK_STARTED:
	case HM_CLOCK_STOPPED:
		return clock->change_us == 0;
	case HM_CLOCK_STEPPED:
		return clock->change_us != 0 && clock->change_us != INT64_MIN;
	case HM_CLOCK_RESUMED:
	case HM_CLOCK_HELD_UP:
	case HM_CLOCK_LOST:
		return clock->change_us > 0;
	}
	return false;
}

static enum hm_reason check(const struct wire_clock *clock)
{
	if (!wire_id_is_set(clock->boot_id))
		return HM_REASON_BAD_ID;
	if (clock->now_us == INT64_MIN)
		return HM_REASON_BAD_TIME;
	if (clock->since_boot_us < 0 || !is_change_good(clock))
		return HM_REASON_BAD_CLOCK;
	return HM_REASON_NONE;
}

enum hm_reason wire_clock_get(const uint8_t *payload, size_t length, struct wire_clock *ret_clock)
{
	struct cursor cursor = {.at = payload, .left = length};
	struct wire_clock clock = {0};
	enum hm_reason reason = wire_stamp_get(&cursor, &clock.stamp);
	const uint8_t *boot_id;

	if (reason != HM_REASON_NONE)
		return reason;
	clock.event = (enum hm_clock_event)cursor_get_u8(&cursor);
	boot_id = cursor_get_bytes(&cursor, HM_ID_BYTES);
	clock.now_us = (int64_t)cursor_get_u64(&cursor);
	clock.since_boot_us = (int64_t)cursor_get_u64(&cursor);
	clock.change_us = (int64_t)cursor_get_u64(&cursor);
	if (!boot_id || !cursor_is_done(&cursor))
		return HM_REASON_BAD_MESSAGE;
	memcpy(clock.boot_id, boot_id, HM_ID_BYTES);
	reason = check(&clock);
	if (reason == HM_REASON_NONE)
		*ret_clock = clock;
	return reason;
}
