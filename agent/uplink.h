/* SPDX-License-Identifier: MIT */
#ifndef AGENT_UPLINK_H
#define AGENT_UPLINK_H

/*
 * The connection to the collector, in the main thread's loop. It takes rounds off the queue, hands
 * them to the kernel as fast as that takes them, and comes back by itself after a failure: nothing
 * that the kernel had not wholly taken is lost. Delivery is not acknowledged yet.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/queue.h"
#include "common/loop.h"

#define UPLINK_STATE_MAX_BYTES 128
#define UPLINK_ERROR_MAX_BYTES 256

struct uplink_stats {
	uint64_t n_sent_samples; /* wholly taken by the kernel */
	size_t n_waiting_samples;
	char state[UPLINK_STATE_MAX_BYTES]; /* for people: "connected" */
	char last_error[UPLINK_ERROR_MAX_BYTES];
};

struct uplink;

/* Called on the loop's thread when all that was shipped has been handed to the kernel. */
typedef void (*uplink_callback)(void *context);

/*
 * @param collector     HOST:PORT; borrowed
 * @param declarations  sent first on each connection; borrowed
 * @param drained       may be NULL
 * @return 0, -ENOMEM or -errno
 */
int uplink_new(struct loop *loop, struct queue *queue, const char *collector,
	       const char *declarations, struct uplink **ret_uplink);

/* Closes the connection. Takes NULL. */
void uplink_free(struct uplink *uplink);

/*
 * Ship to this collector from now on, with these declarations. Where it is another one, the
 * connection, or the try to make one, is given up at once; what waits goes over the new one.
 * @param collector, declarations  borrowed, in place of those before
 */
void uplink_configure(struct uplink *uplink, const char *collector, const char *declarations);

/* Call `drained` whenever nothing is left to be handed over. */
void uplink_on_drained(struct uplink *uplink, uplink_callback drained, void *context);

/* Connect. */
void uplink_start(struct uplink *uplink);

/* There may be more to send. */
void uplink_wake(struct uplink *uplink);

/* Do not wait any longer with the next try; what is left has to go now. */
void uplink_hurry(struct uplink *uplink);

void uplink_get_stats(struct uplink *uplink, struct uplink_stats *ret_stats);

#endif
