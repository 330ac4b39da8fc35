/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_FAULTS_H
#define TESTS_SUPPORT_SIM_FAULTS_H

/* What goes wrong in a simulation, and when. */

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/sim_disk.h"
#include "tests/support/sim_oracle.h"
#include "tests/support/sim_random.h"

struct simulation;

enum sim_fault {
	/* Of an agent. */
	SIM_FAULT_AGENT_STOP,
	SIM_FAULT_AGENT_KILL,
	SIM_FAULT_AGENT_KILL_WITHIN, /* a system call */
	SIM_FAULT_AGENT_POWER,
	SIM_FAULT_AGENT_POWER_WITHIN,
	SIM_FAULT_AGENT_FREEZE, /* SIGSTOP */
	SIM_FAULT_AGENT_SLEEP,
	SIM_FAULT_AGENT_CLOCK_FORWARD,
	SIM_FAULT_AGENT_CLOCK_BACK,
	SIM_FAULT_AGENT_CLOCK_YEAR, /* off by it, for a while */
	SIM_FAULT_AGENT_DISK_ERROR,
	SIM_FAULT_AGENT_DISK_FULL,
	SIM_FAULT_AGENT_OPEN_ERROR, /* from its next start on, for a while */
	SIM_FAULT_AGENT_COPY,       /* of its disk, for the next two */
	SIM_FAULT_AGENT_WENT_BACK,
	SIM_FAULT_AGENT_CLONED,
	/* Of the collector. */
	SIM_FAULT_COLLECTOR_STOP,
	SIM_FAULT_COLLECTOR_KILL,
	SIM_FAULT_COLLECTOR_KILL_WITHIN,
	SIM_FAULT_COLLECTOR_POWER,
	SIM_FAULT_COLLECTOR_POWER_WITHIN,
	SIM_FAULT_COLLECTOR_FREEZE,
	SIM_FAULT_COLLECTOR_CLOCK,
	SIM_FAULT_COLLECTOR_DISK_ERROR,
	SIM_FAULT_COLLECTOR_DISK_FULL,
	SIM_FAULT_COLLECTOR_OPEN_ERROR,
	SIM_FAULT_COLLECTOR_COPY,
	SIM_FAULT_COLLECTOR_WENT_BACK,
	SIM_FAULT_COLLECTOR_DELETE,   /* of a range of a series */
	SIM_FAULT_COLLECTOR_REPLACED, /* by one with an empty disk */
	/* Of the network. */
	SIM_FAULT_RESET,
	SIM_FAULT_SILENCE,   /* a connection that is half open */
	SIM_FAULT_PARTITION, /* an agent is cut off for minutes */
	SIM_FAULT_ISLAND,    /* all of them are */
	SIM_FAULT_STORM,     /* all connections break at once */
	SIM_FAULT_ACK_DELAY,
	SIM_FAULTS,
};

#define SIM_FAULT_ENDS_MAX 64

/* When something is well again. */
struct sim_fault_end {
	int64_t due_us;
	enum sim_fault fault;
	unsigned agent;
};

/* A disk as it once was. */
struct sim_copy {
	struct sim_disk *disk; /* NULL = there is none */
	struct sim_sent sent;  /* of an agent, as are the others */
	size_t n_ticks;        /* that there were */
	size_t first_unsealed; /* of them */
	size_t first_unacked;  /* likewise */
	unsigned n_moves;      /* of the agent until then */
	size_t n_kept;         /* those before that one are on it */
};

/* Zeroed to begin. */
struct sim_fault_counts {
	uint64_t n[SIM_FAULTS];
};

struct sim_faults {
	struct sim_random random;
	uint64_t kinds; /* that happen in this one: a bit for each */
	int64_t next_us;
	struct sim_fault_end ends[SIM_FAULT_ENDS_MAX];
	unsigned n_ends;
	struct sim_copy agent_copies[SIM_HOSTS];
	struct sim_copy collector_copy;
	uint32_t
		dies_by_power; /* a bit for each agent that ends within a call; the last one is the collector's */
};

/* Which kinds of faults there are, and when the first is. */
void sim_faults_init(struct sim_faults *faults, uint64_t seed);
void sim_faults_done(struct sim_faults *faults);

int64_t sim_faults_due_us(const struct sim_faults *faults);
void sim_faults_run(struct simulation *simulation);

/* A process has come to the call within which it ends. */
void sim_faults_end_processes(struct simulation *simulation);

/* All is well from now on. */
void sim_faults_heal(struct simulation *simulation);

const char *sim_fault_name(enum sim_fault fault);

#endif
