/* SPDX-License-Identifier: MIT */
#ifndef AGENT_DELIVERY_MESSAGE_H
#define AGENT_DELIVERY_MESSAGE_H

/* Messages that a spool gives to be sent: what a disk may have made of them is not sent. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

/* A stored message, as it goes and as the spool has it. */
struct delivery_message {
	enum hm_frame_type type; /* DECLARE, BATCH, GAP, CLOCK or SCHEDULE */
	uint64_t sequence;       /* of a GAP: the last one that is gone */
	const void *payload;     /* stamp and body; borrowed until the spool is called again */
	size_t length;
	uint32_t crc; /* CRC32C of the payload */
};

/* Whose messages they are: what their stamps must say. */
struct delivery_owner {
	uint8_t host_id[HM_ID_BYTES];
	uint8_t epoch[HM_ID_BYTES];
};

/* Is it what comes behind `after`: the next one, or a GAP over it? */
bool delivery_message_is_next(const struct delivery_message *message,
			      const struct delivery_owner *owner, uint64_t after);

/*
 * Is it a DECLARE behind `after`?
 * @param ret_n_series  of the epoch, with its own: one more than the last id
 */
bool delivery_message_is_declare(const struct delivery_message *message,
				 const struct delivery_owner *owner, uint64_t after,
				 uint32_t *ret_n_series);

#endif
