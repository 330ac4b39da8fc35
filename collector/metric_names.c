/* SPDX-License-Identifier: MIT */
/* Series of a metric file while it is loaded. */

#include "collector/metric_names.h"

#include <errno.h>
#include <stdlib.h>

#include "common/array.h"

void metric_names_done(struct metric_names *names)
{
	free(names->at);
	buffer_done(&names->labels);
	*names = (struct metric_names){0};
}

void metric_names_clear(struct metric_names *names)
{
	names->n = 0;
	buffer_clear(&names->labels);
}

int metric_names_add(struct metric_names *names, const struct store_file_series *series)
{
	struct metric_name *at = array_grow(names->at, names->n, &names->capacity, sizeof(*at));

	if (!at)
		return -ENOMEM;
	names->at = at;
	at[names->n] = (struct metric_name){
		.id = series->id,
		.order = names->n,
		.labels_at = names->labels.length,
		.labels_length = series->labels_length,
		.absent_us = INT64_MIN,
	};
	names->n++;
	buffer_append(&names->labels, series->labels, series->labels_length);
	return buffer_failed(&names->labels) ? -ENOMEM : 0;
}

static int compare_names(const void *left, const void *right)
{
	const struct metric_name *a = left;
	const struct metric_name *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

void metric_names_sort(struct metric_names *names, bool first)
{
	size_t n = 0;

	if (names->n > 0)
		qsort(names->at, names->n, sizeof(names->at[0]), compare_names);
	for (size_t i = 0; i < names->n; i++) {
		if (n == 0 || names->at[n - 1].id != names->at[i].id)
			names->at[n++] = names->at[i];
		else if (!first)
			names->at[n - 1] = names->at[i];
	}
	names->n = n;
}

struct metric_name *metric_names_find(const struct metric_names *names, uint32_t id)
{
	size_t low = 0;
	size_t high = names->n;

	/* Ids count from 0, and nearly always all are there. */
	if (id < names->n && names->at[id].id == id)
		return &names->at[id];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (names->at[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < names->n && names->at[low].id == id ? &names->at[low] : NULL;
}
