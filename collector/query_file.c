/* SPDX-License-Identifier: MIT */
/* What a metric's files have of the series that are asked for. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/query_part.h"
#include "common/message.h"
#include "common/store_path.h"

#define PATH_BYTES (CATALOG_FILE_NAME_BYTES * 2)

/* Have what is deleted of a column that was added not count. @param position  of its block */
static int hide_deleted(struct query *query, uint32_t id, uint64_t position, uint32_t place)
{
	const struct tombstone *tombstones;
	size_t n = tombstones_find(&query->tombstones, id, &tombstones);
	int result = 0;

	for (size_t i = 0; i < n && result == 0; i++) {
		const int64_t range_us[2] = {tombstones[i].since_us, tombstones[i].until_us};

		if (position < tombstones[i].position)
			result = pile_mask_last(&query->stored, &query->limits, place, range_us);
	}
	return result;
}

static int take_stored(void *context, struct block_decoder *decoder, uint64_t position)
{
	struct query *query = context;
	const int64_t span_us[2] = {query->stored_since_us, query->until_us};
	struct catalog_series **first = query->selection.series + query->run_start;
	size_t n_columns = block_decoder_n_columns(decoder);
	int result = limits_check(&query->limits);
	int added = 0;

	if (result == 0)
		added = pile_add_block(&query->stored, &query->limits, decoder, span_us);
	if (result < 0 || added <= 0)
		return result < 0 ? result : added;
	for (size_t i = 0; i < n_columns && result == 0; i++) {
		struct catalog_series **item =
			id_map_get(&query->ids, block_decoder_series_id(decoder, i));
		uint32_t place;

		if (!item)
			continue;
		place = (uint32_t)(item - first);
		result = pile_add_column(&query->stored, &query->limits, decoder, i, place);
		if (result == 0 && query->tombstones.n > 0)
			result = hide_deleted(query, (*item)->id, position, place);
	}
	return result;
}

static int note_damage(void *context, uint64_t offset, uint64_t length_bytes)
{
	struct query *query = context;

	(void)offset;
	(void)length_bytes;
	query->n_damaged++;
	return 0;
}

/* At start a file is read no further than is needed: what it has behind that was not seen. */
void query_file_count_damage(struct query *query, const struct catalog_file *file,
			     struct catalog_data *data)
{
	struct engine *engine = query->engine;
	uint64_t n_new = 0;

	pthread_mutex_lock(&engine->mutex);
	if (query->n_damaged > data->n_damaged) {
		n_new = query->n_damaged - data->n_damaged;
		data->n_damaged = query->n_damaged;
		engine->stats.n_damaged_ranges += n_new;
	}
	pthread_mutex_unlock(&engine->mutex);
	if (n_new > 0) {
		message_warning("host %s: %s: %" PRIu64 " damaged ranges are passed over; "
				"'agentctl check' names them",
				file->host->name, file->metric, n_new);
	}
}

/* @param front_bytes  nothing of it counts before */
static int read_part(struct query *query, const struct catalog_file *file, enum catalog_side side,
		     const struct catalog_part *part, uint64_t front_bytes)
{
	const struct metric_file_wish wish = {
		.since_us = query->stored_since_us,
		.until_us = query->until_us,
		.context = query,
		.block = take_stored,
		.damage = note_damage,
	};
	char name[CATALOG_FILE_NAME_BYTES];
	char path[PATH_BYTES];
	struct store_file_header expected = {.part = part->part};
	struct metric_file_place place = {
		.folder = query->engine->hosts_folder,
		.path = path,
		.length_bytes = part->length_bytes,
		.front_bytes = front_bytes,
		.position_max = query->checkpoint,
		.expected = &expected,
	};

	catalog_file_name(file, side, part->part, part->continues_bytes, name);
	expected.salt = store_path_salt(query->engine->store_id, file->host->folder, name);
	(void)snprintf(path, sizeof(path), "%s/%s", file->host->folder, name);
	return metric_file_read(query->engine->options.disk, &place, query->decoder, &wish);
}

/* A file is not there, or is none any more: count it once. @param result  why it cannot be read; 0: it
 * can */
static void note_missing(struct query *query, struct catalog_file *file, enum catalog_side side,
			 const struct catalog_part *part, int result)
{
	struct catalog_data *data = &file->data[side];
	struct engine *engine = query->engine;
	char name[CATALOG_FILE_NAME_BYTES];
	bool is_new;

	pthread_mutex_lock(&engine->mutex);
	is_new = result < 0 && !data->is_missing;
	data->is_missing = result < 0;
	engine->stats.n_damaged_ranges += is_new;
	pthread_mutex_unlock(&engine->mutex);
	query->n_lost += result < 0;
	if (!is_new)
		return;
	catalog_file_name(file, side, part->part, part->continues_bytes, name);
	message_warning("%s/%s: %s; what it held is missing", file->host->folder, name,
			strerror(-result));
}

/* Does a result say nothing of the file, but of us? */
static bool is_ours(int result)
{
	return result == -ENOMEM || result == -EMFILE || result == -ENFILE || result == -ENOBUFS ||
	       result == -ECANCELED || result == -ETIME;
}

/* A file's parts, as they were at one moment. */
struct parts {
	struct catalog_data *data;
	size_t n;
	uint64_t n_taken;
};

/* Did a checkpoint take something of the file away since its host's log was read, or since these were
 * noted? With the mutex held. */
static bool is_trimmed(const struct query *query, const struct parts *parts)
{
	const struct catalog_trim *trim = parts->data->trim;

	return trim && (trim->position > query->checkpoint || trim->n_taken != parts->n_taken);
}

static int note_parts(const struct query *query, struct catalog_data *data, struct parts *ret_parts)
{
	struct engine *engine = query->engine;
	struct parts parts = {.data = data};
	int result;

	pthread_mutex_lock(&engine->mutex);
	parts.n = data->n_parts + 1;
	parts.n_taken = data->trim ? data->trim->n_taken : 0;
	result = is_trimmed(query, &parts) ? -ESTALE : 0;
	pthread_mutex_unlock(&engine->mutex);
	*ret_parts = parts;
	return result;
}

/* One of them, the present one behind all others; where nothing of it counts, of no length.
 * @return 0 or -ESTALE */
static int get_part(const struct query *query, const struct parts *parts, size_t index,
		    struct catalog_part *ret_part, uint64_t *ret_front_bytes)
{
	struct engine *engine = query->engine;
	const struct catalog_data *data = parts->data;
	const struct metric_file_end *end = &data->end;
	const struct catalog_trim *trim;
	bool is_same;

	pthread_mutex_lock(&engine->mutex);
	is_same = !is_trimmed(query, parts);
	trim = data->trim;
	*ret_part = (struct catalog_part){
		.part = end->part,
		.continues_bytes = end->continues_bytes,
		.length_bytes = end->length_bytes,
	};
	if (index < data->n_parts)
		*ret_part = data->parts[index];
	*ret_front_bytes = 0;
	if (trim && ret_part->part < trim->front_part)
		ret_part->length_bytes = 0;
	else if (trim && ret_part->part == trim->front_part)
		*ret_front_bytes = trim->front_bytes;
	pthread_mutex_unlock(&engine->mutex);
	return is_same ? 0 : -ESTALE;
}

static int read_side_part(struct query *query, struct catalog_file *file, enum catalog_side side,
			  const struct parts *parts, size_t index)
{
	struct catalog_part part;
	uint64_t front_bytes;
	int result = get_part(query, parts, index, &part, &front_bytes);
	int read;

	if (result < 0 || part.length_bytes == 0)
		return result;
	read = read_part(query, file, side, &part, front_bytes);
	if (is_ours(read))
		return read;
	/* What was taken away meanwhile is not missing. */
	result = get_part(query, parts, index, &part, &front_bytes);
	/* What there is is given, and that something is missing is said. */
	if (result == 0)
		note_missing(query, file, side, &part, read);
	return result;
}

/* Read all parts of one of a metric's files. */
static int read_side(struct query *query, struct catalog_file *file, enum catalog_side side)
{
	struct catalog_data *data = &file->data[side];
	struct parts parts;
	int result = note_parts(query, data, &parts);

	query->n_damaged = 0;
	query->stored_since_us = query->since_us;
	if (side == CATALOG_SIDE_MAIN && query->since_us < query->horizon_us)
		query->stored_since_us = query->horizon_us;
	if (result == 0)
		result = query_masks_join(&query->masks, query->engine, file, side,
					  &query->tombstones);
	for (size_t i = 0; i < parts.n && result == 0; i++)
		result = read_side_part(query, file, side, &parts, i);
	query->n_lost += query->n_damaged;
	if (side == CATALOG_SIDE_MAIN)
		query->n_damaged_main = query->n_damaged;
	if (query->n_damaged > 0 && result != -ESTALE)
		query_file_count_damage(query, file, data);
	return result;
}

int query_file_read(struct query *query, struct catalog_file *file)
{
	int result = 0;

	for (int side = 0; side < CATALOG_SIDES && result == 0; side++)
		result = read_side(query, file, (enum catalog_side)side);
	return result;
}
