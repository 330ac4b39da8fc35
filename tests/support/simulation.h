/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIMULATION_H
#define TESTS_SUPPORT_SIMULATION_H

/*
 * Agents, a network and a collector in one process, from a seed, in a time of their own; and what may happen to them.
 * Everything between the plugins' samples and the store's files is the daemons' own code.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/sim_agent.h"
#include "tests/support/sim_collector.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_faults.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_oracle.h"

#define SIM_CLONES 1
#define SIM_AGENTS (SIM_HOSTS + SIM_CLONES)

/* How often what happened, in all simulations of a program. Zeroed to begin. */
struct simulation_counts {
	struct sim_counts disk;
	struct sim_fault_counts faults;
	uint64_t agents[SIM_AGENT_EVENTS];
	uint64_t collector[SIM_COLLECTOR_EVENTS];
	uint64_t network[SIM_NET_EVENTS];
	uint64_t excused[SIM_EXCUSES];
	uint64_t n_samples;
	uint64_t n_acked;
	uint64_t n_stored;
	uint64_t n_covered;
	int64_t simulated_us;
};

struct simulation {
	struct simulation_counts *counts;
	struct sim_random random;
	int64_t now_us;
	unsigned n_steps; /* since it was another time */
	struct sim_oracle oracle;
	struct sim_network network;
	struct sim_agent agents[SIM_AGENTS];
	struct sim_collector collector;
	struct sim_faults faults;
};

/* @param counts  borrowed */
struct simulation *simulation_new(uint64_t seed, struct simulation_counts *counts);

/* Takes NULL. */
void simulation_free(struct simulation *simulation);

/* Let an hour pass, with all faults; then until all is delivered, without. What is wrong then is in oracle.problem. */
void simulation_run(struct simulation *simulation);

#endif
