/* SPDX-License-Identifier: MIT */
#ifndef AGENT_NOTES_H
#define AGENT_NOTES_H

/*
 * What happened to the agent and its clocks, on its way into the spool as CLOCKs (common/wire_clock.h): why there are no
 * samples. An agent that is held up at every turn says so once a shipment, and what cannot be written now is written later, so
 * that it needs no more room for being told more often. On the main thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "agent/clock_watch.h"
#include "agent/queue.h"
#include "agent/spool.h"
#include "common/buffer.h"
#include "hostmetrics/format.h"

/* Zeroed but for the boot: nothing has happened. */
struct notes {
	uint8_t boot_id[HM_ID_BYTES];
	struct clock_event start; /* of the agent */
	bool has_start;
	bool owes_start;            /* it is to be written, once more */
	struct clock_event held_up; /* to be written with the next shipment */
	bool has_held_up;
	bool was_held_up; /* since the last other event, up to: */
	int64_t held_up_us;
	bool has_lost; /* samples, which is not written yet */
	struct queue_span lost;
	int told; /* why something cannot be written: what the log has said last */
	struct buffer bytes;
};

void notes_done(struct notes *notes);

/*
 * Write an event, or have it written with the next shipment. What cannot be written counts as samples that are lost, where it
 * says why there are none.
 */
void notes_add(struct notes *notes, struct spool *spool, const struct clock_event *event);

/* Samples of these times are lost. */
void notes_lose(struct notes *notes, const struct queue_span *span);

/* What was written is lost: say again that the agent has begun. */
void notes_repeat(struct notes *notes);

/* Write what is left to be written; what cannot be is tried again. */
void notes_ship(struct notes *notes, struct spool *spool);

#endif
