/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_BENCH_FLEET_H
#define TESTS_SUPPORT_BENCH_FLEET_H

/*
 * Many agents with a connection each, for tests/bench/agents: sessions, waits and sockets are the agent's own code, messages
 * come from bench_source.h. Where a connection breaks its agent waits and connects again as the daemon does, and sends
 * again what WELCOME does not name. One thread. Ends the program with a word where anything is not as it should be: a
 * message of the collector, or what it has.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/backoff.h"
#include "agent/delivery.h"
#include "common/address.h"
#include "tests/support/bench_source.h"
#include "tests/support/tcp_traffic.h"

enum bench_state {
	BENCH_WAITING, /* for the next try */
	BENCH_CONNECTING,
	BENCH_CONNECTED, /* a session is under way */
	BENCH_GONE,      /* it said BYE */
};

struct bench_fleet;

struct bench_agent {
	struct bench_fleet *fleet;
	unsigned number;
	struct delivery delivery;
	struct backoff backoff;
	enum bench_state state;
	int fd;
	int64_t since_us; /* connecting, connected; waiting until then */
	bool is_welcome;
	bool has_progress;
	uint64_t made;                         /* the last sequence that there is: 1 declares */
	uint64_t acked;                        /* all up to it is durable */
	uint64_t sent;                         /* once at least */
	uint64_t target;                       /* acknowledged up to that it has caught up */
	int64_t sent_us[DELIVERY_UNACKED_MAX]; /* by sequence */
};

/* From the first connection that broke until nobody is behind any more. */
struct bench_outage {
	bool is_on;
	int64_t since_us;
	int64_t welcome_us; /* when all were; 0 = not yet */
	size_t n_behind;
};

/* How long the last outage took. */
struct bench_recovery {
	double welcome_seconds;
	double acked_seconds; /* of all that was there when all were welcome */
};

struct bench_fleet {
	/* To be set. */
	struct bench_source *source; /* borrowed */
	struct address address;
	size_t n_agents;
	bool may_break; /* connections */
	/* ------------------------------------------------------------------------------------------ */
	struct bench_agent *agents;
	int epoll_fd;
	int64_t looked_us;
	struct bench_outage outage;
	/* What happened. */
	struct bench_recovery longest;
	size_t n_outages; /* that are over */
	size_t n_welcome; /* agents, now */
	uint64_t n_batches;
	uint64_t n_acked;
	uint64_t n_bytes;   /* of frames, in both directions */
	uint64_t n_held;    /* batches that waited since too many were not acknowledged */
	uint64_t n_again;   /* messages that were sent again */
	uint64_t n_broken;  /* sessions */
	uint64_t n_refused; /* tries */
	struct tcp_traffic traffic;
	double *latencies; /* milliseconds; without outages */
	size_t n_latencies;
};

/* Connect all. It ends by bench_fleet_done(). */
void bench_fleet_begin(struct bench_fleet *fleet);
void bench_fleet_done(struct bench_fleet *fleet);

/* Do what there is to do, and wait for more for so long at most. */
void bench_fleet_turn(struct bench_fleet *fleet, int timeout_ms);

/* The agent has one batch more. */
void bench_fleet_make(struct bench_fleet *fleet, size_t agent);

/* Is all that there is acknowledged, and everybody welcome? */
bool bench_fleet_is_drained(const struct bench_fleet *fleet);

/* Say BYE, and see both ends closed: what that costs counts. */
void bench_fleet_end(struct bench_fleet *fleet);

#endif
