/* SPDX-License-Identifier: MIT */
/* What a checkpoint does to a file of which something does not count any more: giving back its room. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "collector/trim_part.h"
#include "common/array.h"
#include "common/log_file.h"
#include "common/message.h"

/* A segment of the log is begun for what has waited for one for so long. */
#define WAIT_MAX_US INT64_C(600000000)

/* What cannot be put on the list is given back after the next start. */
static void add_release(struct engine *engine, const struct engine_release *release)
{
	struct engine_release *grown = array_grow(engine->releases, engine->n_releases,
						  &engine->releases_capacity, sizeof(*grown));

	if (!grown)
		return;
	engine->releases = grown;
	grown[engine->n_releases++] = *release;
}

static struct engine_release make_release(const struct engine *engine,
					  const struct group_file *file,
					  const struct catalog_part *part)
{
	const struct disk *disk = engine->options.disk;

	return (struct engine_release){
		.file = file->file,
		.side = file->side,
		.part = part->part,
		.continues_bytes = part->continues_bytes,
		.segment = log_position_segment(engine->durable),
		.since_us = disk->now_us(disk->context),
	};
}

/* No part before the one that was written counts any more. */
static void leave_parts(struct engine *engine, const struct group_file *file)
{
	struct catalog_data *data = trim_data(file);
	size_t n_parts = trim_n_parts(file);

	for (size_t i = 0; i < n_parts; i++) {
		struct catalog_part part = trim_get_part(file, i);
		const struct engine_release release = make_release(engine, file, &part);

		if (part.part >= file->after.part)
			continue;
		usage_remove_file(&file->of->host->usage,
				  i < data->n_parts ? &data->parts[i].n_sectors : &data->n_sectors);
		add_release(engine, &release);
	}
	data->n_parts = 0;
}

/* What lies before the front goes; where that is all, the file. */
static void leave_before_front(struct engine *engine, const struct group_file *file)
{
	struct catalog_part present = trim_get_part(file, trim_n_parts(file) - 1);
	struct engine_release release = make_release(engine, file, &present);

	release.front_bytes = file->front_bytes;
	release.length_bytes = file->after.length_bytes;
	release.is_empty = file->trim == GROUP_TRIM_EMPTY;
	add_release(engine, &release);
}

/* With room that was reserved. */
static void publish_tombstones(const struct group *group, const struct group_file *file,
			       struct tombstones *tombstones)
{
	for (size_t i = 0; i < file->n_masks; i++) {
		struct tombstone tombstone = trim_mask(&group->masks[file->first_mask + i]);

		(void)tombstones_add(tombstones, &tombstone);
	}
	tombstones_sort(tombstones);
}

void trim_publish(struct trim *trim, const struct group *group, struct group_file *file)
{
	struct engine *engine = trim->engine;
	struct catalog_data *data = trim_data(file);
	struct catalog_trim *known = data->trim;

	if (file->trim == GROUP_TRIM_NONE && !file->is_expiring)
		return;
	known->oldest_last_us = file->oldest_last_us;
	if (file->trim == GROUP_TRIM_NONE)
		return;
	known->position = file->of->position;
	if (file->trim <= GROUP_TRIM_FRONT)
		publish_tombstones(group, file, &known->tombstones);
	else
		tombstones_done(&known->tombstones);
	if (file->trim < GROUP_TRIM_FRONT)
		return;
	if (known->front_part != file->after.part)
		known->released_bytes = 0;
	known->front_part = file->after.part;
	known->front_bytes = file->front_bytes;
	data->names_nothing = true;
	engine->catalog.has_new_parts = true;
	leave_parts(engine, file);
	if (file->trim != GROUP_TRIM_REWRITE)
		leave_before_front(engine, file);
}

static void unlink_part(const struct trim *trim, const struct engine_release *release)
{
	const struct disk *disk = trim->engine->options.disk;
	char path[TRIM_PATH_BYTES];
	char *name;
	int folder;

	trim_part_path(release->file, release->side, release->part, release->continues_bytes, path);
	name = path + strlen(release->file->host->folder) + 1;
	name[-1] = '\0';
	folder =
		disk->open(disk->context, trim->engine->hosts_folder, path, O_RDONLY | O_DIRECTORY);
	if (folder < 0)
		return;
	(void)disk->unlink(disk->context, folder, name);
	(void)disk->close(disk->context, folder);
}

/* How much room it takes now. What cannot be known is known at the next start. */
static void note_allocated(struct engine *engine, int fd, const struct engine_release *release)
{
	const struct disk *disk = engine->options.disk;
	struct catalog_data *data = &release->file->data[release->side];
	uint32_t *n_sectors = NULL;
	struct disk_status status;

	if (disk->fstat(disk->context, fd, &status) < 0)
		return;
	pthread_mutex_lock(&engine->mutex);
	if (release->part == data->end.part)
		n_sectors = &data->n_sectors;
	for (size_t i = 0; i < data->n_parts && !n_sectors; i++) {
		if (data->parts[i].part == release->part)
			n_sectors = &data->parts[i].n_sectors;
	}
	if (n_sectors)
		usage_set(&release->file->host->usage, n_sectors, status.allocated_bytes);
	pthread_mutex_unlock(&engine->mutex);
}

/* Give back what lies before the front. */
static int punch(const struct trim *trim, const struct engine_release *release)
{
	const struct disk *disk = trim->engine->options.disk;
	uint64_t end = release->front_bytes - release->front_bytes % TRIM_PAGE_BYTES;
	char path[TRIM_PATH_BYTES];
	int result;
	int fd;

	if (end <= TRIM_PAGE_BYTES)
		return 0;
	trim_part_path(release->file, release->side, release->part, release->continues_bytes, path);
	fd = disk->open(disk->context, trim->engine->hosts_folder, path, O_RDWR);
	if (fd < 0)
		return fd;
	result = disk->punch(disk->context, fd, TRIM_PAGE_BYTES, end - TRIM_PAGE_BYTES);
	if (result == 0)
		note_allocated(trim->engine, fd, release);
	(void)disk->close(disk->context, fd);
	return result;
}

static void give_back(struct trim *trim, const struct engine_release *release)
{
	struct catalog_trim *known = release->file->data[release->side].trim;
	int result = punch(trim, release);

	/* What failed is not waited for any more. */
	pthread_mutex_lock(&trim->engine->mutex);
	if (release->part == known->front_part && release->front_bytes > known->released_bytes)
		known->released_bytes = release->front_bytes;
	pthread_mutex_unlock(&trim->engine->mutex);
	if (result != -EOPNOTSUPP || trim->cannot_punch)
		return;
	trim->cannot_punch = true;
	message_warning(
		"the file system of the store cannot make holes: the room of old samples comes "
		"back only where more than half of a file is old");
}

/*
 * May it be given back? A snapshot that is copied needs what was there when it began; one that begins from
 * now on does not. What says that it does not count must stand in two segments of the log, else a single
 * damage could cost what was copied, or the names that are said again. With the mutex held.
 */
static bool is_releasable(struct engine *engine, const struct engine_release *release)
{
	const struct disk *disk = engine->options.disk;

	if (!release->is_empty && release->segment >= engine->newest_segment) {
		engine->wants_segment |=
			!engine->stats.is_full &&
			disk->now_us(disk->context) - release->since_us >= WAIT_MAX_US;
		return false;
	}
	return engine->n_snapshots == 0;
}

/* Take an empty file out of the catalog, unless it was appended to. With the mutex held. @return is it
 * out? */
static bool take_out(const struct engine_release *release)
{
	struct catalog_data *data = &release->file->data[release->side];

	if (!release->is_empty || data->end.part != release->part ||
	    data->end.length_bytes != release->length_bytes)
		return false;
	usage_remove_file(&release->file->host->usage, &data->n_sectors);
	data->end = (struct metric_file_end){.highest_us = CATALOG_NO_TIME};
	data->trim->front_part = 0;
	data->trim->front_bytes = 0;
	data->trim->released_bytes = 0;
	data->trim->n_taken++;
	return true;
}

void trim_release(struct trim *trim)
{
	struct engine *engine = trim->engine;
	size_t n_left = 0;

	for (size_t i = 0; i < engine->n_releases; i++) {
		struct engine_release release = engine->releases[i];
		bool is_gone = release.front_bytes == 0;
		bool can_go;

		pthread_mutex_lock(&engine->mutex);
		can_go = is_releasable(engine, &release);
		if (can_go && take_out(&release))
			is_gone = true;
		pthread_mutex_unlock(&engine->mutex);
		if (!can_go)
			engine->releases[n_left++] = release;
		else if (is_gone)
			unlink_part(trim, &release);
		else
			give_back(trim, &release);
	}
	engine->n_releases = n_left;
}
