/* SPDX-License-Identifier: MIT */
/* What the store is at one moment. */

#include "collector/snapshot_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/host_file.h"
#include "common/log_file.h"

#define HOST_FILE ".host"

/* -- files ----------------------------------------------------------------------------------------- */

/* How many files there can be: with the mutex. */
static size_t count_files(const struct catalog *catalog)
{
	size_t n = catalog->n_hosts;

	for (size_t i = 0; i < catalog->files.n; i++) {
		const struct catalog_file *file = pool_at(&catalog->files, i);

		for (int side = 0; side < CATALOG_SIDES; side++)
			n += file->data[side].n_parts + 1;
	}
	return n;
}

static void add_file(struct snapshot_state *state, const struct snapshot_file *file)
{
	if (file->length_bytes > 0)
		state->files[state->n_files++] = *file;
}

static void add_part(struct snapshot_state *state, const struct catalog_file *file,
		     enum catalog_side side, const struct catalog_part *part)
{
	const struct snapshot_file entry = {
		.host = file->host,
		.file = file,
		.side = side,
		.part = part->part,
		.continues_bytes = part->continues_bytes,
		.length_bytes = part->length_bytes,
	};

	add_file(state, &entry);
}

static void add_side(struct snapshot_state *state, const struct catalog_file *file,
		     enum catalog_side side)
{
	const struct catalog_data *data = &file->data[side];
	const struct catalog_part last = {
		.part = data->end.part,
		.continues_bytes = data->end.continues_bytes,
		.length_bytes = data->end.length_bytes,
	};

	for (size_t i = 0; i < data->n_parts; i++)
		add_part(state, file, side, &data->parts[i]);
	add_part(state, file, side, &last);
}

/* With the mutex, and room for all of them. */
static void note_files(struct snapshot_state *state, const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_hosts; i++) {
		const struct catalog_host *host = catalog->all_hosts[i];
		struct snapshot_file entry = {.host = host, .length_bytes = host_file_bytes(host)};

		if (host->is_unread)
			state->unread[state->n_unread++] = host;
		else
			add_file(state, &entry);
	}
	for (size_t i = 0; i < catalog->files.n; i++) {
		const struct catalog_file *file = pool_at(&catalog->files, i);

		if (file->host->is_unread)
			continue;
		for (int side = 0; side < CATALOG_SIDES; side++)
			add_side(state, file, (enum catalog_side)side);
	}
	state->n_hosts = catalog->n_hosts;
}

/* The memory is had without the mutex; by then there may be more. */
static int make_room(struct snapshot_state *state, size_t *ret_n)
{
	struct engine *engine = state->engine;
	size_t n_hosts;

	pthread_mutex_lock(&engine->mutex);
	*ret_n = count_files(&engine->catalog);
	n_hosts = engine->catalog.n_hosts;
	pthread_mutex_unlock(&engine->mutex);
	*ret_n += *ret_n / 8 + 64;
	state->files = calloc(*ret_n, sizeof(*state->files));
	/* With as many hosts more. */
	state->unread = calloc(n_hosts + *ret_n, sizeof(struct catalog_host *));
	return state->files && state->unread ? 0 : -ENOMEM;
}

/* -- the log --------------------------------------------------------------------------------------- */

/* Open the segments that were there. @return 0; -EAGAIN: some are gone by now; -errno */
static int open_segments(struct snapshot_state *state, uint32_t first)
{
	struct engine *engine = state->engine;
	const struct disk *disk = engine->options.disk;
	uint32_t last = log_position_segment(state->durable);
	bool is_missing = false;
	bool is_later;

	state->segments = calloc((size_t)(last - first) + 2, sizeof(*state->segments));
	if (!state->segments)
		return -ENOMEM;
	for (uint64_t number = first; number <= last; number++) {
		struct snapshot_segment *segment = &state->segments[state->n_segments];
		char name[LOG_FILE_NAME_BYTES];

		log_file_name((uint32_t)number, name);
		segment->number = (uint32_t)number;
		segment->fd = disk->open(disk->context, engine->log_folder, name, O_RDONLY);
		if (segment->fd < 0 && segment->fd != -ENOENT)
			return segment->fd;
		is_missing |= segment->fd < 0;
		state->n_segments += segment->fd >= 0;
	}
	pthread_mutex_lock(&engine->mutex);
	is_later = engine->first_segment > first;
	pthread_mutex_unlock(&engine->mutex);
	/* One that could not be made left a gap, which is no harm. */
	return is_missing && is_later ? -EAGAIN : 0;
}

/* -- both ------------------------------------------------------------------------------------------ */

static int take(struct snapshot_state *state)
{
	struct engine *engine = state->engine;
	uint32_t first = 0;
	size_t n_room;
	int result = make_room(state, &n_room);

	if (result < 0)
		return result;
	pthread_mutex_lock(&engine->mutex);
	if (engine->trouble) {
		/* Nobody knows yet what all of it is. */
		result = engine->trouble;
	} else if (engine->is_concluding || count_files(&engine->catalog) > n_room) {
		result = -EAGAIN;
	} else {
		note_files(state, &engine->catalog);
		state->durable = engine->durable;
		first = engine->first_segment;
		engine->n_snapshots++;
	}
	pthread_mutex_unlock(&engine->mutex);
	/* A store that has never logged anything. */
	if (result < 0 || first > log_position_segment(state->durable))
		return result;
	result = open_segments(state, first);
	if (result < 0) {
		pthread_mutex_lock(&engine->mutex);
		engine->n_snapshots--;
		pthread_mutex_unlock(&engine->mutex);
	}
	return result;
}

static void release(struct snapshot_state *state)
{
	const struct disk *disk = state->engine->options.disk;

	for (size_t i = 0; i < state->n_segments; i++)
		(void)disk->close(disk->context, state->segments[i].fd);
	free(state->segments);
	free(state->files);
	free(state->unread);
}

int snapshot_state_take(struct engine *engine, struct snapshot_state *ret_state)
{
	struct snapshot_state state = {.engine = engine};
	int result = take(&state);

	if (result < 0)
		release(&state);
	else
		*ret_state = state;
	return result;
}

void snapshot_state_done(struct snapshot_state *state)
{
	if (!state->engine)
		return;
	release(state);
	pthread_mutex_lock(&state->engine->mutex);
	state->engine->n_snapshots--;
	pthread_mutex_unlock(&state->engine->mutex);
	*state = (struct snapshot_state){0};
}

void snapshot_file_path(const struct snapshot_file *file, char path[static SNAPSHOT_PATH_BYTES])
{
	char name[CATALOG_FILE_NAME_BYTES] = HOST_FILE;

	if (file->file)
		catalog_file_name(file->file, file->side, file->part, file->continues_bytes, name);
	(void)snprintf(path, SNAPSHOT_PATH_BYTES, "%s/%s", file->host->folder, name);
}
