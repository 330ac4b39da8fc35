/* SPDX-License-Identifier: MIT */
#ifndef AGENT_OUTLET_H
#define AGENT_OUTLET_H

/*
 * What becomes of the samples that were taken: off the queue and into the spool, and from there to the collector; and what
 * the log says of that. One thread at a time: outlet_write() may be called on any, all else on the main thread. Where the spool's folder cannot be used, they wait in memory; it is tried again
 * until it can. What is in memory then is sent first.
 */

#include <stdbool.h>
#include <stdint.h>

#include "agent/agenda.h"
#include "agent/cost.h"
#include "agent/footprint.h"
#include "agent/plugin_set.h"
#include "agent/queue.h"
#include "agent/recorder.h"
#include "agent/settings.h"
#include "agent/spool.h"
#include "agent/uplink.h"
#include "common/loop.h"
#include "common/timer.h"
#include "hostmetrics/format.h"

/* Others may look at the parts. */
struct outlet {
	const struct settings *settings; /* in force */
	struct queue *queue;
	struct spool *spool;
	struct spool *
		in_memory; /* what is left of the time without a folder, to be sent first; or NULL */
	struct recorder *recorder;
	struct uplink *uplink;
	uint64_t n_sent_per_second; /* samples that were acknowledged, of late */
	uint64_t n_rounds;          /* that are written */
	uint64_t n_written;         /* of these, by outlet_write() */
	struct cost_mean writing;   /* of one of these */
	int64_t recorder_ns;        /* CPU time that the spool has taken beside that */
	struct cost_mark marks[2];  /* at the last two shipments, the older one first */
	/* ------------------------------------------------------------------------------------------ */
	int folder; /* of the spool; -1 = none */
	int lock;   /* of the folder */
	uint8_t host_id[HM_ID_BYTES];
	uint8_t boot_id[HM_ID_BYTES];
	struct agenda agenda; /* what is sampled */
	const struct plugin_set *set;
	int64_t since_us; /* that is so since then */
	size_t n_made;    /* metrics that the plugins had made by then */
	struct footprint footprint;
	struct timer *tending; /* runs out when the spool is to be synced, and looked after */
	bool is_tending_due;   /* that timer runs */
	bool is_amiss;         /* something waits for the disk, or the folder */
	bool wants_tending;    /* it is to be done now */
	int64_t tended_us;     /* monotonic: when it was done last */
	int64_t written_us;    /* when a round was written last */
	int64_t unsynced_us;   /* and the first one that is not synced; 0 = all is */
	int64_t rate_us;       /* when n_sent_per_second was found out, and from what */
	uint64_t n_sent_then;
	void (*on_ended)(void *context);
	void *context;
	uint64_t n_dropped_told;
	bool is_full_told;   /* the log has said that samples are dropped */
	bool is_memory_told; /* the log has said that they wait in memory */
	int retry_error;     /* why the folder cannot be used: what the log has said last */
	unsigned n_unread;   /* tries at which the disk did not give a segment */
	bool is_ended;       /* all that the sampler has taken is in the spool */
};

/*
 * Open the spool, and seal what is left in it.
 * @param settings  in force, whatever is read again later; borrowed
 * @param queue     borrowed
 * @param on_ended  called when all is sent, after outlet_end()
 * @return 0, -ENOMEM or -errno
 */
int outlet_new(struct loop *loop, const struct settings *settings, struct queue *queue,
	       void (*on_ended)(void *context), void *context, struct outlet **ret_outlet);

/* Takes NULL. */
void outlet_free(struct outlet *outlet);

/* Sampling begins: note it, and connect to the collector. @param set  what is sampled; borrowed */
void outlet_start(struct outlet *outlet, const struct plugin_set *set);

/* Write what is in the queue; ship where that says so; see that what was written is durable, when it is time. */
void outlet_take(struct outlet *outlet);

/*
 * Write what was pushed before this round, then the round. What has to be sealed, synced or shipped is left to outlet_take(). It may be
 * called by any thread, while no other one calls anything here.
 * @param n_pushed  into the queue before this round: while a disk has the caller wait, others may push younger ones
 * @param samples   as round_put() made them
 * @return is it time for outlet_take()?
 */
bool outlet_write(struct outlet *outlet, uint64_t n_pushed, const void *samples, size_t length);

/* Do not wait any longer with the next try; what is left has to go now. */
void outlet_hurry(struct outlet *outlet);

/* The sampler is done, or given up: what it has put into the queue is shipped now. */
void outlet_end(struct outlet *outlet);

/* Other settings are in force. @param since_us  the plugins are run as they say */
void outlet_configure(struct outlet *outlet, const struct plugin_set *set, int64_t since_us);

/* What waits to be sent, wherever it is. */
void outlet_get_status(const struct outlet *outlet, struct spool_status *ret_status);

/* What the agent has spent so far. */
void outlet_get_cost(const struct outlet *outlet, struct cost_mark *ret_mark);

/* Say how many samples are left. */
void outlet_tell_unsent(const struct outlet *outlet);

#endif
