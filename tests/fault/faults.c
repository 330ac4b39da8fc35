/* SPDX-License-Identifier: MIT */
/*
 * Each function of the disk fails at its Nth call, for N = 1, 2, ... until a run meets no fault; once,
 * or from then on until the disk is healed. Whatever was said to be durable is there afterwards, and
 * the store goes on by itself. Disks that fill up, and calls that do less than they were asked to.
 */

#include <errno.h>
#include <stdio.h>

#include "tests/support/torture.h"

#define RUNS  3000
#define STEPS 60
#define SEEDS 20 /* of full disks, to each of the torture's */

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
	uint64_t n_before = torture->counts.failed[fault->call];
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
	is_met = torture->counts.failed[fault->call] > n_before;
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
	uint64_t n = 1;

	while (!torture_is_bad(torture) && try_fault(torture, fault, n)) {
		if (torture->ends_s || n < budget / 2)
			n++;
		else
			n += 1 + n / (budget / 4);
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

int main(int argc, char **argv)
{
	static const enum sim_event wanted[] = {SIM_SHORT_READS, SIM_SHORT_WRITES,
						SIM_LOST_SYNCS,  SIM_NO_SPACE,
						SIM_NO_NODES,    SIM_DIRECT_READS};
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
	}
	torture_tell(&torture, torture.n_bad == 0,
		     "no failing call loses what is durable, or stops the store for good");
	torture_want_failed(&torture, failed, sizeof(failed) / sizeof(*failed));
	torture_want_events(&torture, wanted, sizeof(wanted) / sizeof(*wanted));
	return torture_end(&torture);
}
