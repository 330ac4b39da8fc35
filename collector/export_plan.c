/* SPDX-License-Identifier: MIT */
/* Which series an export has, in which order. */

#include "collector/export_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOTAL       "_total"
#define TOTAL_BYTES (sizeof(TOTAL) - 1)

static int compare_by_host(const void *a_pointer, const void *b_pointer)
{
	const struct catalog_series *a = *(struct catalog_series *const *)a_pointer;
	const struct catalog_series *b = *(struct catalog_series *const *)b_pointer;
	int order = 0;

	if (a->file->host != b->file->host)
		order = strcmp(a->file->host->name, b->file->host->name);
	if (order == 0 && a->file != b->file)
		order = strcmp(a->file->metric, b->file->metric);
	return order ? order : strcmp(a->labels, b->labels);
}

static int compare_by_metric(const void *a_pointer, const void *b_pointer)
{
	const struct catalog_series *a = *(struct catalog_series *const *)a_pointer;
	const struct catalog_series *b = *(struct catalog_series *const *)b_pointer;
	int order = 0;

	if (a->file != b->file)
		order = strcmp(a->file->metric, b->file->metric);
	return order ? order : compare_by_host(a_pointer, b_pointer);
}

static size_t count_files(const struct selection *selection)
{
	size_t n = 0;

	for (size_t i = 0; i < selection->n; i++)
		n += i == 0 || selection->series[i]->file != selection->series[i - 1]->file;
	return n;
}

/* Note all files, with kind and unit as they are now. */
static int list_files(struct engine *engine, struct export_plan *plan)
{
	const struct selection *selection = &plan->selection;
	struct export_file *file = NULL;

	plan->files = calloc(count_files(selection) + 1, sizeof(*plan->files));
	if (!plan->files)
		return -ENOMEM;
	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < selection->n; i++) {
		const struct catalog_file *of = selection->series[i]->file;

		if (!file || file->file != of) {
			file = &plan->files[plan->n_files++];
			*file = (struct export_file){
				.file = of, .kind = of->kind, .unit = of->unit, .is_shared = true};
		}
		file->end = i + 1;
		plan->has_many_hosts |= of->host != selection->series[0]->file->host;
	}
	pthread_mutex_unlock(&engine->mutex);
	return 0;
}

struct metric {
	const char *name;
	size_t length;
};

static int compare_metric(const void *key, const void *item)
{
	const struct metric *metric = key;
	const struct export_file *file = item;
	int order = strncmp(metric->name, file->file->metric, metric->length);

	return order || file->file->metric[metric->length] == '\0' ? order : -1;
}

/* Is X of a metric X_total a metric, too? The files are sorted by metric. */
static bool has_stem(const struct export_plan *plan, const char *metric)
{
	struct metric stem = {metric, strlen(metric)};

	if (stem.length <= TOTAL_BYTES || strcmp(metric + stem.length - TOTAL_BYTES, TOTAL) != 0)
		return false;
	stem.length -= TOTAL_BYTES;
	return bsearch(&stem, plan->files, plan->n_files, sizeof(*plan->files), compare_metric);
}

/* Find the metrics of which one thing cannot be said for all hosts. */
static void find_shared(struct export_plan *plan)
{
	struct export_file *end = plan->files + plan->n_files;
	struct export_file *next;

	for (struct export_file *first = plan->files; first < end; first = next) {
		bool is_shared =
			first->kind != HM_STORED_COUNTER || !has_stem(plan, first->file->metric);

		for (next = first + 1;
		     next < end && strcmp(next->file->metric, first->file->metric) == 0; next++) {
			if (next->kind != first->kind || strcmp(next->unit, first->unit) != 0)
				is_shared = false;
		}
		for (struct export_file *file = first; file < next; file++)
			file->is_shared = is_shared;
	}
}

int export_plan_new(struct engine *engine, const struct export_wish *wish,
		    const struct limits *limits, struct export_plan *ret_plan)
{
	struct export_plan plan = {0};
	int result = selection_new(engine, wish->series, wish->host, limits, &plan.selection);

	if (result == 0 && plan.selection.n == 0)
		result = -ENOENT;
	if (result == 0) {
		qsort(plan.selection.series, plan.selection.n, sizeof(struct catalog_series *),
		      wish->by_metric ? compare_by_metric : compare_by_host);
		result = list_files(engine, &plan);
	}
	if (result < 0) {
		export_plan_done(&plan);
		return result;
	}
	if (wish->by_metric)
		find_shared(&plan);
	*ret_plan = plan;
	return 0;
}

void export_plan_done(struct export_plan *plan)
{
	selection_done(&plan->selection);
	free(plan->files);
	*plan = (struct export_plan){0};
}
