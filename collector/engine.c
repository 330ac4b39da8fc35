/* SPDX-License-Identifier: MIT */
/* The store without its threads. */

#include "collector/engine.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/checkpoint.h"
#include "collector/committer.h"
#include "collector/group.h"
#include "collector/log.h"
#include "collector/opening.h"
#include "collector/retention.h"
#include "collector/store_id.h"
#include "collector/takeover.h"
#include "common/log_file.h"
#include "common/message.h"

#define LOG_FOLDER   "log"
#define HOSTS_FOLDER "hosts"

/* So many samples before a series is needed it is fetched: there are more than a cache holds. */
#define AHEAD 8

/* -- opening -------------------------------------------------------------------------------------- */

static int open_folder(struct engine *engine, const char *name, int *ret_folder)
{
	const struct disk *disk = engine->options.disk;
	int made = disk_make_folder(disk, engine->options.folder, name);
	int folder =
		disk->open(disk->context, engine->options.folder, name, O_RDONLY | O_DIRECTORY);

	if (folder < 0)
		return made < 0 ? made : folder;
	*ret_folder = folder;
	/* What is there can be read all the same. */
	if (made < 0)
		opening_note(engine, made, "the store's folder cannot be synced");
	return 0;
}

static void init(struct engine *engine, const struct engine_options *options)
{
	engine->options = *options;
	if (engine->options.segment_bytes == 0)
		engine->options.segment_bytes = LOG_SEGMENT_BYTES;
	engine->log_folder = -1;
	engine->hosts_folder = -1;
	engine->next_number = 1;
	pthread_mutex_init(&engine->mutex, NULL);
	TAILQ_INIT(&engine->gathering);
	catalog_init(&engine->catalog, &options->key);
	catalog_init(&engine->retired, &options->key);
}

bool engine_awaits_disk(struct engine *engine)
{
	const struct disk *disk = engine->options.disk;

	return grace_lasts(&engine->grace, disk->monotonic_us(disk->context));
}

/* Have the id of the store. What is lost is looked for elsewhere, what is not given now is waited for. */
static int get_id(struct engine *engine)
{
	const struct disk *disk = engine->options.disk;
	int folder = engine->options.folder;
	int result = store_id_read(disk, folder, engine->store_id);

	if (disk_is_withheld(result) && engine_awaits_disk(engine))
		return result;
	return store_id_get(disk, folder, engine->log_folder, engine->store_id);
}

/* @return as engine_open() */
static int start(struct engine *engine)
{
	const struct disk *disk = engine->options.disk;
	int result = open_folder(engine, LOG_FOLDER, &engine->log_folder);

	if (result == 0)
		result = open_folder(engine, HOSTS_FOLDER, &engine->hosts_folder);
	if (result == 0)
		result = disk->random(disk->context, engine->epoch, HM_ID_BYTES);
	if (result == 0)
		result = checkpoint_new(engine, &engine->checkpoint);
	if (result < 0)
		return result;
	result = get_id(engine);
	/* Without it nobody knows whose anything is. */
	if (disk_is_damage(result)) {
		engine->stats.n_damaged_ranges++;
		opening_note(engine, result,
			     "the id is lost or not given, and nothing else tells it");
		return 0;
	}
	return result < 0 ? result : opening_run(engine);
}

/* @param before  that could not be opened; NULL = this is the first try */
static int open_engine(const struct engine_options *options, const struct engine *before,
		       struct engine **ret_engine)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int result;

	if (!engine)
		return -ENOMEM;
	init(engine, options);
	if (before) {
		engine->log_end.has_failed = before->log_end.has_failed;
		engine->grace = before->grace;
	}
	result = start(engine);
	if (result < 0)
		engine_close(engine);
	else
		*ret_engine = engine;
	return result;
}

int engine_open(const struct engine_options *options, struct engine **ret_engine)
{
	struct engine *engine;
	int result = open_engine(options, NULL, &engine);

	if (result < 0)
		return result;
	if (engine->trouble < 0)
		message_error("%s", engine->stats.last_error);
	*ret_engine = engine;
	return 0;
}

void engine_close(struct engine *engine)
{
	const struct disk *disk;

	if (!engine)
		return;
	disk = engine->options.disk;
	checkpoint_free(engine->checkpoint);
	committer_free(engine->committer);
	catalog_done(&engine->catalog);
	catalog_done(&engine->retired);
	id_map_done(&engine->hosts);
	buffer_done(&engine->messages);
	buffer_done(&engine->controls);
	buffer_done(&engine->groups);
	free(engine->releases);
	retention_free(engine->retention);
	retention_free(engine->retention_next);
	if (engine->log_folder >= 0)
		(void)disk->close(disk->context, engine->log_folder);
	if (engine->hosts_folder >= 0)
		(void)disk->close(disk->context, engine->hosts_folder);
	pthread_mutex_destroy(&engine->mutex);
	free(engine);
}

/* -- taking samples ------------------------------------------------------------------------------- */

int engine_introduce(struct engine *engine, struct catalog_host *host)
{
	const struct disk *disk = engine->options.disk;
	int result = 0;

	/* Which numbers are free is not known while not all of the store is. */
	if (host->number != 0 || engine->trouble < 0)
		return 0;
	if (engine->next_number >= ID_MAP_MAX)
		return -ENOSPC;
	if (!host->has_agent)
		result = disk->random(disk->context, host->id, HM_ID_BYTES);
	if (result == 0)
		result = id_map_set(&engine->hosts, engine->next_number, host);
	if (result < 0)
		return result;
	host->number = engine->next_number++;
	/* Nothing of it lies before what is durable now. */
	host->checkpoint = engine->durable > 0 ? engine->durable - 1 : 0;
	return 0;
}

/* Have the series of a sample that names it in full, with what is said of its metric. */
static int find_or_add(struct engine *engine, const struct bundle *bundle,
		       const struct bundle_sample *sample, struct catalog_series **ret_series)
{
	struct identity identity = bundle_identity(bundle, sample);
	int result = 0;

	*ret_series = catalog_find(&engine->catalog, &identity);
	if (!*ret_series)
		result = catalog_add(&engine->catalog, &identity, CATALOG_NEXT_ID, ret_series);
	if (result == 0)
		result = engine_introduce(engine, (*ret_series)->file->host);
	if (result == 0 && (sample->kind != HM_STORED_UNKNOWN || sample->unit_length > 0))
		result = catalog_describe(&engine->catalog, (*ret_series)->file, sample->kind,
					  bundle_unit(bundle, sample), sample->unit_length);
	return result;
}

int engine_gather(struct engine *engine, struct catalog_series *series, int64_t time_us,
		  double value, bool is_odd)
{
	struct catalog_host *host = series->file->host;
	int result = catalog_gather(series, time_us, value);

	if (result < 0)
		return result;
	catalog_note(series, time_us, value, is_odd);
	host->n_samples++;
	engine->pending_bytes += sizeof(struct catalog_sample);
	if (!host->is_gathering) {
		host->is_gathering = true;
		TAILQ_INSERT_TAIL(&engine->gathering, host, gathering);
	}
	return 0;
}

static int append_sample(struct engine *engine, struct bundle *bundle, struct bundle_sample *sample)
{
	bool is_odd = group_is_odd(sample->time_us, bundle->now_us);
	struct catalog_series *series = sample->series;
	int result = 0;

	if (!series) {
		result = find_or_add(engine, bundle, sample, &series);
	} else if (series->file->host->is_retired) {
		bundle->has_old_names = true;
		result = takeover_find(engine, sample->series, &series);
	}
	/* Nobody would ever see it. */
	if (result == 0 && !is_odd && sample->time_us < series->file->host->horizon_us)
		result = -ERANGE;
	if (result == 0)
		result = engine_gather(engine, series, sample->time_us, sample->value, is_odd);
	if (result < 0)
		return result;
	sample->series = series;
	engine->stats.n_odd += is_odd;
	engine->stats.n_accepted++;
	return 0;
}

/* Count a sample that was not taken; its text is its series with blanks between the words. */
static void reject_sample(const struct bundle *bundle, struct bundle_sample *sample,
			  enum hm_reason reason)
{
	char text[REJECTS_EXAMPLE_MAX_BYTES * 2];
	int length;

	if (sample->series) {
		const struct catalog_file *file = sample->series->file;

		length = snprintf(text, sizeof(text), "%s%s of %s", file->metric,
				  sample->series->labels, file->host->name);
	} else {
		struct identity identity = bundle_identity(bundle, sample);

		length = snprintf(text, sizeof(text), "%s%s of %s", identity_metric(&identity),
				  identity_labels(&identity), identity_host(&identity));
	}
	if (length >= (int)sizeof(text))
		length = (int)sizeof(text) - 1;
	rejects_add(bundle->rejects, reason, text, length < 0 ? 0 : (size_t)length);
	sample->kind = (uint8_t)reason;
}

void engine_append(struct engine *engine, struct bundle *bundle)
{
	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < bundle->n_samples; i++) {
		int result;

		if (i + AHEAD < bundle->n_samples)
			__builtin_prefetch(bundle->samples[i + AHEAD].series, 1);
		result = append_sample(engine, bundle, &bundle->samples[i]);
		if (result < 0) {
			reject_sample(bundle, &bundle->samples[i],
				      result == -ERANGE ? HM_REASON_TOO_OLD : HM_REASON_NO_MEMORY);
		}
	}
	pthread_mutex_unlock(&engine->mutex);
}

/* -- steps ---------------------------------------------------------------------------------------- */

/* List a folder, and look at nothing. */
static int pass_by(void *argument, const char *name)
{
	(void)argument;
	(void)name;
	return 0;
}

/* Is what stood in the way at start gone? Nothing is read for that but what it was. */
static int try_disk(struct engine *engine)
{
	const struct disk *disk = engine->options.disk;
	int result = disk->list(disk->context, engine->log_folder, pass_by, NULL);

	if (result == 0)
		result = disk->list(disk->context, engine->hosts_folder, pass_by, NULL);
	if (result == 0)
		result = disk->fsync(disk->context, engine->options.folder);
	if (result == 0)
		result = log_end_secure(&engine->log_end, disk, engine->log_folder);
	return result;
}

/* Something else stands in the way by now. */
static void note_other(struct engine *engine, const char *text)
{
	bool is_new = strcmp(engine->stats.last_error, text) != 0;

	pthread_mutex_lock(&engine->mutex);
	(void)strlcpy(engine->stats.last_error, text, sizeof(engine->stats.last_error));
	pthread_mutex_unlock(&engine->mutex);
	if (is_new)
		message_error("%s", text);
}

/* Nothing could be written since the start: open the store anew, as if for the first time. */
static int open_again(struct engine *engine)
{
	struct engine *fresh = NULL;
	int result = try_disk(engine);

	if (result == 0)
		result = open_engine(&engine->options, engine, &fresh);
	if (!fresh)
		return result;
	result = fresh->trouble;
	if (result < 0)
		note_other(engine, fresh->stats.last_error);
	engine->log_end.has_failed |= fresh->log_end.has_failed;
	engine->grace = fresh->grace;
	if (result == 0)
		result = takeover_run(engine, fresh);
	engine_close(fresh);
	if (result == 0)
		message_info("the disk works again, or is not waited for any more: the store is "
			     "read, and samples are stored");
	return result;
}

int engine_commit(struct engine *engine)
{
	int result = engine->trouble < 0 ? open_again(engine) : 0;

	return result != 0 ? result : committer_run(engine->committer);
}

bool engine_has_pending(struct engine *engine)
{
	bool has_pending;

	pthread_mutex_lock(&engine->mutex);
	has_pending = engine->pending_bytes > 0 || engine->message_bytes > 0 ||
		      engine->controls.length > 0 || engine->wants_segment;
	pthread_mutex_unlock(&engine->mutex);
	return has_pending;
}

bool engine_wants_mark(const struct engine *engine)
{
	return engine->trouble < 0 || committer_has_pending(engine->committer);
}

int engine_checkpoint(struct engine *engine, enum engine_scope scope)
{
	int trouble;

	pthread_mutex_lock(&engine->mutex);
	trouble = engine->trouble;
	pthread_mutex_unlock(&engine->mutex);
	return trouble < 0 ? trouble : checkpoint_run(engine->checkpoint, scope);
}

/* -- what is known -------------------------------------------------------------------------------- */

void engine_get_stats(struct engine *engine, struct engine_stats *ret_stats)
{
	pthread_mutex_lock(&engine->mutex);
	*ret_stats = engine->stats;
	ret_stats->n_hosts = engine->catalog.n_hosts;
	ret_stats->n_series = engine->catalog.series.n;
	ret_stats->n_files = engine->catalog.files.n;
	ret_stats->n_waiting = engine->pending_bytes / sizeof(struct catalog_sample);
	pthread_mutex_unlock(&engine->mutex);
}

void engine_get_states(struct engine *engine, struct catalog_series *const *series, size_t n,
		       struct engine_series_state *ret_states)
{
	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < n; i++) {
		struct engine_series_state *state = &ret_states[i];

		state->kind = series[i]->file->kind;
		(void)strlcpy(state->unit, series[i]->file->unit, sizeof(state->unit));
		state->has_sample = catalog_has_last(series[i]);
		state->last_time_us = series[i]->last_time_us;
		state->last_value = series[i]->last_value;
	}
	pthread_mutex_unlock(&engine->mutex);
}

/* With the mutex held. @param now_us  CLOCK_MONOTONIC */
static void get_host(const struct catalog_host *host, int64_t now_us,
		     struct engine_host_state *ret_state)
{
	bool has_sample = host->last_time_us != CATALOG_NO_TIME &&
			  (host->is_last_odd || host->last_time_us >= host->horizon_us);

	*ret_state = (struct engine_host_state){
		.name = host->name,
		.n_series = host->n_series,
		.n_samples = host->n_samples,
		.has_sample = has_sample,
		.last_time_us = host->last_time_us,
		.has_oldest = host->oldest_us != CATALOG_NO_OLDEST && has_sample,
		.oldest_time_us =
			host->oldest_us > host->horizon_us ? host->oldest_us : host->horizon_us,
		.n_bytes = usage_bytes(&host->usage),
		.n_inodes = usage_inodes(&host->usage),
	};
	ret_state->has_rate = rate_get(&host->rate, now_us, &ret_state->rate);
}

int engine_list_hosts(struct engine *engine, struct engine_host_state **ret_hosts, size_t *ret_n)
{
	const struct disk *disk = engine->options.disk;
	int64_t now_us = disk->monotonic_us(disk->context);
	struct engine_host_state *hosts;
	size_t n;

	pthread_mutex_lock(&engine->mutex);
	n = engine->catalog.n_hosts;
	hosts = calloc(n + 1, sizeof(*hosts));
	for (size_t i = 0; hosts && i < n; i++) {
		get_host(engine->catalog.all_hosts[i], now_us, &hosts[i]);
	}
	pthread_mutex_unlock(&engine->mutex);
	if (!hosts)
		return -ENOMEM;
	*ret_hosts = hosts;
	*ret_n = n;
	return 0;
}
