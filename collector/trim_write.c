/* SPDX-License-Identifier: MIT */
/* What a checkpoint does to a file of which something does not count any more: how it does it. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/trim_part.h"

/* A new part is written when so much of it is encoded. */
#define WRITE_BYTES ((size_t)1 << 20)

/* -- names ---------------------------------------------------------------------------------------- */

struct naming {
	struct trim *trim;
	int64_t horizon_us;
};

static int take_series(void *context, const struct store_file_series *series)
{
	const struct naming *naming = context;

	return metric_names_add(&naming->trim->names, series);
}

/* The names come before their last samples, by growing id. */
static int take_last(void *context, uint32_t series_id, const struct metric_file_sample *sample)
{
	const struct naming *naming = context;
	struct metric_name *name = metric_names_find(&naming->trim->names, series_id);

	if (name && sample->time_us >= naming->horizon_us)
		name->has_last = true;
	return 0;
}

/* So are absences: they are written behind the front as well. */
static int take_absence(void *context, uint32_t series_id, int64_t time_us)
{
	const struct naming *naming = context;
	struct metric_name *name = metric_names_find(&naming->trim->names, series_id);

	if (name && time_us >= naming->horizon_us)
		name->has_last = true;
	return 0;
}

/* Add the names that a part has; where it is told, those that are still needed are marked. */
static int load_names(struct trim *trim, const struct group_file *file, size_t index,
		      bool is_marked)
{
	struct naming naming = {trim, trim_horizon(file)};
	struct metric_file_visitor visitor = {
		.context = &naming,
		.series = take_series,
		.last = is_marked ? take_last : NULL,
		.absence = is_marked ? take_absence : NULL,
	};
	struct trim_source source;
	struct metric_file_end end;
	uint64_t position;
	int result = trim_open_part(trim, file, index, &source);

	trim_close_part(trim, &source);
	if (result < 0)
		return result == -ENODATA ? 0 : result;
	return metric_file_load(trim->engine->options.disk, &source.place, trim->decoder, &visitor,
				&end, &position);
}

static struct store_file_series name_of(const struct trim *trim, const struct metric_name *name)
{
	return (struct store_file_series){
		.id = name->id,
		.labels = name->labels_length > 0 ? trim->names.labels.data + name->labels_at : "",
		.labels_length = name->labels_length,
	};
}

static struct metric_file_addition make_addition(const struct trim *trim,
						 const struct group_file *file)
{
	struct engine *engine = trim->engine;
	struct metric_file_addition addition = {
		.store_id = engine->store_id,
		.host = file->of->host->name,
		.metric = file->file->metric,
		.type = file->side == CATALOG_SIDE_ODD ? HM_FILE_ODD : HM_FILE_METRIC,
		.position = file->of->position,
	};

	pthread_mutex_lock(&engine->mutex);
	addition.kind = file->file->kind;
	addition.unit = file->file->unit;
	pthread_mutex_unlock(&engine->mutex);
	return addition;
}

/* All names that are still needed, in a chain that does not lead before them. */
static int put_names(struct trim *trim, struct block_encoder *encoder, struct group_file *file,
		     struct buffer *out)
{
	struct metric_file_addition addition = make_addition(trim, file);
	struct store_file_series *series = calloc(trim->names.n + 1, sizeof(*series));
	int result;

	if (!series)
		return -ENOMEM;
	for (size_t i = 0; i < trim->names.n; i++) {
		if (trim->names.at[i].has_last)
			series[addition.n_series++] = name_of(trim, &trim->names.at[i]);
	}
	addition.has_new_meta = true;
	addition.series = series;
	file->after.names_offset = 0;
	result = metric_file_encode(encoder, &addition, &file->after, out);
	free(series);
	return result;
}

int trim_begin(struct trim *trim, struct block_encoder *encoder, struct group_file *file,
	       struct buffer *out)
{
	int result;

	if (file->trim == GROUP_TRIM_EMPTY)
		file->after.names_offset = 0;
	if (file->trim != GROUP_TRIM_FRONT)
		return 0;
	metric_names_clear(&trim->names);
	result = load_names(trim, file, trim_n_parts(file) - 1, true);
	return result < 0 ? result : put_names(trim, encoder, file, out);
}

/* -- a new part ----------------------------------------------------------------------------------- */

/* A part that is being written. */
struct copy {
	struct trim *trim;
	struct block_encoder *encoder;
	struct group_file *file;
	int fd;
	struct buffer bytes; /* not written yet; the file goes on with them */
	/* Of a block: */
	struct buffer samples;
	struct metric_file_column *columns;
	struct store_file_series *series; /* not named yet */
	size_t n_columns;
	size_t n_series;
};

static int write_bytes(struct copy *copy)
{
	const struct disk *disk = copy->trim->engine->options.disk;
	uint64_t offset = copy->file->after.length_bytes - copy->bytes.length;
	int result = disk_write(disk, copy->fd, copy->bytes.data, copy->bytes.length, offset);

	buffer_clear(&copy->bytes);
	return result;
}

/* Have the name of a column's series in the new part, once. */
static void name_column(struct copy *copy, uint32_t id)
{
	struct metric_name *name = metric_names_find(&copy->trim->names, id);

	if (!name || name->has_last)
		return;
	name->has_last = true;
	copy->series[copy->n_series++] = name_of(copy->trim, name);
}

/* What counts of a block's columns. */
static int list_columns(struct copy *copy, const struct store_file_block *block)
{
	struct trim *trim = copy->trim;
	size_t n_columns = block_decoder_n_columns(trim->decoder);
	int result = 0;

	copy->columns = calloc(n_columns + 1, sizeof(*copy->columns));
	copy->series = calloc(n_columns + 1, sizeof(*copy->series));
	if (!copy->columns || !copy->series)
		return -ENOMEM;
	for (size_t i = 0; i < n_columns && result == 0; i++) {
		struct trim_column column;

		result = trim_read_column(trim, copy->file, i, block->position, &column);
		if (result < 0 || column.n_samples.n_alive + column.n_absences.n_alive == 0)
			continue;
		buffer_append(&copy->samples, column.samples,
			      column.n_samples.n_alive * sizeof(*column.samples));
		buffer_append(&copy->samples, column.absences,
			      column.n_absences.n_alive * sizeof(*column.absences));
		name_column(copy, column.id);
		copy->columns[copy->n_columns++] = (struct metric_file_column){
			.series_id = column.id,
			.n_samples = column.n_samples.n_alive,
			.n_absences = column.n_absences.n_alive,
		};
	}
	return buffer_failed(&copy->samples) ? -ENOMEM : result;
}

static int encode_columns(struct copy *copy)
{
	struct metric_file_addition addition = make_addition(copy->trim, copy->file);
	const struct metric_file_sample *samples =
		(const struct metric_file_sample *)(const void *)copy->samples.data;

	for (size_t i = 0; i < copy->n_columns; i++) {
		copy->columns[i].samples = samples;
		samples += copy->columns[i].n_samples;
		copy->columns[i].absences = samples;
		samples += copy->columns[i].n_absences;
	}
	addition.columns = copy->columns;
	addition.n_columns = copy->n_columns;
	addition.series = copy->series;
	addition.n_series = copy->n_series;
	return metric_file_encode(copy->encoder, &addition, &copy->file->after, &copy->bytes);
}

static int copy_block(struct copy *copy, const struct store_file_block *block)
{
	struct store_file_data data;
	int result = store_file_get_data(block, &data);

	buffer_clear(&copy->samples);
	copy->n_columns = 0;
	copy->n_series = 0;
	if (result == 0)
		result = block_decoder_open(copy->trim->decoder, data.bytes, data.n_bytes);
	if (result == 0)
		result = list_columns(copy, block);
	if (result == 0 && copy->n_columns > 0)
		result = encode_columns(copy);
	free(copy->columns);
	free(copy->series);
	copy->columns = NULL;
	copy->series = NULL;
	if (result == 0 && copy->bytes.length >= WRITE_BYTES)
		result = write_bytes(copy);
	return result;
}

static int copy_part(struct copy *copy, size_t index)
{
	struct trim_source source;
	int result = trim_open_part(copy->trim, copy->file, index, &source);

	while (result == 0) {
		struct file_reader_block found;

		result = file_reader_next(&source.reader, &found);
		/* It was whole a moment ago. */
		if (source.reader.damage_bytes > 0)
			result = -EIO;
		if (result == 0 && found.block.type == HM_BLOCK_DATA)
			result = copy_block(copy, &found.block);
	}
	trim_close_part(copy->trim, &source);
	return result == -ENODATA ? 0 : result;
}

/* -- what is said at the end ---------------------------------------------------------------------- */

/* End a block of the names' chain, behind all that is written. */
static int end_block(struct group_file *file, size_t begin, struct buffer *out)
{
	uint64_t offset = file->after.length_bytes;
	int result = store_file_end_block(out, begin, file->after.salt, offset);

	if (result < 0)
		return result;
	file->after.names_offset = offset;
	file->after.length_bytes += out->length - begin;
	return 0;
}

static int compare_deletes(const void *a_pointer, const void *b_pointer)
{
	const struct tombstone *a = a_pointer;
	const struct tombstone *b = b_pointer;

	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	if (a->since_us != b->since_us)
		return a->since_us < b->since_us ? -1 : 1;
	if (a->until_us != b->until_us)
		return a->until_us < b->until_us ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

/* One block for the series of one delete. @return how many tombstones it has, or -errno */
static int64_t put_tombstone(struct group_file *file, const struct tombstone *first, size_t n_left,
			     struct buffer *out)
{
	struct store_mask_tombstone tombstone = {
		.names_offset = file->after.names_offset,
		.position = first->position,
		.since_us = first->since_us,
		.until_us = first->until_us,
	};
	size_t begin = store_file_begin_block(out, HM_BLOCK_TOMBSTONE, file->of->position);
	size_t n = 0;
	int result;

	store_mask_put_tombstone(out, &tombstone);
	for (; n < n_left && first[n].position == first->position &&
	       first[n].since_us == first->since_us && first[n].until_us == first->until_us;
	     n++) {
		/* One series may be named by two records of one place. */
		if (n == 0 || first[n].id != first[n - 1].id)
			store_mask_put_id(out, first[n].id);
	}
	result = end_block(file, begin, out);
	return result < 0 ? result : (int64_t)n;
}

/* Those that are new; behind a new front all that are still needed. */
static int put_tombstones(const struct group *group, struct group_file *file, struct buffer *out)
{
	struct tombstones said = {0};
	int64_t n = 0;
	int result = 0;

	/* Nobody else changes them. */
	if (file->trim == GROUP_TRIM_FRONT)
		result = tombstones_add_all(&said, &trim_data(file)->trim->tombstones);
	for (size_t i = 0; i < file->n_masks && result == 0; i++) {
		struct tombstone tombstone = trim_mask(&group->masks[file->first_mask + i]);

		result = tombstones_add(&said, &tombstone);
	}
	if (said.n > 1)
		qsort(said.at, said.n, sizeof(*said.at), compare_deletes);
	for (size_t i = 0; i < said.n && result == 0; i += (size_t)n) {
		n = put_tombstone(file, &said.at[i], said.n - i, out);
		if (n < 0)
			result = (int)n;
	}
	tombstones_done(&said);
	return result;
}

static int put_front(struct group_file *file, struct buffer *out)
{
	struct store_mask_front front = {
		.names_offset = file->after.names_offset,
		.offset = file->front_bytes,
		.horizon_us = trim_horizon(file),
	};
	size_t begin = store_file_begin_block(out, HM_BLOCK_FRONT, file->of->position);

	store_mask_put_front(out, &front);
	return end_block(file, begin, out);
}

/* All of it is copied: the front that is told here, and once more at the end of all, so that no single
 * damage brings back the parts before. */
static int end_copy(struct copy *copy)
{
	struct metric_file_addition addition = make_addition(copy->trim, copy->file);
	int result = 0;

	copy->file->front_bytes = 0;
	if (copy->file->after.length_bytes == 0)
		result = metric_file_encode(copy->encoder, &addition, &copy->file->after,
					    &copy->bytes);
	if (result == 0)
		result = put_front(copy->file, &copy->bytes);
	return result == 0 ? write_bytes(copy) : result;
}

int trim_copy(struct trim *trim, struct block_encoder *encoder, const struct group *group,
	      struct group_file *file, int fd)
{
	struct copy copy = {.trim = trim, .encoder = encoder, .file = file, .fd = fd};
	size_t n_parts = trim_n_parts(file);
	int result = trim_join_tombstones(trim, group, file);

	metric_names_clear(&trim->names);
	for (size_t i = 0; i < n_parts && result == 0; i++)
		result = load_names(trim, file, i, false);
	metric_names_sort(&trim->names, true);
	for (size_t i = 0; i < n_parts && result == 0; i++)
		result = copy_part(&copy, i);
	if (result == 0)
		result = end_copy(&copy);
	buffer_done(&copy.bytes);
	buffer_done(&copy.samples);
	return result;
}

int trim_end(const struct group *group, struct group_file *file, struct buffer *out)
{
	int result = 0;

	switch (file->trim) {
	case GROUP_TRIM_NONE:
		return 0;
	case GROUP_TRIM_TOMBSTONE:
		return put_tombstones(group, file, out);
	case GROUP_TRIM_FRONT:
		result = put_tombstones(group, file, out);
		break;
	case GROUP_TRIM_REWRITE:
		file->front_bytes = 0;
		break;
	case GROUP_TRIM_EMPTY:
		file->front_bytes = file->after.length_bytes;
		break;
	}
	return result < 0 ? result : put_front(file, out);
}
