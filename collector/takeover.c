/* SPDX-License-Identifier: MIT */
/* An engine takes over what the store says once all of it can be read. */

#include "collector/takeover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/committer.h"
#include "collector/group.h"
#include "common/message.h"

/* Find or add a series by its names in full. */
static int find_or_add(struct engine *engine, const struct identity *identity,
		       struct catalog_series **ret_series)
{
	*ret_series = catalog_find(&engine->catalog, identity);
	return *ret_series ? 0
			   : catalog_add(&engine->catalog, identity, CATALOG_NEXT_ID, ret_series);
}

int takeover_find(struct engine *engine, const struct catalog_series *before,
		  struct catalog_series **ret_series)
{
	const struct catalog_file *file = before->file;
	struct identity identity = {
		.host_length = strlen(file->host->name),
		.metric_length = strlen(file->metric),
		.labels_length = before->labels_length,
	};
	struct buffer text = {0};
	int result = -ENOMEM;

	buffer_append(&text, file->host->name, identity.host_length + 1);
	buffer_append(&text, file->metric, identity.metric_length + 1);
	buffer_append(&text, before->labels, identity.labels_length + 1);
	if (!buffer_failed(&text)) {
		identity.text = text.data;
		identity.hash =
			hash_bytes(&engine->catalog.key, text.data, identity_text_bytes(&identity));
		result = find_or_add(engine, &identity, ret_series);
	}
	buffer_done(&text);
	if (result == 0)
		result = engine_introduce(engine, (*ret_series)->file->host);
	if (result == 0)
		result = catalog_describe(&engine->catalog, (*ret_series)->file, file->kind,
					  file->unit, strlen(file->unit));
	return result;
}

/* Give one engine the samples that another's host gathered. @param n_refused  those for whose series there
 * is no room: they would be refused as well if they came now */
static int move_samples(struct engine *fresh, const struct catalog_host *host, uint64_t *n_refused)
{
	int64_t now_us = fresh->options.disk->now_us(fresh->options.disk->context);
	int result = 0;

	for (size_t i = 0; i < host->n_gathered && result == 0; i++) {
		const struct catalog_sample *sample = &host->gathered[i];
		struct catalog_series *series;

		result = takeover_find(fresh, sample->series, &series);
		if (result == 0) {
			result = engine_gather(fresh, series, sample->time_us, sample->value,
					       group_is_odd(sample->time_us, now_us));
		} else if (result == -ENOSPC) {
			(*n_refused)++;
			result = 0;
		}
	}
	return result;
}

/* What was known before is of the past: nothing is gathered there any more. */
static void retire(struct engine *engine)
{
	struct catalog *catalog = &engine->catalog;

	for (size_t i = 0; i < catalog->n_hosts; i++) {
		struct catalog_host *host = catalog->all_hosts[i];

		host->is_retired = true;
		free(host->gathered);
		host->gathered = NULL;
		host->n_gathered = 0;
		host->gathered_capacity = 0;
	}
	engine->retired = *catalog;
}

/* What was counted since this process began goes on. */
static void add_stats(struct engine *engine, const struct engine_stats *fresh)
{
	struct engine_stats before = engine->stats;
	struct engine_stats *stats = &engine->stats;

	*stats = *fresh;
	stats->n_accepted = before.n_accepted;
	stats->n_odd = before.n_odd;
	stats->n_failed_syncs += before.n_failed_syncs;
	/* What went wrong last, as ever. */
	if (stats->last_error[0] == '\0')
		memcpy(stats->last_error, before.last_error, sizeof(stats->last_error));
}

/* @return NULL: there is none */
static struct catalog_host *take_first(struct catalog_hosts *hosts)
{
	struct catalog_host *host = TAILQ_FIRST(hosts);

	if (host)
		TAILQ_REMOVE(hosts, host, gathering);
	return host;
}

/* Which hosts have samples to be sealed. */
static void take_gathering(struct engine *engine, struct engine *fresh)
{
	struct catalog_host *host;

	TAILQ_INIT(&engine->gathering);
	while ((host = take_first(&fresh->gathering)))
		TAILQ_INSERT_TAIL(&engine->gathering, host, gathering);
}

static void replace(struct engine *engine, struct engine *fresh)
{
	retire(engine);
	engine->catalog = fresh->catalog;
	catalog_init(&fresh->catalog, &engine->options.key);
	id_map_done(&engine->hosts);
	engine->hosts = fresh->hosts;
	fresh->hosts = (struct id_map){0};
	take_gathering(engine, fresh);
	memcpy(engine->store_id, fresh->store_id, HM_ID_BYTES);
	memcpy(engine->epoch, fresh->epoch, HM_ID_BYTES);
	engine->next_number = fresh->next_number;
	engine->pending_bytes = fresh->pending_bytes;
	engine->durable = fresh->durable;
	engine->first_segment = fresh->first_segment;
	engine->newest_segment = fresh->newest_segment;
	free(engine->releases);
	engine->releases = fresh->releases;
	engine->n_releases = fresh->n_releases;
	engine->releases_capacity = fresh->releases_capacity;
	fresh->releases = NULL;
	engine->committer = fresh->committer;
	fresh->committer = NULL;
	committer_move(engine->committer, engine);
	add_stats(engine, &fresh->stats);
	engine->trouble = 0;
}

int takeover_run(struct engine *engine, struct engine *fresh)
{
	const struct catalog_host *host;
	uint64_t n_refused = 0;
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	TAILQ_FOREACH(host, &engine->gathering, gathering) {
		if (result == 0)
			result = move_samples(fresh, host, &n_refused);
	}
	if (result == 0)
		replace(engine, fresh);
	pthread_mutex_unlock(&engine->mutex);
	if (result == 0 && n_refused > 0) {
		message_error("%" PRIu64
			      " samples that waited are refused: there are too many series",
			      n_refused);
	}
	return result;
}
