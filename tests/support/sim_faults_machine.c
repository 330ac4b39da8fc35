/* SPDX-License-Identifier: MIT */
/* What goes wrong with the machines of a simulation, and their processes. */

#include <errno.h>

#include "tests/support/sim_faults_part.h"

#define YEAR_US (INT64_C(365) * 86400 * SIM_SECOND_US)

/* -- agents ------------------------------------------------------------------------------------ */

void sim_faults_heal_disk(struct sim_disk *disk)
{
	sim_disk_heal(disk);
	sim_disk_set_limits(disk, 0, 0);
}

void sim_faults_cut_power(struct simulation *simulation, struct sim_agent *agent)
{
	sim_agent_lose_power(agent);
	agent->starts_us = INT64_MAX;
	sim_faults_end_after(simulation, SIM_FAULT_AGENT_POWER, agent->number,
			     sim_faults_seconds(simulation, 5, 300));
}

void sim_faults_start_agent(struct simulation *simulation, struct sim_agent *agent)
{
	agent->starts_us = simulation->now_us + 100000;
	if (sim_faults_chance(simulation, 2, 3))
		agent->starts_us += sim_faults_seconds(simulation, 1, 90);
}

static bool end_agent(struct simulation *simulation, enum sim_fault fault, struct sim_agent *agent)
{
	unsigned bit = 1U << agent->number;

	if (!sim_agent_is_up(agent))
		return false;
	switch (fault) {
	case SIM_FAULT_AGENT_STOP:
		sim_agent_stop(agent, simulation->now_us);
		sim_faults_start_agent(simulation, agent);
		break;
	case SIM_FAULT_AGENT_KILL:
		sim_agent_kill(agent, simulation->now_us);
		sim_faults_start_agent(simulation, agent);
		break;
	case SIM_FAULT_AGENT_POWER:
		sim_faults_cut_power(simulation, agent);
		break;
	default:
		simulation->faults.dies_by_power &= ~bit;
		if (fault == SIM_FAULT_AGENT_POWER_WITHIN)
			simulation->faults.dies_by_power |= bit;
		sim_disk_stop_at(agent->machine.disk,
				 1 + sim_random_below(&simulation->faults.random, 60));
		break;
	}
	return true;
}

static void hold_up(struct simulation *simulation, enum sim_fault fault, struct sim_agent *agent)
{
	agent->frozen_us = simulation->now_us + sim_faults_seconds(simulation, 2, 200);
	if (fault == SIM_FAULT_AGENT_SLEEP)
		sim_machine_sleep(&agent->machine, agent->frozen_us);
}

static int64_t step_us(struct simulation *simulation)
{
	switch (sim_random_below(&simulation->faults.random, 4)) {
	case 0:
		return (int64_t)sim_random_below(&simulation->faults.random, SIM_SECOND_US);
	case 1:
		return sim_faults_seconds(simulation, 1, 20);
	case 2:
		return sim_faults_seconds(simulation, 20, 600);
	default:
		return sim_faults_seconds(simulation, 600, 20000);
	}
}

static void step_clock(struct simulation *simulation, enum sim_fault fault, struct sim_agent *agent)
{
	int64_t by_us = step_us(simulation);

	if (fault == SIM_FAULT_AGENT_CLOCK_YEAR)
		by_us += YEAR_US;
	if (fault == SIM_FAULT_AGENT_CLOCK_BACK ||
	    (fault == SIM_FAULT_AGENT_CLOCK_YEAR && sim_faults_chance(simulation, 1, 2)))
		by_us = -by_us;
	sim_machine_step(&agent->machine, by_us);
	sim_agent_note_step(agent);
	if (fault == SIM_FAULT_AGENT_CLOCK_YEAR || sim_faults_chance(simulation, 2, 3))
		sim_faults_end_after(simulation, fault, agent->number,
				     sim_faults_seconds(simulation, 5, 900));
}

void sim_faults_correct_clock(struct sim_machine *machine)
{
	sim_machine_step(machine,
			 SIM_START_US + machine->reached_us - sim_machine_wall_us(machine));
}

/* -- disks ------------------------------------------------------------------------------------- */

static void break_disk(struct simulation *simulation, struct sim_disk *disk)
{
	static const enum sim_call calls[] = {SIM_PWRITE,    SIM_FDATASYNC, SIM_FSYNC,
					      SIM_FALLOCATE, SIM_FDATASYNC, SIM_PWRITE,
					      SIM_OPEN,      SIM_SYNCFS};
	static const int errors[] = {EIO, EIO, EIO, ENOSPC, EIO, ENOSPC, EMFILE, EIO};
	unsigned i = (unsigned)sim_random_below(&simulation->faults.random,
						sizeof(calls) / sizeof(*calls));

	sim_disk_heal(disk);
	sim_disk_fail(disk, calls[i], 1 + sim_random_below(&simulation->faults.random, 10),
		      errors[i], sim_faults_chance(simulation, 2, 3));
}

/* Its files cannot be opened, once or for a while: that says nothing of what is in them. @return for how long */
static int64_t refuse_opens(struct simulation *simulation, struct sim_disk *disk)
{
	static const int errors[] = {EMFILE, ENFILE, ENOMEM, EACCES, EIO};
	int error = errors[sim_random_below(&simulation->faults.random,
					    sizeof(errors) / sizeof(*errors))];

	sim_disk_heal(disk);
	sim_disk_fail(disk, SIM_OPEN, 1 + sim_random_below(&simulation->faults.random, 12), error,
		      sim_faults_chance(simulation, 2, 3));
	/* What the disk does not give is taken as lost after a minute. */
	return sim_faults_seconds(simulation, 1, error == EIO ? 50 : 300);
}

/* The same of their being read. */
static int64_t refuse_reads(struct simulation *simulation, struct sim_disk *disk)
{
	sim_disk_heal(disk);
	sim_disk_fail(disk, SIM_PREAD, 1 + sim_random_below(&simulation->faults.random, 60), EIO,
		      true);
	return sim_faults_seconds(simulation, 1, 50);
}

static void fill_disk(struct simulation *simulation, struct sim_disk *disk)
{
	uint64_t room = sim_random_below(&simulation->faults.random, 100000);

	sim_disk_set_limits(disk, sim_disk_used_bytes(disk) + room, 0);
}

/* @return has it all that processes saw, and not only what was synced? */
static bool copy_disk(struct simulation *simulation, const struct sim_disk *disk,
		      struct sim_copy *copy)
{
	sim_faults_drop_copy(copy);
	copy->disk = sim_disk_clone(disk);
	sim_disk_seed(copy->disk, sim_random_next(&simulation->faults.random));
	sim_faults_heal_disk(copy->disk);
	if (sim_faults_chance(simulation, 1, 2)) {
		sim_disk_crash(copy->disk);
		return false;
	}
	sim_disk_kill(copy->disk);
	sim_disk_settle(copy->disk);
	return true;
}

static void copy_agent(struct simulation *simulation, const struct sim_agent *agent)
{
	struct sim_copy *copy = &simulation->faults.agent_copies[agent->host];

	bool is_all =
		copy_disk(simulation, agent->machine.disk, copy) && !sim_agent_is_in_memory(agent);

	sim_sent_copy(&copy->sent, &agent->sent);
	copy->n_ticks = simulation->oracle.n_ticks;
	copy->n_kept =
		is_all ? copy->n_ticks : sim_oracle_find_unsafe(&simulation->oracle, agent->number);
	copy->first_unsealed = agent->first_unsealed;
	copy->first_unacked = sim_oracle_find_unacked(&simulation->oracle, agent->number);
	copy->n_moves = agent->n_moves;
}

/* An agent has a copy of a disk from now on. */
static void restore_agent(struct simulation *simulation, struct sim_agent *agent,
			  const struct sim_copy *copy)
{
	sim_machine_restore(&agent->machine, copy->disk,
			    sim_random_next(&simulation->faults.random));
	sim_sent_copy(&agent->sent, &copy->sent);
	agent->first_unsealed = copy->first_unsealed;
	sim_faults_start_agent(simulation, agent);
}

static bool use_copy(struct simulation *simulation, enum sim_fault fault, struct sim_agent *agent)
{
	const struct sim_copy *copy = &simulation->faults.agent_copies[agent->host];
	struct sim_agent *clone = &simulation->agents[SIM_HOSTS];
	size_t first;

	if (!copy->disk || !sim_agent_is_up(agent))
		return false;
	/* What was moved since has other sequences now, and of two agents one may move later what the other has sent:
	 * nobody can know that it is the same. */
	first = agent->n_moves != copy->n_moves || fault == SIM_FAULT_AGENT_CLONED
			? copy->first_unacked
			: copy->first_unsealed;
	if (fault == SIM_FAULT_AGENT_WENT_BACK) {
		sim_agent_kill(agent, simulation->now_us);
		sim_oracle_went_back(&simulation->oracle, agent->number, copy->n_kept);
		restore_agent(simulation, agent, copy);
	} else {
		/* There is room for one. */
		if (clone->options.disk || clone->starts_us != INT64_MAX)
			return false;
		sim_agent_become(clone, agent->host);
		restore_agent(simulation, clone, copy);
	}
	sim_oracle_copied(&simulation->oracle, agent->number, first, copy->n_ticks);
	return true;
}

bool sim_faults_harm_agent(struct simulation *simulation, enum sim_fault fault, unsigned number)
{
	struct sim_agent *agent = &simulation->agents[number];

	if (agent->frozen_us > simulation->now_us)
		return false;
	sim_machine_enter(&agent->machine, simulation->now_us);
	switch (fault) {
	case SIM_FAULT_AGENT_FREEZE:
	case SIM_FAULT_AGENT_SLEEP:
		hold_up(simulation, fault, agent);
		return true;
	case SIM_FAULT_AGENT_CLOCK_FORWARD:
	case SIM_FAULT_AGENT_CLOCK_BACK:
	case SIM_FAULT_AGENT_CLOCK_YEAR:
		step_clock(simulation, fault, agent);
		return true;
	case SIM_FAULT_AGENT_DISK_ERROR:
		break_disk(simulation, agent->machine.disk);
		sim_faults_end_after(simulation, fault, number,
				     sim_faults_seconds(simulation, 5, 600));
		return true;
	case SIM_FAULT_AGENT_DISK_FULL:
		fill_disk(simulation, agent->machine.disk);
		sim_faults_end_after(simulation, fault, number,
				     sim_faults_seconds(simulation, 5, 900));
		return true;
	case SIM_FAULT_AGENT_OPEN_ERROR:
		if (!sim_agent_is_up(agent))
			return false;
		sim_agent_kill(agent, simulation->now_us);
		sim_faults_start_agent(simulation, agent);
		sim_faults_end_after(simulation, fault, number,
				     refuse_opens(simulation, agent->machine.disk));
		return true;
	case SIM_FAULT_AGENT_COPY:
		copy_agent(simulation, agent);
		return true;
	case SIM_FAULT_AGENT_WENT_BACK:
	case SIM_FAULT_AGENT_CLONED:
		return use_copy(simulation, fault, agent);
	default:
		return end_agent(simulation, fault, agent);
	}
}

/* -- the collector ----------------------------------------------------------------------------- */

void sim_faults_cut_collector(struct simulation *simulation)
{
	struct sim_collector *collector = &simulation->collector;

	sim_collector_lose_power(collector);
	collector->starts_us = INT64_MAX;
	sim_faults_end_after(simulation, SIM_FAULT_COLLECTOR_POWER, SIM_FAULTS_COLLECTOR,
			     sim_faults_seconds(simulation, 2, 120));
}

void sim_faults_start_collector(struct simulation *simulation)
{
	simulation->collector.starts_us = simulation->now_us + 50000;
	if (sim_faults_chance(simulation, 1, 2))
		simulation->collector.starts_us += sim_faults_seconds(simulation, 1, 60);
}

/* The store becomes what it was before. @param copy  NULL: an empty one */
static void replace_store(struct simulation *simulation, const struct sim_copy *copy)
{
	struct sim_collector *collector = &simulation->collector;
	uint64_t seed = sim_random_next(&simulation->faults.random);
	struct sim_disk *empty = copy ? NULL : sim_disk_new(seed, &simulation->counts->disk);

	sim_collector_kill(collector, simulation->now_us);
	sim_machine_restore(&collector->machine, copy ? copy->disk : empty, seed);
	sim_disk_free(empty);
	sim_oracle_store_lost(&simulation->oracle);
	sim_faults_start_collector(simulation);
}

/* The collector starts on a disk that does not give all for a while. */
static void refuse_collector(struct simulation *simulation)
{
	struct sim_disk *disk = simulation->collector.machine.disk;

	sim_collector_kill(&simulation->collector, simulation->now_us);
	sim_faults_start_collector(simulation);
	sim_faults_end_after(simulation, SIM_FAULT_COLLECTOR_OPEN_ERROR, SIM_FAULTS_COLLECTOR,
			     sim_faults_chance(simulation, 1, 3) ? refuse_reads(simulation, disk)
								 : refuse_opens(simulation, disk));
}

void sim_faults_tend_collector(struct simulation *simulation)
{
	struct sim_collector *collector = &simulation->collector;
	struct engine_stats stats = {0};

	if (sim_collector_is_up(collector) && collector->frozen_us <= simulation->now_us)
		engine_get_stats(collector->engine, &stats);
	if (stats.n_files_aside == 0)
		return;
	sim_machine_enter(&collector->machine, simulation->now_us);
	sim_collector_stop(collector, simulation->now_us);
	collector->starts_us = simulation->now_us + 50000;
}

static bool end_collector(struct simulation *simulation, enum sim_fault fault)
{
	struct sim_collector *collector = &simulation->collector;
	struct sim_faults *faults = &simulation->faults;
	unsigned bit = 1U << SIM_FAULTS_COLLECTOR;

	if (!sim_collector_is_up(collector))
		return false;
	switch (fault) {
	case SIM_FAULT_COLLECTOR_STOP:
		sim_collector_stop(collector, simulation->now_us);
		sim_faults_start_collector(simulation);
		break;
	case SIM_FAULT_COLLECTOR_KILL:
		sim_collector_kill(collector, simulation->now_us);
		sim_faults_start_collector(simulation);
		break;
	case SIM_FAULT_COLLECTOR_POWER:
		sim_faults_cut_collector(simulation);
		break;
	case SIM_FAULT_COLLECTOR_WENT_BACK:
		if (!faults->collector_copy.disk)
			return false;
		replace_store(simulation, &faults->collector_copy);
		break;
	case SIM_FAULT_COLLECTOR_REPLACED:
		replace_store(simulation, NULL);
		break;
	default:
		faults->dies_by_power &= ~bit;
		if (fault == SIM_FAULT_COLLECTOR_POWER_WITHIN)
			faults->dies_by_power |= bit;
		sim_disk_stop_at(collector->machine.disk,
				 1 + sim_random_below(&faults->random, 100));
		break;
	}
	return true;
}

bool sim_faults_harm_collector(struct simulation *simulation, enum sim_fault fault)
{
	struct sim_collector *collector = &simulation->collector;
	int64_t by_us = step_us(simulation);

	if (collector->frozen_us > simulation->now_us)
		return false;
	sim_machine_enter(&collector->machine, simulation->now_us);
	switch (fault) {
	case SIM_FAULT_COLLECTOR_FREEZE:
		collector->frozen_us = simulation->now_us + sim_faults_seconds(simulation, 1, 90);
		return true;
	case SIM_FAULT_COLLECTOR_CLOCK:
		sim_machine_step(&collector->machine,
				 sim_faults_chance(simulation, 1, 2) ? by_us : -by_us);
		sim_faults_end_after(simulation, fault, SIM_FAULTS_COLLECTOR,
				     sim_faults_seconds(simulation, 5, 600));
		return true;
	case SIM_FAULT_COLLECTOR_DISK_ERROR:
		break_disk(simulation, collector->machine.disk);
		sim_faults_end_after(simulation, fault, SIM_FAULTS_COLLECTOR,
				     sim_faults_seconds(simulation, 1, 200));
		return true;
	case SIM_FAULT_COLLECTOR_DISK_FULL:
		fill_disk(simulation, collector->machine.disk);
		sim_faults_end_after(simulation, fault, SIM_FAULTS_COLLECTOR,
				     sim_faults_seconds(simulation, 5, 400));
		return true;
	case SIM_FAULT_COLLECTOR_OPEN_ERROR:
		if (!sim_collector_is_up(collector))
			return false;
		refuse_collector(simulation);
		return true;
	case SIM_FAULT_COLLECTOR_DELETE:
		return sim_collector_delete(collector);
	case SIM_FAULT_COLLECTOR_COPY:
		(void)copy_disk(simulation, collector->machine.disk,
				&simulation->faults.collector_copy);
		return true;
	default:
		return end_collector(simulation, fault);
	}
}
