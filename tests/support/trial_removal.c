/* SPDX-License-Identifier: MIT */
/* What a trial has its store delete, and forget for its age. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/delete.h"
#include "collector/group_writer.h"
#include "collector/horizon.h"
#include "tests/support/all_series.h"
#include "tests/support/trial_part.h"

/* So many values of chance take more than two pages. */
#define PAGE_SAMPLES 1100

/* A segment is begun for what waits so long for one. */
#define WHILE_US INT64_C(601000000)

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
	       (int64_t)sim_random_below(&trial->random, (uint64_t)TRIAL_PAST_US);
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
	char absences[LEDGER_NAME_MAX_BYTES];
	char name[LEDGER_NAME_MAX_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < n_all; i++) {
		const struct catalog_file *file = series[i]->file;

		if (file->host != choice->host || (choice->file && file != choice->file) ||
		    sim_random_below(&trial->random, 4) >= choice->n_of_4)
			continue;
		trial_name_row(file->host->name, file->metric, series[i]->labels, name);
		ledger_delete(&trial->ledger, name, choice->range.since_us, choice->range.until_us);
		trial_name_absences(name, absences);
		ledger_delete(&trial->ledger, absences, choice->range.since_us,
			      choice->range.until_us);
		series[n++] = series[i];
	}
	return n;
}

/* What an agent holds may come again, and would come back: have it taken first. @return false: that cannot be */
static bool settle_host(struct trial *trial, const struct catalog_host *host)
{
	if (!host->has_agent)
		return true;
	/* After a fault the engine may forget up to where it has the agent's messages. */
	if (trial->is_faulty || trial->was_faulty || !trial->has_agents)
		return false;
	trial_agent_send_all(trial, host->name);
	return trial_commit(trial) == 0 && trial_agent_is_done(trial, host->name);
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
	if (n > 0)
		choice = choose_delete(trial, series, n);
	if (n > 0 && settle_host(trial, choice.host)) {
		int result;

		n = apply_choice(trial, &choice, series, n);
		result = delete_log(trial->engine, series, n, &choice.range, &ticket);
		if (result == -ENOMEM)
			trial_give_up("delete");
		/* What comes from now on is not deleted. */
		if (sim_random_chance(&trial->random, 1, 2))
			trial_append(trial);
		if (trial_commit(trial) == 0 && !delete_is_durable(trial->engine, ticket))
			ledger_complain(&trial->ledger, "a delete is not durable after a commit");
		trial_judge(trial, "delete",
			    delete_settle(trial->engine, series, n, &choice.range));
	}
	free(series);
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
	trial_give_many(trial, host, long_one, now_us - TRIAL_PAST_US, PAGE_SAMPLES);
	trial_flush(trial);
	for (int i = 0; i < GROUP_WRITER_NAMED_TIMES; i++) {
		trial_give_many(trial, host, name, now_us - TRIAL_PAST_US, 1);
		trial_flush(trial);
	}
	trial_give_many(trial, host, long_one, now_us - TRIAL_PAST_US, PAGE_SAMPLES);
	trial_flush(trial);
	trial_give_many(trial, host, name, now_us, 1);
	trial_give_many(trial, host, long_one, now_us, 1);
	trial_flush(trial);
}

void trial_give_back(struct trial *trial)
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
	/* What agents hold comes again: it is no host's of theirs from which something is taken away. */
	if (host->has_agent || host->last == 0 || horizon_us <= host->horizon_us)
		return;
	fill_page(trial, host->name);
	if (!trial->engine || horizon_us <= host->horizon_us)
		return;
	ledger_expire(&trial->ledger, host->name, horizon_us);
	pthread_mutex_lock(&engine->mutex);
	if (horizon_put(engine, host, horizon_us) < 0)
		trial_give_up("horizon");
	engine->controls_wanted++;
	pthread_mutex_unlock(&engine->mutex);
	(void)trial_commit(trial);
	if (sim_random_chance(&trial->random, 1, 2))
		trial_give_back(trial);
}
