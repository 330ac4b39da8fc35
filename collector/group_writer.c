/* SPDX-License-Identifier: MIT */
/* Appends a group's samples to files. */

#include "collector/group_writer.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/group_messages.h"
#include "collector/host_file.h"
#include "common/store_path.h"

#define PATH_BYTES (CATALOG_FILE_NAME_BYTES * 2)

int group_writer_init(struct group_writer *writer, struct engine *engine)
{
	*writer = (struct group_writer){.engine = engine};
	writer->encoder = block_encoder_new();
	return writer->encoder ? trim_init(&writer->trim, engine) : -ENOMEM;
}

void group_writer_rest(struct group_writer *writer)
{
	trim_rest(&writer->trim);
	buffer_done(&writer->bytes);
	free(writer->series);
	free(writer->columns);
	free(writer->samples);
	writer->series = NULL;
	writer->columns = NULL;
	writer->samples = NULL;
	writer->capacity = 0;
}

void group_writer_done(struct group_writer *writer)
{
	group_writer_rest(writer);
	trim_done(&writer->trim);
	block_encoder_free(writer->encoder);
}

void group_writer_name(const struct group_file *file, char name[static CATALOG_FILE_NAME_BYTES])
{
	if (file->file) {
		catalog_file_name(file->file, file->side, file->before.part,
				  file->before.continues_bytes, name);
	} else {
		(void)snprintf(name, CATALOG_FILE_NAME_BYTES, "%s", host_file_name(file->of->host));
	}
}

/*
 * Take another name. What counts of the part before still does, and no more: a byte of the next block is
 * none of it. Else all that is whole in what has the name counts, should it be readable one day.
 */
static int take_next_name(struct engine *engine, const struct group_file *file)
{
	uint64_t continues_bytes = file->before.continues_bytes;
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	if (file->before.part > 0 && continues_bytes < FILE_NAME_ALL - 1) {
		catalog_go_on(&engine->catalog, file->file, file->side, file->before.part,
			      continues_bytes + 1);
	} else {
		result =
			catalog_begin_part(&engine->catalog, file->file, file->side, FILE_NAME_ALL);
	}
	pthread_mutex_unlock(&engine->mutex);
	return result;
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

	group_writer_name(file, name);
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

int group_writer_locate(struct group_writer *writer, struct group_file *file)
{
	struct engine *engine = writer->engine;
	char name[CATALOG_FILE_NAME_BYTES];
	int result = 0;
	int taken = 0;

	if (!file->file)
		host_file_look(engine, file->of->host);
	/* Nobody else changes where a file ends. */
	file->before = file->file ? file->file->data[file->side].end : file->of->host->end;
	if (!file->file && file->of->host->is_remade)
		file->before = (struct metric_file_end){.highest_us = CATALOG_NO_TIME};
	if (file->before.length_bytes > 0)
		return 0;
	while (result == 0 && file->file && (taken = is_taken(engine, file)) > 0) {
		result = take_next_name(engine, file);
		file->before = file->file->data[file->side].end;
	}
	if (taken < 0)
		return taken;
	group_writer_name(file, name);
	file->before.salt = store_path_salt(engine->store_id, file->of->host->folder,
					    file->file ? name : STORE_PATH_HOST_FILE);
	return result;
}

bool group_writer_has_work(const struct group_file *file)
{
	return !file->file || file->n_runs > 0 || file->trim != GROUP_TRIM_NONE ||
	       file->before.length_bytes == 0;
}

static int reserve(struct group_writer *writer, size_t n)
{
	if (n <= writer->capacity)
		return 0;
	/* What they hold is made anew for each file. */
	free(writer->series);
	free(writer->columns);
	free(writer->samples);
	writer->series = calloc(n, sizeof(*writer->series));
	writer->columns = calloc(n, sizeof(*writer->columns));
	writer->samples = calloc(n, sizeof(*writer->samples));
	writer->capacity = writer->series && writer->columns && writer->samples ? n : 0;
	return writer->capacity ? 0 : -ENOMEM;
}

/* Begin a column; name its series where the file does not yet, or only once. */
static void add_column(struct group_writer *writer, const struct catalog_series *series,
		       const struct group_file *file, struct metric_file_addition *addition)
{
	writer->columns[addition->n_columns++] =
		(struct metric_file_column){.series_id = series->id};
	if (catalog_declared(series, file->side) >= GROUP_WRITER_NAMED_TIMES &&
	    file->trim < GROUP_TRIM_FRONT)
		return;
	writer->series[addition->n_series++] = (struct store_file_series){
		.id = series->id,
		.labels = series->labels,
		.labels_length = series->labels_length,
	};
}

static int compare_times(const void *a_pointer, const void *b_pointer)
{
	const struct metric_file_sample *a = a_pointer;
	const struct metric_file_sample *b = b_pointer;

	return a->time_us < b->time_us ? -1 : a->time_us > b->time_us;
}

/* Sort a column by time, where it is not; equal times stay as they are. @return 0 or -ENOMEM */
static int sort_times(struct metric_file_sample *samples, size_t n)
{
	size_t i = 1;

	while (i < n && samples[i].time_us >= samples[i - 1].time_us)
		i++;
	if (i >= n)
		return 0;
	return mergesort(samples, n, sizeof(*samples), compare_times) < 0 ? -ENOMEM : 0;
}

/* What was copied of a series. */
struct list {
	struct metric_file_sample *first;
	struct metric_file_sample *end;
};

/* @return 0 or -ENOMEM */
static int end_column(const struct list *samples, const struct list *absences,
		      struct metric_file_column *column)
{
	int result;

	column->samples = samples->first;
	column->n_samples = (size_t)(samples->end - samples->first);
	column->absences = absences->first;
	column->n_absences = (size_t)(absences->end - absences->first);
	result = sort_times(samples->first, column->n_samples);
	return result == 0 ? sort_times(absences->first, column->n_absences) : result;
}

/* One column for each series of the file's runs. @return 0 or -ENOMEM */
static int make_columns(struct group_writer *writer, const struct group *group,
			const struct group_file *file, struct metric_file_addition *addition)
{
	const struct group_run *runs = &group->runs[file->first_run];
	struct list samples = {writer->samples, writer->samples};
	struct list absences = {samples.end + file->n_samples, samples.end + file->n_samples};
	int result = 0;

	for (size_t i = 0; i < file->n_runs && result == 0; i++) {
		const struct group_run *run = &runs[i];
		struct list *list = run->is_absent ? &absences : &samples;

		if (i == 0 || run->series != runs[i - 1].series) {
			samples.first = samples.end;
			absences.first = absences.end;
			add_column(writer, run->series, file, addition);
		}
		memcpy(list->end, &group->samples[run->first], run->n_samples * sizeof(*list->end));
		list->end += run->n_samples;
		if (i + 1 == file->n_runs || runs[i + 1].series != run->series)
			result = end_column(&samples, &absences,
					    &writer->columns[addition->n_columns - 1]);
	}
	addition->columns = writer->columns;
	addition->series = writer->series;
	return result;
}

static void note_oldest(struct group_host *of, const struct metric_file_addition *addition)
{
	for (size_t i = 0; i < addition->n_columns; i++) {
		const struct metric_file_column *column = &addition->columns[i];

		if (column->n_samples > 0 && column->samples[0].time_us < of->oldest_us)
			of->oldest_us = column->samples[0].time_us;
	}
}

/* The bytes to be appended to a metric's file. */
static int encode_metric(struct group_writer *writer, const struct group *group,
			 struct group_file *file)
{
	struct engine *engine = writer->engine;
	struct metric_file_addition addition = {
		.store_id = engine->store_id,
		.host = file->of->host->name,
		.metric = file->file->metric,
		.type = file->side == CATALOG_SIDE_ODD ? HM_FILE_ODD : HM_FILE_METRIC,
		.position = file->of->position,
	};
	bool is_named = file->trim == GROUP_TRIM_FRONT || file->trim == GROUP_TRIM_REWRITE;
	int result = reserve(writer, file->n_samples + file->n_absences);

	if (result < 0)
		return result;
	pthread_mutex_lock(&engine->mutex);
	file->kind = file->file->kind;
	file->unit = file->file->unit;
	file->has_meta = file->side == CATALOG_SIDE_MAIN && (is_named || file->n_runs > 0);
	addition.has_new_meta = file->has_meta && file->file->has_new_meta;
	addition.kind = file->kind;
	addition.unit = file->unit;
	pthread_mutex_unlock(&engine->mutex);
	result = make_columns(writer, group, file, &addition);
	if (result == 0 && file->side == CATALOG_SIDE_MAIN)
		note_oldest(file->of, &addition);
	if (result == 0)
		result = trim_begin(&writer->trim, writer->encoder, file, &writer->bytes);
	if (result == 0 && (file->n_runs > 0 || file->after.length_bytes == 0))
		result = metric_file_encode(writer->encoder, &addition, &file->after,
					    &writer->bytes);
	return result == 0 ? trim_end(group, file, &writer->bytes) : result;
}

/* What its files say is the oldest, where the host's own one does not say it yet. */
static int put_oldest(const struct group_file *file, struct buffer *out)
{
	const struct group_host *of = file->of;
	bool is_said = file->before.length_bytes > 0 && of->oldest_us >= of->host->said_oldest_us;
	size_t start;

	if (of->oldest_us == CATALOG_NO_OLDEST || is_said)
		return 0;
	start = store_file_begin_block(out, HM_BLOCK_OLDEST, of->position);
	store_file_put_oldest(out, of->oldest_us);
	return store_file_end_block(out, start, file->after.salt,
				    file->before.length_bytes + start);
}

/* The bytes to be appended to a host's own file. */
static int encode_host(struct group_writer *writer, const struct group *group,
		       struct group_file *file)
{
	struct engine *engine = writer->engine;
	const struct catalog_host *host = file->of->host;
	bool is_first = file->before.length_bytes == 0;
	struct buffer *bytes = &writer->bytes;
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
		.n_samples = group_n_filed(file->of),
		.name = host->name,
		.name_length = strlen(host->name),
	};
	size_t start;
	int result = 0;

	if (is_first)
		result = store_file_put_header(bytes, &header);
	if (result == 0)
		result = put_oldest(file, bytes);
	if (result == 0)
		result = group_put_messages(group, file, is_first, engine, bytes);
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
static int append(struct group_writer *writer, int fd, const struct group_file *file)
{
	const struct disk *disk = writer->engine->options.disk;
	const struct buffer *bytes = &writer->bytes;
	struct disk_status status;
	int result = disk->fstat(disk->context, fd, &status);

	if (result == 0 && (!status.is_file || status.size_bytes < file->before.length_bytes))
		return -ESTALE;
	/* What an earlier group left there does not count, and shall not follow what does. */
	if (result == 0 && status.size_bytes > file->before.length_bytes)
		result = disk->ftruncate(disk->context, fd, file->before.length_bytes);
	if (result == 0)
		result =
			disk_write(disk, fd, bytes->data, bytes->length, file->before.length_bytes);
	return result;
}

/* Write a part that takes the place of those before. */
static int rewrite(struct group_writer *writer, const struct group *group, struct group_file *file,
		   int fd)
{
	const struct disk *disk = writer->engine->options.disk;
	int result = disk->ftruncate(disk->context, fd, 0);
	uint64_t offset;

	if (result == 0)
		result = trim_copy(&writer->trim, writer->encoder, group, file, fd);
	offset = file->after.length_bytes;
	if (result == 0)
		result = encode_metric(writer, group, file);
	if (result == 0)
		result = disk_write(disk, fd, writer->bytes.data, writer->bytes.length, offset);
	return result;
}

static int note_allocated(const struct group_writer *writer, int fd, struct group_file *file)
{
	const struct disk *disk = writer->engine->options.disk;
	struct disk_status status;
	int result = disk->fstat(disk->context, fd, &status);

	if (result == 0)
		file->allocated_bytes = status.allocated_bytes;
	return result;
}

int group_writer_append(struct group_writer *writer, const struct group *group,
			struct group_file *file)
{
	struct engine *engine = writer->engine;
	const struct disk *disk = engine->options.disk;
	char name[CATALOG_FILE_NAME_BYTES];
	char path[PATH_BYTES];
	int flags = O_RDWR;
	int result;
	int fd;

	buffer_clear(&writer->bytes);
	file->after = file->before;
	if (!group_writer_has_work(file))
		return 0;
	if (!file->file)
		result = encode_host(writer, group, file);
	else
		result = file->trim == GROUP_TRIM_REWRITE ? 0 : encode_metric(writer, group, file);
	if (result < 0)
		return result;
	if (file->before.length_bytes == 0) {
		flags |= O_CREAT;
		result = disk->mkdir(disk->context, engine->hosts_folder, file->of->host->folder);
		if (result < 0 && result != -EEXIST)
			return result;
	}
	group_writer_name(file, name);
	(void)snprintf(path, sizeof(path), "%s/%s", file->of->host->folder, name);
	fd = disk->open(disk->context, engine->hosts_folder, path, flags);
	result = fd;
	if (fd >= 0) {
		result = file->trim == GROUP_TRIM_REWRITE ? rewrite(writer, group, file, fd)
							  : append(writer, fd, file);
		if (result == 0)
			result = note_allocated(writer, fd, file);
		(void)disk->close(disk->context, fd);
	} else if (fd == -ENOENT && file->before.length_bytes > 0) {
		result = -ESTALE;
	}
	file->is_lost = result == -ESTALE;
	return result;
}

int group_writer_cut(const struct group_writer *writer, const struct group_file *file, bool is_sync)
{
	struct engine *engine = writer->engine;
	const struct disk *disk = engine->options.disk;
	char name[CATALOG_FILE_NAME_BYTES];
	int folder;
	int result;
	int fd;

	if (file->is_lost)
		return -ESTALE;
	if (!group_writer_has_work(file))
		return 0;
	folder = disk->open(disk->context, engine->hosts_folder, file->of->host->folder,
			    O_RDONLY | O_DIRECTORY);
	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	group_writer_name(file, name);
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
