/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_AGENT_H
#define TESTS_SUPPORT_SIM_AGENT_H

/*
 * An agent of a simulation: the objects of the daemon from its schedule to its sessions, on a machine of its own. What
 * the daemon's samplers and sockets do is done here; it is driven by the simulation's time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "agent/backoff.h"
#include "agent/clock_watch.h"
#include "agent/recorder.h"
#include "agent/schedule.h"
#include "agent/shipment.h"
#include "agent/spool.h"
#include "tests/support/sim_machine.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_oracle.h"

enum sim_link {
	SIM_LINK_WAITING,    /* for the next try */
	SIM_LINK_CONNECTING, /* until it is given up */
	SIM_LINK_CONNECTED,
};

/* What agents did; counted. */
enum sim_agent_event {
	SIM_AGENT_STARTS,
	SIM_AGENT_TICKS,
	SIM_AGENT_SHIPMENTS,
	SIM_AGENT_SESSIONS,    /* that WELCOME came to */
	SIM_AGENT_EPOCHS,      /* that began since the collector had something else */
	SIM_AGENT_REPETITIONS, /* of DECLAREs that the collector did not know any more */
	SIM_AGENT_TIMEOUTS,    /* sessions that were too slow */
	SIM_AGENT_REFUSALS,    /* sessions that ended with an ERROR of the collector */
	SIM_AGENT_GAPS,        /* that were sent */
	SIM_AGENT_MEMORY,      /* ticks that were taken while nothing could be written */
	SIM_AGENT_UNREADABLE,  /* starts without the folder: it could not be read */
	SIM_AGENT_RETURNS,     /* to a folder, after such a start */
	SIM_AGENT_EVENTS,
};

struct sim_agent {
	/* What it lives in; borrowed. */
	struct sim_network *network;
	struct sim_oracle *oracle;
	uint64_t *counts; /* SIM_AGENT_EVENTS */
	struct sim_random random;
	unsigned number; /* of its connections */
	unsigned host;   /* whose agent it is: a cloned one is of another's */
	struct sim_machine machine;
	bool is_network_down; /* no connection is established */
	bool ends_making;     /* no more samples are taken */
	uint32_t series;      /* those that there are now: a bit for each */

	int64_t starts_us; /* when its process begins, if it has none; INT64_MAX = it is not to */
	int64_t frozen_us; /* its process does nothing before */
	struct sim_sent sent;
	unsigned n_moves;      /* epochs that it has left for another, with what they had */
	size_t first_unsealed; /* ticks before that one, of the oracle's, are in messages */
	char name[SIM_NAME_BYTES];

	/* The process. */
	struct spool *spool; /* NULL = there is none */
	struct spool *
		in_memory; /* what is left of the time without a folder, to be sent first; or NULL */
	unsigned n_unread;    /* tries at which the disk did not give a segment */
	size_t first_on_disk; /* ticks before that one, of the oracle's, are in there */
	struct spool_options options;
	struct recorder *recorder;
	struct shipment shipment;
	struct schedule schedule;
	struct schedule_turn turn;
	struct clock_watch watch;
	struct backoff backoff;
	struct buffer round;
	int64_t sync_us; /* CLOCK_MONOTONIC: when it syncs next */
	enum sim_link link;
	int64_t link_us; /* the simulation's: when it goes on with that */
	struct sim_connection *connection;
	bool is_awake; /* there is something to look at, at once */
	bool is_welcome;
	struct frame_reader tap; /* what was written */
	uint64_t acked;
};

void sim_agent_init(struct sim_agent *agent, uint64_t seed, struct sim_counts *disk_counts);
void sim_agent_done(struct sim_agent *agent);

bool sim_agent_is_up(const struct sim_agent *agent);

/* Would the end of the process take samples that it has taken? */
bool sim_agent_is_in_memory(const struct sim_agent *agent);

/* When it has something to do next. INT64_MAX: never */
int64_t sim_agent_due_us(struct sim_agent *agent);

/* Do what is due. */
void sim_agent_run(struct sim_agent *agent, int64_t now_us);

/* The clock was set. */
void sim_agent_note_step(struct sim_agent *agent);

/* Its process ends by itself. */
void sim_agent_stop(struct sim_agent *agent, int64_t now_us);

/* Its process ends at once, or the power does. */
void sim_agent_kill(struct sim_agent *agent, int64_t now_us);
void sim_agent_lose_power(struct sim_agent *agent);

/* Has it nothing more to send? Its process is up. */
bool sim_agent_is_drained(const struct sim_agent *agent);

/* Over one that never ran: be another host's. */
void sim_agent_become(struct sim_agent *agent, unsigned host);

const char *sim_agent_event_name(enum sim_agent_event event);

#endif
