/* SPDX-License-Identifier: MIT */
/* What a checkpoint does to a file of which something does not count any more: what it decides. */

#include "collector/trim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/trim_part.h"
#include "common/store_path.h"

/* A hole is worth it where it has a page, and several times what the names take that must be said again
 * behind it. */
#define HOLE_BYTES_PER_SERIES UINT64_C(128)

int trim_init(struct trim *trim, struct engine *engine)
{
	*trim = (struct trim){.engine = engine};
	trim->decoder = block_decoder_new();
	return trim->decoder ? 0 : -ENOMEM;
}

void trim_rest(struct trim *trim)
{
	tombstones_done(&trim->known);
	tombstones_done(&trim->tombstones);
	metric_names_done(&trim->names);
	free(trim->samples);
	trim->samples = NULL;
	trim->samples_capacity = 0;
}

void trim_done(struct trim *trim)
{
	trim_rest(trim);
	block_decoder_free(trim->decoder);
}

/* -- reading what there is ------------------------------------------------------------------------ */

int trim_open_part(const struct trim *trim, const struct group_file *file, size_t index,
		   struct trim_source *ret_source)
{
	const struct disk *disk = trim->engine->options.disk;
	const struct catalog_part part = trim_get_part(file, index);
	const struct catalog_trim *known = trim_data(file)->trim;
	struct trim_source *source = ret_source;
	struct store_file_header header;
	uint64_t damaged_bytes;
	int result;

	*source = (struct trim_source){.fd = -1, .place.position_max = UINT64_MAX};
	trim_part_path(file->file, file->side, part.part, part.continues_bytes, source->path);
	source->place.folder = trim->engine->hosts_folder;
	source->place.path = source->path;
	source->place.length_bytes = part.length_bytes;
	if (part.length_bytes == 0 || (known && part.part < known->front_part))
		return -ENODATA;
	if (known && part.part == known->front_part)
		source->place.front_bytes = known->front_bytes;
	source->fd = metric_place_open(disk, &source->place);
	if (source->fd < 0)
		return source->fd;
	result = metric_place_begin(&source->reader, disk, source->fd, &source->place, &header,
				    &damaged_bytes);
	/* A file that cannot be read whole is left as it is. */
	return result == -ENODATA ? -EBADMSG : result;
}

void trim_close_part(const struct trim *trim, struct trim_source *source)
{
	const struct disk *disk = trim->engine->options.disk;

	file_reader_done(&source->reader);
	if (source->fd >= 0)
		(void)disk->close(disk->context, source->fd);
}

static int reserve_samples(struct trim *trim, size_t n)
{
	struct metric_file_sample *samples;

	if (n <= trim->samples_capacity)
		return 0;
	samples = reallocarray(trim->samples, n, sizeof(*samples));
	if (!samples)
		return -ENOMEM;
	trim->samples = samples;
	trim->samples_capacity = n;
	return 0;
}

/* A column's samples and absences. @param column  with room for both, and their numbers 0 */
static void list_column(const struct block_decoder *decoder, const struct block_column *decoded,
			struct trim_column *column)
{
	size_t n_times;
	const int64_t *times_us = block_decoder_times(decoder, &n_times);
	struct block_run whole = {.n_present = (uint32_t)n_times};
	const struct block_run *runs = decoded->runs ? decoded->runs : &whole;
	size_t n_runs = decoded->runs ? decoded->n_runs : 1;
	const double *values = decoded->values;

	for (size_t i = 0; i < n_runs; i++) {
		uint32_t n_absent = runs[i].reason != HM_REASON_NONE ? runs[i].n_missing : 0;

		for (uint32_t row = 0; row < runs[i].n_present; row++) {
			column->samples[column->n_samples.n++] =
				(struct metric_file_sample){times_us[row], values[row]};
		}
		values += runs[i].n_present;
		times_us += runs[i].n_present;
		for (uint32_t row = 0; row < n_absent; row++) {
			column->absences[column->n_absences.n++] =
				(struct metric_file_sample){times_us[row], runs[i].reason};
		}
		times_us += runs[i].n_missing;
	}
}

/* Have those that count at the front. @param position  of their block */
static void sift(const struct trim *trim, const struct group_file *file, uint64_t position,
		 uint32_t id, struct metric_file_sample *samples, struct trim_tally *tally)
{
	tally->n_known = tombstones_mask(&trim->known, position, id, samples, tally->n);
	tally->n_unmasked =
		tombstones_mask(&trim->tombstones, position, id, samples, tally->n_known);
	for (size_t i = 0; i < tally->n_unmasked; i++) {
		if (samples[i].time_us >= trim_horizon(file))
			samples[tally->n_alive++] = samples[i];
	}
}

int trim_read_column(struct trim *trim, const struct group_file *file, size_t index,
		     uint64_t position, struct trim_column *ret_column)
{
	struct block_encoded encoded;
	struct block_column decoded;
	struct trim_column column = {0};
	int result;

	block_decoder_encoded(trim->decoder, index, &encoded);
	result = block_decoder_column(trim->decoder, index, &decoded);
	if (result == 0)
		result = reserve_samples(trim, (size_t)encoded.n_values + encoded.n_absent);
	if (result < 0)
		return result;
	column.id = encoded.series_id;
	column.samples = trim->samples;
	column.absences = trim->samples + encoded.n_values;
	list_column(trim->decoder, &decoded, &column);
	sift(trim, file, position, column.id, column.samples, &column.n_samples);
	sift(trim, file, position, column.id, column.absences, &column.n_absences);
	*ret_column = column;
	return 0;
}

/* -- how much of it counts ------------------------------------------------------------------------ */

/* What a walk through a file finds. */
struct survey {
	struct trim_tally n_samples;
	struct trim_tally n_all; /* absences, too */
	uint64_t n_before_front; /* samples not deleted, before the first block that counts */
	bool has_alive_before;   /* in a part before the last one */
	bool has_front;          /* the first block that counts was met */
	int64_t highest_us;      /* of all that lies before it, also of what is damaged */
	uint64_t front_bytes;    /* it begins there */
	int64_t oldest_last_us;  /* and ends then */
	bool is_damaged;
};

static int survey_block(struct trim *trim, const struct group_file *file,
			const struct store_file_block *block, struct survey *survey)
{
	struct store_file_data data;
	struct trim_tally n_samples = {0};
	struct trim_tally n_all = {0};
	int result = store_file_get_data(block, &data);

	if (result == 0)
		result = block_decoder_open(trim->decoder, data.bytes, data.n_bytes);
	for (size_t i = 0; result == 0 && i < block_decoder_n_columns(trim->decoder); i++) {
		struct trim_column column = {0};

		result = trim_read_column(trim, file, i, block->position, &column);
		if (result < 0)
			break;
		trim_tally_add(&n_samples, &column.n_samples);
		trim_tally_add(&n_all, &column.n_samples);
		trim_tally_add(&n_all, &column.n_absences);
	}
	if (n_all.n_alive > 0 && !survey->has_front) {
		survey->has_front = true;
		survey->highest_us = data.highest_before_us;
		survey->oldest_last_us = data.last_us;
	}
	if (!survey->has_front)
		survey->n_before_front += n_samples.n_unmasked;
	trim_tally_add(&survey->n_samples, &n_samples);
	trim_tally_add(&survey->n_all, &n_all);
	return result;
}

/* @param is_whole  also behind the first block that counts. @return 0; -EBADMSG; -errno */
static int survey_part(struct trim *trim, const struct group_file *file, size_t index,
		       bool is_whole, struct survey *survey)
{
	struct trim_source source;
	int result = trim_open_part(trim, file, index, &source);

	while (result == 0 && (is_whole || !survey->has_front)) {
		struct file_reader_block found;
		bool had_front = survey->has_front;

		result = file_reader_next(&source.reader, &found);
		survey->is_damaged |= source.reader.damage_bytes > 0;
		if (result == 0 && found.block.type == HM_BLOCK_DATA)
			result = survey_block(trim, file, &found.block, survey);
		if (!had_front && survey->has_front)
			survey->front_bytes = found.offset;
	}
	trim_close_part(trim, &source);
	return result == -ENODATA ? 0 : result;
}

/* @param survey  begun */
static int survey_file(struct trim *trim, const struct group_file *file, struct survey *survey)
{
	size_t n_parts = trim_n_parts(file);
	bool is_whole = file->n_masks > 0 || trim->cannot_punch;
	int result = 0;

	for (size_t i = 0; i < n_parts && result == 0; i++) {
		result = survey_part(trim, file, i, is_whole, survey);
		if (i + 1 < n_parts)
			survey->has_alive_before |= survey->has_front;
	}
	return result;
}

/* -- what to do ----------------------------------------------------------------------------------- */

int trim_join_tombstones(struct trim *trim, const struct group *group,
			 const struct group_file *file)
{
	const struct catalog_trim *known = trim_data(file)->trim;
	int result = 0;

	trim->known.n = 0;
	trim->tombstones.n = 0;
	/* Nobody else changes them. */
	if (known)
		result = tombstones_add_all(&trim->known, &known->tombstones);
	if (result == 0)
		result = tombstones_add_all(&trim->tombstones, &trim->known);
	for (size_t i = 0; i < file->n_masks && result == 0; i++) {
		struct tombstone tombstone = trim_mask(&group->masks[file->first_mask + i]);

		result = tombstones_add(&trim->tombstones, &tombstone);
	}
	tombstones_sort(&trim->tombstones);
	return result;
}

/* How much the file system gets back, where nothing before an offset counts. */
static uint64_t hole_bytes(const struct catalog_data *data, uint64_t front_bytes)
{
	uint64_t before = data->trim && data->trim->front_part == data->end.part
				  ? data->trim->front_bytes
				  : 0;
	uint64_t begin = before - before % TRIM_PAGE_BYTES;
	uint64_t end = front_bytes - front_bytes % TRIM_PAGE_BYTES;

	if (begin == 0)
		begin = TRIM_PAGE_BYTES;
	return end > begin ? end - begin : 0;
}

/* Does all that counts of a file lie behind a hole that is worth it? */
static bool is_front_worth(const struct trim *trim, const struct group_file *file,
			   const struct survey *survey)
{
	const struct catalog_data *data = &file->file->data[file->side];
	uint64_t hole = hole_bytes(data, survey->front_bytes);

	/* What is damaged may be readable one day. */
	if (survey->is_damaged && survey->highest_us >= trim_horizon(file))
		return false;
	return file->is_expiring && !trim->cannot_punch && survey->has_front &&
	       !survey->has_alive_before && hole >= TRIM_PAGE_BYTES &&
	       hole >= data->end.next_series_id * HOLE_BYTES_PER_SERIES;
}

/* Say what is deleted, and no more. */
static enum group_trim say_only(const struct group_file *file)
{
	return file->n_masks > 0 ? GROUP_TRIM_TOMBSTONE : GROUP_TRIM_NONE;
}

/* Are all parts known that may ever count, and begun? Where one is gone, or of a version that is not known,
 * it may be of use one day. */
static bool is_complete(const struct group_file *file)
{
	const struct catalog_trim *known = trim_data(file)->trim;
	struct catalog_part part = trim_get_part(file, 0);
	size_t n_parts = trim_n_parts(file);

	if (part.part > 0 && !(known && part.part == known->front_part) &&
	    part.continues_bytes > sizeof(struct hm_file_header))
		return false;
	for (size_t i = 1; i < n_parts; i++) {
		struct catalog_part next = trim_get_part(file, i);

		if (next.part != part.part + 1 || next.continues_bytes == FILE_NAME_ALL)
			return false;
		part = next;
	}
	return part.length_bytes > 0;
}

static enum group_trim choose(const struct trim *trim, const struct group_file *file,
			      const struct survey *survey)
{
	const struct catalog_data *data = &file->file->data[file->side];
	const struct trim_tally *n = &survey->n_all;
	bool is_left = n->n_alive == 0;

	if (!is_complete(file))
		return say_only(file);
	/* Of what cannot be read now nobody knows whether it counts. */
	if (survey->is_damaged)
		is_left = false;
	if (is_left && file->n_runs == 0 && data->end.part == 0 && data->n_parts == 0)
		return GROUP_TRIM_EMPTY;
	if (is_left)
		return n->n > 0 ? GROUP_TRIM_REWRITE : GROUP_TRIM_NONE;
	if (is_front_worth(trim, file, survey))
		return GROUP_TRIM_FRONT;
	if (!survey->is_damaged && n->n_alive < n->n - n->n_alive &&
	    (file->n_masks > 0 || trim->cannot_punch))
		return GROUP_TRIM_REWRITE;
	/* Some day it may be readable. */
	return file->n_masks > 0 && (survey->is_damaged || n->n_unmasked < n->n_known)
		       ? GROUP_TRIM_TOMBSTONE
		       : GROUP_TRIM_NONE;
}

/* Go on in a new part. @return false: its name is taken, or there is no further number */
static bool begin_rewrite(const struct trim *trim, struct group_file *file)
{
	const struct catalog_data *data = trim_data(file);
	const struct disk *disk = trim->engine->options.disk;
	char path[TRIM_PATH_BYTES];
	struct metric_file_end end = {
		.part = data->end.part + 1,
		.continues_bytes = data->end.length_bytes,
		.highest_us = CATALOG_NO_TIME,
	};
	int fd;

	if (end.part > FILE_NAME_PART_MAX)
		return false;
	trim_part_path(file->file, file->side, end.part, end.continues_bytes, path);
	fd = disk->open(disk->context, trim->engine->hosts_folder, path, O_RDONLY);
	if (fd >= 0)
		(void)disk->close(disk->context, fd);
	if (fd != -ENOENT)
		return false;
	end.salt = store_path_salt(trim->engine->store_id, file->of->host->folder,
				   strchr(path, '/') + 1);
	file->before = end;
	return true;
}

/* Have the room that trim_publish() needs. */
static int reserve_trim(struct engine *engine, const struct group_file *file)
{
	struct catalog_trim *known;
	int result = -ENOMEM;

	pthread_mutex_lock(&engine->mutex);
	known = catalog_get_trim(trim_data(file));
	if (known)
		result = tombstones_reserve(&known->tombstones, file->n_masks);
	pthread_mutex_unlock(&engine->mutex);
	return result;
}

int trim_plan(struct trim *trim, const struct group *group, struct group_file *file)
{
	struct survey survey = {.oldest_last_us = CATALOG_NO_TIME};
	const struct trim_tally *n_samples;
	int result;

	if (file->n_masks == 0 && !file->is_expiring)
		return 0;
	result = reserve_trim(trim->engine, file);
	if (result == 0)
		result = trim_join_tombstones(trim, group, file);
	if (result == 0)
		result = survey_file(trim, file, &survey);
	if (result == -ENOMEM)
		return result;
	/* It says what is deleted; more can be done another day. */
	file->trim = say_only(file);
	file->oldest_last_us = CATALOG_NO_TIME;
	if (result < 0)
		return 0;
	file->oldest_last_us = survey.oldest_last_us;
	file->front_bytes = survey.front_bytes;
	file->trim = choose(trim, file, &survey);
	if (file->trim == GROUP_TRIM_REWRITE && !begin_rewrite(trim, file))
		file->trim = say_only(file);
	n_samples = &survey.n_samples;
	file->n_dropped = n_samples->n_known - n_samples->n_unmasked;
	if (file->trim == GROUP_TRIM_FRONT)
		file->n_dropped += survey.n_before_front;
	else if (file->trim == GROUP_TRIM_REWRITE || file->trim == GROUP_TRIM_EMPTY)
		file->n_dropped = n_samples->n_known - n_samples->n_alive;
	return 0;
}
