/* SPDX-License-Identifier: MIT */
/* What goes wrong in the network of a simulation. */

#include "tests/support/sim_faults_part.h"

static bool is_of(const struct sim_connection *connection, unsigned agent)
{
	return connection->is_used && (agent == SIM_FAULTS_COLLECTOR || connection->agent == agent);
}

/* The first connection, from one of chance on. @return NULL: there is none */
static struct sim_connection *find_connection(struct simulation *simulation)
{
	unsigned first =
		(unsigned)sim_random_below(&simulation->faults.random, SIM_CONNECTIONS_MAX);

	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		struct sim_connection *connection =
			&simulation->network.connections[(first + i) % SIM_CONNECTIONS_MAX];

		if (connection->is_used && !connection->is_silent)
			return connection;
	}
	return NULL;
}

void sim_faults_cut_off(struct simulation *simulation, unsigned agent, bool is_cut)
{
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		struct sim_connection *connection = &simulation->network.connections[i];

		if (is_of(connection, agent))
			connection->is_blocked = is_cut;
	}
	for (unsigned i = 0; i < SIM_AGENTS; i++) {
		if (i == agent || agent == SIM_FAULTS_COLLECTOR)
			simulation->agents[i].is_network_down = is_cut;
	}
}

void sim_faults_delay(struct simulation *simulation, unsigned agent, int64_t delay_us)
{
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		if (is_of(&simulation->network.connections[i], agent))
			simulation->network.connections[i].delay_us = delay_us;
	}
}

static void reset_all(struct simulation *simulation)
{
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		if (simulation->network.connections[i].is_used)
			sim_network_reset(&simulation->network.connections[i], simulation->now_us);
	}
}

void sim_faults_answer(struct simulation *simulation, unsigned agent, enum sim_end end)
{
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		struct sim_connection *connection = &simulation->network.connections[i];

		if (is_of(connection, agent) && connection->has_vanished[end])
			connection->is_silent = false;
	}
}

bool sim_faults_disturb_network(struct simulation *simulation, enum sim_fault fault, unsigned agent)
{
	struct sim_connection *connection = find_connection(simulation);

	if (!connection)
		return false;
	switch (fault) {
	case SIM_FAULT_RESET:
		sim_network_reset(connection, simulation->now_us);
		break;
	case SIM_FAULT_SILENCE:
		connection->is_silent = true;
		break;
	case SIM_FAULT_PARTITION:
		sim_faults_cut_off(simulation, agent, true);
		sim_faults_end_after(
			simulation, fault, agent,
			sim_faults_seconds(simulation, 5,
					   sim_faults_chance(simulation, 1, 3) ? 2000 : 400));
		break;
	case SIM_FAULT_ISLAND:
		sim_faults_cut_off(simulation, SIM_FAULTS_COLLECTOR, true);
		sim_faults_end_after(simulation, fault, SIM_FAULTS_COLLECTOR,
				     sim_faults_seconds(simulation, 5, 300));
		break;
	case SIM_FAULT_STORM:
		reset_all(simulation);
		break;
	default:
		sim_faults_delay(simulation, agent, sim_faults_seconds(simulation, 1, 100));
		sim_faults_end_after(simulation, fault, agent,
				     sim_faults_seconds(simulation, 30, 300));
		break;
	}
	return true;
}
