/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_WELCOME_H
#define COMMON_WIRE_WELCOME_H

/* WELCOME: what the collector has of an epoch. The agent keeps no note of that itself. */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "hostmetrics/format.h"

struct wire_welcome {
	uint8_t store_id[HM_ID_BYTES];
	uint64_t durable;     /* sequence of the last durable message; 0 = none */
	uint32_t durable_crc; /* CRC32C of its payload; 0 = none */
	uint32_t n_series;    /* of the epoch: ids 0 to n_series - 1 are known */
	uint32_t max_unacked; /* frames that may be sent before the ACK of the first; 1 or more */
	int64_t now_us;       /* the collector's clock */
	uint32_t flags;       /* what it can; who does not know one passes over it */
};

void wire_welcome_put(struct buffer *out, const struct wire_welcome *welcome);

/*
 * @return HM_REASON_NONE, HM_REASON_BAD_MESSAGE, HM_REASON_BAD_ID, HM_REASON_BAD_SEQUENCE or
 * HM_REASON_TOO_MANY_SERIES
 */
enum hm_reason wire_welcome_get(const uint8_t *payload, size_t length,
				struct wire_welcome *ret_welcome);

#endif
