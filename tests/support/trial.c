/* SPDX-License-Identifier: MIT */
/* An engine on a simulated disk, used as chance has it. */

#include "tests/support/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/delete.h"
#include "collector/group_writer.h"
#include "collector/horizon.h"
#include "collector/query.h"
#include "tests/support/all_series.h"

#define CHECKPOINT_STEPS_MAX 10000

/* So many values of chance take more than two pages. */
#define PAGE_SAMPLES 1100

/* A segment is begun for what waits so long for one. */
#define WHILE_US INT64_C(601000000)

/* What is deleted, or too old, begins or ends within so much of the time before. */
#define PAST_US INT64_C(18000000000)

static const struct hash_key key = {{1, 2}};

static void give_up(const char *what)
{
	(void)fprintf(stdout, "# trial: %s\n", what);
	abort();
}

static struct trial *make(uint64_t seed)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	struct rejects *rejects;

	if (!trial || rejects_new(&rejects) < 0)
		give_up("no memory");
	trial->random.state = seed;
	trial->root = -1;
	bundle_init(&trial->bundle, &key, rejects);
	return trial;
}

struct trial *trial_new(uint64_t seed, struct sim_counts *counts)
{
	struct trial *trial = make(seed);

	trial->sim = sim_disk_new(seed, counts);
	return trial;
}

void trial_free(struct trial *trial)
{
	if (!trial)
		return;
	engine_close(trial->engine);
	sim_disk_free(trial->sim);
	ledger_done(&trial->ledger);
	rejects_free(trial->bundle.rejects);
	bundle_done(&trial->bundle);
	free(trial);
}

struct trial *trial_fork(const struct trial *trial, uint64_t seed)
{
	struct trial *fork = make(seed);

	fork->sim = sim_disk_clone(trial->sim);
	sim_disk_seed(fork->sim, seed);
	ledger_copy(&fork->ledger, &trial->ledger);
	fork->n_pages = trial->n_pages;
	return fork;
}

bool trial_is_bad(const struct trial *trial)
{
	return trial->ledger.problem[0] != '\0';
}

/* An error is a problem where nothing was made to fail. */
static void judge(struct trial *trial, const char *what, int result)
{
	if (result < 0 && !trial->is_faulty && !sim_disk_is_stopped(trial->sim))
		ledger_complain(&trial->ledger, "%s: %s", what, strerror(-result));
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

bool trial_open(struct trial *trial, enum ledger_reading reading)
{
	trial->is_partial = false;
	trial->open_result = open_engine(trial);
	judge(trial, "the store cannot be opened", trial->open_result);
	if (trial->open_result < 0) {
		trial->engine = NULL;
		close_root(trial);
		return false;
	}
	check_damage(trial, reading);
	trial->ledger.is_unsecured = trial->engine->trouble != 0;
	if (reading == LEDGER_RESTART && !trial->is_partial && !trial->ledger.is_unsecured)
		find_horizons(trial);
	(void)trial_read(trial, reading);
	return true;
}

void trial_close(struct trial *trial)
{
	engine_close(trial->engine);
	trial->engine = NULL;
	close_root(trial);
}

static void forget_engine(struct trial *trial)
{
	/* What it would still do to the disk comes too late. */
	sim_disk_kill(trial->sim);
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
	engine_close(trial->engine);
	trial->engine = NULL;
	trial->root = -1;
	ledger_lose_power(&trial->ledger);
}

/* -- samples ----------------------------------------------------------------------------------- */

static int64_t choose_time(struct trial *trial)
{
	const struct disk *disk = sim_disk_table(trial->sim);
	int64_t now_us = disk->now_us(disk->context);
	int64_t second_us = now_us - now_us % 1000000;

	switch (sim_random_below(&trial->random, 16)) {
	case 0: /* late, by up to two days */
		return now_us - (int64_t)sim_random_below(&trial->random, UINT64_C(172800000000));
	case 1: /* a little late */
		return second_us - (int64_t)sim_random_below(&trial->random, 60) * 1000000;
	case 2:
	case 3: /* to the microsecond */
		return now_us + (int64_t)sim_random_below(&trial->random, 1000);
	default: /* on the grid: often equal to one before */
		return second_us;
	}
}

static double choose_value(struct trial *trial)
{
	uint64_t bits = sim_random_next(&trial->random);
	double value;

	switch (bits % 8) {
	case 0:
		return -0.0;
	case 1: /* any finite number */
		bits &= ~(UINT64_C(1) << 62);
		memcpy(&value, &bits, sizeof(value));
		return value;
	case 2:
		return (double)(bits >> 60);
	case 3:
	case 4:
		return (double)(bits >> 44) / 100;
	default:
		return (double)(bits >> 32);
	}
}

static void add_sample(struct trial *trial)
{
	static const char *const labels[] = {"", "{cpu=\"0\"}", "{cpu=\"1\",mode=\"idle\"}",
					     "{name=\"a b\\\"c\"}"};
	static const char *const metrics[] = {"node_load1", "node_cpu_seconds_total", "x", "long_"};
	const struct bundle_meta meta = {HM_STORED_GAUGE, "seconds", 7};
	char name[LEDGER_NAME_MAX_BYTES];
	char host[16];
	struct line line;
	size_t length;

	/* Few hosts and series, but every now and then a new one. */
	(void)snprintf(host, sizeof(host), "host%llu",
		       (unsigned long long)sim_random_below(&trial->random, 3));
	length = (size_t)snprintf(
		name, sizeof(name), "%s%s 0",
		metrics[sim_random_below(&trial->random, sizeof(metrics) / sizeof(*metrics))],
		labels[sim_random_below(&trial->random, sizeof(labels) / sizeof(*labels))]);
	if (sim_random_chance(&trial->random, 1, 64)) {
		length = (size_t)snprintf(name, sizeof(name), "new%llu 0",
					  (unsigned long long)sim_random_below(&trial->random, 20));
	}
	if (line_parse(&line, name, length, 0) != HM_REASON_NONE)
		give_up(name);
	line.time_us = choose_time(trial);
	line.value = choose_value(trial);
	if (bundle_add(&trial->bundle, &line, host, &meta) != HM_REASON_NONE)
		give_up("bundle");
}

static void row_name(const char *host, const char *metric, const char *labels,
		     char name[static LEDGER_NAME_MAX_BYTES])
{
	(void)snprintf(name, LEDGER_NAME_MAX_BYTES, "%s %s%s", host, metric, labels);
}

static void give_sample(struct trial *trial, size_t i)
{
	const struct bundle_sample *sample = &trial->bundle.samples[i];
	struct identity identity = bundle_identity(&trial->bundle, sample);
	char name[LEDGER_NAME_MAX_BYTES];

	row_name(identity_host(&identity), identity_metric(&identity), identity_labels(&identity),
		 name);
	ledger_give(&trial->ledger, name, sample->time_us, sample->value);
}

/* How many samples it did not take; those that are too old it would not show. */
static uint64_t count_refused(const struct trial *trial)
{
	struct reject reject;

	rejects_get(trial->bundle.rejects, HM_REASON_NO_MEMORY, &reject);
	return reject.n;
}

void trial_append(struct trial *trial)
{
	const struct disk *disk = sim_disk_table(trial->sim);
	bool is_many = sim_random_chance(&trial->random, 1, 12);
	uint64_t n = 1 + sim_random_below(&trial->random, is_many ? 300 : 10);
	uint64_t n_refused = count_refused(trial);
	size_t n_before = trial->ledger.n_samples;

	bundle_clear(&trial->bundle);
	trial->bundle.now_us = disk->now_us(disk->context);
	for (uint64_t i = 0; i < n; i++)
		add_sample(trial);
	for (size_t i = 0; i < trial->bundle.n_samples; i++)
		give_sample(trial, i);
	engine_append(trial->engine, &trial->bundle);
	if (count_refused(trial) > n_refused)
		ledger_doubt(&trial->ledger, n_before);
	if (count_refused(trial) > n_refused && !trial->is_faulty)
		ledger_complain(&trial->ledger, "%llu samples were refused",
				(unsigned long long)count_refused(trial));
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
	judge(trial, "commit", result);
	return result;
}

/* -- what is deleted ------------------------------------------------------------------------------ */

/* What is to be deleted, and of what. */
struct choice {
	const struct catalog_host *host;
	const struct catalog_file *file; /* NULL = all of the host */
	uint64_t n_of_4;                 /* so many of four series */
	struct delete_range range;
};

static int64_t choose_past(struct trial *trial)
{
	const struct disk *disk = sim_disk_table(trial->sim);

	return disk->now_us(disk->context) -
	       (int64_t)sim_random_below(&trial->random, (uint64_t)PAST_US);
}

static struct choice choose_delete(struct trial *trial, struct catalog_series *const *all, size_t n)
{
	const struct catalog_file *file = all[sim_random_below(&trial->random, n)]->file;
	struct choice choice = {
		.host = file->host,
		.file = sim_random_chance(&trial->random, 1, 4) ? NULL : file,
		.n_of_4 = 1 + sim_random_below(&trial->random, 4),
		.range = {INT64_MIN, INT64_MAX},
	};

	if (sim_random_chance(&trial->random, 1, 2))
		choice.range.since_us = choose_past(trial);
	if (sim_random_chance(&trial->random, 1, 3))
		choice.range.until_us = choose_past(trial);
	if (choice.range.since_us > choice.range.until_us)
		choice.range.since_us = INT64_MIN;
	return choice;
}

/* Keep those of all series that are chosen, and have the ledger know. @return how many */
static size_t apply_choice(struct trial *trial, const struct choice *choice,
			   struct catalog_series **series, size_t n_all)
{
	char name[LEDGER_NAME_MAX_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < n_all; i++) {
		const struct catalog_file *file = series[i]->file;

		if (file->host != choice->host || (choice->file && file != choice->file) ||
		    sim_random_below(&trial->random, 4) >= choice->n_of_4)
			continue;
		row_name(file->host->name, file->metric, series[i]->labels, name);
		ledger_delete(&trial->ledger, name, choice->range.since_us, choice->range.until_us);
		series[n++] = series[i];
	}
	return n;
}

void trial_delete(struct trial *trial)
{
	struct catalog_series **series = NULL;
	struct choice choice;
	uint64_t ticket = 0;
	size_t n = 0;

	/* What waits in memory is logged after it. */
	if (trial_commit(trial) < 0 || all_series_list(trial->engine, &series, &n) < 0)
		return;
	if (n > 0) {
		int result;

		choice = choose_delete(trial, series, n);
		n = apply_choice(trial, &choice, series, n);
		result = delete_log(trial->engine, series, n, &choice.range, &ticket);
		if (result == -ENOMEM)
			give_up("delete");
		/* What comes from now on is not deleted. */
		if (sim_random_chance(&trial->random, 1, 2))
			trial_append(trial);
		if (trial_commit(trial) == 0 && !delete_is_durable(trial->engine, ticket))
			ledger_complain(&trial->ledger, "a delete is not durable after a commit");
		judge(trial, "delete", delete_settle(trial->engine, series, n, &choice.range));
	}
	free(series);
}

/* Give samples of one series, from a time on backwards. @param name  with a value */
static void give_many(struct trial *trial, const char *host, const char *name, int64_t time_us,
		      int n)
{
	const struct bundle_meta meta = {HM_STORED_GAUGE, "seconds", 7};
	const struct disk *disk = sim_disk_table(trial->sim);
	uint64_t n_refused = count_refused(trial);
	size_t n_before = trial->ledger.n_samples;
	struct line line;

	bundle_clear(&trial->bundle);
	trial->bundle.now_us = disk->now_us(disk->context);
	if (line_parse(&line, name, strlen(name), 0) != HM_REASON_NONE)
		give_up(name);
	for (int i = 0; i < n; i++) {
		line.time_us = time_us - i;
		line.value = choose_value(trial);
		if (bundle_add(&trial->bundle, &line, host, &meta) != HM_REASON_NONE)
			give_up("bundle");
	}
	for (size_t i = 0; i < trial->bundle.n_samples; i++)
		give_sample(trial, i);
	engine_append(trial->engine, &trial->bundle);
	if (count_refused(trial) > n_refused)
		ledger_doubt(&trial->ledger, n_before);
}

/*
 * Have more than a page of old samples in a file, and something new behind them. Among the old ones lie all
 * names of a series that has a new one as well: who makes a hole of them too early loses it.
 */
static void fill_page(struct trial *trial, const char *host)
{
	const struct disk *disk = sim_disk_table(trial->sim);
	int64_t now_us = disk->now_us(disk->context);
	unsigned number = trial->n_pages++;
	char long_one[64];
	char name[64];

	(void)snprintf(long_one, sizeof(long_one), "page%u{cpu=\"0\"} 0", number);
	(void)snprintf(name, sizeof(name), "page%u{cpu=\"1\"} 0", number);
	give_many(trial, host, long_one, now_us - PAST_US, PAGE_SAMPLES);
	trial_flush(trial);
	for (int i = 0; i < GROUP_WRITER_NAMED_TIMES; i++) {
		give_many(trial, host, name, now_us - PAST_US, 1);
		trial_flush(trial);
	}
	give_many(trial, host, long_one, now_us - PAST_US, PAGE_SAMPLES);
	trial_flush(trial);
	give_many(trial, host, name, now_us, 1);
	give_many(trial, host, long_one, now_us, 1);
	trial_flush(trial);
}

/* Have files trimmed, and what that leaves given back: after a while a segment is begun for it. */
static void give_back(struct trial *trial)
{
	const struct disk *disk = sim_disk_table(trial->sim);

	trial_flush(trial);
	sim_disk_set_now(trial->sim, disk->now_us(disk->context) + WHILE_US);
	for (int i = 0; i < 3 && trial->engine; i++)
		trial_flush(trial);
}

void trial_expire(struct trial *trial)
{
	struct engine *engine = trial->engine;
	int64_t horizon_us = choose_past(trial);
	struct catalog_host *host;

	/* Before it has taken over all that there is, others stand for its hosts. */
	if (trial_commit(trial) < 0 || engine->catalog.n_hosts == 0)
		return;
	host = engine->catalog.all_hosts[sim_random_below(&trial->random, engine->catalog.n_hosts)];
	if (host->last == 0 || horizon_us <= host->horizon_us)
		return;
	fill_page(trial, host->name);
	if (!trial->engine || horizon_us <= host->horizon_us)
		return;
	ledger_expire(&trial->ledger, host->name, horizon_us);
	pthread_mutex_lock(&engine->mutex);
	if (horizon_put(engine, host, horizon_us) < 0)
		give_up("horizon");
	engine->controls_wanted++;
	pthread_mutex_unlock(&engine->mutex);
	(void)trial_commit(trial);
	if (sim_random_chance(&trial->random, 1, 2))
		give_back(trial);
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
			judge(trial, "checkpoint", result);
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

static void read_row(struct trial *trial, const struct query_row *row)
{
	const struct catalog_file *file = row->series->file;
	char name[LEDGER_NAME_MAX_BYTES];

	row_name(file->host->name, file->metric, row->series->labels, name);
	ledger_read_row(&trial->ledger, name, row->time_us, row->value);
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
			read_row(trial, &rows[i]);
	}
	/* Where something could not be read, and was counted, not all need be there. */
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
	trial->ledger.forgives = forgives;
	/* It ended meanwhile: what was read until then says nothing. */
	if (sim_disk_is_stopped(trial->sim) && result == 0)
		result = -ECANCELED;
	judge(trial, "query", result);
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

void trial_step(struct trial *trial)
{
	uint64_t dice = sim_random_below(&trial->random, 100);

	if (!trial->engine)
		return;
	if (dice < 45) {
		trial_append(trial);
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
	} else if (dice < 97) {
		trial_expire(trial);
	} else if (dice < 98) {
		(void)trial_read(trial, LEDGER_LIVE);
	} else {
		restart(trial);
	}
}
