/* SPDX-License-Identifier: MIT */
/* Moves samples from the log into metric files. */

#include "collector/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "collector/checkpoint_part.h"
#include "collector/controls.h"
#include "collector/host_file.h"
#include "common/log_entry.h"

/* So many files are written between two syncs. One over many more holds up the log's own: at p99 by 11
 * to 16 ms with 2 000 files, 6 to 8 ms with 500, on an ext4 whose own sync takes 1 ms. */
#define FILES_PER_SYNC 500

/* A record with files of a group is closed when it has so many bytes. */
#define GROUP_RECORD_BYTES ((size_t)200 << 10)

int checkpoint_new(struct engine *engine, struct checkpoint **ret_checkpoint)
{
	struct checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
	int result;

	if (!checkpoint)
		return -ENOMEM;
	checkpoint->engine = engine;
	checkpoint->sync_fd = -1;
	checkpoint->group.samples_max = group_samples_max(engine->options.segment_bytes);
	result = group_writer_init(&checkpoint->writer, engine);
	if (result == 0)
		result = tail_new(engine, &checkpoint->tail);
	if (result < 0)
		checkpoint_free(checkpoint);
	else
		*ret_checkpoint = checkpoint;
	return result;
}

void checkpoint_free(struct checkpoint *checkpoint)
{
	if (!checkpoint)
		return;
	checkpoint_close_sync(checkpoint);
	tail_free(checkpoint->tail);
	group_done(&checkpoint->group);
	group_writer_done(&checkpoint->writer);
	free(checkpoint);
}

/* -- what the log is told ------------------------------------------------------------------------- */

/* With the mutex held. */
static int put_group(struct engine *engine, const struct buffer *payload)
{
	cursor_put_u32(&engine->groups, (uint32_t)payload->length);
	buffer_append(&engine->groups, payload->data, payload->length);
	if (buffer_failed(&engine->groups))
		return -ENOMEM;
	return controls_put(engine, HM_RECORD_GROUP, 0, payload);
}

/* With the mutex held. */
static int put_group_files(struct checkpoint *checkpoint)
{
	struct engine *engine = checkpoint->engine;
	const struct group *group = &checkpoint->group;
	struct buffer payload = {0};
	int result = 0;

	for (size_t i = 0; i < group->n_files && result == 0; i++) {
		const struct group_file *file = &group->files[i];
		char name[CATALOG_FILE_NAME_BYTES];
		struct log_group_file entry;

		/* The last one is a host's own, which always has some. */
		if (!group_writer_has_work(file))
			continue;
		group_writer_name(file, name);
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
		result = put_group(engine, &payload);
		buffer_clear(&payload);
	}
	buffer_done(&payload);
	return result;
}

/* Say which files will be appended to, and how long they are. */
static int announce(struct checkpoint *checkpoint)
{
	struct engine *engine = checkpoint->engine;
	struct group *group = &checkpoint->group;
	size_t n_waiting;
	int result = 0;

	checkpoint->number++;
	/* Asks the disk, which may take its time: nobody waits for that. */
	for (size_t i = 0; i < group->n_files && result == 0; i++) {
		struct group_file *file = &group->files[i];

		result = group_writer_locate(&checkpoint->writer, file);
		if (result == 0 && file->file)
			result = trim_plan(&checkpoint->writer.trim, group, file);
		file->of->n_dropped += file->n_dropped;
	}
	pthread_mutex_lock(&engine->mutex);
	buffer_clear(&engine->groups);
	n_waiting = engine->controls.length;
	if (result == 0)
		result = put_group_files(checkpoint);
	catalog_forget_names(&engine->catalog);
	if (result == 0) {
		checkpoint->ticket = ++engine->controls_wanted;
	} else {
		controls_cut(engine, n_waiting);
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
	int result;

	log_entry_put_group(&payload, checkpoint->number);
	for (size_t i = 0; i < group->n_hosts; i++) {
		struct log_checkpoint entry = {group->hosts[i].host->number,
					       group->hosts[i].position};

		log_entry_put_checkpoint(&payload, &entry);
	}
	pthread_mutex_lock(&engine->mutex);
	result = controls_put(engine, HM_RECORD_CHECKPOINT, 0, &payload);
	if (result == 0) {
		checkpoint->ticket = ++engine->controls_wanted;
		engine->is_concluding = true;
	}
	pthread_mutex_unlock(&engine->mutex);
	buffer_done(&payload);
	return result;
}

/* -- files ---------------------------------------------------------------------------------------- */

/* Write some files and sync them. @param ret_is_sync  the sync failed @return 0, also where more are
 * left; -errno */
static int write_files(struct checkpoint *checkpoint, bool *ret_is_sync)
{
	const struct disk *disk = checkpoint->engine->options.disk;
	struct group *group = &checkpoint->group;
	size_t until = checkpoint->next_file + FILES_PER_SYNC;
	bool is_lost = false;
	int result = 0;

	while (result == 0 && checkpoint->next_file < group->n_files &&
	       checkpoint->next_file < until) {
		result = group_writer_append(&checkpoint->writer, group,
					     &group->files[checkpoint->next_file++]);
		/* All of them at once: a whole folder may be gone. */
		if (result == -ESTALE) {
			is_lost = true;
			result = 0;
		}
	}
	if (result == 0 && is_lost)
		result = -ESTALE;
	if (result < 0)
		return result;
	result = disk->syncfs(disk->context, checkpoint->sync_fd);
	*ret_is_sync = result < 0;
	return result;
}

/* -- steps ---------------------------------------------------------------------------------------- */

/* Nothing is left to be moved: what the largest group needed is not kept until there is something. */
static void rest(struct checkpoint *checkpoint)
{
	struct engine *engine = checkpoint->engine;

	group_done(&checkpoint->group);
	group_writer_rest(&checkpoint->writer);
	tail_rewind(checkpoint->tail);
	pthread_mutex_lock(&engine->mutex);
	buffer_done(&engine->groups);
	pthread_mutex_unlock(&engine->mutex);
}

static int begin(struct checkpoint *checkpoint, enum engine_scope scope)
{
	struct engine *engine = checkpoint->engine;
	int result;

	trim_release(&checkpoint->writer.trim);
	pthread_mutex_lock(&engine->mutex);
	if (scope == ENGINE_SCOPE_ALL && checkpoint->until == 0)
		checkpoint->until = engine->durable;
	pthread_mutex_unlock(&engine->mutex);
	result = checkpoint_gather(checkpoint, scope);
	if (result == 0 && checkpoint->group.n_hosts == 0)
		result = -ENODATA;
	if (result < 0) {
		checkpoint->until = 0;
		rest(checkpoint);
		return result;
	}
	checkpoint->next_file = 0;
	result = announce(checkpoint);
	if (result < 0)
		return result;
	checkpoint->state = CHECKPOINT_ANNOUNCED;
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
		checkpoint_undo(checkpoint, result, is_sync);
		return !is_sync && checkpoint_passes_over(checkpoint, result) ? 0 : result;
	}
	if (checkpoint->next_file < group->n_files)
		return 0;
	result = conclude(checkpoint);
	if (result < 0) {
		checkpoint_undo(checkpoint, result, false);
		return result;
	}
	checkpoint_close_sync(checkpoint);
	checkpoint->state = CHECKPOINT_WRITTEN;
	return -EAGAIN;
}

int checkpoint_run(struct checkpoint *checkpoint, enum engine_scope scope)
{
	int result;

	switch (checkpoint->state) {
	case CHECKPOINT_IDLE:
		return begin(checkpoint, scope);
	case CHECKPOINT_ANNOUNCED:
		if (!is_logged(checkpoint))
			return -EAGAIN;
		result = open_sync(checkpoint);
		if (result < 0) {
			checkpoint_undo(checkpoint, result, false);
			return result;
		}
		checkpoint->state = CHECKPOINT_WRITING;
		return 0;
	case CHECKPOINT_WRITING:
		return work(checkpoint);
	case CHECKPOINT_WRITTEN:
	default:
		if (!is_logged(checkpoint))
			return -EAGAIN;
		result = host_file_replace(checkpoint->engine, &checkpoint->group);
		if (result == 0)
			checkpoint_publish(checkpoint);
		return result;
	}
}
