/* SPDX-License-Identifier: MIT */
/*
 * The agent's spool on a disk that fails and loses power, and a collector that takes from it what it likes. Before each
 * call that changes or syncs something the disk meets a fate, the spool is opened again, and then: whatever was
 * durable is there once, or in a GAP; no sequence has two contents; nothing comes twice; no limit is passed.
 */

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/spool_world.h"
#include "tests/support/torture.h"

#define STATES     (40000 / TORTURE_SHARE)
#define STEPS      160
#define DEPTH      2
#define MOMENT_MAX 24

struct watcher {
	struct torture *torture;
	struct world *world;
	unsigned depth; /* how many openings may be cut short below this one */
	uint64_t skip;  /* moments until the next fate */
};

static void try_opening(struct torture *torture, struct world *world, unsigned depth);

static void judge(struct torture *torture, const struct world *world, const char *where)
{
	torture->n_states++;
	if (!world->problem[0])
		return;
	if (torture->n_bad == 0 || torture->goes_on) {
		(void)printf("# %s: %s\n# see it again: FAULT_VERBOSE=1 %s %llu\n", where,
			     world->problem, torture->program, (unsigned long long)torture->seed);
		if (getenv("FAULT_VERBOSE"))
			sim_disk_dump(world->sim, stderr);
	}
	torture->n_bad++;
}

static void try_fate(void *context, struct sim_disk *sim)
{
	struct watcher *watcher = context;
	struct world *world = watcher->world;
	struct world *fork;

	(void)sim;
	if (watcher->skip > 0) {
		watcher->skip--;
		return;
	}
	watcher->skip = watcher->depth < DEPTH ? UINT64_MAX : sim_random_below(&world->random, 6);
	if (torture_is_bad(watcher->torture))
		return;
	fork = world_fork(world, sim_random_next(&world->random));
	try_opening(watcher->torture, fork, watcher->depth);
	world_free(fork);
}

/* The process is no more, with the power or without; another one begins. */
static void try_opening(struct torture *torture, struct world *world, unsigned depth)
{
	bool is_power = sim_random_chance(&world->random, 3, 4);
	struct watcher watcher = {
		.torture = torture,
		.world = world,
		.depth = depth - 1,
		.skip = sim_random_below(&world->random, MOMENT_MAX),
	};

	world_end(world, is_power);
	if (sim_random_chance(&world->random, 3, 4))
		sim_disk_heal(world->sim);
	if (depth > 1 && sim_random_chance(&world->random, 1, 3))
		sim_disk_watch(world->sim, try_fate, &watcher);
	if (!world_start(world, is_power)) {
		judge(torture, world, "opening");
		return;
	}
	sim_disk_watch(world->sim, NULL, NULL);
	if (sim_random_chance(&world->random, 1, 4) && !world_is_in_memory(world)) {
		/* Once more, and it finds the same. */
		uint64_t digest = world_digest(world);

		world_end(world, false);
		sim_disk_heal(world->sim);
		if (world_start(world, false) && world_digest(world) != digest &&
		    !world->problem[0] && !world_has_dropped(world))
			(void)snprintf(world->problem, sizeof(world->problem),
				       "opened once more it has something else");
	}
	for (unsigned i = 0; i < 8 && !world->problem[0]; i++)
		world_step(world);
	if (!world->problem[0])
		world_finish(world);
	judge(torture, world, "after a crash");
}

static void try_moments(struct torture *torture, bool is_faulty)
{
	struct world *world = world_new(torture->seed, is_faulty, &torture->counts.disk);
	struct watcher watcher = {.torture = torture, .world = world, .depth = DEPTH};

	sim_disk_watch(world->sim, try_fate, &watcher);
	(void)world_start(world, false);
	for (unsigned i = 0; i < STEPS && !world->problem[0] && !torture_is_bad(torture); i++)
		world_step(world);
	sim_disk_watch(world->sim, NULL, NULL);
	if (!world->problem[0])
		world_finish(world);
	judge(torture, world, "while nothing ended");
	world_free(world);
}

int main(int argc, char **argv)
{
	static const enum sim_event wanted[] = {
		SIM_CRASHES,      SIM_KILLS,           SIM_SECTORS_DONE,
		SIM_SECTORS_TORN, SIM_SECTORS_GARBLED, SIM_SECTORS_OMITTED,
		SIM_SIZES_LOST,   SIM_ENTRIES_LOST,    SIM_LOST_SYNCS};
	static const enum sim_call failed[] = {SIM_PWRITE, SIM_FDATASYNC, SIM_FALLOCATE, SIM_FSYNC};
	struct torture torture;

	torture_begin(&torture, argc, argv);
	while (torture_next(&torture, torture.n_states >= STATES))
		try_moments(&torture, torture.seed % 2 == 0);
	torture_tell(&torture, torture.n_bad == 0,
		     "what was sampled is there once, or a gap, after every crash");
	torture_want_events(&torture, wanted, sizeof(wanted) / sizeof(*wanted));
	torture_want_failed(&torture, failed, sizeof(failed) / sizeof(*failed));
	return torture_end(&torture);
}
