/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_SCHEDULE_H
#define COMMON_WIRE_SCHEDULE_H

/*
 * SCHEDULE: what an agent samples from a time on, and how often. It is all of it, and holds until another one
 * comes. So the collector knows of every metric which ticks there should have been.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/series.h"
#include "common/wire_stamp.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

struct wire_schedule {
	struct wire_stamp stamp;
	int64_t since_us;          /* it holds from then on */
	uint64_t ship_interval_us; /* what was sampled is sent so often; 0: that is not told */
	const uint8_t
		*entries; /* that wire_schedule_next() has not come to; borrowed from the payload */
	size_t n_bytes;
};

/* A metric that is sampled. */
struct wire_schedule_entry {
	uint64_t interval_us;      /* 1 to HM_INTERVAL_MAX_US */
	struct series_text metric; /* borrowed from the payload */
};

/* Append the head; then how often it is sent, and entries, may follow, in growing order of their metrics' bytes. */
void wire_schedule_put_begin(struct buffer *out, const struct wire_stamp *stamp, int64_t since_us);
void wire_schedule_put_ship(struct buffer *out, uint64_t interval_us);
void wire_schedule_put_entry(struct buffer *out, const struct wire_schedule_entry *entry);

/*
 * Check all of one, and begin to read its entries.
 * @param payload  borrowed as long as they are read
 * @return HM_REASON_NONE; HM_REASON_BAD_MESSAGE: cut short, an interval of 0 or too long, or metrics that do not
 * grow; HM_REASON_BAD_TIME; HM_REASON_BAD_NAME: what is no metric; what wire_stamp_get() gives
 */
enum hm_reason wire_schedule_get(const uint8_t *payload, size_t length,
				 struct wire_schedule *ret_schedule);

/* The next entry. @return false: there are no more */
bool wire_schedule_next(struct wire_schedule *schedule, struct wire_schedule_entry *ret_entry);

#endif
