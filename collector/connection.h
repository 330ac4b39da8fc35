/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_CONNECTION_H
#define COLLECTOR_CONNECTION_H

/*
 * A TCP connection: a descriptor, and the session of who sends. The first byte that comes tells who: an agent
 * (HM_FRAME_FIRST_BYTE), or somebody with lines of text.
 */

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/agent_claims.h"
#include "collector/agent_session.h"
#include "collector/bundle.h"
#include "collector/session.h"
#include "common/address.h"

/* So much of one connection is read in a turn at most before the others have theirs. */
#define CONNECTION_TURN_BYTES ((size_t)64 << 10)

struct loop_source;

TAILQ_HEAD(connections, connection);

struct connection {
	int fd;                           /* owned */
	const struct agent_store *agents; /* NULL: all senders are of text */
	struct agent_session *agent;      /* NULL: text, or nothing came yet; owned */
	struct session session;           /* of text */
	bool has_begun;                   /* something came */
	bool is_shut;                     /* nothing is written any more */
	enum hm_reason reason;            /* why it is cut; that of an agent's session is there */
	int64_t active_us;                /* CLOCK_MONOTONIC of the last bytes */
	/* The rest is its owner's. */
	struct loop_source *source;
	void *owner;
	struct connections *list; /* the one that it is in */
	TAILQ_ENTRY(connection) in_list;
	bool is_awaiting; /* it is in the list of these, too */
	TAILQ_ENTRY(connection) in_awaiting;
	struct agent_claim claim;
	char host[]; /* of lines that name none */
};

enum connection_state {
	CONNECTION_DRAINED, /* nothing to read at present */
	CONNECTION_MORE,    /* the turn's bytes are used up; there may be more */
	CONNECTION_ENDED,   /* the session has ended */
};

/*
 * @param fd        non-blocking; taken over on success
 * @param hostname  stands for the peer where that is loopback; copied
 * @param agents    borrowed until connection_free(); NULL: the native protocol is not spoken
 * @return 0 or -ENOMEM
 */
int connection_new(int fd, const struct address *peer, const char *hostname,
		   const struct agent_store *agents, struct connection **ret_connection);

/* Close and free. What the session had not ended is dropped. Takes NULL. */
void connection_free(struct connection *connection);

/*
 * Read until the socket is empty or the turn's bytes are used up; then send what an agent's session has to say.
 * @param room    for the bytes on their way
 * @param n_bytes so many in this turn: the length of `room`, or less
 * @param now_us  CLOCK_MONOTONIC
 */
enum connection_state connection_read(struct connection *connection, char *room, size_t n_bytes,
				      int64_t now_us, struct bundle *out);

/*
 * Send what an agent's session has to say, as far as the socket takes it. After any call of one of its functions.
 * @return CONNECTION_DRAINED or CONNECTION_ENDED
 */
enum connection_state connection_write(struct connection *connection, int64_t now_us);

/* Has all been read that has arrived, and has the peer not closed it? Nothing is read. */
bool connection_is_drained(const struct connection *connection);

/* Why has it ended? HM_REASON_NONE: its peer wanted it. */
enum hm_reason connection_reason(const struct connection *connection);

#endif
