/* SPDX-License-Identifier: MIT */
/* The last samples of the series of a metric file, while it is loaded. */

#include <errno.h>

#include "collector/metric_load_part.h"

/* The last sample of a column that is not deleted, of a series of which something is.
 * @return false: there is none */
static bool column_last_alive(const struct loading *loading, const struct block_column *column,
			      uint32_t id, uint64_t position, struct metric_file_sample *ret_sample)
{
	size_t n_times;
	const int64_t *times_us = block_decoder_times(loading->decoder, &n_times);
	struct block_run whole = {.n_present = (uint32_t)n_times};
	const struct block_run *runs = column->runs ? column->runs : &whole;
	size_t n_runs = column->runs ? column->n_runs : 1;
	const double *values = column->values;
	bool has_last = false;

	for (size_t i = 0; i < n_runs; i++) {
		for (uint32_t row = 0; row < runs[i].n_present; row++) {
			struct metric_file_sample sample = {times_us[row], values[row]};

			if (tombstones_mask(&loading->tombstones, position, id, &sample, 1) == 0)
				continue;
			*ret_sample = sample;
			has_last = true;
		}
		values += runs[i].n_present;
		times_us += (size_t)runs[i].n_present + runs[i].n_missing;
	}
	return has_last;
}

/* The last sample of a column. @return false: it has none */
static bool column_last(const struct block_decoder *decoder, const struct block_column *column,
			struct metric_file_sample *ret_sample)
{
	size_t n_times;
	const int64_t *times_us = block_decoder_times(decoder, &n_times);
	size_t row = n_times;

	if (column->n_values == 0)
		return false;
	for (size_t i = column->runs ? column->n_runs : 0; i > 0; i--) {
		row -= column->runs[i - 1].n_missing;
		if (column->runs[i - 1].n_present > 0)
			break;
	}
	*ret_sample = (struct metric_file_sample){times_us[row - 1],
						  column->values[column->n_values - 1]};
	return true;
}

/* Have a column's newest absence, if it is later than what is known. */
static void note_absence(const struct block_decoder *decoder, const struct block_column *column,
			 struct metric_name *name)
{
	size_t n_times;
	const int64_t *times_us = block_decoder_times(decoder, &n_times);
	size_t row = n_times;

	for (size_t i = column->runs ? column->n_runs : 0; i > 0; i--) {
		const struct block_run *run = &column->runs[i - 1];

		if (run->n_missing > 0 && run->reason != HM_REASON_NONE) {
			if (times_us[row - 1] > name->absent_us)
				name->absent_us = times_us[row - 1];
			return;
		}
		row -= run->n_present + run->n_missing;
	}
}

/* Is a series' last sample known, whatever lies before a block with this mark? */
static bool is_settled(const struct metric_name *name, const struct store_file_data *data)
{
	return name->has_last && name->last.time_us >= data->highest_before_us;
}

/* Take a column's last sample, if it is later than what is known. @param is_newer  whether the
 * block, of this position, lies behind all that were looked at */
static int take_last(struct loading *loading, size_t column, struct metric_name *name,
		     uint64_t position, bool is_newer)
{
	struct block_column values;
	struct metric_file_sample last;
	bool has_last;
	int result = block_decoder_column(loading->decoder, column, &values);

	if (result < 0)
		return result;
	if (loading->visitor->absence)
		note_absence(loading->decoder, &values, name);
	has_last = column_last(loading->decoder, &values, &last);
	if (has_last && tombstones_has(&loading->tombstones, name->id))
		has_last = column_last_alive(loading, &values, name->id, position, &last);
	if (!has_last)
		return 0;
	if (!name->has_last || last.time_us > name->last.time_us ||
	    (is_newer && last.time_us == name->last.time_us))
		name->last = last;
	name->has_last = true;
	return 0;
}

/* Have the highest time from a DATA block. */
static void take_highest(struct loading *loading, const struct store_file_data *data)
{
	int64_t highest_us =
		data->last_us > data->highest_before_us ? data->last_us : data->highest_before_us;

	if (highest_us > loading->end.highest_us)
		loading->end.highest_us = highest_us;
	loading->has_highest = true;
}

/* Drop those of the open names whose last sample is known. */
static void close_names(struct loading *loading, const struct store_file_data *data)
{
	size_t n = 0;

	for (size_t i = 0; i < loading->n_open; i++) {
		if (!is_settled(&loading->names.at[loading->open_names[i]], data))
			loading->open_names[n++] = loading->open_names[i];
	}
	loading->n_open = n;
}

/* Last samples, from a block before all that were looked at. */
int metric_last_take_before(struct loading *loading, const struct store_file_block *block)
{
	struct store_file_data data;
	int result = store_file_get_data(block, &data);

	if (result < 0)
		return result;
	if (!loading->has_highest)
		take_highest(loading, &data);
	result = block_decoder_open(loading->decoder, data.bytes, data.n_bytes);
	for (size_t i = 0; result == 0 && i < block_decoder_n_columns(loading->decoder); i++) {
		struct metric_name *name = metric_names_find(
			&loading->names, block_decoder_series_id(loading->decoder, i));

		/* A block with its name is lost: not from here. */
		if (!name)
			return -EBADMSG;
		if (!name->has_last || name->last.time_us < data.last_us)
			result = take_last(loading, i, name, block->position, false);
	}
	close_names(loading, &data);
	return result;
}

/* Last samples, from a block behind all that were looked at. */
int metric_last_take_behind(struct loading *loading, const struct store_file_block *block)
{
	struct store_file_data data;
	int result = store_file_get_data(block, &data);

	if (result < 0)
		return result;
	take_highest(loading, &data);
	result = block_decoder_open(loading->decoder, data.bytes, data.n_bytes);
	for (size_t i = 0; result == 0 && i < block_decoder_n_columns(loading->decoder); i++) {
		uint32_t id = block_decoder_series_id(loading->decoder, i);
		struct metric_name *name = metric_names_find(&loading->names, id);

		metric_load_use_id(loading, id);
		if (name && (!name->has_last || name->last.time_us <= data.last_us))
			result = take_last(loading, i, name, block->position, true);
	}
	return result;
}
