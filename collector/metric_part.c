/* SPDX-License-Identifier: MIT */
/* The columns of a part of a group, as a block has them. */

#include <errno.h>

#include "collector/metric_append_part.h"
#include "common/bits.h"
#include "hostmetrics/format.h"

/* How many samples and absences there may be more. */
static size_t room(const struct appending *appending)
{
	return appending->entries_max - appending->n_values - appending->n_absences;
}

/* Begin a run at a row, counted from the part's first. @param next  behind the run before */
static size_t begin_run(struct block_run *runs, size_t n_runs, size_t row, size_t next)
{
	if (n_runs > 0)
		runs[n_runs - 1].n_missing = (uint32_t)(row - next);
	else if (row > 0)
		runs[n_runs++] = (struct block_run){.n_missing = (uint32_t)row};
	runs[n_runs++] = (struct block_run){0};
	return n_runs;
}

/* How many samples, one after the other, have the rows from this one on? */
static size_t count_present(const struct column_group *group, size_t row, size_t end,
			    const struct metric_file_sample *samples, size_t n_samples)
{
	const int64_t *times_us = group->times_us + row;
	size_t n = 0;

	if (n_samples > end - row)
		n_samples = end - row;
	while (n < n_samples && samples[n].time_us == times_us[n])
		n++;
	return n;
}

BITS_LOOPS static void copy_values(const struct metric_file_sample *restrict samples, size_t n,
				   double *restrict ret_values)
{
	for (size_t i = 0; i < n; i++)
		ret_values[i] = samples[i].value;
}

/* Add the column whose runs and values were put behind those of the one before. */
static void add_column(struct appending *appending, uint32_t series_id, size_t n_rows,
		       size_t n_runs, size_t n_values)
{
	const bool is_full = n_values == n_rows;

	appending->columns[appending->n_columns++] = (struct block_column){
		.series_id = series_id,
		.runs = is_full ? NULL : appending->runs + appending->n_runs,
		.n_runs = is_full ? 0 : n_runs,
		.values = appending->values + appending->n_values,
		.n_values = n_values,
	};
	appending->n_runs += n_runs;
	appending->n_values += n_values;
}

/* Add a column that has a sample in each of the group's rows. @return false: they are too many */
static bool collect_full_column(struct appending *appending, const struct metric_part *part,
				size_t index)
{
	const struct metric_file_column *column =
		&appending->entries.columns[part->group->columns[index]];
	double *values = appending->values + appending->n_values;

	if (part->n_rows > room(appending))
		return false;
	copy_values(column->samples + part->first_row, part->n_rows, values);
	add_column(appending, column->series_id, part->n_rows, 0, part->n_rows);
	appending->after[index] = part->first_row + part->n_rows;
	return true;
}

/* Add a column with its samples among the part's rows. @return false: they are too many */
static bool collect_column(struct appending *appending, const struct metric_part *part,
			   size_t index)
{
	const struct metric_file_column *column =
		&appending->entries.columns[part->group->columns[index]];
	struct block_run *runs = appending->runs + appending->n_runs;
	double *values = appending->values + appending->n_values;
	size_t values_max = room(appending);
	size_t end = part->first_row + part->n_rows;
	size_t sample = appending->next[index];
	size_t next = part->first_row;
	size_t n_runs = 0;
	size_t n = 0;

	if (column->n_samples == part->group->n_times)
		return collect_full_column(appending, part, index);
	while (sample < column->n_samples) {
		const struct metric_file_sample *samples = &column->samples[sample];
		size_t row = column_group_find(part->group, next, samples[0].time_us);
		size_t n_present;

		if (row >= end)
			break;
		n_present =
			count_present(part->group, row, end, samples, column->n_samples - sample);
		if (n_present > values_max - n)
			return false;
		n_runs = begin_run(runs, n_runs, row - part->first_row, next - part->first_row);
		runs[n_runs - 1].n_present = (uint32_t)n_present;
		copy_values(samples, n_present, values + n);
		n += n_present;
		sample += n_present;
		next = row + n_present;
	}
	appending->after[index] = sample;
	if (n == 0)
		return true;
	runs[n_runs - 1].n_missing = (uint32_t)(end - next);
	add_column(appending, column->series_id, part->n_rows, n_runs, n);
	return true;
}

/* Go on with rows that have none, in the last run where that can be. @return how many runs there are */
static size_t add_missing(struct block_run *runs, size_t n_runs, size_t n_missing, uint8_t reason)
{
	struct block_run *last = n_runs > 0 ? &runs[n_runs - 1] : NULL;

	if (n_missing == 0)
		return n_runs;
	if (!last || (last->n_missing > 0 && last->reason != reason)) {
		last = &runs[n_runs++];
		*last = (struct block_run){0};
	}
	last->n_missing += (uint32_t)n_missing;
	last->reason = reason;
	return n_runs;
}

/* The same with a row that has a sample. */
static size_t add_present(struct block_run *runs, size_t n_runs)
{
	if (n_runs == 0 || runs[n_runs - 1].n_missing > 0)
		runs[n_runs++] = (struct block_run){0};
	runs[n_runs - 1].n_present++;
	return n_runs;
}

/* Add a column that has absences among its entries. @return false: they are too many */
static bool collect_absent_column(struct appending *appending, const struct metric_part *part,
				  size_t index)
{
	size_t place = part->group->columns[index];
	const struct metric_file_column *column = &appending->entries.columns[place];
	const uint8_t *reasons = metric_entries_reasons(&appending->entries, place);
	struct block_run *runs = appending->runs + appending->n_runs;
	double *values = appending->values + appending->n_values;
	size_t end = part->first_row + part->n_rows;
	size_t entry = appending->next[index];
	size_t next = part->first_row;
	size_t n_runs = 0;
	size_t n_absent = 0;
	size_t n = 0;

	for (; entry < column->n_samples; entry++) {
		size_t row = column_group_find(part->group, next, column->samples[entry].time_us);

		if (row >= end)
			break;
		if (n + n_absent == room(appending))
			return false;
		n_runs = add_missing(runs, n_runs, row - next, HM_REASON_NONE);
		if (reasons[entry] == HM_REASON_NONE) {
			n_runs = add_present(runs, n_runs);
			values[n++] = column->samples[entry].value;
		} else {
			n_runs = add_missing(runs, n_runs, 1, reasons[entry]);
			n_absent++;
		}
		next = row + 1;
	}
	appending->after[index] = entry;
	if (n_runs == 0)
		return true;
	n_runs = add_missing(runs, n_runs, end - next, HM_REASON_NONE);
	add_column(appending, column->series_id, part->n_rows, n_runs, n);
	appending->n_absences += n_absent;
	return true;
}

int metric_part_collect(struct appending *appending, const struct metric_part *part)
{
	appending->n_columns = 0;
	appending->n_runs = 0;
	appending->n_values = 0;
	appending->n_absences = 0;
	for (size_t i = part->first_column; i < part->first_column + part->n_columns; i++) {
		size_t place = part->group->columns[i];
		bool has_absences = metric_entries_reasons(&appending->entries, place) != NULL;

		if (!(has_absences ? collect_absent_column(appending, part, i)
				   : collect_column(appending, part, i)))
			return -EMSGSIZE;
	}
	return 0;
}
