/* SPDX-License-Identifier: MIT */
/*
 * The agent's spool with bits that have changed since they were written, and reads that are short: what it opens to
 * has nothing twice and nothing that is not as it was, and what was in a message and is there no more has a GAP
 * in its place.
 */

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/spool_world.h"
#include "tests/support/torture.h"

#define STATES (12000 / TORTURE_SHARE)
#define STEPS  60
#define FORKS  40

static void judge(struct torture *torture, const struct world *world)
{
	torture->n_states++;
	if (!world->problem[0])
		return;
	if (torture->n_bad == 0 || torture->goes_on)
		(void)printf("# %s\n# see it again: %s %llu\n", world->problem, torture->program,
			     (unsigned long long)torture->seed);
	torture->n_bad++;
}

/* Some bits rot, and another process opens it, goes on for a while, and sends all that there is. */
static void try_rot(struct torture *torture, struct world *world)
{
	(void)world_rot(world);
	(void)world_start(world, true);
	for (unsigned i = 0; i < 8 && !world->problem[0]; i++)
		world_step(world);
	if (!world->problem[0])
		world_finish(world);
	judge(torture, world);
}

static void try_seed(struct torture *torture)
{
	struct world *world = world_new(torture->seed, false, &torture->counts.disk);

	(void)world_start(world, false);
	for (unsigned i = 0; i < STEPS && !world->problem[0]; i++)
		world_step(world);
	/* Opened once more, all that it has is known. */
	world_end(world, false);
	if (world_start(world, false)) {
		world_sync(world);
		world_end(world, false);
	}
	sim_disk_settle(world->sim);
	judge(torture, world);
	for (unsigned i = 0; i < FORKS && !torture_is_bad(torture); i++) {
		struct world *fork = world_fork(world, sim_random_next(&world->random));

		try_rot(torture, fork);
		world_free(fork);
	}
	world_free(world);
}

int main(int argc, char **argv)
{
	static const enum sim_event wanted[] = {SIM_FLIPS, SIM_BAD_READS, SIM_SHORT_READS,
						SIM_SHORT_WRITES};
	struct torture torture;

	torture_begin(&torture, argc, argv);
	while (torture_next(&torture, torture.n_states >= STATES))
		try_seed(&torture);
	torture_tell(&torture, torture.n_bad == 0,
		     "what has not rotted is there once, and as it was");
	torture_want_events(&torture, wanted, sizeof(wanted) / sizeof(*wanted));
	return torture_end(&torture);
}
