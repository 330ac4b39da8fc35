/* SPDX-License-Identifier: MIT */
/* What goes wrong in a simulation. */

#include "tests/support/sim_faults.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/sim_faults_part.h"

#define MEAN_US (30 * SIM_SECOND_US)

/* Those that make a disk what it was before. What is sure without them is more. */
#define KINDS_OF_COPIES                                                                            \
	(UINT64_C(1) << SIM_FAULT_AGENT_WENT_BACK | UINT64_C(1) << SIM_FAULT_AGENT_CLONED |        \
	 UINT64_C(1) << SIM_FAULT_COLLECTOR_WENT_BACK |                                            \
	 UINT64_C(1) << SIM_FAULT_COLLECTOR_REPLACED)

#define KINDS_OF_DISKS                                                                             \
	(UINT64_C(1) << SIM_FAULT_AGENT_DISK_ERROR | UINT64_C(1) << SIM_FAULT_AGENT_DISK_FULL |    \
	 UINT64_C(1) << SIM_FAULT_AGENT_OPEN_ERROR |                                               \
	 UINT64_C(1) << SIM_FAULT_COLLECTOR_OPEN_ERROR |                                           \
	 UINT64_C(1) << SIM_FAULT_COLLECTOR_DISK_ERROR |                                           \
	 UINT64_C(1) << SIM_FAULT_COLLECTOR_DISK_FULL)

const char *sim_fault_name(enum sim_fault fault)
{
	static const char *const names[SIM_FAULTS] = {
		[SIM_FAULT_AGENT_STOP] = "agents stopped",
		[SIM_FAULT_AGENT_KILL] = "agents killed",
		[SIM_FAULT_AGENT_KILL_WITHIN] = "agents killed within a call",
		[SIM_FAULT_AGENT_POWER] = "agents without power",
		[SIM_FAULT_AGENT_POWER_WITHIN] = "agents without power within a call",
		[SIM_FAULT_AGENT_FREEZE] = "agents held up",
		[SIM_FAULT_AGENT_SLEEP] = "agents asleep",
		[SIM_FAULT_AGENT_CLOCK_FORWARD] = "clocks set forward",
		[SIM_FAULT_AGENT_CLOCK_BACK] = "clocks set back",
		[SIM_FAULT_AGENT_CLOCK_YEAR] = "clocks off by a year",
		[SIM_FAULT_AGENT_DISK_ERROR] = "spools with errors",
		[SIM_FAULT_AGENT_DISK_FULL] = "spools without room",
		[SIM_FAULT_AGENT_OPEN_ERROR] = "spools that cannot be opened",
		[SIM_FAULT_AGENT_COPY] = "copies of spools",
		[SIM_FAULT_AGENT_WENT_BACK] = "spools that went back",
		[SIM_FAULT_AGENT_CLONED] = "agents cloned",
		[SIM_FAULT_COLLECTOR_STOP] = "collectors stopped",
		[SIM_FAULT_COLLECTOR_KILL] = "collectors killed",
		[SIM_FAULT_COLLECTOR_KILL_WITHIN] = "collectors killed within a call",
		[SIM_FAULT_COLLECTOR_POWER] = "collectors without power",
		[SIM_FAULT_COLLECTOR_POWER_WITHIN] = "collectors without power within a call",
		[SIM_FAULT_COLLECTOR_FREEZE] = "collectors held up",
		[SIM_FAULT_COLLECTOR_CLOCK] = "collectors' clocks set",
		[SIM_FAULT_COLLECTOR_DISK_ERROR] = "stores with errors",
		[SIM_FAULT_COLLECTOR_DISK_FULL] = "stores without room",
		[SIM_FAULT_COLLECTOR_OPEN_ERROR] = "stores that cannot be opened",
		[SIM_FAULT_COLLECTOR_COPY] = "copies of stores",
		[SIM_FAULT_COLLECTOR_WENT_BACK] = "stores that went back",
		[SIM_FAULT_COLLECTOR_DELETE] = "ranges deleted",
		[SIM_FAULT_COLLECTOR_REPLACED] = "stores replaced",
		[SIM_FAULT_RESET] = "connections reset",
		[SIM_FAULT_SILENCE] = "connections half open",
		[SIM_FAULT_PARTITION] = "agents cut off",
		[SIM_FAULT_ISLAND] = "collectors cut off",
		[SIM_FAULT_STORM] = "storms",
		[SIM_FAULT_ACK_DELAY] = "answers delayed",
	};

	return names[fault];
}

/* -- when -------------------------------------------------------------------------------------- */

void sim_faults_init(struct sim_faults *faults, uint64_t seed)
{
	*faults = (struct sim_faults){.random.state = seed};
	faults->kinds = (UINT64_C(1) << SIM_FAULTS) - 1;
	if (sim_random_chance(&faults->random, 1, 2))
		faults->kinds &= ~KINDS_OF_COPIES;
	if (sim_random_chance(&faults->random, 1, 2))
		faults->kinds &= ~KINDS_OF_DISKS;
	faults->next_us = 60 * SIM_SECOND_US;
}

void sim_faults_drop_copy(struct sim_copy *copy)
{
	sim_disk_free(copy->disk);
	sim_sent_done(&copy->sent);
	*copy = (struct sim_copy){.disk = NULL};
}

void sim_faults_done(struct sim_faults *faults)
{
	for (unsigned i = 0; i < SIM_HOSTS; i++)
		sim_faults_drop_copy(&faults->agent_copies[i]);
	sim_faults_drop_copy(&faults->collector_copy);
}

int64_t sim_faults_due_us(const struct sim_faults *faults)
{
	int64_t due_us = faults->next_us;

	for (unsigned i = 0; i < faults->n_ends; i++) {
		if (faults->ends[i].due_us < due_us)
			due_us = faults->ends[i].due_us;
	}
	return due_us;
}

int64_t sim_faults_seconds(struct simulation *simulation, unsigned from, unsigned to)
{
	return (int64_t)(from + sim_random_below(&simulation->faults.random, to - from)) *
		       SIM_SECOND_US +
	       (int64_t)sim_random_below(&simulation->faults.random, SIM_SECOND_US);
}

/* It ends later. */
void sim_faults_end_after(struct simulation *simulation, enum sim_fault fault, unsigned agent,
			  int64_t after_us)
{
	struct sim_faults *faults = &simulation->faults;

	if (faults->n_ends == SIM_FAULT_ENDS_MAX)
		abort();
	faults->ends[faults->n_ends++] = (struct sim_fault_end){
		.due_us = simulation->now_us + after_us, .fault = fault, .agent = agent};
}

bool sim_faults_chance(struct simulation *simulation, unsigned n, unsigned of)
{
	return sim_random_chance(&simulation->faults.random, n, of);
}

/* -- all of them ------------------------------------------------------------------------------- */

static void end_fault(struct simulation *simulation, const struct sim_fault_end *end)
{
	struct sim_collector *collector = &simulation->collector;
	/* Not looked at where it is the collector's. */
	struct sim_agent *agent = &simulation->agents[end->agent % SIM_AGENTS];

	(void)fprintf(stderr, "%.3f s: end of %s (%u)\n", (double)simulation->now_us / 1e6,
		      sim_fault_name(end->fault), end->agent);
	switch (end->fault) {
	case SIM_FAULT_AGENT_POWER:
		sim_faults_answer(simulation, end->agent, SIM_AGENT_END);
		agent->starts_us = simulation->now_us;
		break;
	case SIM_FAULT_AGENT_CLOCK_FORWARD:
	case SIM_FAULT_AGENT_CLOCK_BACK:
	case SIM_FAULT_AGENT_CLOCK_YEAR:
		sim_faults_correct_clock(&agent->machine);
		sim_agent_note_step(agent);
		break;
	case SIM_FAULT_AGENT_DISK_ERROR:
	case SIM_FAULT_AGENT_DISK_FULL:
	case SIM_FAULT_AGENT_OPEN_ERROR:
		sim_faults_heal_disk(agent->machine.disk);
		break;
	case SIM_FAULT_COLLECTOR_POWER:
		sim_faults_answer(simulation, SIM_FAULTS_COLLECTOR, SIM_COLLECTOR_END);
		collector->network->listener = SIM_REFUSING;
		collector->starts_us = simulation->now_us;
		break;
	case SIM_FAULT_COLLECTOR_CLOCK:
		sim_faults_correct_clock(&collector->machine);
		break;
	case SIM_FAULT_COLLECTOR_DISK_ERROR:
	case SIM_FAULT_COLLECTOR_DISK_FULL:
		sim_faults_heal_disk(collector->machine.disk);
		break;
	case SIM_FAULT_COLLECTOR_OPEN_ERROR:
		sim_faults_heal_disk(collector->machine.disk);
		sim_faults_tend_collector(simulation);
		break;
	case SIM_FAULT_PARTITION:
	case SIM_FAULT_ISLAND:
		sim_faults_cut_off(simulation, end->agent, false);
		break;
	default:
		sim_faults_delay(simulation, end->agent, 0);
		break;
	}
}

/* Something goes wrong, if it can. */
static void begin_fault(struct simulation *simulation)
{
	struct sim_faults *faults = &simulation->faults;
	enum sim_fault fault = (enum sim_fault)sim_random_below(&faults->random, SIM_FAULTS);
	unsigned agent = (unsigned)sim_random_below(&faults->random, SIM_HOSTS);
	bool is_done;

	if (!(faults->kinds >> fault & 1))
		return;
	if (fault < SIM_FAULT_COLLECTOR_STOP)
		is_done = sim_faults_harm_agent(simulation, fault, agent);
	else if (fault < SIM_FAULT_RESET)
		is_done = sim_faults_harm_collector(simulation, fault);
	else
		is_done = sim_faults_disturb_network(simulation, fault, agent);
	simulation->counts->faults.n[fault] += is_done;
	if (is_done)
		(void)fprintf(stderr, "%.3f s: %s (%u)\n", (double)simulation->now_us / 1e6,
			      sim_fault_name(fault), agent);
}

void sim_faults_run(struct simulation *simulation)
{
	struct sim_faults *faults = &simulation->faults;

	for (unsigned i = 0; i < faults->n_ends; i++) {
		struct sim_fault_end end = faults->ends[i];

		if (end.due_us > simulation->now_us)
			continue;
		faults->ends[i--] = faults->ends[--faults->n_ends];
		end_fault(simulation, &end);
	}
	if (faults->next_us > simulation->now_us)
		return;
	begin_fault(simulation);
	faults->next_us =
		simulation->now_us + (int64_t)sim_random_below(&faults->random, 2 * MEAN_US);
	/* Not seldom just behind another one. */
	if (sim_faults_chance(simulation, 1, 4))
		faults->next_us = simulation->now_us +
				  (int64_t)sim_random_below(&faults->random, SIM_SECOND_US);
}

void sim_faults_end_processes(struct simulation *simulation)
{
	struct sim_faults *faults = &simulation->faults;

	for (unsigned i = 0; i < SIM_AGENTS; i++) {
		struct sim_agent *agent = &simulation->agents[i];

		if (!sim_disk_is_stopped(agent->machine.disk))
			continue;
		if (faults->dies_by_power >> i & 1) {
			sim_faults_cut_power(simulation, agent);
			continue;
		}
		sim_agent_kill(agent, simulation->now_us);
		sim_faults_start_agent(simulation, agent);
	}
	if (!sim_disk_is_stopped(simulation->collector.machine.disk))
		return;
	if (faults->dies_by_power >> SIM_FAULTS_COLLECTOR & 1) {
		sim_faults_cut_collector(simulation);
		return;
	}
	sim_collector_kill(&simulation->collector, simulation->now_us);
	sim_faults_start_collector(simulation);
}

void sim_faults_heal(struct simulation *simulation)
{
	struct sim_faults *faults = &simulation->faults;

	while (faults->n_ends > 0) {
		struct sim_fault_end end = faults->ends[--faults->n_ends];

		end_fault(simulation, &end);
	}
	faults->next_us = INT64_MAX;
	for (unsigned i = 0; i < SIM_AGENTS; i++) {
		struct sim_agent *agent = &simulation->agents[i];

		sim_disk_stop_at(agent->machine.disk, 0);
		sim_faults_heal_disk(agent->machine.disk);
		sim_faults_correct_clock(&agent->machine);
		sim_agent_note_step(agent);
	}
	sim_disk_stop_at(simulation->collector.machine.disk, 0);
	sim_faults_heal_disk(simulation->collector.machine.disk);
	sim_faults_correct_clock(&simulation->collector.machine);
}
