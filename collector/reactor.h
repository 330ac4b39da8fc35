/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_REACTOR_H
#define COLLECTOR_REACTOR_H

/*
 * A thread that owns a share of the network: its listening socket, its datagrams, the connections it
 * accepted, one edge-triggered loop. What all of them bring in a turn is handed on as one bundle.
 */

#include <stdint.h>

#include "collector/agent_claims.h"
#include "collector/agent_session.h"
#include "collector/bundle.h"
#include "collector/traffic.h"

/* When told to stop, a reactor reads what has arrived for at most so long. */
#define REACTOR_DRAIN_US INT64_C(1000000)

/* A bundle of this size is handed on before the turn has ended. */
#define REACTOR_BUNDLE_MAX_BYTES ((size_t)1 << 20)

struct reactor;

struct reactor_options {
	int tcp_fd;                 /* listening, non-blocking; duplicated */
	int udp_fd;                 /* bound, non-blocking; duplicated */
	const char *hostname;       /* host of lines from loopback; borrowed */
	const struct hash_key *key; /* of the bundles; copied */
	struct rejects *rejects;    /* borrowed */
	struct traffic *traffic;    /* borrowed */
	/* The native protocol; both NULL: it is not spoken, and all connections are of text. Borrowed. */
	const struct agent_store *agents;
	struct agent_claims *claims; /* those of all reactors */
	/* Called on the reactor's thread; may wait. The bundle is borrowed for the call. */
	void (*deliver)(void *context, struct bundle *bundle);
	void *context;
};

/* @return 0 or -errno. Nothing happens before reactor_start() or reactor_turn(). */
int reactor_new(const struct reactor_options *options, struct reactor **ret_reactor);

/* Run on a thread of its own. @return 0 or -errno */
int reactor_start(struct reactor *reactor);

/*
 * Listen on other sockets from now on. What has arrived at those before is still taken; connections
 * stay. From another thread; does not wait. Should the reactor have no memory for it, it says so, and
 * goes on as before.
 * @param tcp_fd, udp_fd  as in the options; duplicated
 * @return 0 or -errno
 */
int reactor_listen(struct reactor *reactor, int tcp_fd, int udp_fd);

/*
 * Have it ask the store of the agents what is durable now, and acknowledge that. From any thread, up to
 * reactor_free(); does not wait.
 */
void reactor_acknowledge(struct reactor *reactor);

/* Have it read what has arrived, deliver that, and end. From another thread; does not wait. */
void reactor_stop(struct reactor *reactor);

/* Wait until it has ended. Takes one that was not started. */
void reactor_join(struct reactor *reactor);

/* Closes its connections. Not while it runs. Takes NULL. */
void reactor_free(struct reactor *reactor);

/* One turn of the loop on the caller's thread, instead of reactor_start(). @return 0 or -errno */
int reactor_turn(struct reactor *reactor, int timeout_ms);

#endif
