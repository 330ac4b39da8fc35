/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_DELIVERY_PEER_H
#define TESTS_SUPPORT_DELIVERY_PEER_H

/* Both sides of a delivery (agent/delivery.h) that is tested: the spool behind it, and the collector. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/delivery.h"
#include "common/buffer.h"
#include "hostmetrics/wire.h"

#define PEER_NOW_US     INT64_C(1000000000)
#define PEER_STORED_MAX 400

/* A message of the spool. */
struct peer_stored {
	enum hm_frame_type type;
	uint64_t first; /* of a GAP; else the sequence */
	uint64_t sequence;
	struct buffer body;
};

struct delivery_peer {
	struct delivery delivery;
	/* The spool. */
	struct peer_stored stored[PEER_STORED_MAX];
	struct buffer payload; /* of the message that it gave last */
	bool gives_any;        /* the first one, whatever is asked for */
	size_t spoiled_at;     /* of each payload this byte is another; 0 = none */
	size_t n_stored;
	uint64_t acked;
	uint64_t resumed;
	uint32_t resumed_crc;
	int resume_error; /* what it answers */
	int next_error;
	size_t n_asked;
	/* The collector. */
	struct buffer from_collector; /* put, but not sent */
	struct frame_reader reader;
	struct buffer seen; /* what the agent sent, a line for each frame */
};

/* Connect a delivery. Ends the test where anything in here fails. */
void peer_init(struct delivery_peer *peer);
void peer_done(struct delivery_peer *peer);

/* Connect it again. */
void peer_begin(struct delivery_peer *peer);

/* Forget all messages. */
void peer_forget(struct delivery_peer *peer);

/* Put another message into the spool, under the next sequence. @param length  of its body */
struct peer_stored *peer_store(struct delivery_peer *peer, enum hm_frame_type type, size_t length);
void peer_store_declare(struct delivery_peer *peer);
void peer_store_gap(struct delivery_peer *peer, uint64_t n);

/*
 * Write up to n bytes of what the agent sends, in pieces, and append to `seen` the frames that are whole then. Those of
 * the spool must be as it has them.
 */
void peer_write(struct delivery_peer *peer, size_t n, size_t piece);

/* All that the agent sends now, as lines. Borrowed until the next call */
const char *peer_sent(struct delivery_peer *peer);

/* The agent gets these bytes. */
void peer_give(struct delivery_peer *peer, const void *bytes, size_t length);

/* Frames of the collector, for peer_flush(). @param payload  is empty then */
void peer_put(struct delivery_peer *peer, enum hm_frame_type type, struct buffer *payload);
void peer_put_welcome(struct delivery_peer *peer, uint64_t durable, uint32_t n_series,
		      uint32_t max_unacked);
void peer_put_ack(struct delivery_peer *peer, uint64_t sequence);
void peer_put_end(struct delivery_peer *peer, enum hm_frame_type type, enum hm_reason reason,
		  uint32_t wait_ms, const char *text);

/* The agent gets what was put. */
void peer_flush(struct delivery_peer *peer);

/* At once, with 32 frames allowed. */
void peer_welcome(struct delivery_peer *peer, uint64_t durable, uint32_t n_series);
void peer_ack(struct delivery_peer *peer, uint64_t sequence);

/* The session must have ended so. */
void peer_expect_end(struct delivery_peer *peer, enum delivery_outcome outcome,
		     enum hm_reason reason);

#endif
