/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SHIPMENT_H
#define AGENT_SHIPMENT_H

/*
 * What goes from the spool to the collector: a session (agent/delivery.h) for each connection, each about one epoch of
 * the spool, the oldest that has something to send. No descriptors here.
 */

#include <stdbool.h>
#include <stdint.h>

#include "agent/delivery.h"
#include "agent/spool.h"
#include "hostmetrics/format.h"

struct shipment {
	struct spool *spool;          /* borrowed */
	uint8_t boot_id[HM_ID_BYTES]; /* of HELLO */
	struct delivery delivery;     /* whoever has the connection drives it */
	uint8_t epoch[HM_ID_BYTES];   /* of the session */
	uint64_t durable;             /* what the collector has of that, by its WELCOME */
	bool has_progress;            /* something was acknowledged in this session */
};

void shipment_init(struct shipment *shipment, struct spool *spool,
		   const uint8_t boot_id[static HM_ID_BYTES]);

void shipment_done(struct shipment *shipment);

/*
 * A connection is there: begin a session.
 * @param now_us  monotonic
 * @return 0 or -ENOMEM
 */
int shipment_begin(struct shipment *shipment, int64_t now_us);

/* Has the session sent all of an epoch that has ended? Then the next one is to be begun, on another connection. */
bool shipment_is_done(const struct shipment *shipment);

/* The session has ended: where it is to be, the spool begins another epoch. */
void shipment_end(struct shipment *shipment);

/* Is all that is durable in the spool acknowledged? */
bool shipment_is_drained(const struct shipment *shipment);

#endif
