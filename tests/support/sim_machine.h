/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_MACHINE_H
#define TESTS_SUPPORT_SIM_MACHINE_H

/*
 * A machine of a simulation: a disk, and clocks of its own, which go on with the simulation's time. That one
 * begins at 0 and never stands still nor goes back; of a machine the wall clock may be set, and while it
 * sleeps CLOCK_MONOTONIC stands.
 */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "hostmetrics/format.h"
#include "tests/support/sim_disk.h"

#define SIM_SECOND_US INT64_C(1000000)

/* What its wall clock shows at 0, if it is right. */
#define SIM_START_US (INT64_C(1700000000) * SIM_SECOND_US)

struct sim_machine {
	struct sim_disk *disk; /* owned; it has the clocks */
	int64_t reached_us;    /* of the simulation's time: so far its clocks have come */
	int64_t slept_us;      /* since boot */
	uint8_t boot_id[HM_ID_BYTES];
};

/* @param counts  borrowed */
void sim_machine_init(struct sim_machine *machine, uint64_t seed, struct sim_counts *counts);
void sim_machine_done(struct sim_machine *machine);

/* Its processes run now: its clocks are set to the simulation's time, and are those of clock_gettime(). */
void sim_machine_enter(struct sim_machine *machine, int64_t now_us);

/* None runs. */
void sim_machine_leave(void);

/* It has slept since it was entered last. */
void sim_machine_sleep(struct sim_machine *machine, int64_t now_us);

/* Set the wall clock. It is entered. */
void sim_machine_step(struct sim_machine *machine, int64_t by_us);

/* It was started again: another boot. */
void sim_machine_boot(struct sim_machine *machine, struct sim_random *random);

int64_t sim_machine_wall_us(const struct sim_machine *machine);
int64_t sim_machine_monotonic_us(const struct sim_machine *machine);

/* When does a clock of it come to a time, should nobody change it? INT64_MAX stays so. */
int64_t sim_machine_when_wall(const struct sim_machine *machine, int64_t wall_us);
int64_t sim_machine_when(const struct sim_machine *machine, int64_t monotonic_us);

/* Its disk becomes a copy of another one. @param seed  of its future */
void sim_machine_restore(struct sim_machine *machine, const struct sim_disk *copy, uint64_t seed);

/* What clock_gettime() says on the machine that was entered. @return false: none is */
bool sim_machine_clock(clockid_t clock, struct timespec *ret_now);

#endif
