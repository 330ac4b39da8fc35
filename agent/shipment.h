/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SHIPMENT_H
#define AGENT_SHIPMENT_H

/*
 * The bytes that go over one connection after the other: on each the declarations first, then the
 * rounds of the queue. No descriptors here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/queue.h"

struct shipment {
	struct queue *queue;      /* borrowed */
	const char *declarations; /* borrowed */
	size_t declarations_length;
	size_t declared_length; /* of these, what the present connection has taken */
	struct round *round;    /* being sent */
	size_t offset;          /* in it, what the connection has taken */
	size_t n_lines;         /* whole lines before the offset */
	uint64_t n_sent_samples;
};

void shipment_init(struct shipment *shipment, struct queue *queue, const char *declarations,
		   size_t declarations_length);

/*
 * Other declarations from now on, borrowed: they are sent before the next line.
 * @return false when those before are just being sent: only shipment_begin() may follow
 */
bool shipment_declare(struct shipment *shipment, const char *declarations);

/* Give the round that is being sent up. */
void shipment_done(struct shipment *shipment);

/*
 * A new connection: the declarations are sent again, then it goes on at the beginning of the first
 * line that the one before had not wholly taken.
 */
void shipment_begin(struct shipment *shipment);

/* What to write next; borrowed until shipment_advance(). @return false when nothing is to be sent */
bool shipment_next(struct shipment *shipment, const char **ret_data, size_t *ret_length);

/* The connection took the first `length` of these bytes. */
void shipment_advance(struct shipment *shipment, size_t length);

/* Is a sample waiting that may go? */
bool shipment_is_pending(struct shipment *shipment);

/* Samples that no connection has wholly taken yet, those that may not go yet among them. */
size_t shipment_n_unsent_samples(const struct shipment *shipment);

#endif
