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
	struct connections connections; /* the longest idle one first */
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

/* Read one turn's worth of every connection. @return true = of some there may be more */
bool reactor_read_connections(struct reactor *reactor, int64_t until_us);

/* Share out a turn among as many connections as were busy in the last one. */
void reactor_share_turn(struct reactor *reactor);

/* A timer_callback: close connections whose time is up. Starts the timer again. */
void reactor_sweep(void *context);

/* Start the timer for the first time. @return 0 or -errno */
int reactor_start_sweep(struct reactor *reactor);

/* Is the time up? */
static inline bool reactor_is_over(int64_t until_us)
{
	return timestamp_monotonic_us() >= until_us;
}

#endif
