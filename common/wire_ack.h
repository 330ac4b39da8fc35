/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_ACK_H
#define COMMON_WIRE_ACK_H

/* ACK: every message of the epoch up to this sequence is durable. */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "hostmetrics/format.h"

void wire_ack_put(struct buffer *out, uint64_t sequence);

/* @return HM_REASON_NONE, HM_REASON_BAD_MESSAGE or HM_REASON_BAD_SEQUENCE */
enum hm_reason wire_ack_get(const uint8_t *payload, size_t length, uint64_t *ret_sequence);

#endif
