/* SPDX-License-Identifier: MIT */
/* Agents, a network and a collector in one process. */

#include "tests/support/simulation.h"

#include <stdlib.h>

#define HOUR_US (3600 * SIM_SECOND_US)

/* When nothing fails any more all is delivered within this time. */
#define DRAIN_MAX_US (2 * HOUR_US)

/* At one time; more are for ever. */
#define STEPS_MAX 10000

#define DRAIN_STEP_US (10 * SIM_SECOND_US)

struct simulation *simulation_new(uint64_t seed, struct simulation_counts *counts)
{
	struct simulation *simulation = calloc(1, sizeof(*simulation));
	struct sim_random *random;

	if (!simulation)
		abort();
	random = &simulation->random;
	random->state = seed;
	simulation->counts = counts;
	sim_oracle_init(&simulation->oracle);
	sim_network_init(&simulation->network, sim_random_next(random));
	simulation->collector = (struct sim_collector){
		.network = &simulation->network,
		.oracle = &simulation->oracle,
		.counts = counts->collector,
	};
	sim_collector_init(&simulation->collector, sim_random_next(random), &counts->disk);
	for (unsigned i = 0; i < SIM_AGENTS; i++) {
		struct sim_agent *agent = &simulation->agents[i];

		*agent = (struct sim_agent){
			.network = &simulation->network,
			.oracle = &simulation->oracle,
			.counts = counts->agents,
			.number = i,
			.host = i % SIM_HOSTS,
			.starts_us = INT64_MAX,
		};
		sim_agent_init(agent, sim_random_next(random), &counts->disk);
		if (i < SIM_HOSTS)
			agent->starts_us = (int64_t)sim_random_below(random, 60) * SIM_SECOND_US;
	}
	sim_faults_init(&simulation->faults, sim_random_next(random));
	return simulation;
}

void simulation_free(struct simulation *simulation)
{
	if (!simulation)
		return;
	sim_machine_leave();
	sim_faults_done(&simulation->faults);
	for (unsigned i = 0; i < SIM_AGENTS; i++)
		sim_agent_done(&simulation->agents[i]);
	sim_collector_done(&simulation->collector);
	for (unsigned i = 0; i < SIM_NET_EVENTS; i++)
		simulation->counts->network[i] += simulation->network.counts[i];
	for (unsigned i = 0; i < SIM_EXCUSES; i++)
		simulation->counts->excused[i] += simulation->oracle.n_excused[i];
	simulation->counts->n_samples += simulation->oracle.n_samples;
	simulation->counts->n_acked += simulation->oracle.n_acked;
	simulation->counts->n_stored += simulation->oracle.n_stored;
	simulation->counts->n_covered += simulation->oracle.n_covered;
	simulation->counts->simulated_us += simulation->now_us;
	sim_network_done(&simulation->network);
	sim_oracle_done(&simulation->oracle);
	free(simulation);
}

/* Do what is due first. @return false: nothing is before that time */
static bool step(struct simulation *simulation, int64_t until_us)
{
	int64_t due_us = sim_collector_due_us(&simulation->collector);
	struct sim_agent *agent = NULL;

	for (unsigned i = 0; i < SIM_AGENTS; i++) {
		int64_t agent_us = sim_agent_due_us(&simulation->agents[i]);

		if (agent_us < due_us) {
			due_us = agent_us;
			agent = &simulation->agents[i];
		}
	}
	if (sim_faults_due_us(&simulation->faults) <= due_us)
		due_us = sim_faults_due_us(&simulation->faults);
	if (due_us >= until_us) {
		simulation->now_us = until_us;
		return false;
	}
	if (due_us > simulation->now_us) {
		simulation->now_us = due_us;
		simulation->n_steps = 0;
	}
	if (++simulation->n_steps > STEPS_MAX)
		sim_oracle_complain(&simulation->oracle, "%s does not come to an end",
				    agent ? agent->name : "the collector");
	if (sim_faults_due_us(&simulation->faults) <= simulation->now_us)
		sim_faults_run(simulation);
	else if (agent)
		sim_agent_run(agent, simulation->now_us);
	else
		sim_collector_run(&simulation->collector, simulation->now_us);
	sim_faults_end_processes(simulation);
	return true;
}

static void pass(struct simulation *simulation, int64_t until_us)
{
	while (!simulation->oracle.problem[0] && step(simulation, until_us))
		;
}

/* @return an agent that has something left; NULL: there is none */
static const struct sim_agent *find_undrained(const struct simulation *simulation)
{
	for (unsigned i = 0; i < SIM_AGENTS; i++) {
		const struct sim_agent *agent = &simulation->agents[i];

		if (agent->starts_us != INT64_MAX || agent->frozen_us > simulation->now_us ||
		    (sim_agent_is_up(agent) && !sim_agent_is_drained(agent)))
			return agent;
	}
	return NULL;
}

/* Nothing more is made, and nothing fails. */
static void drain(struct simulation *simulation)
{
	int64_t until_us = simulation->now_us + DRAIN_MAX_US;
	const struct sim_agent *agent;

	sim_faults_heal(simulation);
	for (unsigned i = 0; i < SIM_AGENTS; i++)
		simulation->agents[i].ends_making = true;
	while (!simulation->oracle.problem[0] && find_undrained(simulation) &&
	       simulation->now_us < until_us)
		pass(simulation, simulation->now_us + DRAIN_STEP_US);
	agent = find_undrained(simulation);
	if (agent) {
		sim_oracle_complain(
			&simulation->oracle,
			"not all is delivered in the end: agent %u %s, %llu samples are in no message",
			agent->number, sim_agent_is_up(agent) ? "runs" : "does not run",
			sim_agent_is_up(agent)
				? (unsigned long long)recorder_n_unsealed(agent->recorder)
				: 0);
	}
}

static void read_all(struct simulation *simulation)
{
	struct sim_collector *collector = &simulation->collector;

	if (simulation->oracle.problem[0])
		return;
	sim_machine_enter(&collector->machine, simulation->now_us);
	if (sim_collector_is_up(collector))
		sim_collector_read(collector, true);
	else
		sim_oracle_complain(&simulation->oracle, "there is no collector in the end");
}

void simulation_run(struct simulation *simulation)
{
	simulation->collector.starts_us = 0;
	pass(simulation, HOUR_US);
	drain(simulation);
	read_all(simulation);
	/* The next process has to find the same. */
	sim_collector_lose_power(&simulation->collector);
	simulation->collector.starts_us = simulation->now_us;
	pass(simulation, simulation->now_us + SIM_SECOND_US);
	read_all(simulation);
}
