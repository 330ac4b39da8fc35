/* SPDX-License-Identifier: MIT */
/* What columns have at their times. */

#include "collector/metric_entries.h"

#include <errno.h>
#include <stdlib.h>

#include "common/array.h"
#include "hostmetrics/format.h"

/* Merge both lists of a column. @return how many entries it has */
static size_t merge(const struct metric_file_column *column, struct metric_file_sample *entries,
		    uint8_t *reasons)
{
	size_t n = 0;
	size_t i = 0;

	for (size_t k = 0; k < column->n_absences; k++) {
		const struct metric_file_sample *absence = &column->absences[k];

		for (; i < column->n_samples && column->samples[i].time_us <= absence->time_us;
		     i++) {
			reasons[n] = HM_REASON_NONE;
			entries[n++] = column->samples[i];
		}
		if (n > 0 && entries[n - 1].time_us == absence->time_us) {
			/* A sample, or an absence that was written before. */
			if (reasons[n - 1] != HM_REASON_NONE)
				reasons[n - 1] = (uint8_t)absence->value;
			continue;
		}
		reasons[n] = (uint8_t)absence->value;
		entries[n++] = (struct metric_file_sample){.time_us = absence->time_us};
	}
	for (; i < column->n_samples; i++) {
		reasons[n] = HM_REASON_NONE;
		entries[n++] = column->samples[i];
	}
	return n;
}

static int reserve(struct metric_entries *entries, size_t n_columns, size_t n_entries)
{
	entries->made = array_new(n_columns, sizeof(*entries->made));
	entries->reasons = array_new(n_columns, sizeof(*entries->reasons));
	entries->entries = array_new(n_entries, sizeof(*entries->entries));
	entries->bytes = array_new(n_entries, sizeof(*entries->bytes));
	return entries->made && entries->reasons && entries->entries && entries->bytes ? 0
										       : -ENOMEM;
}

int metric_entries_make(const struct metric_file_column *columns, size_t n_columns,
			struct metric_entries *ret_entries)
{
	size_t n_entries = 0;
	size_t at = 0;

	*ret_entries = (struct metric_entries){.columns = columns};
	for (size_t i = 0; i < n_columns; i++) {
		if (columns[i].n_absences > 0)
			n_entries += columns[i].n_samples + columns[i].n_absences;
	}
	if (n_entries == 0)
		return 0;
	if (reserve(ret_entries, n_columns, n_entries) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n_columns; i++) {
		struct metric_file_column *made = &ret_entries->made[i];

		*made = columns[i];
		ret_entries->reasons[i] = NULL;
		if (columns[i].n_absences == 0)
			continue;
		made->n_samples =
			merge(&columns[i], ret_entries->entries + at, ret_entries->bytes + at);
		made->samples = ret_entries->entries + at;
		ret_entries->reasons[i] = ret_entries->bytes + at;
		at += made->n_samples;
	}
	ret_entries->columns = ret_entries->made;
	return 0;
}

void metric_entries_done(struct metric_entries *entries)
{
	free(entries->made);
	free((void *)entries->reasons);
	free(entries->entries);
	free(entries->bytes);
	*entries = (struct metric_entries){0};
}
