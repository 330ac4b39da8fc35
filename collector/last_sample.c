/* SPDX-License-Identifier: MIT */
/* The last samples of series of which something was deleted. */

#include "collector/last_sample.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/group.h"
#include "collector/query.h"
#include "common/array.h"

/* It is looked for in so much of the time before, then in so many times as much, and so on. */
#define FIRST_US      INT64_C(3600000000)
#define TIMES_AS_MUCH 16

void last_samples_done(struct last_samples *wanted)
{
	free(wanted->series);
	free(wanted->hosts);
	*wanted = (struct last_samples){0};
}

/* Its newest sample is that of a series that has none now. With the mutex held. */
static int forget_host(struct last_samples *wanted, struct catalog_host *host)
{
	struct catalog_host **grown =
		array_grow(wanted->hosts, wanted->n_hosts, &wanted->hosts_capacity,
			   sizeof(struct catalog_host *));

	if (!grown)
		return -ENOMEM;
	wanted->hosts = grown;
	grown[wanted->n_hosts++] = host;
	host->last_time_us = CATALOG_NO_TIME;
	host->is_last_odd = false;
	return 0;
}

int last_samples_forget(struct last_samples *wanted, struct catalog_series *series,
			int64_t since_us, int64_t until_us)
{
	struct catalog_series **grown;

	if (series->last_time_us == CATALOG_NO_TIME || series->last_time_us < since_us ||
	    series->last_time_us > until_us)
		return 0;
	grown = array_grow(wanted->series, wanted->n, &wanted->capacity,
			   sizeof(struct catalog_series *));
	if (!grown)
		return -ENOMEM;
	wanted->series = grown;
	if (series->last_time_us == series->file->host->last_time_us) {
		int result = forget_host(wanted, series->file->host);

		if (result < 0)
			return result;
	}
	grown[wanted->n++] = series;
	series->last_time_us = CATALOG_NO_TIME;
	series->is_last_odd = false;
	return 0;
}

static int compare_series(const void *a_pointer, const void *b_pointer)
{
	const struct catalog_series *a = *(struct catalog_series *const *)a_pointer;
	const struct catalog_series *b = *(struct catalog_series *const *)b_pointer;

	if (a->file->host != b->file->host)
		return (uintptr_t)a->file->host < (uintptr_t)b->file->host ? -1 : 1;
	if (a->file != b->file)
		return (uintptr_t)a->file < (uintptr_t)b->file ? -1 : 1;
	return (uintptr_t)a < (uintptr_t)b ? -1 : a > b;
}

/* Have each series once, those of a file beside each other, and only those that have none yet. */
static void keep_open(struct last_samples *wanted, struct engine *engine)
{
	size_t n = 0;

	if (wanted->n > 1)
		qsort(wanted->series, wanted->n, sizeof(struct catalog_series *), compare_series);
	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < wanted->n; i++) {
		struct catalog_series *series = wanted->series[i];

		if (series->last_time_us == CATALOG_NO_TIME &&
		    (n == 0 || wanted->series[n - 1] != series))
			wanted->series[n++] = series;
	}
	pthread_mutex_unlock(&engine->mutex);
	wanted->n = n;
}

static void note_rows(struct engine *engine, const struct query_row *rows, size_t n, int64_t now_us)
{
	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < n; i++) {
		struct catalog_series *series = (struct catalog_series *)rows[i].series;

		catalog_note(series, rows[i].time_us, rows[i].value,
			     group_is_odd(rows[i].time_us, now_us));
	}
	pthread_mutex_unlock(&engine->mutex);
}

/* Look for them in a range of time. */
static int find_between(const struct last_samples *wanted, struct engine *engine, int64_t since_us,
			int64_t until_us)
{
	const struct query_options options = {
		.chosen = wanted->series,
		.n_chosen = wanted->n,
		.since_us = since_us,
		.until_us = until_us,
		.is_latest_only = true,
	};
	int64_t now_us = engine->options.disk->now_us(engine->options.disk->context);
	const struct query_row *rows;
	struct query *query;
	size_t n_rows;
	int result = query_open(engine, &options, &query);

	if (result < 0)
		return result;
	while ((result = query_next(query, &rows, &n_rows)) > 0)
		note_rows(engine, rows, n_rows, now_us);
	query_free(query);
	return result;
}

/* With the mutex held. */
static void note_file(const struct catalog *catalog, const struct catalog_file *file)
{
	const struct number_run *run = &file->series.first;

	for (; run; run = number_runs_next(&catalog->series_runs, run)) {
		for (uint32_t i = 0; i < run->n; i++) {
			const struct catalog_series *series =
				pool_at(&catalog->series, run->first + i);

			if (series->last_time_us == CATALOG_NO_TIME)
				continue;
			catalog_note_last(file->host, series->last_time_us, series->is_last_odd);
		}
	}
}

/* A host's newest sample is that of its series; what came in meanwhile was noted. */
static void find_of_host(struct engine *engine, const struct catalog_host *host)
{
	const struct catalog_file *file;

	pthread_mutex_lock(&engine->mutex);
	file = host->files;
	while (file) {
		note_file(host->is_retired ? &engine->retired : &engine->catalog, file);
		file = file->next;
		/* A host may have many: who waits for the mutex may have it in between. */
		pthread_mutex_unlock(&engine->mutex);
		pthread_mutex_lock(&engine->mutex);
	}
	pthread_mutex_unlock(&engine->mutex);
}

int last_samples_find(struct last_samples *wanted, struct engine *engine)
{
	int64_t now_us = engine->options.disk->now_us(engine->options.disk->context);
	int64_t until_us = INT64_MAX;
	int64_t span_us = FIRST_US;
	int result = 0;

	while (result == 0) {
		int64_t since_us = now_us > span_us ? now_us - span_us : INT64_MIN;

		keep_open(wanted, engine);
		if (wanted->n == 0)
			break;
		result = find_between(wanted, engine, since_us, until_us);
		if (since_us == INT64_MIN)
			break;
		until_us = since_us - 1;
		span_us *= TIMES_AS_MUCH;
	}
	for (size_t i = 0; i < wanted->n_hosts; i++)
		find_of_host(engine, wanted->hosts[i]);
	return result;
}
