/* SPDX-License-Identifier: MIT */
/* Last samples and their numbers, from what the log has. */

#include "collector/replay.h"

#include <errno.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/group.h"
#include "collector/last_sample.h"
#include "collector/tail.h"
#include "common/message.h"

struct replay {
	struct engine *engine;
	struct last_samples wanted; /* their last ones were deleted */
};

static int note_samples(void *context, const struct tail_samples *samples)
{
	struct replay *replay = context;
	struct engine *engine = replay->engine;

	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < samples->n; i++)
		catalog_note(samples->series, samples->times_us[i], samples->values[i],
			     group_is_odd(samples->times_us[i], samples->received_us));
	samples->series->file->host->n_samples += samples->n;
	pthread_mutex_unlock(&engine->mutex);
	return 0;
}

static int note_mask(void *context, const struct tail_mask *mask)
{
	struct replay *replay = context;
	int result = 0;

	pthread_mutex_lock(&replay->engine->mutex);
	for (size_t i = 0; i < mask->n_series && result == 0; i++)
		result = last_samples_forget(&replay->wanted, mask->series[i], mask->since_us,
					     mask->until_us);
	pthread_mutex_unlock(&replay->engine->mutex);
	return result;
}

/* @param ret_has_refused  something could not be taken: its ids do not follow on those that are known, say */
static int take_names_once(struct tail *tail, const struct catalog_host *host,
			   const uint64_t *positions, size_t n, bool *ret_has_refused)
{
	int result = 0;

	*ret_has_refused = false;
	for (size_t i = 0; i < n && result == 0; i++) {
		result = tail_take_names(tail, host->number, positions[i]);
		*ret_has_refused |= result == -EBADMSG;
		if (result == -EBADMSG)
			result = 0;
	}
	return result;
}

/* What the ids of an agent's series mean, before any batch that uses them. Where some are told again, lower ones may
 * stand behind higher ones. What is damaged is counted where it is decoded. */
static int take_names(struct tail *tail, const struct catalog_host *host, const uint64_t *positions,
		      size_t n)
{
	bool has_refused = host->epochs != NULL;
	int result = 0;

	for (int i = 0; i < 2 && has_refused && result == 0; i++)
		result = take_names_once(tail, host, positions, n, &has_refused);
	return result;
}

/* What the log has of a host beyond its files: last samples, and their number. */
static int replay_host(struct replay *replay, struct tail *tail, struct catalog_host *host)
{
	struct engine *engine = replay->engine;
	struct tail_range range = {host->number, host->checkpoint, host->last};
	struct tail_take take = {.context = replay, .samples = note_samples, .mask = note_mask};
	const uint64_t *positions;
	size_t n_positions = 0;
	int result;

	host->n_samples = host->n_filed;
	host->appended = host->last;
	if (host->last <= host->checkpoint)
		return 0;
	host->waiting_us = engine->options.disk->now_us(engine->options.disk->context);
	result = tail_find(tail, &range, &positions, &n_positions);
	if (result == 0) {
		engine->stats.n_damaged_ranges += tail_n_damaged(tail);
		result = take_names(tail, host, positions, n_positions);
	}
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

int replay_run(struct engine *engine, struct withheld *ret_withheld)
{
	struct replay replay = {.engine = engine};
	struct tail *tail;
	int result = tail_new(engine, &tail);

	if (result < 0)
		return result;
	for (size_t i = 0; i < engine->catalog.n_hosts && result == 0; i++)
		result = replay_host(&replay, tail, engine->catalog.all_hosts[i]);
	tail_get_withheld(tail, ret_withheld);
	tail_free(tail);
	/* Where that fails, their last samples are not known, and that is all. */
	if (result == 0 && last_samples_find(&replay.wanted, engine) == -ENOMEM)
		result = -ENOMEM;
	last_samples_done(&replay.wanted);
	return result;
}
