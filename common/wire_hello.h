/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_HELLO_H
#define COMMON_WIRE_HELLO_H

/* HELLO: how an agent begins. */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/series.h"
#include "hostmetrics/format.h"

struct wire_hello {
	uint8_t host_id[HM_ID_BYTES];
	uint8_t epoch[HM_ID_BYTES];
	uint8_t boot_id[HM_ID_BYTES]; /* /proc/sys/kernel/random/boot_id */
	int64_t now_us;               /* the agent's clock */
	uint32_t flags;               /* what it can; who does not know one passes over it */
	struct series_text host;      /* 1 to HM_HOST_NAME_MAX_BYTES */
	struct series_text version;   /* of its program; at most HM_AGENT_VERSION_MAX_BYTES */
};

void wire_hello_put(struct buffer *out, const struct wire_hello *hello);

/*
 * @param ret_hello  its texts are borrowed from the payload
 * @return HM_REASON_NONE, HM_REASON_BAD_MESSAGE, HM_REASON_BAD_ID, HM_REASON_BAD_TIME or HM_REASON_BAD_NAME (the host's)
 */
enum hm_reason wire_hello_get(const uint8_t *payload, size_t length, struct wire_hello *ret_hello);

#endif
