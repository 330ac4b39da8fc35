/* SPDX-License-Identifier: MIT */
/* Last samples and their numbers, from what the log has. */

#include "collector/replay.h"

#include <errno.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/group.h"
#include "collector/tail.h"
#include "common/message.h"

static int note_sample(void *context, struct catalog_series *series,
		       const struct metric_file_sample *sample, int64_t received_us)
{
	struct engine *engine = context;
	bool is_odd = group_is_odd(sample->time_us, received_us);

	pthread_mutex_lock(&engine->mutex);
	catalog_note(series, sample->time_us, sample->value, is_odd);
	series->file->host->n_samples++;
	pthread_mutex_unlock(&engine->mutex);
	return 0;
}

/* What the log has of a host beyond its files: last samples, and their number. */
static int replay_host(struct engine *engine, struct tail *tail, struct catalog_host *host)
{
	struct tail_range range = {host->number, host->checkpoint, host->last};
	struct tail_take take = {.context = engine, .sample = note_sample};
	const uint64_t *positions;
	size_t n_positions = 0;
	int result;

	host->n_samples = host->n_filed;
	host->appended = host->last;
	if (host->last <= host->checkpoint)
		return 0;
	host->waiting_us = engine->options.disk->now_us(engine->options.disk->context);
	result = tail_find(tail, &range, &positions, &n_positions);
	if (result == 0)
		engine->stats.n_damaged_ranges += tail_n_damaged(tail);
	for (size_t i = 0; i < n_positions && result == 0; i++) {
		result = tail_decode(tail, host->number, positions[i], &take);
		if (result == -EBADMSG) {
			engine->stats.n_damaged_ranges++;
			result = 0;
		}
	}
	/* It is no reason not to serve the others, nor what its files have. */
	if (disk_is_damage(result)) {
		engine->stats.n_damaged_ranges++;
		message_warning("host %s: its samples in the log cannot be read: %s", host->name,
				strerror(-result));
		result = 0;
	}
	return result;
}

int replay_run(struct engine *engine)
{
	struct tail *tail;
	int result = tail_new(engine, &tail);

	if (result < 0)
		return result;
	for (size_t i = 0; i < engine->catalog.n_hosts && result == 0; i++)
		result = replay_host(engine, tail, engine->catalog.all_hosts[i]);
	tail_free(tail);
	return result;
}
