/* SPDX-License-Identifier: MIT */
/* What only the log has of the series that are asked for. */

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "collector/group.h"
#include "collector/query_part.h"

static uint64_t hash_series(const struct catalog_series *series)
{
	return (uint64_t)(uintptr_t)series * UINT64_C(0x9e3779b97f4a7c15);
}

static bool is_wanted(const void *item, const void *key)
{
	return *(struct catalog_series *const *)item == key;
}

int query_log_index(struct query *query)
{
	int result = 0;

	for (size_t i = 0; i < query->selection.n && result == 0; i++) {
		struct catalog_series **item = &query->selection.series[i];

		result = table_add(&query->wanted, hash_series(*item), item);
	}
	return result;
}

/* Where a series stands in the selection. @return SIZE_MAX: it is not asked for */
static size_t find_position(const struct query *query, const struct catalog_series *series)
{
	struct catalog_series **item =
		series ? table_find(&query->wanted, hash_series(series), is_wanted, series) : NULL;

	return item ? (size_t)(item - query->selection.series) : SIZE_MAX;
}

/* The times that are too old to count, of samples that came in then: impossible ones are none of these.
 * @return false: there are none */
static bool find_expired(const struct query *query, int64_t received_us, int64_t ret_us[static 2])
{
	ret_us[0] = GROUP_EARLIEST_US;
	ret_us[1] = received_us + GROUP_AHEAD_US;
	if (query->horizon_us <= ret_us[1])
		ret_us[1] = query->horizon_us - (query->horizon_us > INT64_MIN);
	return ret_us[0] <= ret_us[1];
}

/* A block that the log has: take the columns of those series that are asked for. */
static int take_logged(void *context, struct block_decoder *decoder,
		       struct catalog_series *const *series, int64_t received_us)
{
	struct query *query = context;
	const int64_t span_us[2] = {query->since_us, query->until_us};
	size_t n_columns = block_decoder_n_columns(decoder);
	int64_t expired_us[2];
	bool has_expired = find_expired(query, received_us, expired_us);
	int result = pile_add_block(&query->logged, &query->limits, decoder, span_us);

	for (size_t i = 0; i < n_columns && result > 0; i++) {
		size_t position = find_position(query, series[block_decoder_series_id(decoder, i)]);
		int added;

		if (position < query->log_start || position >= query->log_end)
			continue;
		added = pile_add_column(&query->logged, &query->limits, decoder, i,
					(uint32_t)position);
		if (added == 0 && has_expired)
			added = pile_mask_last(&query->logged, &query->limits, (uint32_t)position,
					       expired_us);
		if (added < 0)
			return -ENOBUFS;
	}
	return result < 0 ? result : 0;
}

/* What was deleted of the host before this: of what files have, and of what the log had until now. */
static int take_mask(void *context, const struct tail_mask *mask)
{
	struct query *query = context;
	const int64_t range_us[2] = {mask->since_us, mask->until_us};
	int result = 0;

	for (size_t i = 0; i < mask->n_series && result == 0; i++) {
		const struct catalog_series *series = mask->series[i];
		size_t position = find_position(query, series);

		if (position == SIZE_MAX)
			continue;
		result = query_masks_add(&query->masks, series, range_us);
		if (result == 0 && position >= query->log_start && position < query->log_end)
			result = pile_mask_all(&query->logged, &query->limits, (uint32_t)position,
					       range_us);
	}
	return result;
}

/* The metrics of series whose samples are read from the log, if they are few. */
static void find_metrics(struct query *query)
{
	const struct catalog_file *last = NULL;

	query->n_metrics = 0;
	for (size_t i = query->log_start; i < query->log_end; i++) {
		const struct catalog_file *file = query->selection.series[i]->file;

		/* They are sorted by hosts. */
		if (file->host != query->selection.series[query->log_start]->file->host)
			break;
		if (file == last)
			continue;
		if (query->n_metrics == METRICS_MAX) {
			query->n_metrics = 0;
			return;
		}
		query->metrics[query->n_metrics++] = file->metric;
		last = file;
	}
}

static bool wants_metric(void *context, struct series_text metric)
{
	const struct query *query = context;

	for (size_t i = 0; i < query->n_metrics; i++) {
		if (strlen(query->metrics[i]) == metric.length &&
		    memcmp(query->metrics[i], metric.start, metric.length) == 0)
			return true;
	}
	return query->n_metrics == 0;
}

/* What the log has is that of another catalog's series by now: of these it is missing. */
static bool has_missed(const struct query *query, const struct catalog_host *host)
{
	bool has_missed;

	pthread_mutex_lock(&query->engine->mutex);
	has_missed = host->is_retired;
	pthread_mutex_unlock(&query->engine->mutex);
	return has_missed;
}

static int read_log_once(struct query *query, const struct catalog_host *host)
{
	struct tail_take take = {
		.context = query, .block = take_logged, .wants = wants_metric, .mask = take_mask};
	struct tail_range range = {.host = host->number};
	const uint64_t *positions;
	size_t n_positions = 0;
	int result;

	pile_clear(&query->logged);
	query->masks.n = 0;
	query->n_lost_logged = 0;
	tail_rewind(query->tail);
	pthread_mutex_lock(&query->engine->mutex);
	range.after = host->checkpoint;
	range.last = host->last;
	query->horizon_us = host->horizon_us;
	pthread_mutex_unlock(&query->engine->mutex);
	query->checkpoint = range.after;
	result = tail_find(query->tail, &range, &positions, &n_positions);
	if (result == 0)
		query->n_lost_logged = tail_n_damaged(query->tail);
	for (size_t i = 0; i < n_positions && result == 0; i++) {
		result = tail_decode(query->tail, host->number, positions[i], &take);
		if (result == 0)
			result = limits_check(&query->limits);
		/* Told when the log was read at start, or will be by the checkpoint. */
		if (result == -EBADMSG) {
			query->n_lost_logged++;
			result = 0;
		}
	}
	/* It may have come meanwhile. */
	if (result == 0 && n_positions > 0)
		query->n_lost_logged += has_missed(query, host);
	/* A query that waits for its client holds no descriptors. */
	tail_rewind(query->tail);
	return result;
}

/* Have what only the log has of a host, and no file up to `checkpoint`. */
int query_log_read(struct query *query, const struct catalog_host *host)
{
	size_t n_left = query->selection.n - query->run_start;
	size_t n_run = query->run_end - query->run_start;
	size_t n = n_left < query->log_max ? n_left : query->log_max;
	int result = -ENOENT;

	if (query->host == host && query->run_end <= query->log_end)
		return 0;
	query->log_start = query->run_start;
	/* The run before may have been a smaller one. */
	query->log_end = query->run_start + (n > n_run ? n : n_run);
	find_metrics(query);
	for (int i = 0; i < QUERY_TRIES_MAX && result == -ENOENT; i++)
		result = read_log_once(query, host);
	if (result < 0)
		return result;
	query_masks_sort(&query->masks);
	query->host = host;
	if (query->log_start == 0 ||
	    query->selection.series[query->log_start - 1]->file->host != host)
		query->n_lost += query->n_lost_logged;
	pile_sort(&query->logged);
	return 0;
}
