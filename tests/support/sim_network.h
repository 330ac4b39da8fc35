/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_NETWORK_H
#define TESTS_SUPPORT_SIM_NETWORK_H

/*
 * Connections of agents to a collector: streams of bytes that come late, cut and joined anywhere. They may be
 * reset, and an end may vanish without a word. Time is the simulation's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "tests/support/sim_random.h"

#define SIM_CONNECTIONS_MAX 64

/* On their way at most, as in a socket's buffers. */
#define SIM_WINDOW_BYTES ((size_t)4 << 10)
#define SIM_CHUNKS_MAX   64

enum sim_end {
	SIM_AGENT_END,
	SIM_COLLECTOR_END,
};

/* What happens to bytes on their way; counted. */
enum sim_network_event {
	SIM_NET_CONNECTIONS,
	SIM_NET_CUT,    /* a write that came in several parts */
	SIM_NET_JOINED, /* several writes that came as one */
	SIM_NET_FULL,   /* a writer had to wait */
	SIM_NET_LOST,   /* bytes that nobody was there for */
	SIM_NET_EVENTS,
};

struct sim_chunk {
	size_t length;
	int64_t due_us;
};

/* What goes to one end. */
struct sim_pipe {
	struct buffer bytes;
	struct sim_chunk chunks[SIM_CHUNKS_MAX];
	unsigned n_chunks;
	int64_t last_us; /* nothing comes before what was sent before */
	int64_t end_us;  /* when it comes to its end; INT64_MAX = not yet */
};

struct sim_connection {
	bool is_used;
	unsigned agent;
	int64_t opens_us; /* when it is established */
	int64_t latency_us;
	int64_t delay_us;         /* of what goes to the agent, beside */
	bool is_silent;           /* nothing passes, and nobody knows */
	bool is_closed[2];        /* by the end itself */
	bool has_vanished[2];     /* an end, without a word */
	int64_t reset_us;         /* when both ends know that it is broken; INT64_MAX = not so */
	struct sim_pipe pipes[2]; /* by the end that reads */
	bool is_blocked;          /* nothing passes for now */
	bool is_accepted;         /* by the collector */
};

enum sim_listener {
	SIM_REFUSING, /* no process is there */
	SIM_LISTENING,
	SIM_UNREACHABLE, /* nor a machine */
};

struct sim_network {
	enum sim_listener listener;
	struct sim_random random;
	uint64_t counts[SIM_NET_EVENTS];
	struct sim_connection connections[SIM_CONNECTIONS_MAX];
};

void sim_network_init(struct sim_network *network, uint64_t seed);
void sim_network_done(struct sim_network *network);

/* A connection of an agent: established in a moment, reset, or silent, as the listener is then. Ends the program where
 * there are too many. */
struct sim_connection *sim_network_connect(struct sim_network *network, unsigned agent,
					   int64_t now_us);

/* Write to the other end. @return how much was taken; -EPIPE: it is broken, or the end is closed */
int64_t sim_network_write(struct sim_network *network, struct sim_connection *connection,
			  enum sim_end end, const void *bytes, size_t length, int64_t now_us);

/* @return how much came; 0: nothing now; -ENODATA: nothing more will; -ECONNRESET */
int64_t sim_network_read(struct sim_network *network, struct sim_connection *connection,
			 enum sim_end end, void *bytes, size_t size, int64_t now_us);

/* An end is closed: what it wrote still comes, then its end. */
void sim_network_close(struct sim_network *network, struct sim_connection *connection,
		       enum sim_end end, int64_t now_us);

/* An end sends no more; it still reads. */
void sim_network_shut(struct sim_connection *connection, enum sim_end end, int64_t now_us);

/* Its machine lost power. */
void sim_network_vanish(struct sim_network *network, struct sim_connection *connection,
			enum sim_end end);

/* It breaks, for both ends. */
void sim_network_reset(struct sim_connection *connection, int64_t now_us);

/* When does something come to an end? INT64_MAX: nothing is on its way. */
int64_t sim_network_due_us(const struct sim_connection *connection, enum sim_end end);

const char *sim_network_event_name(enum sim_network_event event);

#endif
