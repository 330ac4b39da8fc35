/* SPDX-License-Identifier: MIT */
/* What a checkpoint appends to a metric file: metric_file_encode(). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/metric_append_part.h"

/* A SERIES block is ended when it is so long. */
#define NAMES_MAX_BYTES ((size_t)1 << 20)

static uint64_t offset_of(const struct appending *appending, size_t at)
{
	return appending->start + (at - appending->out_start);
}

static int end_block(struct appending *appending, size_t begin)
{
	return store_file_end_block(appending->out, begin, appending->end.salt,
				    offset_of(appending, begin));
}

static int put_header(struct appending *appending)
{
	const struct metric_file_addition *addition = appending->addition;
	struct store_file_header header = {
		.store_id = addition->store_id,
		.salt = appending->end.salt,
		.part = appending->end.part,
		.continues_bytes = appending->end.continues_bytes,
		.type = addition->type,
		.kind = addition->kind,
		.host = addition->host,
		.host_length = strlen(addition->host),
		.metric = addition->metric,
		.metric_length = strlen(addition->metric),
		.unit = addition->unit,
		.unit_length = strlen(addition->unit),
	};

	return store_file_put_header(appending->out, &header);
}

static int put_meta(struct appending *appending)
{
	const struct metric_file_addition *addition = appending->addition;
	struct store_file_meta meta = {
		.names_offset = appending->end.names_offset,
		.kind = addition->kind,
		.unit = addition->unit,
		.unit_length = strlen(addition->unit),
	};
	size_t begin;

	if (meta.unit_length > HM_UNIT_MAX_BYTES)
		return -EINVAL;
	begin = store_file_begin_block(appending->out, HM_BLOCK_META, addition->position);
	store_file_put_meta(appending->out, &meta);
	appending->end.names_offset = offset_of(appending, begin);
	return end_block(appending, begin);
}

/* One SERIES block of the first of the series. @return how many, or -errno */
static int64_t put_names(struct appending *appending, const struct store_file_series *series,
			 size_t n_series)
{
	struct buffer *out = appending->out;
	size_t begin = store_file_begin_block(out, HM_BLOCK_SERIES, appending->addition->position);
	size_t n = 0;
	int result;

	store_file_put_names_offset(out, appending->end.names_offset);
	for (; n < n_series && (n == 0 || out->length - begin < NAMES_MAX_BYTES); n++) {
		store_file_put_series(out, &series[n]);
		if (series[n].id >= appending->end.next_series_id)
			appending->end.next_series_id = series[n].id + 1;
	}
	appending->end.names_offset = offset_of(appending, begin);
	result = end_block(appending, begin);
	return result < 0 ? result : (int64_t)n;
}

static int put_series(struct appending *appending)
{
	const struct metric_file_addition *addition = appending->addition;
	size_t done = 0;

	while (done < addition->n_series) {
		int64_t n =
			put_names(appending, addition->series + done, addition->n_series - done);

		if (n < 0)
			return n == -EMSGSIZE ? -EINVAL : (int)n;
		done += (size_t)n;
	}
	return 0;
}

/* @return 0; -EMSGSIZE: it is too much for a block; -EINVAL; -ENOMEM */
static int put_part(struct appending *appending, const struct metric_part *part)
{
	const int64_t *times_us = part->group->times_us + part->first_row;
	struct metric_file_end *end = &appending->end;
	struct store_file_data data = {
		.first_us = times_us[0],
		.last_us = times_us[part->n_rows - 1],
		.highest_before_us = end->highest_us,
		.names_offset = end->names_offset,
	};
	size_t begin;
	int result = metric_part_collect(appending, part);

	if (result < 0 || appending->n_columns == 0)
		return result;
	begin = store_file_begin_block(appending->out, HM_BLOCK_DATA,
				       appending->addition->position);
	store_file_put_data(appending->out, &data);
	result = block_encode(appending->encoder, times_us, part->n_rows, appending->columns,
			      appending->n_columns, BLOCK_EFFORT_SMALL, appending->out);
	if (result < 0)
		return result;
	result = end_block(appending, begin);
	if (result < 0)
		return result;
	if (data.last_us > end->highest_us)
		end->highest_us = data.last_us;
	return 0;
}

static void advance(struct appending *appending, const struct metric_part *part)
{
	memcpy(appending->next + part->first_column, appending->after + part->first_column,
	       part->n_columns * sizeof(*appending->next));
}

/* About how many rows fit into a block. */
static size_t guess_rows(const struct column_group *group)
{
	uint64_t rows = (uint64_t)METRIC_PART_SAMPLES_MAX * group->n_times / group->n_samples;

	return rows == 0 ? 1 : rows < BLOCK_TIMES_MAX ? (size_t)rows : BLOCK_TIMES_MAX;
}

/* Write rows of a group until all are written; fewer at once where they do not fit. */
static int put_rows(struct appending *appending, struct metric_part part)
{
	size_t rows_max = guess_rows(part.group);

	while (part.first_row < part.group->n_times) {
		size_t left = part.group->n_times - part.first_row;
		int result;

		/* Blocks of one length, rather than a small one at the end. */
		part.n_rows = left / ((left + rows_max - 1) / rows_max);
		result = put_part(appending, &part);
		if (result == -EMSGSIZE && part.n_rows > 1) {
			rows_max = part.n_rows / 2;
			continue;
		}
		if (result < 0)
			return result;
		advance(appending, &part);
		part.first_row += part.n_rows;
	}
	return 0;
}

/* How many runs there may be: of each column one more than samples, but of full ones none; with absences twice as many. */
static size_t count_runs(const struct appending *appending, const struct column_group *group)
{
	size_t n_runs = 0;

	for (size_t i = 0; i < group->n_columns; i++) {
		size_t place = group->columns[i];
		size_t n_samples = appending->entries.columns[place].n_samples;
		bool has_absences = metric_entries_reasons(&appending->entries, place) != NULL;

		if (n_samples == group->n_times && !has_absences)
			continue;
		n_samples =
			n_samples < METRIC_PART_SAMPLES_MAX ? n_samples : METRIC_PART_SAMPLES_MAX;
		n_runs += (has_absences ? 2 * n_samples : n_samples) + 1;
	}
	return n_runs < 2 * METRIC_PART_SAMPLES_MAX + group->n_columns
		       ? n_runs
		       : 2 * METRIC_PART_SAMPLES_MAX + group->n_columns;
}

static int reserve(struct appending *appending, const struct column_group *group)
{
	size_t n_entries = group->n_samples < METRIC_PART_SAMPLES_MAX ? group->n_samples
								      : METRIC_PART_SAMPLES_MAX;

	appending->entries_max = n_entries;
	appending->next = calloc(group->n_columns, sizeof(*appending->next));
	appending->after = calloc(group->n_columns, sizeof(*appending->after));
	appending->columns = calloc(group->n_columns, sizeof(*appending->columns));
	appending->values = reallocarray(NULL, n_entries, sizeof(*appending->values));
	appending->runs =
		reallocarray(NULL, count_runs(appending, group) + 1, sizeof(*appending->runs));
	return appending->next && appending->after && appending->columns && appending->values &&
			       appending->runs
		       ? 0
		       : -ENOMEM;
}

static void release(struct appending *appending)
{
	free(appending->next);
	free(appending->after);
	free(appending->columns);
	free(appending->runs);
	free(appending->values);
}

static int put_group(struct appending *appending, const struct column_group *group)
{
	int result = reserve(appending, group);

	for (size_t first = 0; first < group->n_columns && result == 0;
	     first += BLOCK_COLUMNS_MAX) {
		size_t left = group->n_columns - first;
		struct metric_part part = {
			.group = group,
			.first_column = first,
			.n_columns = left < BLOCK_COLUMNS_MAX ? left : BLOCK_COLUMNS_MAX,
		};

		result = put_rows(appending, part);
	}
	release(appending);
	return result;
}

static int put_data(struct appending *appending)
{
	const struct metric_file_addition *addition = appending->addition;
	struct column_groups groups = {0};
	int result =
		metric_entries_make(addition->columns, addition->n_columns, &appending->entries);

	if (result == 0)
		result = column_groups_make(appending->entries.columns, addition->n_columns,
					    &groups);
	for (size_t i = 0; i < groups.n && result == 0; i++)
		result = put_group(appending, &groups.at[i]);
	column_groups_done(&groups);
	metric_entries_done(&appending->entries);
	return result;
}

static bool are_columns_in_order(const struct metric_file_addition *addition)
{
	for (size_t i = 1; i < addition->n_columns; i++) {
		if (addition->columns[i].series_id <= addition->columns[i - 1].series_id)
			return false;
	}
	return true;
}

int metric_file_encode(struct block_encoder *encoder, const struct metric_file_addition *addition,
		       struct metric_file_end *end, struct buffer *out)
{
	struct appending appending = {
		.encoder = encoder,
		.addition = addition,
		.end = *end,
		.out = out,
		.out_start = out->length,
		.start = end->length_bytes,
	};
	bool is_new = end->length_bytes == 0;
	int result = 0;

	if (!are_columns_in_order(addition))
		return -EINVAL;
	if (is_new) {
		appending.end.names_offset = 0;
		appending.end.highest_us = INT64_MIN;
		result = put_header(&appending);
	} else if (addition->has_new_meta) {
		result = put_meta(&appending);
	}
	if (result == 0)
		result = put_series(&appending);
	if (result == 0)
		result = put_data(&appending);
	if (result < 0) {
		out->length = appending.out_start;
		return result;
	}
	appending.end.length_bytes = offset_of(&appending, out->length);
	*end = appending.end;
	return 0;
}
