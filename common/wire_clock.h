/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_CLOCK_H
#define COMMON_WIRE_CLOCK_H

/*
 * CLOCK: what happened to an agent's time. From these the collector knows why there are no samples: the agent
 * was stopped, the host slept or was booted again, the clock was set.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/wire_stamp.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

struct wire_clock {
	struct wire_stamp stamp;
	enum hm_clock_event event;
	uint8_t boot_id[HM_ID_BYTES];
	int64_t now_us;        /* the clock behind the event */
	int64_t since_boot_us; /* CLOCK_BOOTTIME at that moment */
	int64_t change_us; /* STEPPED: by how much it was set; RESUMED, HELD_UP, LOST: for how long */
};

void wire_clock_put(struct buffer *out, const struct wire_clock *clock);

/*
 * @return HM_REASON_NONE; HM_REASON_BAD_CLOCK: an event that does not exist, or one with such a change;
 * HM_REASON_BAD_MESSAGE, HM_REASON_BAD_ID, HM_REASON_BAD_TIME; what wire_stamp_get() gives
 */
enum hm_reason wire_clock_get(const uint8_t *payload, size_t length, struct wire_clock *ret_clock);

#endif
