/* SPDX-License-Identifier: MIT */
/*
 * The power or the process ends at every moment: before each call of the engine that changes or syncs
 * anything, the disk as it is then meets one of the fates that a power cut may have for it, and is
 * recovered; while it is, the same may happen again.
 */

#include <stdio.h>

#include "tests/support/torture.h"

#define STATES     (10000 / TORTURE_SHARE)
#define STEPS      120
#define STOPS      20 /* to each seed */
#define DEPTH      2
#define MOMENT_MAX 24

struct watcher {
	struct torture *torture;
	struct trial *trial;
	unsigned depth;   /* how many recoveries may be cut short below this one */
	uint64_t skip;    /* moments until the next fate; the outermost tries each */
	unsigned n_fates; /* at a moment */
};

static void recover(struct torture *torture, struct trial *trial, unsigned depth);

/* What a store that was recovered must still be good for. */
static void go_on(struct trial *trial)
{
	for (unsigned i = 0; i < 6 && !trial_is_bad(trial); i++)
		trial_step(trial);
	if (!trial_is_bad(trial) && sim_random_chance(&trial->random, 1, 2))
		trial_flush(trial);
	trial_crash(trial);
	(void)trial_open(trial, LEDGER_RESTART);
}

static void meet_fate(struct trial *trial)
{
	if (sim_random_chance(&trial->random, 1, 5))
		trial_kill(trial);
	else
		trial_crash(trial);
}

static void try_fates(void *context, struct sim_disk *sim)
{
	struct watcher *watcher = context;

	(void)sim;
	if (watcher->skip > 0) {
		watcher->skip--;
		return;
	}
	for (unsigned i = 0; i < watcher->n_fates && !torture_is_bad(watcher->torture); i++) {
		struct trial *fork =
			trial_fork(watcher->trial, sim_random_next(&watcher->trial->random));

		meet_fate(fork);
		recover(watcher->torture, fork, watcher->depth);
		trial_free(fork);
	}
	if (watcher->depth < DEPTH)
		watcher->skip = UINT64_MAX;
}

static void recover(struct torture *torture, struct trial *trial, unsigned depth)
{
	struct watcher watcher = {
		.torture = torture,
		.trial = trial,
		.depth = depth ? depth - 1 : 0,
		.skip = sim_random_below(&trial->random, MOMENT_MAX),
		.n_fates = 1,
	};

	if (depth > 0 && sim_random_chance(&trial->random, 1, 3))
		sim_disk_watch(trial->sim, try_fates, &watcher);
	(void)trial_open(trial, LEDGER_RESTART);
	sim_disk_watch(trial->sim, NULL, NULL);
	if (!trial_is_bad(trial) && sim_random_chance(&trial->random, 1, 4)) {
		/* What was read, and called durable since, stays. */
		if (sim_random_chance(&trial->random, 1, 2) && trial_commit(trial) == 0)
			trial_crash(trial);
		else
			trial_kill(trial);
		(void)trial_open(trial, LEDGER_RESTART);
	}
	if (!trial_is_bad(trial) && sim_random_chance(&trial->random, 1, 8))
		go_on(trial);
	if (!trial_is_bad(trial))
		trial_close(trial);
	(void)torture_judge(torture, trial, "after a crash");
}

/* Every moment of a run, each with its own fates. */
static void try_moments(struct torture *torture)
{
	struct trial *trial = trial_new(torture->seed, &torture->counts);
	struct watcher watcher = {.torture = torture, .trial = trial, .depth = DEPTH, .n_fates = 2};

	sim_disk_watch(trial->sim, try_fates, &watcher);
	(void)trial_open(trial, LEDGER_RESTART);
	for (unsigned i = 0; i < STEPS && !trial_is_bad(trial) && !torture_is_bad(torture); i++) {
		trial_step(trial);
		/* Not left to chance: a horizon that moves, files that are trimmed, and holes. */
		if (i == STEPS / 6 || i == STEPS / 6 * 5)
			trial_expire(trial);
		else if (i == STEPS / 2)
			trial_limit(trial);
	}
	sim_disk_watch(trial->sim, NULL, NULL);
	(void)torture_judge(torture, trial, "while nothing failed");
	trial_free(trial);
}

/* The same from within: the calls themselves say that it is over, and the engine must unwind. */
static void try_stop(struct torture *torture, unsigned i)
{
	struct trial *trial = trial_new(torture->seed * STOPS + i, &torture->counts);

	sim_disk_stop_at(trial->sim, 1 + sim_random_below(&trial->random, 600));
	(void)trial_open(trial, LEDGER_RESTART);
	for (unsigned step = 0;
	     step < STEPS && !trial_is_bad(trial) && !sim_disk_is_stopped(trial->sim); step++)
		trial_step(trial);
	meet_fate(trial);
	recover(torture, trial, DEPTH);
	trial_free(trial);
}

int main(int argc, char **argv)
{
	static const enum sim_event wanted[] = {
		SIM_CRASHES,      SIM_KILLS,           SIM_STOPS,
		SIM_HALF_WRITES,  SIM_SECTORS_DONE,    SIM_SECTORS_OMITTED,
		SIM_SECTORS_TORN, SIM_SECTORS_GARBLED, SIM_SIZES_DONE,
		SIM_SIZES_LOST,   SIM_HOLES_DONE,      SIM_HOLES_LOST,
		SIM_ENTRIES_DONE, SIM_ENTRIES_LOST,    SIM_ENTRIES_REORDERED};
	static const enum trial_event done[] = {TRIAL_LIMIT_MOVES, TRIAL_LIMIT_FITS,
						TRIAL_LIMIT_STUCK, TRIAL_LIMIT_IMPOSSIBLE};
	struct torture torture;

	torture_begin(&torture, argc, argv);
	while (torture_next(&torture, torture.n_states >= STATES)) {
		for (unsigned i = 0; i < STOPS && !torture_is_bad(&torture); i++)
			try_stop(&torture, i);
		if (!torture_is_bad(&torture))
			try_moments(&torture);
	}
	torture_tell(&torture, torture.n_bad == 0,
		     "what is durable is read exactly once after every crash");
	torture_want_events(&torture, wanted, sizeof(wanted) / sizeof(*wanted));
	torture_want_trial_events(&torture, done, sizeof(done) / sizeof(*done));
	return torture_end(&torture);
}
