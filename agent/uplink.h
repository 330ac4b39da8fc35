/* SPDX-License-Identifier: MIT */
#ifndef AGENT_UPLINK_H
#define AGENT_UPLINK_H

/*
 * The connection to the collector, in the main thread's loop: it sends what the spool has, as far as the collector
 * acknowledges it (agent/shipment.h), and comes back by itself after a failure.
 */

#include <stddef.h>
#include <stdint.h>

#include "agent/spool.h"
#include "common/loop.h"
#include "hostmetrics/format.h"

#define UPLINK_STATE_MAX_BYTES 128
#define UPLINK_ERROR_MAX_BYTES 256

struct uplink_stats {
	char state[UPLINK_STATE_MAX_BYTES]; /* for people: "connected" */
	char last_error[UPLINK_ERROR_MAX_BYTES];
	uint64_t n_sent_bytes; /* since start */
};

struct uplink;

/* Called on the loop's thread when all that is durable in the spool is acknowledged. */
typedef void (*uplink_callback)(void *context);

/*
 * @param spool      borrowed
 * @param boot_id    copied
 * @param collector  HOST:PORT; borrowed
 * @return 0, -ENOMEM or -errno
 */
int uplink_new(struct loop *loop, struct spool *spool, const uint8_t boot_id[static HM_ID_BYTES],
	       const char *collector, struct uplink **ret_uplink);

/* Closes the connection. Takes NULL. */
void uplink_free(struct uplink *uplink);

/*
 * Ship to this collector from now on. Where it is another one, the connection, or the try to make one, is given up
 * at once; what waits goes over the new one.
 * @param collector  borrowed, in place of the one before
 */
void uplink_configure(struct uplink *uplink, const char *collector);

/* Send what another spool has from now on, over another connection. @param spool  borrowed, in place of the one before */
void uplink_use_spool(struct uplink *uplink, struct spool *spool);

/* Call `drained` whenever nothing is left to be sent. */
void uplink_on_drained(struct uplink *uplink, uplink_callback drained, void *context);

/* Connect. */
void uplink_start(struct uplink *uplink);

/* There may be more to send. */
void uplink_wake(struct uplink *uplink);

/* Do not wait any longer with the next try; what is left has to go now. */
void uplink_hurry(struct uplink *uplink);

void uplink_get_stats(struct uplink *uplink, struct uplink_stats *ret_stats);

#endif
