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

static int take_stored(void *context, struct block_decoder *decoder, uint64_t position)
{
	struct query *query = context;
	const int64_t span_us[2] = {query->since_us, query->until_us};
	struct catalog_series **first = query->selection.series + query->run_start;
	size_t n_columns = block_decoder_n_columns(decoder);
	int result = limits_check(&query->limits);
	int added = 0;

	(void)position;
	if (result == 0)
		added = pile_add_block(&query->stored, &query->limits, decoder, span_us);
	if (result < 0 || added <= 0)
		return result < 0 ? result : added;
	for (size_t i = 0; i < n_columns && result == 0; i++) {
		struct catalog_series **item =
			id_map_get(&query->ids, block_decoder_series_id(decoder, i));

		if (item) {
			result = pile_add_column(&query->stored, &query->limits, decoder, i,
						 (uint32_t)(item - first));
		}
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

static int read_part(struct query *query, const struct catalog_file *file, enum catalog_side side,
		     const struct catalog_part *part)
{
	const struct metric_file_wish wish = {
		.since_us = query->since_us,
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

/* A part of a file, the present one behind all others. With the mutex held. */
static struct catalog_part get_part(const struct catalog_data *data, size_t index)
{
	const struct metric_file_end *end = &data->end;

	if (index < data->n_parts)
		return data->parts[index];
	return (struct catalog_part){end->part, end->continues_bytes, end->length_bytes};
}

/* Read all parts of one of a metric's files. */
static int read_side(struct query *query, struct catalog_file *file, enum catalog_side side)
{
	struct engine *engine = query->engine;
	struct catalog_data *data = &file->data[side];
	size_t n_parts;
	int result = 0;

	query->n_damaged = 0;
	pthread_mutex_lock(&engine->mutex);
	n_parts = data->n_parts + 1;
	pthread_mutex_unlock(&engine->mutex);
	for (size_t i = 0; i < n_parts && result == 0; i++) {
		struct catalog_part part;

		pthread_mutex_lock(&engine->mutex);
		part = get_part(data, i);
		pthread_mutex_unlock(&engine->mutex);
		if (part.length_bytes == 0)
			continue;
		result = read_part(query, file, side, &part);
		/* What there is is given, and that something is missing is said. */
		if (!is_ours(result)) {
			note_missing(query, file, side, &part, result);
			result = 0;
		}
	}
	query->n_lost += query->n_damaged;
	if (side == CATALOG_SIDE_MAIN)
		query->n_damaged_main = query->n_damaged;
	if (query->n_damaged > 0)
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
