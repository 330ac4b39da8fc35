/* SPDX-License-Identifier: MIT */
/* Moves samples from the log into metric files. */

#include "collector/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/controls.h"
#include "collector/group_writer.h"
#include "collector/host_file.h"
#include "collector/names.h"
#include "common/log_entry.h"
#include "common/log_file.h"
#include "common/message.h"

/* So many files are written between two syncs. One over many more holds up the log's own: at p99 by 11
 * to 16 ms with 2 000 files, 6 to 8 ms with 500, on an ext4 whose own sync takes 1 ms. */
#define FILES_PER_SYNC 500

/* A record with files of a group is closed when it has so many bytes. */
#define GROUP_RECORD_BYTES ((size_t)200 << 10)

enum state {
	STATE_IDLE,
	STATE_ANNOUNCED, /* the log is to say which files are appended to */
	STATE_WRITING,
	STATE_WRITTEN, /* the log is to say that they are */
};

struct checkpoint {
	struct engine *engine; /* borrowed */
	struct tail *tail;
	enum state state;
	struct group group;
	uint64_t number; /* of the group */
	uint64_t ticket; /* of the record that must be durable first */
	uint64_t
		until; /* all up to here is being moved: what comes in meanwhile can wait; 0 = not */
	size_t next_host; /* of the catalog: where to look for one that is due */
	size_t next_file; /* of the group, to be written */
	int sync_fd;      /* of the file system, from before the first write on; -1 = none */
	struct group_writer writer;
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
	result = group_writer_init(&checkpoint->writer, engine);
	if (result == 0)
		result = tail_new(engine, &checkpoint->tail);
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
	group_done(&checkpoint->group);
	group_writer_done(&checkpoint->writer);
	free(checkpoint);
}

/* -- which hosts ---------------------------------------------------------------------------------- */

/* A position for what is done to the files of a host that has nothing to be moved: behind all that is
 * durable of the host, and before all that comes. */
static uint64_t trim_position(const struct checkpoint *checkpoint)
{
	return checkpoint->engine->durable > 0 ? checkpoint->engine->durable - 1 : 0;
}

/* Has a host's horizon moved on since its files were trimmed? */
static bool is_expiring(const struct checkpoint *checkpoint, const struct catalog_host *host)
{
	return host->horizon_us > host->trimmed_us && host->number != 0 &&
	       (host->last > host->checkpoint || host->checkpoint < trim_position(checkpoint));
}

static bool is_due(const struct checkpoint *checkpoint, const struct catalog_host *host,
		   enum engine_scope scope, int64_t now_us)
{
	const struct engine *engine = checkpoint->engine;
	uint64_t lag;

	if (host->is_unread)
		return false;
	if (is_expiring(checkpoint, host))
		return true;
	if (host->last <= host->checkpoint)
		return false;
	if (scope == ENGINE_SCOPE_ALL)
		return host->checkpoint < checkpoint->until;
	lag = log_position_segment(engine->durable) - log_position_segment(host->checkpoint);
	return lag >= (engine->stats.is_full ? ENGINE_CHECKPOINT_SEGMENTS_FULL
					     : ENGINE_CHECKPOINT_SEGMENTS) ||
	       now_us - host->waiting_us >= ENGINE_CHECKPOINT_AGE_US;
}

/* What is due of a host. */
struct due {
	struct tail_range range;   /* empty: its files are only trimmed, */
	uint64_t durable;          /* up to here the log has all; the range ends before */
	uint64_t trimmed;          /* at this position */
	uint64_t n_trimmed_series; /* whose files are looked at; 0 = none are */
};

/* The next host in turn that is due, once round. @return NULL: none is */
static struct catalog_host *next_due(struct checkpoint *checkpoint, enum engine_scope scope,
				     size_t *n_left, struct due *ret_due)
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
		if (is_due(checkpoint, host, scope, now_us) &&
		    names_tell_again(engine, host) == 0) {
			*ret_due = (struct due){
				.range = {host->number, host->checkpoint, host->last},
				.durable = engine->durable,
				.trimmed = trim_position(checkpoint),
				.n_trimmed_series =
					is_expiring(checkpoint, host) ? host->n_series : 0,
			};
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

/* What was read ahead for a host before may have ended in the middle of what has become durable since.
 * @param fresh  up to where what was read ahead is what the log has */
static void read_afresh(struct checkpoint *checkpoint, const struct due *due, uint64_t *fresh)
{
	if (due->range.last < *fresh)
		return;
	tail_rewind(checkpoint->tail);
	*fresh = due->durable;
}

static void note_awaited(struct engine *engine, const struct catalog_host *host, int error)
{
	pthread_mutex_lock(&engine->mutex);
	(void)snprintf(engine->stats.last_error, sizeof(engine->stats.last_error),
		       "samples of host %.100s stay in the log, which cannot be read now: %s",
		       host->name, strerror(-error));
	pthread_mutex_unlock(&engine->mutex);
}

/* Add what the log has of a host. What the disk does not give stays there for a while, and is asked for again. */
static int add_host(struct checkpoint *checkpoint, struct catalog_host *host,
		    const struct tail_range *range, uint64_t *ret_n_damaged)
{
	int result;

	tail_await(checkpoint->tail, true);
	result = group_add_host(&checkpoint->group, checkpoint->tail, host, range, ret_n_damaged);
	if (!disk_is_withheld(result))
		return result;
	if (engine_awaits_disk(checkpoint->engine)) {
		note_awaited(checkpoint->engine, host, result);
		return result;
	}
	tail_await(checkpoint->tail, false);
	return group_add_host(&checkpoint->group, checkpoint->tail, host, range, ret_n_damaged);
}

/* Fill the group. @return 0, with an empty one where nothing is due; -errno */
static int gather(struct checkpoint *checkpoint, enum engine_scope scope)
{
	struct engine *engine = checkpoint->engine;
	struct group *group = &checkpoint->group;
	const struct tail_range *range;
	uint64_t n_trimmed_series = 0;
	uint64_t fresh = 0;
	struct due due;
	size_t n_left;
	int error = 0;
	int result = 0;

	group_clear(group);
	pthread_mutex_lock(&engine->mutex);
	n_left = engine->catalog.n_hosts;
	pthread_mutex_unlock(&engine->mutex);
	range = &due.range;
	/* A horizon moves for all hosts at once: their files are not all looked at in one group. */
	while (result == 0 && !group_is_full(group, n_trimmed_series)) {
		struct catalog_host *host = next_due(checkpoint, scope, &n_left, &due);
		uint64_t n_damaged = 0;

		if (!host)
			break;
		n_trimmed_series += due.n_trimmed_series;
		read_afresh(checkpoint, &due, &fresh);
		if (range->last > range->after)
			result = add_host(checkpoint, host, range, &n_damaged);
		else
			result = group_add_trimmed(group, host, due.trimmed);
		if (result == 0 && group->hosts[group->n_hosts - 1].position < range->last)
			result = names_tell_of_rest(engine, host);
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
	return result == 0 ? group_complete(group, &engine->mutex) : result;
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

/* -- the end of a group --------------------------------------------------------------------------- */

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

/*
 * Is an error that of one host's folder, or of files that are gone? Then the group is tried again at once:
 * with new parts, and without a host whose folder is none any more, until the next start finds another.
 */
static bool is_passed_over(struct checkpoint *checkpoint, int error)
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
 * Undo the group: its samples stay in the log. @param is_sync  a sync failed, so none of the files
 * that were written is ever written again
 */
static void undo(struct checkpoint *checkpoint, int error, bool is_sync)
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
	pthread_mutex_lock(&engine->mutex);
	catalog_forget_names(&engine->catalog);
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

/* The log says so: readers may see what was appended. */
static void publish(struct checkpoint *checkpoint)
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
	checkpoint->state = STATE_IDLE;
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
	result = gather(checkpoint, scope);
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
		return !is_sync && is_passed_over(checkpoint, result) ? 0 : result;
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
		result = host_file_replace(checkpoint->engine, &checkpoint->group);
		if (result == 0)
			publish(checkpoint);
		return result;
	}
}
