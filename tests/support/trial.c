/* SPDX-License-Identifier: MIT */
/* An engine on a simulated disk, used as chance has it. */

#include "tests/support/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/query.h"
#include "tests/support/trial_part.h"

#define CHECKPOINT_STEPS_MAX 10000

static const struct hash_key key = {{1, 2}};

void trial_give_up(const char *what)
{
	(void)fprintf(stdout, "# trial: %s\n", what);
	abort();
}

static struct trial *make(uint64_t seed, struct trial_counts *counts)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	struct rejects *rejects = NULL;

	if (!trial || rejects_new(&rejects) < 0)
		trial_give_up("no memory");
	trial->counts = counts;
	trial->random.state = seed;
	trial->root = -1;
	bundle_init(&trial->bundle, &key, rejects);
	return trial;
}

struct trial *trial_new(uint64_t seed, struct trial_counts *counts)
{
	struct trial *trial = make(seed, counts);

	trial->sim = sim_disk_new(seed, &counts->disk);
	trial->has_agents = seed % 2 == 0;
	for (unsigned i = 0; i < TRIAL_AGENTS && trial->has_agents; i++)
		trial_agent_init(trial, &trial->agents[i], i);
	return trial;
}

void trial_free(struct trial *trial)
{
	if (!trial)
		return;
	for (unsigned i = 0; i < TRIAL_AGENTS; i++)
		trial_agent_done(&trial->agents[i]);
	engine_close(trial->engine);
	sim_disk_free(trial->sim);
	ledger_done(&trial->ledger);
	rejects_free(trial->bundle.rejects);
	bundle_done(&trial->bundle);
	free(trial);
}

struct trial *trial_fork(const struct trial *trial, uint64_t seed)
{
	struct trial *fork = make(seed, trial->counts);

	fork->sim = sim_disk_clone(trial->sim);
	sim_disk_seed(fork->sim, seed);
	ledger_copy(&fork->ledger, &trial->ledger);
	fork->n_pages = trial->n_pages;
	fork->has_agents = trial->has_agents;
	for (unsigned i = 0; i < TRIAL_AGENTS && trial->has_agents; i++)
		trial_agent_copy(&fork->agents[i], &trial->agents[i]);
	return fork;
}

bool trial_is_bad(const struct trial *trial)
{
	return trial->ledger.problem[0] != '\0';
}

/* An error is a problem where nothing was made to fail. */
void trial_judge(struct trial *trial, const char *what, int result)
{
	if (result < 0 && !trial->is_faulty && !sim_disk_is_stopped(trial->sim))
		ledger_complain(&trial->ledger, "%s: %s", what, strerror(-result));
}

void trial_name_row(const char *host, const char *metric, const char *labels,
		    char name[static LEDGER_NAME_MAX_BYTES])
{
	(void)snprintf(name, LEDGER_NAME_MAX_BYTES, "%s %s%s", host, metric, labels);
}

void trial_name_absences(const char *name, char absences[static LEDGER_NAME_MAX_BYTES])
{
	int length = snprintf(absences, LEDGER_NAME_MAX_BYTES, "%s!", name);

	if (length < 0 || length >= LEDGER_NAME_MAX_BYTES)
		trial_give_up("a name is too long");
}

/* -- open and close ---------------------------------------------------------------------------- */

static int open_engine(struct trial *trial)
{
	struct engine_options options = {
		.disk = sim_disk_table(trial->sim),
		.segment_bytes = TRIAL_SEGMENT_BYTES,
		.key = key,
	};

	trial->root = sim_disk_open_root(trial->sim);
	if (trial->root < 0)
		return trial->root;
	options.folder = trial->root;
	return engine_open(&options, &trial->engine);
}

static void close_root(struct trial *trial)
{
	const struct disk *disk = sim_disk_table(trial->sim);

	if (trial->root >= 0)
		(void)disk->close(disk->context, trial->root);
	trial->root = -1;
	if (sim_disk_n_open(trial->sim) && !sim_disk_is_stopped(trial->sim))
		ledger_complain(&trial->ledger, "%u descriptors were left open",
				sim_disk_n_open(trial->sim));
}

/* On a disk on which nothing ever failed and nothing was damaged, nothing may be called so. */
static void check_damage(struct trial *trial, enum ledger_reading reading)
{
	struct engine_stats stats;
	bool is_damaged;

	engine_get_stats(trial->engine, &stats);
	is_damaged = stats.n_files_aside || stats.n_damaged_ranges;
	trial->is_partial = is_damaged && trial->is_faulty;
	trial->was_faulty |= trial->is_faulty;
	if (is_damaged && !trial->was_faulty && reading == LEDGER_RESTART) {
		ledger_complain(&trial->ledger, "%llu ranges and %llu files are called damaged",
				(unsigned long long)stats.n_damaged_ranges,
				(unsigned long long)stats.n_files_aside);
	}
}

/* Which of the horizons it was given the engine has. */
static void find_horizons(struct trial *trial)
{
	const struct catalog *catalog = &trial->engine->catalog;

	for (size_t i = 0; i < catalog->n_hosts; i++)
		ledger_find_horizon(&trial->ledger, catalog->all_hosts[i]->name,
				    catalog->all_hosts[i]->horizon_us);
}

/* What the disk does not give is waited for, and then taken as damaged. */
static void wait_for_disk(struct trial *trial)
{
	for (int i = 0; i < 2 && trial->engine->trouble < 0; i++) {
		sim_disk_advance(trial->sim, GRACE_US);
		(void)engine_commit(trial->engine);
	}
}

bool trial_open(struct trial *trial, enum ledger_reading reading)
{
	trial->is_partial = false;
	trial->n_limits = 0;
	trial->open_result = open_engine(trial);
	trial_judge(trial, "the store cannot be opened", trial->open_result);
	if (trial->open_result < 0) {
		trial->engine = NULL;
		close_root(trial);
		return false;
	}
	if (trial->is_patient)
		wait_for_disk(trial);
	check_damage(trial, reading);
	trial->ledger.is_unsecured = trial->engine->trouble != 0;
	if (reading == LEDGER_RESTART && !trial->is_partial && !trial->ledger.is_unsecured)
		find_horizons(trial);
	(void)trial_read(trial, reading);
	return true;
}

/* No session outlives the engine. */
static void hang_up(struct trial *trial)
{
	for (unsigned i = 0; i < TRIAL_AGENTS; i++)
		trial_agent_hang_up(&trial->agents[i]);
}

void trial_close(struct trial *trial)
{
	hang_up(trial);
	engine_close(trial->engine);
	trial->engine = NULL;
	close_root(trial);
}

static void forget_engine(struct trial *trial)
{
	/* What it would still do to the disk comes too late. */
	sim_disk_kill(trial->sim);
	hang_up(trial);
	engine_close(trial->engine);
	trial->engine = NULL;
	trial->root = -1;
}

void trial_kill(struct trial *trial)
{
	forget_engine(trial);
}

void trial_crash(struct trial *trial)
{
	sim_disk_crash(trial->sim);
	hang_up(trial);
	engine_close(trial->engine);
	trial->engine = NULL;
	trial->root = -1;
	ledger_lose_power(&trial->ledger);
}

/* -- what the engine does with them ------------------------------------------------------------ */

/* The disk works again: what the process before had deleted is known now. */
static void find_secured(struct trial *trial)
{
	trial->ledger.is_unsecured = false;
	find_horizons(trial);
	(void)trial_read(trial, LEDGER_RESTART);
}

int trial_commit(struct trial *trial)
{
	size_t n = trial->ledger.n_samples;
	int result = engine_commit(trial->engine);

	if (result == 0) {
		ledger_confirm(&trial->ledger, n);
		if (trial->ledger.is_unsecured)
			find_secured(trial);
		else
			ledger_settle(&trial->ledger);
	}
	/* Some of what was sent may be durable also where more was not. */
	for (unsigned i = 0; i < TRIAL_AGENTS; i++)
		trial_agent_ask(trial, &trial->agents[i]);
	trial_judge(trial, "commit", result);
	return result;
}

/* -- moving it into files -------------------------------------------------------------------------- */

int trial_checkpoint(struct trial *trial, enum engine_scope scope)
{
	for (unsigned i = 0; i < CHECKPOINT_STEPS_MAX; i++) {
		int result = engine_checkpoint(trial->engine, scope);

		if (result == -EAGAIN)
			result = trial_commit(trial);
		if (result == -ENODATA)
			return 0;
		if (result < 0) {
			trial_judge(trial, "checkpoint", result);
			return result;
		}
	}
	ledger_complain(&trial->ledger, "a checkpoint does not end");
	return -ELOOP;
}

void trial_flush(struct trial *trial)
{
	/* Two threads: one does not wait for the other to succeed. */
	(void)trial_commit(trial);
	if (trial_checkpoint(trial, ENGINE_SCOPE_ALL) == 0)
		(void)trial_commit(trial);
}

static void read_row(struct trial *trial, const struct query_row *row, bool is_absence)
{
	const struct catalog_file *file = row->series->file;
	char absences[LEDGER_NAME_MAX_BYTES];
	char name[LEDGER_NAME_MAX_BYTES];

	trial_name_row(file->host->name, file->metric, row->series->labels, name);
	trial_name_absences(name, absences);
	ledger_read_row(&trial->ledger, is_absence ? absences : name, row->time_us, row->value);
}

/* @return 0 or -errno; -ENOENT: no series at all */
static int read_rows(struct trial *trial)
{
	const struct query_row *rows;
	struct query *query;
	size_t n;
	int result = query_new(trial->engine, "", "", INT64_MIN, INT64_MAX, &query);

	if (result < 0)
		return result == -ENOENT ? 0 : result;
	while ((result = query_next(query, &rows, &n)) > 0) {
		for (size_t i = 0; i < n; i++)
			read_row(trial, &rows[i], false);
	}
	/* Where something could not be read, and was counted, not all need be there. */
	if (result == 0 && query_n_lost(query) > 0)
		trial->is_lossy = true;
	query_free(query);
	return result;
}

/* What agents said of ticks without a sample. @return as read_rows() */
static int read_absences(struct trial *trial)
{
	const struct query_options options = {
		.host = TRIAL_AGENT_HOSTS,
		.since_us = INT64_MIN,
		.until_us = INT64_MAX,
		.is_of_ticks = true,
	};
	const struct query_row *rows;
	struct query *query;
	size_t n;
	int result;

	if (!trial->has_agents)
		return 0;
	result = query_open(trial->engine, &options, &query);
	if (result < 0)
		return result == -ENOENT ? 0 : result;
	while ((result = query_next(query, &rows, &n)) > 0) {
		for (size_t i = 0; i < n; i++) {
			/* A sample, which was read as such. */
			if (rows[i].value != HM_REASON_NONE)
				read_row(trial, &rows[i], true);
		}
	}
	if (result == 0 && query_n_lost(query) > 0)
		trial->is_lossy = true;
	query_free(query);
	return result;
}

int trial_read(struct trial *trial, enum ledger_reading reading)
{
	bool forgives = trial->ledger.forgives;
	bool is_partial;
	int result;

	ledger_read_begin(&trial->ledger);
	trial->is_lossy = false;
	/* What could not be read may be what says what is deleted: some of the log, or of a file. The
	 * engine has counted that. */
	trial->ledger.forgives |= trial->is_partial;
	result = read_rows(trial);
	if (result == 0)
		result = read_absences(trial);
	trial->ledger.forgives = forgives;
	/* It ended meanwhile: what was read until then says nothing. */
	if (sim_disk_is_stopped(trial->sim) && result == 0)
		result = -ECANCELED;
	trial_judge(trial, "query", result);
	if (result == 0 && trial->is_lossy && !trial->was_faulty && !trial->is_faulty &&
	    reading != LEDGER_DAMAGED)
		ledger_complain(&trial->ledger, "a query says that something is missing");
	is_partial = trial->is_partial || (trial->is_lossy && trial->is_faulty);
	if (result == 0)
		ledger_read_end(&trial->ledger, is_partial ? LEDGER_DAMAGED : reading);
	/* What the process before did not make durable may be lost, and nobody saw it. */
	if (reading == LEDGER_RESTART && (result < 0 || is_partial))
		ledger_doubt(&trial->ledger, 0);
	return result;
}

static void restart(struct trial *trial)
{
	/* The second says what the first made durable. */
	if (trial_commit(trial) == 0)
		(void)trial_commit(trial);
	trial_close(trial);
	(void)trial_open(trial, LEDGER_RESTART);
}

static void append(struct trial *trial)
{
	uint64_t agent;

	if (!trial->has_agents || sim_random_chance(&trial->random, 1, 3)) {
		trial_append(trial);
		return;
	}
	agent = sim_random_below(&trial->random, TRIAL_AGENTS);
	trial_agent_step(trial, &trial->agents[agent]);
}

void trial_step(struct trial *trial)
{
	uint64_t dice = sim_random_below(&trial->random, 100);

	if (!trial->engine)
		return;
	if (dice < 45) {
		append(trial);
	} else if (dice < 75) {
		(void)trial_commit(trial);
	} else if (dice < 85) {
		sim_disk_advance(trial->sim,
				 (int64_t)sim_random_below(&trial->random, UINT64_C(1800000000)));
	} else if (dice < 90) {
		(void)trial_checkpoint(trial, ENGINE_SCOPE_DUE);
	} else if (dice < 92) {
		trial_flush(trial);
	} else if (dice < 94) {
		trial_delete(trial);
	} else if (dice < 96) {
		trial_expire(trial);
	} else if (dice < 97) {
		trial_limit(trial);
	} else if (dice < 98) {
		(void)trial_read(trial, LEDGER_LIVE);
	} else {
		restart(trial);
	}
}
