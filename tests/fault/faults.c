/* SPDX-License-Identifier: MIT */
/*
 * Each function of the disk fails at its Nth call, for N = 1, 2, ... until a run meets no fault; once,
 * or from then on until the disk is healed. Whatever was said to be durable is there afterwards, and
 * the store goes on by itself. Disks that fill up, and calls that do less than they were asked to.
 */

#include <errno.h>
#include <stdio.h>

#include "tests/support/torture.h"

#define RUNS  (3000 / TORTURE_SHARE)
#define STEPS 60
#define SEEDS (20 / TORTURE_SHARE) /* of full disks, to each of the torture's */

/* Starts on a disk that does not work, for each way in which it does not. */
#define BAD_STARTS 12
#define BAD_STEPS  12
#define FEW_MAX    4 /* of failures that end by themselves */

struct fault {
	enum sim_call call;
	int error; /* 0 = short */
	bool is_for_ever;
};

static const struct fault faults[] = {
	{SIM_OPEN, EMFILE, false},      {SIM_OPEN, EIO, true},
	{SIM_CLOSE, EIO, false},        {SIM_PREAD, EIO, false},
	{SIM_PREAD, EINTR, false},      {SIM_PREAD, 0, false},
	{SIM_PWRITE, ENOSPC, false},    {SIM_PWRITE, EIO, true},
	{SIM_PWRITE, EINTR, false},     {SIM_PWRITE, 0, false},
	{SIM_FDATASYNC, EIO, false},    {SIM_FDATASYNC, EIO, true},
	{SIM_FDATASYNC, ENOSPC, false}, {SIM_FSYNC, EIO, false},
	{SIM_FSYNC, EIO, true},         {SIM_SYNCFS, EIO, false},
	{SIM_SYNCFS, ENOSPC, true},     {SIM_FALLOCATE, ENOSPC, false},
	{SIM_FALLOCATE, EDQUOT, true},  {SIM_FALLOCATE, EOPNOTSUPP, true},
	{SIM_FTRUNCATE, EIO, false},    {SIM_FSTAT, EIO, false},
	{SIM_RENAME, EIO, false},       {SIM_UNLINK, EIO, true},
	{SIM_MKDIR, ENOSPC, false},     {SIM_LIST, EIO, false},
	{SIM_RANDOM, EIO, false},
};

#define FAULTS (sizeof(faults) / sizeof(*faults))

/* The disk is well again: so must the store be, and complete. */
static void end_well(struct trial *trial)
{
	sim_disk_heal(trial->sim);
	trial->is_faulty = false;
	/* What could not be read is read by the next process. */
	if (trial->is_partial)
		trial_kill(trial);
	if (!trial->engine && !trial_open(trial, LEDGER_RESTART))
		return;
	trial_append(trial);
	/* One call may still tell of what went wrong before; and what was full lets a checkpoint end first
	 * that is under way. */
	for (unsigned i = 0; i < 10 && engine_commit(trial->engine) < 0; i++)
		(void)engine_checkpoint(trial->engine, ENGINE_SCOPE_DUE);
	(void)trial_commit(trial);
	(void)trial_read(trial, LEDGER_LIVE);
	if (trial_is_bad(trial))
		return;
	/* What was dropped from memory must not have been all that there was. */
	sim_disk_evict(trial->sim);
	if (sim_random_chance(&trial->random, 1, 2)) {
		trial_flush(trial);
		(void)trial_read(trial, LEDGER_LIVE);
	}
	if (sim_random_chance(&trial->random, 1, 4))
		trial_close(trial);
	else if (sim_random_chance(&trial->random, 1, 3))
		trial_kill(trial);
	else
		trial_crash(trial);
	if (!trial_is_bad(trial) && trial_open(trial, LEDGER_RESTART))
		trial_close(trial);
}

/* Whoever starts the collector starts it again. */
static void use(struct trial *trial)
{
	for (unsigned i = 0; i < STEPS && !trial_is_bad(trial); i++) {
		if (!trial->engine && !trial_open(trial, LEDGER_RESTART))
			continue;
		trial_step(trial);
		if (!trial->engine || !sim_random_chance(&trial->random, 1, 40))
			continue;
		if (sim_random_chance(&trial->random, 1, 2))
			trial_kill(trial);
		else
			trial_crash(trial);
	}
}

/* @return has the fault been met? */
static bool try_fault(struct torture *torture, const struct fault *fault, uint64_t n)
{
	struct trial *trial = trial_new(torture->seed, &torture->counts);
	uint64_t n_before = torture->counts.disk.failed[fault->call];
	bool is_met;
	char where[96];

	(void)snprintf(where, sizeof(where), "%s call %llu, error %d%s", sim_call_name(fault->call),
		       (unsigned long long)n, fault->error, fault->is_for_ever ? ", for ever" : "");
	trial->is_faulty = true;
	sim_disk_fail(trial->sim, fault->call, n, fault->error, fault->is_for_ever);
	/* Segments are made with it where there is nothing better. */
	if (fault->call == SIM_FTRUNCATE)
		sim_disk_fail(trial->sim, SIM_FALLOCATE, 1, EOPNOTSUPP, true);
	use(trial);
	is_met = torture->counts.disk.failed[fault->call] > n_before;
	if (!trial_is_bad(trial))
		end_well(trial);
	(void)torture_judge(torture, trial, where);
	trial_free(trial);
	return is_met;
}

/*
 * All N of a fault. In `make check` only so many as there is time for: N grows ever faster.
 * @param budget  runs
 */
static void try_fault_everywhere(struct torture *torture, const struct fault *fault,
				 uint64_t budget)
{
	uint64_t part = budget < 4 ? 1 : budget / 4;
	uint64_t n = 1;

	while (!torture_is_bad(torture) && try_fault(torture, fault, n)) {
		if (torture->ends_s || n < budget / 2)
			n++;
		else
			n += 1 + n / part;
	}
}

/* The disk fills up while the store is used, and has room again. */
static void try_full(struct torture *torture, unsigned i)
{
	struct trial *trial = trial_new(torture->seed * SEEDS + i, &torture->counts);
	bool is_nodes = sim_random_chance(&trial->random, 1, 3);

	trial->is_faulty = true;
	for (unsigned round = 0; round < 4 && !trial_is_bad(trial); round++) {
		use(trial);
		if (is_nodes) {
			sim_disk_set_limits(trial->sim, 0,
					    sim_disk_used_nodes(trial->sim) +
						    sim_random_below(&trial->random, 3));
		} else {
			sim_disk_set_limits(trial->sim,
					    sim_disk_used_bytes(trial->sim) +
						    sim_random_below(&trial->random, 100000),
					    0);
		}
		use(trial);
		if (trial->engine && !trial_is_bad(trial))
			(void)trial_read(trial, LEDGER_LIVE);
		sim_disk_set_limits(trial->sim, 0, 0);
	}
	if (!trial_is_bad(trial))
		end_well(trial);
	(void)torture_judge(torture, trial, "a full disk");
	trial_free(trial);
}

static void try_short(struct torture *torture, unsigned i)
{
	struct trial *trial = trial_new(torture->seed * SEEDS + i, &torture->counts);

	sim_disk_set_short(trial->sim, 64);
	use(trial);
	if (!trial_is_bad(trial))
		end_well(trial);
	(void)torture_judge(torture, trial, "short calls");
	trial_free(trial);
}

/* What is wrong with the disk when the store is opened. */
struct bad_start {
	const char *name;
	const char *folder; /* that cannot be listed; NULL = all can */
	bool fails_fdatasync;
	bool fails_fsync;
	bool fails_syncfs;
	bool stores; /* all the same: only one host's files cannot be read */
};

static const struct bad_start bad_starts[] = {
	{"fdatasync fails", .fails_fdatasync = true},
	{"fsync fails", .fails_fsync = true},
	{"syncfs fails", .fails_syncfs = true, .stores = true},
	{"every sync fails", .fails_fdatasync = true, .fails_fsync = true, .fails_syncfs = true},
	{"log/ cannot be listed", .folder = "log"},
	{"hosts/ cannot be listed", .folder = "hosts"},
	{"hosts/host0/ cannot be listed", .folder = "hosts/host0", .stores = true},
};

#define BAD_STARTS_KINDS (sizeof(bad_starts) / sizeof(*bad_starts))

/* How many starts of each kind found nothing to be stored, and what they were given meanwhile. */
struct bad_counts {
	uint64_t n_starts;
	uint64_t n_held;  /* starts after which nothing could be stored */
	uint64_t n_lossy; /* of which the engine says that it could not read all */
	uint64_t n_given;
	uint64_t n_refused; /* commits */
};

static void fail_syncs(struct trial *trial, enum sim_call call, unsigned n_few)
{
	if (n_few == 0)
		sim_disk_fail(trial->sim, call, 1, EIO, true);
	if (n_few > 0)
		sim_disk_fail(trial->sim, call, 1, EIO, false);
	if (n_few > 1)
		sim_disk_fail(trial->sim, call, n_few, EIO, false);
}

/* @param n_few  so many calls fail at most; 0 = all */
static void spoil(struct trial *trial, const struct bad_start *bad, unsigned n_few)
{
	if (bad->fails_fdatasync)
		fail_syncs(trial, SIM_FDATASYNC, n_few);
	if (bad->fails_fsync)
		fail_syncs(trial, SIM_FSYNC, n_few);
	if (bad->fails_syncfs)
		fail_syncs(trial, SIM_SYNCFS, n_few);
	if (bad->folder)
		(void)sim_disk_spoil_folder(trial->sim, bad->folder, EIO);
}

/* What comes in while nothing can be stored: it waits, and nothing of it is said to be there. */
static void use_held(struct trial *trial, struct bad_counts *counts)
{
	uint64_t n_changes = sim_disk_used_nodes(trial->sim);

	for (unsigned i = 0; i < BAD_STEPS && !trial_is_bad(trial); i++) {
		size_t n = trial->ledger.n_samples;
		struct engine_stats stats;

		engine_get_stats(trial->engine, &stats);
		if (!stats.is_readonly)
			return;
		trial_append(trial);
		counts->n_given += trial->ledger.n_samples - n;
		(void)engine_checkpoint(trial->engine, ENGINE_SCOPE_ALL);
		if (sim_random_chance(&trial->random, 1, 2))
			counts->n_refused += trial_commit(trial) < 0;
		(void)trial_read(trial, LEDGER_LIVE);
		engine_get_stats(trial->engine, &stats);
		if (stats.is_readonly && (stats.n_stored > 0 || !stats.last_error[0]))
			ledger_complain(&trial->ledger, "samples are stored where nothing can be");
		if (stats.is_readonly && sim_disk_used_nodes(trial->sim) != n_changes)
			ledger_complain(&trial->ledger, "files were made or removed");
	}
}

/* The store is used, and its process or the power ends; then it starts on a disk that does not work. */
static void try_bad_start(struct torture *torture, const struct bad_start *bad, unsigned i,
			  struct bad_counts *counts)
{
	struct trial *trial = trial_new(torture->seed * BAD_STARTS + i, &torture->counts);
	unsigned n_few = i % 2 ? 1 + i / 2 % FEW_MAX : 0;
	struct engine_stats stats;

	use(trial);
	for (unsigned round = 0; round < 3 && !trial_is_bad(trial); round++) {
		if (trial->engine && sim_random_chance(&trial->random, 1, 2))
			trial_kill(trial);
		else
			trial_crash(trial);
		trial->is_faulty = true;
		sim_disk_heal(trial->sim);
		spoil(trial, bad, n_few);
		counts->n_starts++;
		if (!trial_open(trial, LEDGER_RESTART)) {
			ledger_complain(&trial->ledger, "it does not start: %d",
					trial->open_result);
			break;
		}
		engine_get_stats(trial->engine, &stats);
		counts->n_held += stats.is_readonly;
		counts->n_lossy += stats.n_files_aside > 0 || stats.n_damaged_ranges > 0;
		if (bad->stores)
			use(trial);
		else
			use_held(trial, counts);
	}
	if (!trial_is_bad(trial))
		end_well(trial);
	(void)torture_judge(torture, trial, bad->name);
	trial_free(trial);
}

static void try_bad_starts(struct torture *torture, struct bad_counts *counts)
{
	for (size_t k = 0; k < BAD_STARTS_KINDS; k++) {
		for (unsigned i = 0; i < BAD_STARTS && !torture_is_bad(torture); i++)
			try_bad_start(torture, &bad_starts[k], i, &counts[k]);
	}
}

static void tell_bad_starts(struct torture *torture, const struct bad_counts *counts)
{
	for (size_t k = 0; k < BAD_STARTS_KINDS; k++) {
		const struct bad_counts *of = &counts[k];
		bool is_lossy = bad_starts[k].folder != NULL;
		char name[200];

		(void)snprintf(name, sizeof(name),
			       "%s at start: %llu starts, %llu held, %llu with something unread; "
			       "%llu samples given and %llu commits refused meanwhile",
			       bad_starts[k].name, (unsigned long long)of->n_starts,
			       (unsigned long long)of->n_held, (unsigned long long)of->n_lossy,
			       (unsigned long long)of->n_given, (unsigned long long)of->n_refused);
		torture_tell(torture,
			     of->n_starts > 0 && (of->n_lossy > 0 || !is_lossy) &&
				     (bad_starts[k].stores ||
				      (of->n_held > 0 && of->n_given > 0 && of->n_refused > 0)),
			     name);
	}
}

int main(int argc, char **argv)
{
	struct bad_counts bad_counts[BAD_STARTS_KINDS] = {{0}};
	static const enum sim_event wanted[] = {SIM_SHORT_READS, SIM_SHORT_WRITES, SIM_LOST_SYNCS,
						SIM_NO_SPACE,    SIM_NO_NODES,     SIM_DIRECT_READS,
						SIM_BAD_LISTS};
	static const enum trial_event done[] = {TRIAL_LIMIT_MOVES, TRIAL_LIMIT_FITS};
	static const enum sim_call failed[] = {SIM_OPEN,      SIM_CLOSE, SIM_PREAD,  SIM_PWRITE,
					       SIM_FDATASYNC, SIM_FSYNC, SIM_SYNCFS, SIM_FALLOCATE,
					       SIM_FTRUNCATE, SIM_FSTAT, SIM_RENAME, SIM_UNLINK,
					       SIM_MKDIR,     SIM_LIST,  SIM_RANDOM};
	struct torture torture;

	torture_begin(&torture, argc, argv);
	while (torture_next(&torture, torture.n_states >= RUNS)) {
		for (size_t i = 0; i < FAULTS && !torture_is_bad(&torture); i++)
			try_fault_everywhere(&torture, &faults[i], RUNS / FAULTS / 4);
		for (unsigned i = 0; i < SEEDS && !torture_is_bad(&torture); i++) {
			try_full(&torture, i);
			try_short(&torture, i);
		}
		try_bad_starts(&torture, bad_counts);
	}
	torture_tell(&torture, torture.n_bad == 0,
		     "no failing call loses what is durable, or stops the store for good");
	tell_bad_starts(&torture, bad_counts);
	torture_want_failed(&torture, failed, sizeof(failed) / sizeof(*failed));
	torture_want_events(&torture, wanted, sizeof(wanted) / sizeof(*wanted));
	torture_want_trial_events(&torture, done, sizeof(done) / sizeof(*done));
	return torture_end(&torture);
}
