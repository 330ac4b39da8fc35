/* SPDX-License-Identifier: MIT */
/* A machine of a simulation. */

#include "tests/support/sim_machine.h"

#include <stddef.h>

/* Whose clocks clock_gettime() shows: it has no context. */
static const struct sim_machine *entered;

void sim_machine_init(struct sim_machine *machine, uint64_t seed, struct sim_counts *counts)
{
	*machine = (struct sim_machine){.disk = sim_disk_new(seed, counts)};
}

void sim_machine_done(struct sim_machine *machine)
{
	sim_disk_free(machine->disk);
	machine->disk = NULL;
}

int64_t sim_machine_wall_us(const struct sim_machine *machine)
{
	const struct disk *disk = sim_disk_table(machine->disk);

	return disk->now_us(disk->context);
}

int64_t sim_machine_monotonic_us(const struct sim_machine *machine)
{
	const struct disk *disk = sim_disk_table(machine->disk);

	return disk->monotonic_us(disk->context);
}

void sim_machine_enter(struct sim_machine *machine, int64_t now_us)
{
	sim_disk_advance(machine->disk, now_us - machine->reached_us);
	machine->reached_us = now_us;
	entered = machine;
}

void sim_machine_leave(void)
{
	entered = NULL;
}

void sim_machine_sleep(struct sim_machine *machine, int64_t now_us)
{
	int64_t slept_us = now_us - machine->reached_us;

	sim_disk_set_now(machine->disk, sim_machine_wall_us(machine) + slept_us);
	machine->slept_us += slept_us;
	machine->reached_us = now_us;
}

void sim_machine_step(struct sim_machine *machine, int64_t by_us)
{
	sim_disk_set_now(machine->disk, sim_machine_wall_us(machine) + by_us);
}

void sim_machine_boot(struct sim_machine *machine, struct sim_random *random)
{
	sim_random_fill(random, machine->boot_id, HM_ID_BYTES);
	machine->slept_us = 0;
}

int64_t sim_machine_when_wall(const struct sim_machine *machine, int64_t wall_us)
{
	return machine->reached_us + (wall_us - sim_machine_wall_us(machine));
}

int64_t sim_machine_when(const struct sim_machine *machine, int64_t monotonic_us)
{
	if (monotonic_us == INT64_MAX)
		return INT64_MAX;
	return machine->reached_us + (monotonic_us - sim_machine_monotonic_us(machine));
}

void sim_machine_restore(struct sim_machine *machine, const struct sim_disk *copy, uint64_t seed)
{
	int64_t wall_us = sim_machine_wall_us(machine);
	int64_t monotonic_us = sim_machine_monotonic_us(machine);

	sim_disk_free(machine->disk);
	machine->disk = sim_disk_clone(copy);
	sim_disk_seed(machine->disk, seed);
	/* What it says of time is no part of a disk. */
	sim_disk_advance(machine->disk, monotonic_us - sim_machine_monotonic_us(machine));
	sim_disk_set_now(machine->disk, wall_us);
}

bool sim_machine_clock(clockid_t clock, struct timespec *ret_now)
{
	int64_t now_us;

	if (!entered)
		return false;
	now_us = clock == CLOCK_REALTIME ? sim_machine_wall_us(entered)
					 : sim_machine_monotonic_us(entered);
	if (clock == CLOCK_BOOTTIME)
		now_us += entered->slept_us;
	*ret_now = (struct timespec){
		.tv_sec = now_us / SIM_SECOND_US,
		.tv_nsec = now_us % SIM_SECOND_US * 1000,
	};
	return true;
}
