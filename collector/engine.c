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
#include "collector/loader.h"
#include "collector/log.h"
#include "collector/recovery.h"
#include "collector/store_id.h"
#include "collector/tail.h"
#include "common/log_file.h"
#include "common/message.h"

#define LOG_FOLDER   "log"
#define HOSTS_FOLDER "hosts"

/* Direct reads want memory, offsets and lengths in multiples of this. */
#define DIRECT_BYTES ((size_t)4096)

/* -- opening -------------------------------------------------------------------------------------- */

static int open_folder(const struct engine *engine, const char *name, int *ret_folder)
{
	const struct disk *disk = engine->options.disk;
	int result = disk_make_folder(disk, engine->options.folder, name);

	if (result < 0)
		return result;
	result = disk->open(disk->context, engine->options.folder, name, O_RDONLY | O_DIRECTORY);
	if (result < 0)
		return result;
	*ret_folder = result;
	return 0;
}

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
	return result;
}

static int replay(struct engine *engine)
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

/* The number of the next segment: above all that were ever used, as far as anything knows. */
static uint32_t next_segment(const struct recovery *recovery, const struct loader_result *loaded)
{
	uint32_t number = log_position_segment(loaded->position);

	return (recovery->newest > number ? recovery->newest : number) + 1;
}

static void tell_recovery(struct engine *engine, const struct recovery *recovery,
			  const struct loader_result *loaded)
{
	engine->stats.n_file_bytes = loaded->n_bytes;
	engine->stats.n_files_aside = loaded->n_files_aside;
	engine->stats.n_damaged_ranges += loaded->n_damaged_ranges + recovery->n_damaged;
	if (!recovery->has_snapshot && (recovery->n_segments > 0 || loaded->n_bytes > 0))
		message_warning("the log is lost or damaged; all whole blocks of the metric files "
				"count");
}

/* The same for one block. What cannot be read at all is none of what counts. */
static int repair_block(const struct disk *disk, int fd, int direct_fd, uint64_t offset,
			uint8_t *seen, uint8_t *held)
{
	int result = disk_read(disk, fd, seen, DIRECT_BYTES, offset);

	if (disk_is_damage(result))
		return 0;
	if (result < 0)
		return result;
	result = disk_read(disk, direct_fd, held, DIRECT_BYTES, offset);
	if (result < 0 && result != -ENODATA && !disk_is_damage(result))
		return result;
	if (result == 0 && memcmp(seen, held, DIRECT_BYTES) == 0)
		return 0;
	return disk_write(disk, fd, seen, DIRECT_BYTES, offset);
}

/* Write again what the device has otherwise than the kernel. @param direct_fd  reads the device */
static int repair_range(const struct disk *disk, int fd, int direct_fd, uint64_t offset,
			uint64_t end)
{
	uint8_t *seen = aligned_alloc(DIRECT_BYTES, DIRECT_BYTES);
	uint8_t *held = aligned_alloc(DIRECT_BYTES, DIRECT_BYTES);
	int result = seen && held ? 0 : -ENOMEM;

	for (offset -= offset % DIRECT_BYTES; result == 0 && offset < end; offset += DIRECT_BYTES) {
		result = repair_block(disk, fd, direct_fd, offset, seen, held);
	}
	free(seen);
	free(held);
	return result == 0 ? disk->fdatasync(disk->context, fd) : result;
}

static int secure_range(const struct engine *engine, uint32_t number, uint64_t offset, uint64_t end)
{
	const struct disk *disk = engine->options.disk;
	char name[LOG_FILE_NAME_BYTES];
	int direct_fd;
	int result;
	int fd;

	log_file_name(number, name);
	fd = disk->open(disk->context, engine->log_folder, name, O_RDWR);
	if (fd < 0)
		return fd;
	result = disk->fdatasync(disk->context, fd);
	direct_fd = disk->open(disk->context, engine->log_folder, name, O_RDONLY | O_DIRECT);
	/* Some file systems cannot read past the kernel's memory: there the sync must do. */
	if (result == 0 && direct_fd >= 0)
		result = repair_range(disk, fd, direct_fd, offset, end);
	if (direct_fd >= 0)
		(void)disk->close(disk->context, direct_fd);
	(void)disk->close(disk->context, fd);
	return result;
}

/*
 * What counts now shall count after the next power cut too. The process before may have ended between
 * its last write and the sync; or after a sync that failed, and then the kernel shows what is not on
 * the disk, and has no error left to tell. What is on the disk already is not written again: it may
 * have been acknowledged.
 */
static int secure_end(const struct engine *engine, const struct recovery *recovery)
{
	uint32_t number = log_position_segment(recovery->end);
	uint64_t offset = HM_LOG_HEADER_BYTES;

	if (recovery->end <= recovery->durable)
		return 0;
	if (log_position_segment(recovery->durable) == number)
		offset = log_position_offset(recovery->durable);
	return secure_range(engine, number, offset, log_position_offset(recovery->end));
}

static int recover(struct engine *engine)
{
	struct loader_result loaded = {0};
	struct recovery recovery = {0};
	uint32_t number = 0;
	int result = recovery_run(engine, &recovery);

	if (result == 0)
		result = secure_end(engine, &recovery);
	if (result == 0)
		result = loader_run(engine, &recovery, &loaded);
	if (result == 0) {
		number = next_segment(&recovery, &loaded);
		engine->first_segment = recovery.n_segments > 0 ? recovery.segments[0] : number;
		result = replay(engine);
	}
	if (result == 0) {
		tell_recovery(engine, &recovery, &loaded);
		engine->durable = recovery.end;
		result = committer_new(engine, number, &recovery, &engine->committer);
	}
	recovery_done(&recovery);
	/* A full disk is no reason not to serve what there is. */
	if (result == 0 && committer_begin(engine->committer) == -ENOMEM)
		result = -ENOMEM;
	return result;
}

int engine_open(const struct engine_options *options, struct engine **ret_engine)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	const struct disk *disk = options->disk;
	int result;

	if (!engine)
		return -ENOMEM;
	engine->options = *options;
	if (engine->options.segment_bytes == 0)
		engine->options.segment_bytes = LOG_SEGMENT_BYTES;
	engine->log_folder = -1;
	engine->hosts_folder = -1;
	engine->next_number = 1;
	pthread_mutex_init(&engine->mutex, NULL);
	TAILQ_INIT(&engine->gathering);
	catalog_init(&engine->catalog, &options->key);
	result = open_folder(engine, LOG_FOLDER, &engine->log_folder);
	if (result == 0)
		result = open_folder(engine, HOSTS_FOLDER, &engine->hosts_folder);
	if (result == 0)
		result = store_id_get(disk, options->folder, engine->log_folder, engine->store_id);
	if (result == 0)
		result = disk->random(disk->context, engine->epoch, HM_ID_BYTES);
	if (result == 0)
		result = recover(engine);
	if (result == 0)
		result = checkpoint_new(engine, &engine->checkpoint);
	if (result < 0)
		engine_close(engine);
	else
		*ret_engine = engine;
	return result;
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
	id_map_done(&engine->hosts);
	buffer_done(&engine->controls);
	buffer_done(&engine->groups);
	if (engine->log_folder >= 0)
		(void)disk->close(disk->context, engine->log_folder);
	if (engine->hosts_folder >= 0)
		(void)disk->close(disk->context, engine->hosts_folder);
	pthread_mutex_destroy(&engine->mutex);
	free(engine);
}

/* -- taking samples ------------------------------------------------------------------------------- */

/* Give a host that text made its number and its id. */
static int introduce_host(struct engine *engine, struct catalog_host *host)
{
	const struct disk *disk = engine->options.disk;
	int result;

	if (host->number != 0)
		return 0;
	if (engine->next_number >= ID_MAP_MAX)
		return -ENOSPC;
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
		result = introduce_host(engine, (*ret_series)->file->host);
	if (result == 0 && (sample->kind != HM_STORED_UNKNOWN || sample->unit_length > 0))
		result = catalog_describe((*ret_series)->file, sample->kind,
					  bundle_unit(bundle, sample), sample->unit_length);
	return result;
}

static int append_sample(struct engine *engine, const struct bundle *bundle,
			 struct bundle_sample *sample)
{
	bool is_odd = group_is_odd(sample->time_us, bundle->now_us);
	struct catalog_series *series = sample->series;
	struct catalog_host *host;
	int result = series ? 0 : find_or_add(engine, bundle, sample, &series);

	if (result == 0)
		result = catalog_gather(series, sample->time_us, sample->value);
	if (result < 0)
		return result;
	sample->series = series;
	host = series->file->host;
	catalog_note(series, sample->time_us, sample->value, is_odd);
	host->n_samples++;
	engine->stats.n_odd += is_odd;
	engine->stats.n_accepted++;
	engine->pending_bytes += sizeof(struct catalog_sample);
	if (!host->is_gathering) {
		host->is_gathering = true;
		TAILQ_INSERT_TAIL(&engine->gathering, host, gathering);
	}
	return 0;
}

/* Count a sample that was not taken; its text is its series with blanks between the words. */
static void reject_sample(const struct bundle *bundle, const struct bundle_sample *sample)
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
	rejects_add(bundle->rejects, HM_REASON_NO_MEMORY, text, length < 0 ? 0 : (size_t)length);
}

void engine_append(struct engine *engine, struct bundle *bundle)
{
	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < bundle->n_samples; i++) {
		if (append_sample(engine, bundle, &bundle->samples[i]) < 0)
			reject_sample(bundle, &bundle->samples[i]);
	}
	pthread_mutex_unlock(&engine->mutex);
}

/* -- steps ---------------------------------------------------------------------------------------- */

int engine_commit(struct engine *engine)
{
	return committer_run(engine->committer);
}

bool engine_has_pending(struct engine *engine)
{
	bool has_pending;

	pthread_mutex_lock(&engine->mutex);
	has_pending = engine->pending_bytes > 0 || engine->controls.length > 0;
	pthread_mutex_unlock(&engine->mutex);
	return has_pending;
}

bool engine_wants_mark(const struct engine *engine)
{
	return committer_has_pending(engine->committer);
}

int engine_checkpoint(struct engine *engine, enum engine_scope scope)
{
	return checkpoint_run(engine->checkpoint, scope);
}

/* -- what is known -------------------------------------------------------------------------------- */

void engine_get_stats(struct engine *engine, struct engine_stats *ret_stats)
{
	pthread_mutex_lock(&engine->mutex);
	*ret_stats = engine->stats;
	ret_stats->n_hosts = engine->catalog.n_hosts;
	ret_stats->n_series = engine->catalog.n_series;
	ret_stats->n_files = engine->catalog.n_files;
	ret_stats->n_waiting = engine->pending_bytes / sizeof(struct catalog_sample);
	pthread_mutex_unlock(&engine->mutex);
}

int engine_list_series(struct engine *engine, struct catalog_series ***ret_series, size_t *ret_n)
{
	struct catalog_series **copy;
	size_t n;

	pthread_mutex_lock(&engine->mutex);
	n = engine->catalog.n_series;
	copy = calloc(n + 1, sizeof(struct catalog_series *));
	if (copy && n > 0)
		memcpy(copy, engine->catalog.all_series, n * sizeof(struct catalog_series *));
	pthread_mutex_unlock(&engine->mutex);
	if (!copy)
		return -ENOMEM;
	*ret_series = copy;
	*ret_n = n;
	return 0;
}

void engine_get_states(struct engine *engine, struct catalog_series *const *series, size_t n,
		       struct engine_series_state *ret_states)
{
	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < n; i++) {
		struct engine_series_state *state = &ret_states[i];

		state->kind = series[i]->file->kind;
		(void)strlcpy(state->unit, series[i]->file->unit, sizeof(state->unit));
		state->has_sample = series[i]->last_time_us != CATALOG_NO_TIME;
		state->last_time_us = series[i]->last_time_us;
		state->last_value = series[i]->last_value;
	}
	pthread_mutex_unlock(&engine->mutex);
}

int engine_list_hosts(struct engine *engine, struct engine_host_state **ret_hosts, size_t *ret_n)
{
	struct engine_host_state *hosts;
	size_t n;

	pthread_mutex_lock(&engine->mutex);
	n = engine->catalog.n_hosts;
	hosts = calloc(n + 1, sizeof(*hosts));
	for (size_t i = 0; hosts && i < n; i++) {
		const struct catalog_host *host = engine->catalog.all_hosts[i];

		hosts[i] = (struct engine_host_state){
			.name = host->name,
			.n_series = host->n_series,
			.n_samples = host->n_samples,
			.has_sample = host->last_time_us != CATALOG_NO_TIME,
			.last_time_us = host->last_time_us,
		};
	}
	pthread_mutex_unlock(&engine->mutex);
	if (!hosts)
		return -ENOMEM;
	*ret_hosts = hosts;
	*ret_n = n;
	return 0;
}
