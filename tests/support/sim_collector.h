/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_COLLECTOR_H
#define TESTS_SUPPORT_SIM_COLLECTOR_H

/*
 * The collector of a simulation: its engine, its intake and its sessions, on a machine of its own. What the daemon's
 * threads and sockets do is done here, one after the other; it is driven by the simulation's time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "collector/agent_session.h"
#include "collector/delete.h"
#include "collector/engine.h"
#include "collector/intake.h"
#include "tests/support/sim_machine.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_oracle.h"

/* What it did; counted. */
enum sim_collector_event {
	SIM_COLLECTOR_STARTS,
	SIM_COLLECTOR_FAILED_STARTS,
	SIM_COLLECTOR_COMMITS,
	SIM_COLLECTOR_FAILED_COMMITS,
	SIM_COLLECTOR_CHECKPOINTS, /* groups of files */
	SIM_COLLECTOR_REPLACED,    /* sessions that a newer one took the place of */
	SIM_COLLECTOR_REFUSED,     /* sessions that it ended with an ERROR */
	SIM_COLLECTOR_ACKS,
	SIM_COLLECTOR_PROBES,  /* of what ACK says: the power might fail now */
	SIM_COLLECTOR_DELETES, /* that are durable */
	SIM_COLLECTOR_EVENTS,
};

struct sim_session {
	struct sim_connection *connection; /* NULL = none */
	struct agent_session agent;
	bool has_claim;  /* it was the newest of its epoch */
	int64_t lost_us; /* when it learns that it is not any more; INT64_MAX = it is */
	bool is_shut;
};

/* A delete that is under way. */
struct sim_deleting {
	struct catalog_series *series; /* NULL = none */
	struct sim_deletion what;
	uint64_t ticket;
};

struct sim_collector {
	/* What it lives in; borrowed. */
	struct sim_network *network;
	struct sim_oracle *oracle;
	uint64_t *counts; /* SIM_COLLECTOR_EVENTS */
	struct sim_random random;
	struct sim_machine machine;

	int64_t starts_us; /* when its process begins, if it has none; INT64_MAX = it is not to */
	int64_t frozen_us; /* its process does nothing before */

	/* The process. */
	struct engine *engine; /* NULL = there is none */
	struct intake *intake;
	struct agent_store store;
	struct sim_session sessions[SIM_CONNECTIONS_MAX];
	int64_t commit_us; /* CLOCK_MONOTONIC, as all here: when what came is logged; INT64_MAX = nothing has */
	int64_t retry_us;      /* nothing is logged before */
	int64_t checkpoint_us; /* when the next step is taken */
	bool has_news;         /* more is durable */
	struct sim_deleting deleting;
};

void sim_collector_init(struct sim_collector *collector, uint64_t seed,
			struct sim_counts *disk_counts);
void sim_collector_done(struct sim_collector *collector);

bool sim_collector_is_up(const struct sim_collector *collector);

/* A connection is there. */
void sim_collector_accept(struct sim_collector *collector, struct sim_connection *connection);

/* When it has something to do next. INT64_MAX: never */
int64_t sim_collector_due_us(struct sim_collector *collector);

/* Do what is due. */
void sim_collector_run(struct sim_collector *collector, int64_t now_us);

/* Its process ends by itself. */
void sim_collector_stop(struct sim_collector *collector, int64_t now_us);

/* Its process ends at once, or the power does. */
void sim_collector_kill(struct sim_collector *collector, int64_t now_us);
void sim_collector_lose_power(struct sim_collector *collector);

/* Somebody deletes a range of a series. @return was it done? */
bool sim_collector_delete(struct sim_collector *collector);

/* See whether that is durable by now. */
void sim_collector_settle_delete(struct sim_collector *collector);

/* The process ends: it may be, or not. */
void sim_collector_forget_delete(struct sim_collector *collector);

/*
 * Would it still be there if the power failed now? What a frame says is durable is looked for on a copy of the disk.
 * @param sequence  of the session's epoch
 */
void sim_collector_probe(struct sim_collector *collector, const struct agent_session *session,
			 uint64_t sequence);

/* Move all into files, and give the oracle all that there is. The process is up. @param is_end  as
 * sim_oracle_read_end() */
void sim_collector_read(struct sim_collector *collector, bool is_end);

const char *sim_collector_event_name(enum sim_collector_event event);

#endif
