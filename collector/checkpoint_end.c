/* SPDX-License-Identifier: MIT */
/* What becomes of a group: it is undone, or readers see it. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/checkpoint_part.h"
#include "collector/host_file.h"
#include "common/message.h"

void checkpoint_close_sync(struct checkpoint *checkpoint)
{
	const struct disk *disk = checkpoint->engine->options.disk;

	if (checkpoint->sync_fd >= 0)
		(void)disk->close(disk->context, checkpoint->sync_fd);
	checkpoint->sync_fd = -1;
}

/* Write no more to a file that a sync failed for, or that somebody took away. With the mutex held. */
static void begin_part(struct checkpoint *checkpoint, struct group_file *file)
{
	uint64_t continues_bytes = file->is_lost ? FILE_NAME_ALL : file->before.length_bytes;
	int result = 0;

	if (file->is_lost) {
		message_warning(
			"%s: a file of %s is gone or shorter than it was; going on in a new one",
			file->of->host->folder, file->file->metric);
	}
	/* A part that was to take the place of others does not: they still count. */
	if (file->trim == GROUP_TRIM_REWRITE)
		result = catalog_begin_part(&checkpoint->engine->catalog, file->file, file->side,
					    file->before.continues_bytes);
	if (result == 0)
		result = catalog_begin_part(&checkpoint->engine->catalog, file->file, file->side,
					    continues_bytes);
	/* Without memory the host stays in the log until the next start. */
	if (result < 0)
		file->of->host->is_unread = true;
}

bool checkpoint_passes_over(struct checkpoint *checkpoint, int error)
{
	struct engine *engine = checkpoint->engine;
	struct catalog_host *host = checkpoint->group.files[checkpoint->next_file - 1].of->host;

	if (error != -ENOTDIR && error != -ELOOP)
		return error == -ESTALE;
	message_error(
		"hosts/%s is no folder any more; the host's samples stay in the log until the "
		"next start",
		host->folder);
	pthread_mutex_lock(&engine->mutex);
	host->is_unread = true;
	(void)snprintf(engine->stats.last_error, sizeof(engine->stats.last_error),
		       "hosts/%.180s is no folder: the host's samples stay in the log",
		       host->folder);
	pthread_mutex_unlock(&engine->mutex);
	return true;
}

/*
 * The log forgets the group: a power cut is not to bring back what was cut, half written. Where that fails, as it may on such a
 * disk, it is damage in files that do not count.
 */
static void sync_cuts(const struct checkpoint *checkpoint)
{
	const struct disk *disk = checkpoint->engine->options.disk;

	if (checkpoint->sync_fd >= 0)
		(void)disk->syncfs(disk->context, checkpoint->sync_fd);
}

void checkpoint_undo(struct checkpoint *checkpoint, int error, bool is_sync)
{
	struct engine *engine = checkpoint->engine;
	struct group *group = &checkpoint->group;

	for (size_t i = 0; i < checkpoint->next_file; i++) {
		struct group_file *file = &group->files[i];
		bool is_cut = group_writer_cut(&checkpoint->writer, file, is_sync) == 0;

		if (!is_cut && file->file) {
			pthread_mutex_lock(&engine->mutex);
			begin_part(checkpoint, file);
			pthread_mutex_unlock(&engine->mutex);
		} else if (!is_cut) {
			pthread_mutex_lock(&engine->mutex);
			host_file_leave(file->of->host);
			pthread_mutex_unlock(&engine->mutex);
		}
	}
	sync_cuts(checkpoint);
	pthread_mutex_lock(&engine->mutex);
	catalog_forget_names(&engine->catalog);
	buffer_clear(&engine->groups);
	engine->wants_room |= error == -ENOSPC || error == -EDQUOT;
	(void)snprintf(engine->stats.last_error, sizeof(engine->stats.last_error),
		       "samples stay in the log: metric files cannot be written: %s",
		       strerror(-error));
	pthread_mutex_unlock(&engine->mutex);
	checkpoint_close_sync(checkpoint);
	checkpoint->until = 0;
	checkpoint->state = CHECKPOINT_IDLE;
}

/* A file is as it was written: with the mutex held. */
static void publish_file(struct engine *engine, const struct group *group,
			 const struct group_file *file)
{
	struct catalog_host *host = file->of->host;
	struct catalog_file *metric = file->file;

	engine->stats.n_file_bytes += file->after.length_bytes - file->before.length_bytes;
	if (file->before.length_bytes == 0 && file->after.length_bytes > 0)
		usage_add_file(&host->usage);
	if (!metric) {
		if (host->kept_bytes > 0)
			usage_remove_file(&host->usage, &host->n_sectors);
		if (host->is_remade || host->end.length_bytes == 0)
			host->made_bytes = file->after.length_bytes;
		host->is_remade = false;
		host->kept_bytes = 0;
		host->end = file->after;
		usage_set(&host->usage, &host->n_sectors, file->allocated_bytes);
		return;
	}
	metric->data[file->side].end = file->after;
	if (file->after.length_bytes != file->before.length_bytes)
		usage_set(&host->usage, &metric->data[file->side].n_sectors, file->allocated_bytes);
	for (size_t i = 0; i < file->n_runs; i++) {
		struct catalog_series *series = group->runs[file->first_run + i].series;
		bool is_first = i == 0 || series != group->runs[file->first_run + i - 1].series;
		unsigned n = catalog_declared(series, file->side);

		if (is_first && n < GROUP_WRITER_NAMED_TIMES)
			catalog_set_declared(series, file->side, n + 1);
	}
	if (file->has_meta && metric->kind == file->kind && metric->unit == file->unit)
		metric->has_new_meta = false;
}

void checkpoint_publish(struct checkpoint *checkpoint)
{
	struct engine *engine = checkpoint->engine;
	struct group *group = &checkpoint->group;
	int64_t now_us = engine->options.disk->now_us(engine->options.disk->context);

	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < group->n_files; i++) {
		if (group->files[i].file)
			trim_publish(&checkpoint->writer.trim, group, &group->files[i]);
		publish_file(engine, group, &group->files[i]);
	}
	catalog_forget_names(&engine->catalog);
	for (size_t i = 0; i < group->n_hosts; i++) {
		struct catalog_host *host = group->hosts[i].host;
		uint64_t n_gone = group->hosts[i].n_dropped + group->hosts[i].n_hidden;

		host->checkpoint = group->hosts[i].position;
		host->n_filed = group_n_filed(&group->hosts[i]);
		host->n_samples -= n_gone < host->n_samples ? n_gone : host->n_samples;
		host->trimmed_us = group->hosts[i].horizon_us;
		host->filed_oldest_us = group->hosts[i].oldest_us;
		group_publish_marks(group, &group->hosts[i]);
		host->said_oldest_us = group->hosts[i].oldest_us;
		host->waiting_us = host->last > host->checkpoint ? now_us : 0;
	}
	buffer_clear(&engine->groups);
	engine->is_concluding = false;
	engine->stats.n_checkpoints++;
	pthread_mutex_unlock(&engine->mutex);
	trim_release(&checkpoint->writer.trim);
	group_clear(group);
	checkpoint->state = CHECKPOINT_IDLE;
}
