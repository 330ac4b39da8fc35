/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TICK_H
#define AGENT_TICK_H

/*
 * What was taken at one tick: of each series of the dictionary (agent/dictionary.h) a value, or why there is none, or
 * nothing at all where it was not its turn. The spool writes each as a record of its own, so that kill -9
 * costs the tick that is being taken and no more:
 *
 *     i64      the time, microseconds since 1970 UTC
 *     runs     up to the end, by growing ids, each as long as it can be:
 *              LEB128 ids that are left out before it
 *              LEB128 n << 1, for n series with a value: the bytes that each takes, two in a byte, the first in
 *                  the lower half; then the highest bytes of each, from the highest on: those left out are 0
 *              LEB128 n << 1 | 1, for n series without: u8 enum hm_reason, 0 = not known
 *
 * Such bytes stay on their host; others may write them there, so nothing in them is believed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "hostmetrics/format.h"

/* What a series has. */
struct tick_sample {
	double value; /* 0 where it is missing */
	bool is_there;
	bool is_missing;
	uint8_t reason; /* enum hm_reason, of one that is missing; may be one of a later version */
};

/* Zeroed = none was begun. */
struct tick {
	int64_t time_us;
	struct tick_sample *samples; /* by id; neither there nor missing: nothing */
	uint32_t n_ids;              /* above them nothing is set */
	uint32_t n_set;
	uint32_t n_missing; /* of these */
	size_t capacity;
};

void tick_done(struct tick *tick);

/* Begin with another one; the memory is kept. @param time_us  not INT64_MIN */
void tick_begin(struct tick *tick, int64_t time_us);

/*
 * Give a series its value.
 * @return 0; -EINVAL: not finite, or no id; -EEXIST: it has something already; -ENOMEM
 */
int tick_set(struct tick *tick, uint32_t id, double value);

/* Say why a series has none. @return as tick_set() */
int tick_set_missing(struct tick *tick, uint32_t id, enum hm_reason reason);

/* Append the bytes; `failed` of the buffer tells when there was no memory. */
void tick_encode(const struct tick *tick, struct buffer *out);

/* Bytes that a value takes there, beside the half one that says so: 0 to 8, few of small whole numbers. */
unsigned tick_value_bytes(double value);

/*
 * Read what tick_encode() wrote.
 * @param tick      one that was begun or zeroed; holds nothing after a failure
 * @param n_series  that are declared: ids are below
 * @return 0; -EBADMSG; -ENOMEM
 */
int tick_decode(struct tick *tick, const void *bytes, size_t length, uint32_t n_series);

#endif
