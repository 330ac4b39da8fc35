/* SPDX-License-Identifier: MIT */
#ifndef AGENT_DELIVERY_H
#define AGENT_DELIVERY_H

/*
 * The agent's half of a session of the native protocol (docs/protocol.md): HELLO, WELCOME, then what the spool has, as far
 * ahead of its acknowledgement as the collector allows. Bytes in, bytes out; no descriptors, no clock, no
 * threads. What is to be sent is asked of the spool only when there is room for it.
 *
 * Whoever drives it calls delivery_begin() for each connection, hands it what comes (delivery_take()), writes what
 * delivery_output() gives, and calls delivery_expire() at delivery_due_us(). Each of these may end the session:
 * delivery_is_ended(). What is left of the output may then still be written, as far as that goes at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/delivery_message.h"
#include "common/buffer.h"
#include "common/frame.h"
#include "common/wire_hello.h"
#include "common/wire_welcome.h"
#include "hostmetrics/wire.h"

#define DELIVERY_WELCOME_US INT64_C(5000000)  /* from the connection to WELCOME */
#define DELIVERY_FRAME_US   INT64_C(10000000) /* from the first byte of a frame to its last */
#define DELIVERY_ACK_US                                                                            \
	INT64_C(60000000) /* while an ACK is due: without one, or a byte that goes */

/* So many frames are on their way at most, whatever the collector allows. */
#define DELIVERY_UNACKED_MAX 64

/* The longest wait that a collector can ask for. */
#define DELIVERY_WAIT_MAX_MS UINT32_C(3600000)

/* What is asked of the spool, always about the epoch of HELLO. None of them may call the delivery. */
struct delivery_spool {
	void *context;
	/*
	 * WELCOME: the collector has all up to this sequence, and no more; that may be less than it has acknowledged
	 * before. What is behind it is not acknowledged, from now on.
	 * @param crc  CRC32C of that message's payload; it does not matter where the sequence is 0
	 * @return 0; -ESTALE: it was never used, or its message is another, or gone (a GAP covers it, so that nobody can
	 * tell); another -errno: not to be read now
	 */
	int (*resume)(void *context, uint64_t sequence, uint32_t crc);
	/*
	 * The message behind `after`: `after` + 1, or a GAP that covers it. Only what is durable.
	 * @return 0; -EAGAIN: there is none yet, see delivery_wake(); -ESTALE: there was one, but neither it nor a
	 * GAP is there; another -errno: not to be read now
	 */
	int (*next)(void *context, uint64_t after, struct delivery_message *ret_message);
	/* The first DECLARE behind `after`: all of an epoch are kept. @return as next() */
	int (*next_declare)(void *context, uint64_t after, struct delivery_message *ret_message);
	/* All up to this sequence is durable at the collector. It grows from call to call. */
	void (*ack)(void *context, uint64_t sequence);
};

/* What is to be done when a session has ended. */
enum delivery_outcome {
	DELIVERY_AGAIN,     /* connect again, not before `wait_ms` */
	DELIVERY_NEW_EPOCH, /* as before, but with a new epoch: this one cannot be continued */
};

struct delivery_end {
	enum delivery_outcome outcome;
	enum hm_reason reason; /* HM_REASON_NONE: nothing is wrong; may be one of a later version */
	bool is_theirs;        /* the collector said so */
	uint32_t wait_ms;      /* at least; 0 = as long as the agent likes */
	char text[HM_END_TEXT_MAX_BYTES + 1]; /* for people */
};

enum delivery_state {
	DELIVERY_IDLE,        /* zeroed: no session was begun */
	DELIVERY_GREETING,    /* HELLO is sent, WELCOME is to come */
	DELIVERY_REPEATING,   /* DECLAREs are sent that the collector does not know any more */
	DELIVERY_ESTABLISHED, /* what the spool has is sent */
	DELIVERY_ENDED,
};

/* A frame whose ACK is to come. */
struct delivery_unacked {
	uint64_t sequence;
	uint64_t end; /* of its bytes, in all that the session sends */
};

/* Zeroed, with the spool set: ready for delivery_begin(). What others may look at is above the line. */
struct delivery {
	struct delivery_spool spool;
	enum delivery_state state;
	struct wire_welcome welcome; /* zeroed before it came */
	struct delivery_end end;     /* when ended */
	uint64_t acked;              /* all up to it is durable at the collector */
	uint64_t sent;               /* the last one that was put into the output */
	/* ------------------------------------------------------------------------------------------ */
	struct delivery_owner owner;
	uint64_t repeated; /* the last DECLARE that was sent again */
	struct frame_reader reader;
	int64_t frame_since_us; /* INT64_MAX: no frame is incomplete */
	int64_t begun_us;
	int64_t progress_us; /* when the last ACK came, or bytes went */
	struct buffer out;
	size_t n_written;   /* of it */
	uint64_t out_start; /* how much the session had sent before it */
	struct delivery_unacked unacked[DELIVERY_UNACKED_MAX];
	size_t first_unacked;
	size_t n_unacked;
};

/* Takes one that was never begun. */
void delivery_done(struct delivery *delivery);

/*
 * A connection is there: begin a session, whatever became of the one before.
 * @param hello   copied
 * @param now_us  monotonic, here and below
 * @return 0 or -ENOMEM
 */
int delivery_begin(struct delivery *delivery, const struct wire_hello *hello, int64_t now_us);

/* Bytes came. */
void delivery_take(struct delivery *delivery, const void *bytes, size_t length, int64_t now_us);

/* The spool may have more. */
void delivery_wake(struct delivery *delivery, int64_t now_us);

/* What is to be written. @param ret_bytes  borrowed until the next call. @return how much; 0: nothing */
size_t delivery_output(const struct delivery *delivery, const void **ret_bytes);

/* The first `length` bytes of that were written. */
void delivery_advance(struct delivery *delivery, size_t length, int64_t now_us);

/* When delivery_expire() is to be called; INT64_MAX: nothing is waited for. */
int64_t delivery_due_us(const struct delivery *delivery);

/* End the session where a deadline has passed. */
void delivery_expire(struct delivery *delivery, int64_t now_us);

/* Is all that the spool had, as far as it said, written and acknowledged? */
bool delivery_is_idle(const struct delivery *delivery);

/* Say BYE. @param text  for people; cut at HM_END_TEXT_MAX_BYTES. The session has ended then */
void delivery_stop(struct delivery *delivery, const char *text);

/* The connection is gone. */
void delivery_hang_up(struct delivery *delivery);

static inline bool delivery_is_ended(const struct delivery *delivery)
{
	return delivery->state == DELIVERY_ENDED;
}

#endif
