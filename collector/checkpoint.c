/* SPDX-License-Identifier: MIT */
/* Moves samples from the log into metric files. */

#include "collector/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/group.h"
#include "common/log_entry.h"
#include "common/log_file.h"
#include "common/message.h"

/* So many files are written between two syncs. One over many more holds up the log's own: at p99 by 11
 * to 16 ms with 2 000 files, 6 to 8 ms with 500, on an ext4 whose own sync takes 1 ms. */
#define FILES_PER_SYNC 500

/* A record with files of a group is closed when it has so many bytes. */
#define GROUP_RECORD_BYTES ((size_t)200 << 10)

/* A file names a series when it first has samples of it, and once more the next time: so one damaged
 * block takes no names with it. */
#define NAMED_TIMES 2

#define HOST_FILE  ".host"
#define PATH_BYTES (CATALOG_FILE_NAME_BYTES * 2)

enum state {
	STATE_IDLE,
	STATE_ANNOUNCED, /* the log is to say which files are appended to */
	STATE_WRITING,
	STATE_WRITTEN, /* the log is to say that they are */
};

struct checkpoint {
	struct engine *engine; /* borrowed */
	struct tail *tail;
	struct block_encoder *encoder;
	enum state state;
	struct group group;
	uint64_t number; /* of the group */
	uint64_t ticket; /* of the record that must be durable first */
	uint64_t
		until; /* all up to here is being moved: what comes in meanwhile can wait; 0 = not */
	size_t next_host;    /* of the catalog: where to look for one that is due */
	size_t next_file;    /* of the group, to be written */
	int sync_fd;         /* of the file system, from before the first write on; -1 = none */
	struct buffer bytes; /* of the file being written */
	struct store_file_series *series; /* that it does not name yet */
	struct metric_file_column *columns;
	struct metric_file_sample *samples;
	size_t capacity; /* of these three */
};

int checkpoint_new(struct engine *engine, struct checkpoint **ret_checkpoint)
{
	struct checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
	int result;

	if (!checkpoint)
		return -ENOMEM;
	checkpoint->engine = engine;
	checkpoint->sync_fd = -1;
	checkpoint->group.samples_max = group_samples_max(engine->options.segment_bytes);
	checkpoint->encoder = block_encoder_new();
	result = checkpoint->encoder ? tail_new(engine, &checkpoint->tail) : -ENOMEM;
	if (result < 0)
		checkpoint_free(checkpoint);
	else
		*ret_checkpoint = checkpoint;
	return result;
}

static void close_sync(struct checkpoint *checkpoint)
{
	const struct disk *disk = checkpoint->engine->options.disk;

	if (checkpoint->sync_fd >= 0)
		(void)disk->close(disk->context, checkpoint->sync_fd);
	checkpoint->sync_fd = -1;
}

void checkpoint_free(struct checkpoint *checkpoint)
{
	if (!checkpoint)
		return;
	close_sync(checkpoint);
	tail_free(checkpoint->tail);
	block_encoder_free(checkpoint->encoder);
	group_done(&checkpoint->group);
	buffer_done(&checkpoint->bytes);
	free(checkpoint->series);
	free(checkpoint->columns);
	free(checkpoint->samples);
	free(checkpoint);
}

/* -- which hosts ---------------------------------------------------------------------------------- */

static bool is_due(const struct checkpoint *checkpoint, const struct catalog_host *host,
		   enum engine_scope scope, int64_t now_us)
{
	uint64_t lag;

	if (host->last <= host->checkpoint || host->is_unread)
		return false;
	if (scope == ENGINE_SCOPE_ALL)
		return host->checkpoint < checkpoint->until;
	lag = log_position_segment(checkpoint->engine->durable) -
	      log_position_segment(host->checkpoint);
	return lag >= ENGINE_CHECKPOINT_SEGMENTS ||
	       now_us - host->waiting_us >= ENGINE_CHECKPOINT_AGE_US;
}

/* The next host in turn that is due, once round. @return NULL: none is */
static struct catalog_host *next_due(struct checkpoint *checkpoint, enum engine_scope scope,
				     size_t *n_left, struct tail_range *ret_range)
{
	struct engine *engine = checkpoint->engine;
	int64_t now_us = engine->options.disk->now_us(engine->options.disk->context);
	struct catalog_host *found = NULL;

	pthread_mutex_lock(&engine->mutex);
	while (!found && *n_left > 0) {
		struct catalog_host *host;

		(*n_left)--;
		checkpoint->next_host = (checkpoint->next_host + 1) % engine->catalog.n_hosts;
		host = engine->catalog.all_hosts[checkpoint->next_host];
		if (is_due(checkpoint, host, scope, now_us)) {
			*ret_range =
				(struct tail_range){host->number, host->checkpoint, host->last};
			found = host;
		}
	}
	pthread_mutex_unlock(&engine->mutex);
	return found;
}

static void count_damage(struct engine *engine, const struct catalog_host *host, uint64_t n_damaged)
{
	if (n_damaged == 0)
		return;
	message_warning("host %s: %llu damaged batches in the log are passed over", host->name,
			(unsigned long long)n_damaged);
	pthread_mutex_lock(&engine->mutex);
	engine->stats.n_damaged_ranges += n_damaged;
	pthread_mutex_unlock(&engine->mutex);
}

/* Fill the group. @return 0, with an empty one where nothing is due; -errno */
static int gather(struct checkpoint *checkpoint, enum engine_scope scope)
{
	struct engine *engine = checkpoint->engine;
	struct group *group = &checkpoint->group;
	struct tail_range range;
	size_t n_left;
	int error = 0;
	int result = 0;

	group_clear(group);
	tail_rewind(checkpoint->tail);
	pthread_mutex_lock(&engine->mutex);
	n_left = engine->catalog.n_hosts;
	pthread_mutex_unlock(&engine->mutex);
	while (result == 0 && group->n_samples < group->samples_max) {
		struct catalog_host *host = next_due(checkpoint, scope, &n_left, &range);
		uint64_t n_damaged;

		if (!host)
			break;
		result = group_add_host(group, checkpoint->tail, host, &range, &n_damaged);
		if (result == 0) {
			count_damage(engine, host, n_damaged);
		} else if (result != -ENOMEM) {
			/* It stays in the log, and no other host has to wait for it. */
			error = result;
			result = 0;
		}
	}
	if (result == 0 && group->n_hosts == 0)
		result = error;
	return result == 0 ? group_complete(group) : result;
}

/* -- what the log is told ------------------------------------------------------------------------- */

static void file_name(const struct group_file *file, char name[static CATALOG_FILE_NAME_BYTES])
{
	if (file->file)
		catalog_file_name(file->file, file->side, file->before.part, name);
	else
		(void)snprintf(name, CATALOG_FILE_NAME_BYTES, "%s", HOST_FILE);
}

/* Have a record logged. With the mutex held. */
static void put_control(struct engine *engine, enum hm_record_type type,
			const struct buffer *payload)
{
	cursor_put_u32(&engine->controls, (uint32_t)type);
	cursor_put_u32(&engine->controls, (uint32_t)payload->length);
	buffer_append(&engine->controls, payload->data, payload->length);
}

/* Go on in a new file: what was written to this one may be lost, and later syncs would not tell; or it
 * is not ours. With the mutex held. */
static int begin_part(struct engine *engine, struct group_file *file, uint64_t continues_bytes)
{
	struct catalog_data *data = &file->file->data[file->side];
	uint32_t part = data->end.part;

	if (catalog_make_parts(data, part + 1) < 0)
		return -ENOMEM;
	data->part_bytes[part] = data->end.length_bytes;
	data->end = (struct metric_file_end){
		.part = part + 1,
		.continues_bytes = continues_bytes,
		.highest_us = CATALOG_NO_TIME,
	};
	/* The new file names its series itself. */
	for (size_t i = 0; i < engine->catalog.n_series; i++) {
		if (engine->catalog.all_series[i]->file == file->file)
			engine->catalog.all_series[i]->declared[file->side] = 0;
	}
	return 0;
}

/* Is a file there that does not count: of a later version, say, or unreadable at start? @return 0; 1: it
 * is; -errno: that cannot be known */
static int is_taken(const struct engine *engine, const struct group_file *file)
{
	const struct disk *disk = engine->options.disk;
	struct disk_status status = {.size_bytes = 0};
	char name[CATALOG_FILE_NAME_BYTES];
	char path[PATH_BYTES];
	int result;
	int fd;

	file_name(file, name);
	(void)snprintf(path, sizeof(path), "%s/%s", file->of->host->folder, name);
	fd = disk->open(disk->context, engine->hosts_folder, path, O_RDONLY);
	if (fd == -ENOENT)
		return 0;
	if (fd == -ELOOP || fd == -ENXIO)
		return 1;
	if (fd < 0)
		return fd;
	result = disk->fstat(disk->context, fd, &status);
	(void)disk->close(disk->context, fd);
	return result < 0 ? result : !status.is_file || status.size_bytes > 0;
}

/* A file's end before the group. One that is new gets its salt, and no name that is taken. With
 * the mutex held. */
static int take_end(struct engine *engine, struct group_file *file)
{
	char name[CATALOG_FILE_NAME_BYTES];
	int result = 0;
	int taken = 0;

	file->before = file->file ? file->file->data[file->side].end : file->of->host->end;
	if (file->before.length_bytes > 0)
		return 0;
	/* All that is whole in it counts, should it be readable one day. */
	while (result == 0 && file->file && (taken = is_taken(engine, file)) > 0) {
		result = begin_part(engine, file, UINT64_MAX);
		file->before = file->file->data[file->side].end;
	}
	if (taken < 0)
		return taken;
	file_name(file, name);
	file->before.salt = metric_file_salt(engine->store_id, file->of->host->folder, name);
	return result;
}

static void put_group(struct engine *engine, const struct buffer *payload)
{
	put_control(engine, HM_RECORD_GROUP, payload);
	cursor_put_u32(&engine->groups, (uint32_t)payload->length);
	buffer_append(&engine->groups, payload->data, payload->length);
}

static int put_group_files(struct checkpoint *checkpoint)
{
	struct engine *engine = checkpoint->engine;
	struct group *group = &checkpoint->group;
	struct buffer payload = {0};
	int result = 0;

	for (size_t i = 0; i < group->n_files && result == 0; i++) {
		struct group_file *file = &group->files[i];
		char name[CATALOG_FILE_NAME_BYTES];
		struct log_group_file entry;

		result = take_end(engine, file);
		file_name(file, name);
		entry = (struct log_group_file){
			.host = file->of->host->number,
			.name = {name, strlen(name)},
			.length_bytes = file->before.length_bytes,
		};
		if (payload.length == 0)
			log_entry_put_group(&payload, checkpoint->number);
		log_entry_put_group_file(&payload, &entry);
		if (payload.length < GROUP_RECORD_BYTES && i + 1 < group->n_files)
			continue;
		put_group(engine, &payload);
		buffer_clear(&payload);
	}
	if (buffer_failed(&payload) || buffer_failed(&engine->controls) ||
	    buffer_failed(&engine->groups))
		result = -ENOMEM;
	buffer_done(&payload);
	return result;
}

/* Say which files will be appended to, and how long they are. */
static int announce(struct checkpoint *checkpoint)
{
	struct engine *engine = checkpoint->engine;
	int result;

	checkpoint->number++;
	pthread_mutex_lock(&engine->mutex);
	buffer_clear(&engine->groups);
	result = put_group_files(checkpoint);
	if (result == 0) {
		checkpoint->ticket = ++engine->controls_wanted;
	} else {
		buffer_clear(&engine->controls);
		buffer_clear(&engine->groups);
	}
	pthread_mutex_unlock(&engine->mutex);
	return result;
}

static bool is_logged(struct checkpoint *checkpoint)
{
	struct engine *engine = checkpoint->engine;
	bool is_logged;

	pthread_mutex_lock(&engine->mutex);
	is_logged = engine->controls_durable >= checkpoint->ticket;
	pthread_mutex_unlock(&engine->mutex);
	return is_logged;
}

/* Say up to where the hosts are in files. */
static int conclude(struct checkpoint *checkpoint)
{
	struct engine *engine = checkpoint->engine;
	const struct group *group = &checkpoint->group;
	struct buffer payload = {0};
	int result = 0;

	log_entry_put_group(&payload, checkpoint->number);
	for (size_t i = 0; i < group->n_hosts; i++) {
		struct log_checkpoint entry = {group->hosts[i].host->number,
					       group->hosts[i].position};

		log_entry_put_checkpoint(&payload, &entry);
	}
	pthread_mutex_lock(&engine->mutex);
	put_control(engine, HM_RECORD_CHECKPOINT, &payload);
	if (buffer_failed(&payload) || buffer_failed(&engine->controls)) {
		buffer_clear(&engine->controls);
		result = -ENOMEM;
	} else {
		checkpoint->ticket = ++engine->controls_wanted;
	}
	pthread_mutex_unlock(&engine->mutex);
	buffer_done(&payload);
	return result;
}

/* -- files ---------------------------------------------------------------------------------------- */

static int reserve(struct checkpoint *checkpoint, size_t n)
{
	if (n <= checkpoint->capacity)
		return 0;
	/* What they hold is made anew for each file. */
	free(checkpoint->series);
	free(checkpoint->columns);
	free(checkpoint->samples);
	checkpoint->series = calloc(n, sizeof(*checkpoint->series));
	checkpoint->columns = calloc(n, sizeof(*checkpoint->columns));
	checkpoint->samples = calloc(n, sizeof(*checkpoint->samples));
	checkpoint->capacity =
		checkpoint->series && checkpoint->columns && checkpoint->samples ? n : 0;
	return checkpoint->capacity ? 0 : -ENOMEM;
}

/* Begin a column; name its series where the file does not yet, or only once. */
static void add_column(struct checkpoint *checkpoint, const struct catalog_series *series,
		       enum catalog_side side, const struct metric_file_sample *samples,
		       struct metric_file_addition *addition)
{
	checkpoint->columns[addition->n_columns++] = (struct metric_file_column){
		.series_id = series->id,
		.samples = samples,
	};
	if (series->declared[side] >= NAMED_TIMES)
		return;
	checkpoint->series[addition->n_series++] = (struct store_file_series){
		.id = series->id,
		.labels = series->labels,
		.labels_length = series->labels_length,
	};
}

/* One column for each series of the file's samples. */
static void make_columns(struct checkpoint *checkpoint, const struct group_file *file,
			 struct metric_file_addition *addition)
{
	const struct group_sample *samples = &checkpoint->group.samples[file->first];

	for (size_t i = 0; i < file->n_samples; i++) {
		checkpoint->samples[i] = samples[i].sample;
		if (i == 0 || samples[i].series != samples[i - 1].series)
			add_column(checkpoint, samples[i].series, file->side,
				   &checkpoint->samples[i], addition);
		checkpoint->columns[addition->n_columns - 1].n_samples++;
	}
	addition->columns = checkpoint->columns;
	addition->series = checkpoint->series;
}

/* The bytes to be appended to a metric's file. */
static int encode_metric(struct checkpoint *checkpoint, struct group_file *file)
{
	struct engine *engine = checkpoint->engine;
	struct metric_file_addition addition = {
		.store_id = engine->store_id,
		.host = file->of->host->name,
		.metric = file->file->metric,
		.type = file->side == CATALOG_SIDE_ODD ? HM_FILE_ODD : HM_FILE_METRIC,
		.position = file->of->position,
	};
	int result = reserve(checkpoint, file->n_samples);

	if (result < 0)
		return result;
	pthread_mutex_lock(&engine->mutex);
	file->kind = file->file->kind;
	file->unit = file->file->unit;
	file->has_meta = file->side == CATALOG_SIDE_MAIN;
	addition.has_new_meta = file->has_meta && file->file->has_new_meta;
	addition.kind = file->kind;
	addition.unit = file->unit;
	pthread_mutex_unlock(&engine->mutex);
	make_columns(checkpoint, file, &addition);
	return metric_file_encode(checkpoint->encoder, &addition, &file->after, &checkpoint->bytes);
}

/* The bytes to be appended to a host's own file. */
static int encode_host(struct checkpoint *checkpoint, struct group_file *file)
{
	const struct engine *engine = checkpoint->engine;
	const struct catalog_host *host = file->of->host;
	struct buffer *bytes = &checkpoint->bytes;
	struct store_file_header header = {
		.store_id = engine->store_id,
		.salt = file->after.salt,
		.type = HM_FILE_HOST,
		.host = host->name,
		.host_length = strlen(host->name),
		.metric = "",
		.unit = "",
	};
	struct store_file_host entry = {
		.number = host->number,
		.id = host->id,
		.n_samples = host->n_filed + file->of->n_samples,
		.name = host->name,
		.name_length = strlen(host->name),
	};
	size_t start;
	int result = 0;

	if (file->before.length_bytes == 0)
		result = store_file_put_header(bytes, &header);
	if (result < 0)
		return result;
	start = store_file_begin_block(bytes, HM_BLOCK_HOST, file->of->position);
	store_file_put_host(bytes, &entry);
	result = store_file_end_block(bytes, start, file->after.salt,
				      file->before.length_bytes + start);
	file->after.length_bytes = file->before.length_bytes + bytes->length;
	return result;
}

/* Write what is to be appended, where the file ends as far as it counts. */
static int append(struct checkpoint *checkpoint, int fd, const struct group_file *file)
{
	const struct disk *disk = checkpoint->engine->options.disk;
	const struct buffer *bytes = &checkpoint->bytes;
	struct disk_status status;
	int result = disk->fstat(disk->context, fd, &status);

	/* What an earlier group left there does not count, and shall not follow what does. */
	if (result == 0 && status.size_bytes > file->before.length_bytes)
		result = disk->ftruncate(disk->context, fd, file->before.length_bytes);
	if (result == 0)
		result =
			disk_write(disk, fd, bytes->data, bytes->length, file->before.length_bytes);
	return result;
}

static int write_file(struct checkpoint *checkpoint, struct group_file *file)
{
	struct engine *engine = checkpoint->engine;
	const struct disk *disk = engine->options.disk;
	char name[CATALOG_FILE_NAME_BYTES];
	char path[PATH_BYTES];
	int result;
	int fd;

	buffer_clear(&checkpoint->bytes);
	file->after = file->before;
	result = file->file ? encode_metric(checkpoint, file) : encode_host(checkpoint, file);
	if (result < 0)
		return result;
	if (file->before.length_bytes == 0) {
		result = disk->mkdir(disk->context, engine->hosts_folder, file->of->host->folder);
		if (result < 0 && result != -EEXIST)
			return result;
	}
	file_name(file, name);
	(void)snprintf(path, sizeof(path), "%s/%s", file->of->host->folder, name);
	fd = disk->open(disk->context, engine->hosts_folder, path, O_RDWR | O_CREAT);
	if (fd < 0)
		return fd;
	result = append(checkpoint, fd, file);
	(void)disk->close(disk->context, fd);
	return result;
}

/* Write some files and sync them. @param ret_is_sync  the sync failed @return 0, also where more are
 * left; -errno */
static int write_files(struct checkpoint *checkpoint, bool *ret_is_sync)
{
	const struct disk *disk = checkpoint->engine->options.disk;
	struct group *group = &checkpoint->group;
	size_t until = checkpoint->next_file + FILES_PER_SYNC;
	int result = 0;

	while (result == 0 && checkpoint->next_file < group->n_files &&
	       checkpoint->next_file < until)
		result = write_file(checkpoint, &group->files[checkpoint->next_file++]);
	if (result < 0)
		return result;
	result = disk->syncfs(disk->context, checkpoint->sync_fd);
	*ret_is_sync = result < 0;
	return result;
}

/* -- the end of a group --------------------------------------------------------------------------- */

/* A host's own file is made anew. */
static void remove_host_file(struct engine *engine, struct catalog_host *host)
{
	const struct disk *disk = engine->options.disk;
	int folder = disk->open(disk->context, engine->hosts_folder, host->folder,
				O_RDONLY | O_DIRECTORY);

	if (folder >= 0) {
		(void)disk->unlink(disk->context, folder, HOST_FILE);
		(void)disk->close(disk->context, folder);
	}
	host->end = (struct metric_file_end){.highest_us = CATALOG_NO_TIME};
}

/* Have a file as it was before. One that is new goes, so that the next of its name is another. */
static int cut_file(struct checkpoint *checkpoint, const struct group_file *file, bool is_sync)
{
	struct engine *engine = checkpoint->engine;
	const struct disk *disk = engine->options.disk;
	char name[CATALOG_FILE_NAME_BYTES];
	int folder = disk->open(disk->context, engine->hosts_folder, file->of->host->folder,
				O_RDONLY | O_DIRECTORY);
	int result;
	int fd;

	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	file_name(file, name);
	if (file->before.length_bytes == 0) {
		result = disk->unlink(disk->context, folder, name);
	} else if (is_sync) {
		result = -EIO;
	} else {
		fd = disk->open(disk->context, folder, name, O_RDWR);
		result =
			fd < 0 ? fd : disk->ftruncate(disk->context, fd, file->before.length_bytes);
		if (fd >= 0)
			(void)disk->close(disk->context, fd);
	}
	(void)disk->close(disk->context, folder);
	return result == -ENOENT ? 0 : result;
}

/*
 * Undo the group: its samples stay in the log. @param is_sync  a sync failed, so none of the files
 * that were written is ever written again
 */
static void undo(struct checkpoint *checkpoint, int error, bool is_sync)
{
	struct engine *engine = checkpoint->engine;
	struct group *group = &checkpoint->group;

	for (size_t i = 0; i < checkpoint->next_file; i++) {
		struct group_file *file = &group->files[i];
		bool is_cut = cut_file(checkpoint, file, is_sync) == 0;

		pthread_mutex_lock(&engine->mutex);
		if (!is_cut && file->file)
			(void)begin_part(engine, file, file->before.length_bytes);
		else if (!is_cut)
			remove_host_file(engine, file->of->host);
		pthread_mutex_unlock(&engine->mutex);
	}
	pthread_mutex_lock(&engine->mutex);
	buffer_clear(&engine->groups);
	engine->wants_room |= error == -ENOSPC || error == -EDQUOT;
	(void)snprintf(engine->stats.last_error, sizeof(engine->stats.last_error),
		       "samples stay in the log: metric files cannot be written: %s",
		       strerror(-error));
	pthread_mutex_unlock(&engine->mutex);
	close_sync(checkpoint);
	checkpoint->until = 0;
	checkpoint->state = STATE_IDLE;
}

/* A file is as it was written: with the mutex held. */
static void publish_file(struct engine *engine, const struct group *group,
			 const struct group_file *file)
{
	struct catalog_file *metric = file->file;

	engine->stats.n_file_bytes += file->after.length_bytes - file->before.length_bytes;
	if (!metric) {
		file->of->host->end = file->after;
		return;
	}
	metric->data[file->side].end = file->after;
	for (size_t i = 0; i < file->n_samples; i++) {
		struct catalog_series *series = group->samples[file->first + i].series;
		bool is_first = i == 0 || series != group->samples[file->first + i - 1].series;

		if (is_first && series->declared[file->side] < NAMED_TIMES)
			series->declared[file->side]++;
	}
	if (file->has_meta && metric->kind == file->kind && metric->unit == file->unit)
		metric->has_new_meta = false;
}

/* The log says so: readers may see what was appended. */
static void publish(struct checkpoint *checkpoint)
{
	struct engine *engine = checkpoint->engine;
	struct group *group = &checkpoint->group;
	int64_t now_us = engine->options.disk->now_us(engine->options.disk->context);

	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < group->n_files; i++)
		publish_file(engine, group, &group->files[i]);
	for (size_t i = 0; i < group->n_hosts; i++) {
		struct catalog_host *host = group->hosts[i].host;

		host->checkpoint = group->hosts[i].position;
		host->n_filed += group->hosts[i].n_samples;
		host->waiting_us = host->last > host->checkpoint ? now_us : 0;
	}
	buffer_clear(&engine->groups);
	engine->stats.n_checkpoints++;
	pthread_mutex_unlock(&engine->mutex);
	group_clear(group);
	checkpoint->state = STATE_IDLE;
}

/* -- steps ---------------------------------------------------------------------------------------- */

static int begin(struct checkpoint *checkpoint, enum engine_scope scope)
{
	struct engine *engine = checkpoint->engine;
	int result;

	pthread_mutex_lock(&engine->mutex);
	if (scope == ENGINE_SCOPE_ALL && checkpoint->until == 0)
		checkpoint->until = engine->durable;
	pthread_mutex_unlock(&engine->mutex);
	result = gather(checkpoint, scope);
	if (result == 0 && checkpoint->group.n_hosts == 0)
		result = -ENODATA;
	if (result < 0) {
		checkpoint->until = 0;
		return result;
	}
	checkpoint->next_file = 0;
	result = announce(checkpoint);
	if (result < 0)
		return result;
	checkpoint->state = STATE_ANNOUNCED;
	return -EAGAIN;
}

static int open_sync(struct checkpoint *checkpoint)
{
	struct engine *engine = checkpoint->engine;
	const struct disk *disk = engine->options.disk;

	checkpoint->sync_fd =
		disk->open(disk->context, engine->hosts_folder, ".", O_RDONLY | O_DIRECTORY);
	return checkpoint->sync_fd < 0 ? checkpoint->sync_fd : 0;
}

static int work(struct checkpoint *checkpoint)
{
	const struct group *group = &checkpoint->group;
	bool is_sync = false;
	int result = write_files(checkpoint, &is_sync);

	if (result < 0) {
		undo(checkpoint, result, is_sync);
		return result;
	}
	if (checkpoint->next_file < group->n_files)
		return 0;
	result = conclude(checkpoint);
	if (result < 0) {
		undo(checkpoint, result, false);
		return result;
	}
	close_sync(checkpoint);
	checkpoint->state = STATE_WRITTEN;
	return -EAGAIN;
}

int checkpoint_run(struct checkpoint *checkpoint, enum engine_scope scope)
{
	int result;

	switch (checkpoint->state) {
	case STATE_IDLE:
		return begin(checkpoint, scope);
	case STATE_ANNOUNCED:
		if (!is_logged(checkpoint))
			return -EAGAIN;
		result = open_sync(checkpoint);
		if (result < 0) {
			undo(checkpoint, result, false);
			return result;
		}
		checkpoint->state = STATE_WRITING;
		return 0;
	case STATE_WRITING:
		return work(checkpoint);
	case STATE_WRITTEN:
	default:
		if (!is_logged(checkpoint))
			return -EAGAIN;
		publish(checkpoint);
		return 0;
	}
}
