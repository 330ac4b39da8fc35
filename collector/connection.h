/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_CONNECTION_H
#define COLLECTOR_CONNECTION_H

/* A TCP connection of a sender of text lines: a descriptor and its session. */

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/bundle.h"
#include "collector/session.h"
#include "common/address.h"

/* So much of one connection is read in a turn at most before the others have theirs. */
#define CONNECTION_TURN_BYTES ((size_t)64 << 10)

struct loop_source;

struct connection {
	int fd; /* owned */
	struct session session;
	int64_t active_us; /* CLOCK_MONOTONIC of the last bytes */
	/* The rest is its owner's. */
	struct loop_source *source;
	void *owner;
	TAILQ_ENTRY(connection) by_activity;
	char host[]; /* of lines that name none */
};

TAILQ_HEAD(connections, connection);

enum connection_state {
	CONNECTION_DRAINED, /* nothing to read at present */
	CONNECTION_MORE,    /* the turn's bytes are used up; there may be more */
	CONNECTION_ENDED,   /* the session has ended */
};

/*
 * @param fd        non-blocking; taken over on success
 * @param hostname  stands for the peer where that is loopback; copied
 * @return 0 or -ENOMEM
 */
int connection_new(int fd, const struct address *peer, const char *hostname,
		   struct connection **ret_connection);

/* Close and free. What the session had not ended is dropped. Takes NULL. */
void connection_free(struct connection *connection);

/*
 * Read until the socket is empty or the turn's bytes are used up.
 * @param room    for the bytes on their way
 * @param n_bytes so many in this turn: the length of `room`, or less
 * @param now_us  CLOCK_MONOTONIC
 */
enum connection_state connection_read(struct connection *connection, char *room, size_t n_bytes,
				      int64_t now_us, struct bundle *out);

/* Has all been read that has arrived, and has the peer not closed it? Nothing is read. */
bool connection_is_drained(const struct connection *connection);

#endif
