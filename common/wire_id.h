/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_ID_H
#define COMMON_WIRE_ID_H

/* Ids in messages: of a host, an epoch, a boot, a store. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "hostmetrics/format.h"

/* One of zeros is none. */
static inline bool wire_id_is_set(const uint8_t id[static HM_ID_BYTES])
{
	static const uint8_t none[HM_ID_BYTES];

	return memcmp(id, none, HM_ID_BYTES) != 0;
}

#endif
