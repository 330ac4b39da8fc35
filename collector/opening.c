/* SPDX-License-Identifier: MIT */
/* How a store is opened, whatever happened before. */

#include "collector/opening.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/committer.h"
#include "collector/engine.h"
#include "collector/loader.h"
#include "collector/recovery.h"
#include "collector/replay.h"
#include "common/message.h"

/* Numbers that are not used where the highest that was is not known. */
#define SEGMENTS_SKIPPED ((uint32_t)1 << 15)

void opening_note(struct engine *engine, int error, const char *what)
{
	struct engine_stats *stats = &engine->stats;

	if (engine->trouble < 0)
		return;
	engine->trouble = error;
	stats->is_full = error == -ENOSPC || error == -EDQUOT;
	stats->is_readonly = !stats->is_full;
	(void)snprintf(stats->last_error, sizeof(stats->last_error),
		       "nothing can be stored: %s: %s; what could be read is served, what comes "
		       "in waits in memory: look at the disk; no restart is needed",
		       what, strerror(-error));
}

/* Something of the log was not given. */
static void note_withheld(struct engine *engine, const struct withheld *withheld)
{
	char what[64] = "log/ cannot be listed";

	if (withheld->error == 0)
		return;
	if (withheld->segment > 0)
		(void)snprintf(what, sizeof(what), "log/%08" PRIx32 ".log cannot be read",
			       withheld->segment);
	opening_note(engine, withheld->error, what);
}

/* The number of the next segment: above all that were ever used, as far as anything knows. */
static uint32_t next_segment(const struct recovery *recovery, const struct loader_result *loaded)
{
	uint32_t number = log_position_segment(loaded->position);

	if (number < recovery->newest)
		number = recovery->newest;
	/* Where the log says nothing, and a file neither, it may be far above what the others say. */
	if (!recovery->has_snapshot && loaded->has_unread)
		number += SEGMENTS_SKIPPED;
	return number + 1;
}

/* Of a host that is known only by files which cannot be read, all that is in them counts: samples of it
 * that come now lie behind. */
static void count_unread(struct engine *engine, uint32_t number)
{
	const struct catalog *catalog = &engine->catalog;

	for (size_t i = 0; i < catalog->n_hosts; i++) {
		struct catalog_host *host = catalog->all_hosts[i];

		if (host->is_unread && host->last == 0 && host->checkpoint == 0)
			host->checkpoint = log_position(number, 0);
	}
}

static void tell_recovery(struct engine *engine, const struct recovery *recovery,
			  const struct loader_result *loaded)
{
	engine->stats.n_file_bytes = loaded->n_bytes;
	engine->stats.n_files_aside = loaded->n_files_aside;
	engine->stats.n_damaged_ranges += loaded->n_damaged_ranges + recovery->n_damaged;
	if (recovery->withheld.error == 0 && !recovery->has_snapshot &&
	    (recovery->n_segments > 0 || loaded->n_bytes > 0))
		message_warning("the log is lost or damaged; all whole blocks of the metric files "
				"count");
}

/* The log is known, and all of it durable: begin to write. A full disk is no reason not to serve what
 * there is. */
static int begin(struct engine *engine, uint32_t number, const struct recovery *recovery)
{
	int result = committer_new(engine, number, recovery, &engine->committer);

	if (result == 0 && committer_begin(engine->committer) == -ENOMEM)
		result = -ENOMEM;
	return result;
}

/* Have on the disk all that counts. */
static void secure_end(struct engine *engine, const struct recovery *recovery)
{
	struct log_end *end = &engine->log_end;
	char what[64];
	int result;

	end->durable = recovery->durable;
	end->end = recovery->end;
	result = log_end_secure(end, engine->options.disk, engine->log_folder);
	if (result == 0)
		return;
	engine->stats.n_failed_syncs++;
	(void)snprintf(what, sizeof(what), "the end of log/%08" PRIx32 ".log cannot be synced",
		       log_position_segment(end->end));
	opening_note(engine, result, what);
}

/* Read the log, then the files. */
static int load(struct engine *engine, struct recovery *recovery, struct loader_result *loaded)
{
	int result = recovery_run(engine, recovery);

	if (result < 0)
		return result;
	note_withheld(engine, &recovery->withheld);
	secure_end(engine, recovery);
	result = loader_run(engine, recovery, loaded);
	if (result == 0 && loaded->unlisted < 0)
		opening_note(engine, loaded->unlisted, "hosts/ cannot be listed");
	if (result == 0 && loaded->withheld < 0)
		opening_note(engine, loaded->withheld, loaded->withheld_what);
	return result;
}

/* Files are trimmed when a horizon moves on, not at every start. */
static void trust_horizons(struct engine *engine)
{
	for (size_t i = 0; i < engine->catalog.n_hosts; i++)
		engine->catalog.all_hosts[i]->trimmed_us = engine->catalog.all_hosts[i]->horizon_us;
}

int opening_run(struct engine *engine)
{
	struct loader_result loaded = {0};
	struct recovery recovery = {0};
	struct withheld withheld = {0};
	uint32_t number = 0;
	int result = load(engine, &recovery, &loaded);

	if (result == 0) {
		number = next_segment(&recovery, &loaded);
		engine->first_segment = recovery.n_segments > 0 ? recovery.segments[0] : number;
		count_unread(engine, number);
		trust_horizons(engine);
		result = replay_run(engine, &withheld);
	}
	if (result == 0 && withheld.error < 0 && engine_awaits_disk(engine))
		note_withheld(engine, &withheld);
	if (result == 0) {
		tell_recovery(engine, &recovery, &loaded);
		engine->durable = recovery.end;
		if (engine->trouble == 0)
			result = begin(engine, number, &recovery);
	}
	recovery_done(&recovery);
	return result;
}
