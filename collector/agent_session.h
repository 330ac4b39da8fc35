/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_AGENT_SESSION_H
#define COLLECTOR_AGENT_SESSION_H

/*
 * The collector's half of a connection of the native protocol (docs/protocol.md): bytes in, messages to the
 * store, bytes out. No descriptor, no clock, no thread: who owns the connection does as follows.
 *
 * - What is read goes to agent_session_feed(); the end of it to agent_session_finish().
 * - After each call, what agent_session_output() gives is sent, and agent_session_sent() told.
 * - While is_awaiting() holds, agent_session_acknowledge() is called when the store has more durable.
 * - agent_session_check() is called when agent_session_deadline() has come.
 * - AGENT_SESSION_ENDING with nothing to send: no more is written (shutdown(2)), what comes is read and
 *   dropped, so that the last frame is not lost by a reset.
 * - AGENT_SESSION_OVER: the connection is closed, and `reason` counted where there is one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/frame.h"
#include "common/wire_hello.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

/* What the protocol takes at most, in microseconds. */
#define AGENT_SESSION_HELLO_US INT64_C(5000000) /* until HELLO is there */
#define AGENT_SESSION_FRAME_US                                                                     \
	INT64_C(10000000) /* for a frame, from its first byte on; either way */
#define AGENT_SESSION_LEAVE_US INT64_C(10000000)  /* for the last ACKs, and for the last frame */
#define AGENT_SESSION_IDLE_US  INT64_C(600000000) /* without a byte, either way */

/* So many stored messages of a session may wait for their ACK: WELCOME says it. */
#define AGENT_SESSION_UNACKED_MAX 32

/* What is durable of an epoch. */
struct agent_mark {
	uint8_t store_id[HM_ID_BYTES];
	uint64_t sequence; /* of its last durable message; 0 = none */
	uint32_t crc;      /* CRC32C of that one's payload; 0 = none */
	uint32_t n_series; /* known: ids 0 to n_series - 1 */
	void *epoch;       /* the store's name for it; good until the store is closed */
};

/* The store, as sessions know it. Called on threads of many sessions; these calls may wait, but durable(). */
struct agent_store {
	void *context;

	/*
	 * An agent begins.
	 * @param hello    borrowed, as is its payload, for the call
	 * @return HM_REASON_NONE, with *ret_mark; else why not
	 */
	enum hm_reason (*hello)(void *context, const struct wire_hello *hello,
				const uint8_t *payload, size_t length, struct agent_mark *ret_mark);

	/*
	 * Take a message that is to be stored: DECLARE, BATCH, GAP, CLOCK or SCHEDULE. Its frame's checksum, and its stamp's
	 * form, host and epoch were looked at; nothing else was.
	 * @param epoch    of the mark
	 * @param payload  borrowed for the call
	 * @param crc      CRC32C of the payload
	 * @return HM_REASON_NONE: it is durable, or will be, and durable() then says so; also where it was there
	 * already. Else why not, and the session ends
	 */
	enum hm_reason (*take)(void *context, void *epoch, enum hm_frame_type type,
			       const uint8_t *payload, size_t length, uint32_t crc);

	/* Up to which sequence of the epoch is all durable now? Never less than it said before. Does not wait. */
	uint64_t (*durable)(void *context, void *epoch);
};

enum agent_session_phase {
	AGENT_SESSION_GREETING, /* HELLO has not come */
	AGENT_SESSION_OPEN,
	AGENT_SESSION_LEAVING, /* the agent sends nothing more, and waits for its ACKs */
	AGENT_SESSION_ENDING,  /* what is to be sent is the last of it; what comes is dropped */
	AGENT_SESSION_OVER,
};

struct agent_session {
	enum agent_session_phase phase;
	enum hm_reason reason;     /* why it ended; NONE: it has not, or the agent left */
	uint8_t host[HM_ID_BYTES]; /* of HELLO; from AGENT_SESSION_OPEN on, as is the next */
	uint8_t epoch[HM_ID_BYTES];
	/* The rest is its own. */
	const struct agent_store *store;
	void *stored_epoch;
	struct frame_reader reader;
	struct buffer out;     /* one frame, or none; it has room from the beginning on */
	uint64_t acknowledged; /* that ACK or WELCOME has said */
	uint64_t highest;      /* that was taken and waited, or waits, for its ACK */
	uint64_t waiting[AGENT_SESSION_UNACKED_MAX]; /* sequences, a ring */
	uint32_t first_waiting;
	uint32_t n_waiting;
	bool owes_ack;
	bool owes_end;
	bool is_finished;   /* the agent's bytes have come to their end */
	int64_t active_us;  /* when bytes last went either way; CLOCK_MONOTONIC, as all here */
	int64_t started_us; /* the session in GREETING, then the frame that is not whole yet */
	int64_t output_us;  /* when the agent last took some of `out`, or it was empty */
	int64_t ending_us;  /* in LEAVING, ENDING: since then */
};

/*
 * @param store  borrowed until agent_session_done()
 * @return 0 or -ENOMEM; agent_session_done() is to follow in both cases
 */
int agent_session_init(struct agent_session *session, const struct agent_store *store,
		       int64_t now_us);

/* Release the memory. Takes a zeroed session. */
void agent_session_done(struct agent_session *session);

/*
 * Take bytes as they came.
 * @param now_us   CLOCK_MONOTONIC, as in all that follow
 * @param clock_us the clock, microseconds since 1970 UTC: for WELCOME
 */
void agent_session_feed(struct agent_session *session, const void *bytes, size_t length,
			int64_t now_us, int64_t clock_us);

/*
 * No more bytes will come.
 * @param is_broken  none can be sent either: the connection was reset
 */
void agent_session_finish(struct agent_session *session, bool is_broken, int64_t now_us);

/*
 * End it: by a BYE for HM_REASON_IDLE and HM_REASON_STOPPING, by an ERROR for all others. Takes one that ends
 * already.
 */
void agent_session_end(struct agent_session *session, enum hm_reason reason, int64_t now_us);

/* Does something wait for its ACK? */
bool agent_session_is_awaiting(const struct agent_session *session);

/* Ask the store what is durable. One ACK tells all of it. */
void agent_session_acknowledge(struct agent_session *session, int64_t now_us);

/*
 * What is to be sent now: never more than one frame.
 * @return borrowed until the next call of any of these; NULL = nothing
 */
const void *agent_session_output(struct agent_session *session, int64_t now_us, size_t *ret_length);

/* So much of it was. */
void agent_session_sent(struct agent_session *session, size_t length, int64_t now_us);

/* When is agent_session_check() to be called next? */
int64_t agent_session_deadline(const struct agent_session *session);

/* End the session where a deadline has passed. What has arrived is to be fed before. */
void agent_session_check(struct agent_session *session, int64_t now_us);

#endif
