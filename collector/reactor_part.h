/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_REACTOR_PART_H
#define COLLECTOR_REACTOR_PART_H

/* What the parts of a reactor share: its loop, its connections, and the turn that these divide. */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/connection.h"
#include "collector/datagram.h"
#include "collector/listener.h"
#include "collector/reactor.h"
#include "common/loop.h"
#include "common/timer.h"
#include "common/timestamp.h"
#include "common/wakeup.h"

/* Where what comes over the network arrives. */
struct entrance {
	int tcp_fd; /* -1 = none; so with the other */
	int udp_fd;
	struct listener *listener;
	struct datagram *datagram;
	struct loop_source *datagram_source;
};

struct reactor {
	struct reactor_options options;
	struct loop *loop;
	struct entrance entrance;
	pthread_mutex_t lock;
	struct entrance next; /* under the lock: not opened yet */
	struct wakeup *listen;
	struct timer *sweep;
	struct wakeup *stop;
	/* Each connection is in one of these. */
	struct connections connections; /* of text, or not known; the longest idle one first */
	struct connections greeting;    /* agents whose HELLO has not come, the oldest first */
	struct connections agents;      /* all others */
	size_t n_greeting;
	struct connections awaiting; /* agents whose messages wait for their ACK */
	struct agent_claimant claimant;
	struct wakeup *news; /* of the store, or of a newer session of some epoch */
	int64_t sweep_us;    /* when the timer fires next, CLOCK_MONOTONIC */
	struct bundle bundle;
	int64_t said_us;     /* that connections are refused; 0 = never */
	size_t n_busy;       /* connections that had more to read than their share in this turn */
	size_t n_turn_bytes; /* that these have read */
	size_t share_bytes;  /* of a connection in this turn */
	bool is_stopping;
	bool has_thread;
	pthread_t thread;
	char room[CONNECTION_TURN_BYTES];
};

/* Hand on what was gathered, if it is much. */
void reactor_deliver_if_much(struct reactor *reactor);

/* A listener_callback: there is a connection. @param context  the reactor */
void reactor_accept(void *context, int fd, const struct address *peer);

/* Close all connections. */
void reactor_close_connections(struct reactor *reactor);

/* Close a connection, and count why. */
void reactor_remove(struct reactor *reactor, struct connection *connection);

/* Have it in another list. */
void reactor_move(struct connection *connection, struct connections *list);

/* Read one turn's worth of every connection. @return true = of some there may be more */
bool reactor_read_connections(struct reactor *reactor, int64_t until_us);

/* Share out a turn among as many connections as were busy in the last one. */
void reactor_share_turn(struct reactor *reactor);

/* A timer_callback: close connections whose time is up. Starts the timer again. */
void reactor_sweep(void *context);

/* Start the timer for the first time. @return 0 or -errno */
int reactor_start_sweep(struct reactor *reactor);

/* Have the timer fire at that time at the latest, but not at once. */
void reactor_hasten_sweep(struct reactor *reactor, int64_t until_us);

/* An agent's session was fed, and is not over: note what it waits for now. */
void reactor_note_agent(struct reactor *reactor, struct connection *connection);

/* The connection of an agent is being closed: forget what was noted. */
void reactor_forget_agent(struct reactor *reactor, struct connection *connection);

/* A wakeup_callback: more is durable, or sessions were replaced. */
void reactor_take_news(void *context);

/* End sessions whose time is up. @return the time when the next one's is */
int64_t reactor_sweep_agents(struct reactor *reactor, int64_t now_us);

/* Tell all agents what is durable, and that we leave. */
void reactor_dismiss_agents(struct reactor *reactor);

/* Is the time up? */
static inline bool reactor_is_over(int64_t until_us)
{
	return timestamp_monotonic_us() >= until_us;
}

#endif
