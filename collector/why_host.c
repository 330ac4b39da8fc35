/* SPDX-License-Identifier: MIT */
/* Why there are holes in series of one host. */

#include "collector/why_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/chronicle.h"
#include "collector/lookup.h"
#include "collector/query.h"
#include "collector/why.h"
#include "common/array.h"

/* The samples before and behind what is asked for are looked for so far away at first, then farther, then
 * everywhere: most are near. */
#define MARGIN_US     INT64_C(900000000)
#define MARGIN_FACTOR 16
#define MARGIN_MAX_US (MARGIN_US * MARGIN_FACTOR * MARGIN_FACTOR)

/* So many series are looked at between two takings of the mutex. */
#define SERIES_PER_LOCK ((size_t)1024)

/* What the loader calls a file that it sets aside. */
#define ASIDE_ENDING ".damaged"

struct finder {
	struct engine *engine;
	const struct why_wish *wish;
	struct why_list *list;
	const struct catalog_host *host;
	uint64_t n_lost;
	struct why_causes causes;
	size_t told_bytes; /* that these take, about */
	struct why why;

	struct catalog_series **left; /* that are not answered yet */
	size_t n_left;
	int64_t since_us; /* what is read of them */
	int64_t until_us;

	struct why_hole *holes; /* of the series being read */
	size_t n_holes;
	size_t holes_capacity;
	const struct catalog_file *aside_of; /* the file that this was found out of last: */
	bool has_aside;
	bool has_tick; /* a time of it that is not told yet: there may be another one that is the same */
	int64_t tick_us;
	uint8_t tick_reason;
};

static size_t holes_bytes(const struct finder *finder)
{
	return finder->n_holes * sizeof(*finder->holes);
}

static void finder_done(struct finder *finder)
{
	limits_give(&finder->wish->limits, finder->told_bytes + holes_bytes(finder));
	why_done(&finder->why);
	why_causes_done(&finder->causes);
	free(finder->left);
	free(finder->holes);
}

/* -- what is known of the host --------------------------------------------------------------------- */

static int take_entry(void *context, const struct chronicle_entry *entry)
{
	struct finder *finder = context;
	const size_t n_bytes = entry->n_bytes + sizeof(struct why_clock);
	int result = limits_take(&finder->wish->limits, n_bytes);

	if (result < 0)
		return result;
	finder->told_bytes += n_bytes;
	return why_causes_add(&finder->causes, entry);
}

static int take_event(void *context, const struct chronicle_event *event)
{
	struct finder *finder = context;

	return why_causes_add_event(&finder->causes, event);
}

static void take_restart(void *context)
{
	struct finder *finder = context;

	limits_give(&finder->wish->limits, finder->told_bytes);
	finder->told_bytes = 0;
	why_causes_clear(&finder->causes);
}

static int read_chronicle(struct finder *finder)
{
	const struct chronicle_reader reader = {
		.context = finder,
		.entry = take_entry,
		.event = take_event,
		.restart = take_restart,
	};
	uint64_t n_lost = 0;
	int result = chronicle_read(finder->engine, finder->host, &finder->wish->limits, &reader,
				    &n_lost);

	finder->n_lost += n_lost;
	return result;
}

/* The metrics that the agent samples now. @param ret_files  to be freed by the caller, in any case */
static int list_sampled(struct finder *finder, struct catalog_file ***ret_files, size_t *ret_n)
{
	const struct why_causes *causes = &finder->causes;
	struct catalog_file **files = NULL;
	struct catalog_file *next;
	size_t capacity = 0;
	size_t n = 0;
	int result = 0;

	pthread_mutex_lock(&finder->engine->mutex);
	next = causes->n_schedules > 0 ? finder->host->files : NULL;
	pthread_mutex_unlock(&finder->engine->mutex);
	/* Those that are added later come before it. */
	for (; next && result == 0; next = next->next) {
		struct catalog_file **grown;

		result = limits_check(&finder->wish->limits);
		if (why_schedule_interval(causes, &causes->schedules[causes->n_schedules - 1],
					  next->metric) == 0)
			continue;
		grown = array_grow(files, n, &capacity, sizeof(struct catalog_file *));
		if (!grown) {
			result = -ENOMEM;
			break;
		}
		files = grown;
		files[n++] = next;
	}
	*ret_files = files;
	*ret_n = n;
	return result;
}

/* Not by samples of a clock that was ahead. */
static void note_contacts(struct finder *finder, struct catalog_series *const *series, size_t n)
{
	for (size_t first = 0; first < n; first += SERIES_PER_LOCK) {
		size_t end = n - first < SERIES_PER_LOCK ? n : first + SERIES_PER_LOCK;

		pthread_mutex_lock(&finder->engine->mutex);
		for (size_t i = first; i < end; i++) {
			if (!series[i]->is_last_odd &&
			    why_distance(finder->wish->now_us, series[i]->last_time_us) <=
				    WHY_SHIPPED_US)
				why_causes_note_contact(&finder->causes, series[i]->last_time_us);
		}
		pthread_mutex_unlock(&finder->engine->mutex);
	}
}

/* When the latest sample was taken by the agent that the store has, of any series. */
static int find_contact(struct finder *finder)
{
	struct catalog_file **files = NULL;
	struct catalog_series **series = NULL;
	size_t n_files = 0;
	size_t n = 0;
	int result = list_sampled(finder, &files, &n_files);

	if (result == 0 && n_files > 0)
		result = lookup_series(finder->engine, files, n_files, &series, &n);
	if (result == 0)
		note_contacts(finder, series, n);
	free(series);
	free(files);
	return result;
}

static int read_host(struct finder *finder)
{
	int64_t horizon_us;
	int result;

	pthread_mutex_lock(&finder->engine->mutex);
	horizon_us = finder->host->horizon_us;
	pthread_mutex_unlock(&finder->engine->mutex);
	why_causes_init(&finder->causes, horizon_us);
	result = read_chronicle(finder);
	if (result == 0)
		result = why_causes_settle(&finder->causes);
	return result == 0 ? find_contact(finder) : result;
}

/* -- one series ------------------------------------------------------------------------------------ */

static int take_hole(void *context, const struct why_hole *hole)
{
	struct finder *finder = context;
	struct why_hole *grown =
		array_grow(finder->holes, finder->n_holes, &finder->holes_capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	finder->holes = grown;
	if (limits_take(&finder->wish->limits, sizeof(*grown)) < 0)
		return -ENOBUFS;
	grown[finder->n_holes++] = *hole;
	return 0;
}

static int give_tick(struct finder *finder)
{
	if (!finder->has_tick)
		return 0;
	finder->has_tick = false;
	return finder->tick_reason == HM_REASON_NONE
		       ? why_add_sample(&finder->why, finder->tick_us)
		       : why_add_mark(&finder->why, finder->tick_us, finder->tick_reason);
}

/* A sample is there, whatever else was told of its time. */
static int take_tick(struct finder *finder, int64_t time_us, uint8_t reason)
{
	int result = 0;

	if (finder->has_tick && finder->tick_us == time_us) {
		if (finder->tick_reason != HM_REASON_NONE)
			finder->tick_reason = reason;
		return 0;
	}
	result = give_tick(finder);
	finder->has_tick = true;
	finder->tick_us = time_us;
	finder->tick_reason = reason;
	return result;
}

static int take_piece(struct finder *finder, const struct query_piece *piece)
{
	int result = 0;

	for (size_t i = 0; i < piece->n && result == 0; i++)
		result = take_tick(finder, piece->times_us[i], (uint8_t)piece->values[i]);
	return result;
}

/* Was enough read to know where its holes begin and end? */
static bool is_enough(const struct finder *finder)
{
	bool has_begin = finder->why.before_us != WHY_NO_TIME || finder->since_us == INT64_MIN;
	bool has_end = finder->why.behind_us != WHY_NO_TIME || finder->until_us == INT64_MAX;

	if (!has_begin) {
		pthread_mutex_lock(&finder->engine->mutex);
		has_begin = finder->host->oldest_us >= finder->since_us;
		pthread_mutex_unlock(&finder->engine->mutex);
	}
	return has_begin && has_end;
}

/* What is to be said of a moment that lies in no hole. */
static struct why_finding judge(struct finder *finder)
{
	const struct why *why = &finder->why;
	struct why_finding finding = {INT64_MIN, INT64_MIN, why_judge(&finder->why), 0, NULL};

	if (finding.what == WHY_SAMPLE || finding.what == WHY_NOT_DUE)
		finding.from_us = finding.to_us = why->before_us;
	if (finding.what == WHY_NO_DATA_YET)
		finding.to_us = why->behind_us;
	return finding;
}

static int tell_series(struct finder *finder, const struct catalog_series *series)
{
	const struct why_wish *wish = finder->wish;
	struct why_finding finding;
	int result = 0;

	for (size_t i = 0; i < finder->n_holes && result == 0; i++) {
		const struct why_hole *hole = &finder->holes[i];

		finding = (struct why_finding){hole->from_us, hole->to_us, hole->reason, 0, NULL};
		result = why_list_add(finder->list, &finding, series);
	}
	if (finder->n_holes > 0 || wish->since_us != wish->until_us || result < 0)
		return result;
	finding = judge(finder);
	return why_list_add(finder->list, &finding, series);
}

/* -- all of them ----------------------------------------------------------------------------------- */

/* Was one of its files damaged as a whole, when the store was opened? */
static bool has_aside(struct finder *finder, const struct catalog_file *file)
{
	const struct disk *disk = finder->engine->options.disk;
	char name[CATALOG_FILE_NAME_BYTES];
	char path[CATALOG_FOLDER_BYTES + CATALOG_FILE_NAME_BYTES + sizeof("/" ASIDE_ENDING)];
	int fd;

	if (finder->aside_of == file)
		return finder->has_aside;
	catalog_file_name(file, CATALOG_SIDE_MAIN, 0, 0, name);
	(void)snprintf(path, sizeof(path), "%s/%s%s", file->host->folder, name, ASIDE_ENDING);
	fd = disk->open(disk->context, finder->engine->hosts_folder, path, O_RDONLY);
	if (fd >= 0)
		(void)disk->close(disk->context, fd);
	finder->aside_of = file;
	finder->has_aside = fd >= 0;
	return finder->has_aside;
}

/* Are places of its files, as far as they were read, damaged? */
static bool is_damaged(const struct finder *finder, const struct catalog_file *file)
{
	bool is_damaged = false;

	pthread_mutex_lock(&finder->engine->mutex);
	for (int side = 0; side < CATALOG_SIDES; side++)
		is_damaged =
			is_damaged || file->data[side].n_damaged > 0 || file->data[side].is_missing;
	pthread_mutex_unlock(&finder->engine->mutex);
	return is_damaged;
}

static int begin_series(struct finder *finder, const struct catalog_series *series)
{
	const struct why_series begun = {
		.metric = series->file->metric,
		.labels = series->labels,
		.is_damaged = is_damaged(finder, series->file),
		.has_aside = has_aside(finder, series->file),
	};
	int result;

	limits_give(&finder->wish->limits, holes_bytes(finder));
	finder->n_holes = 0;
	finder->has_tick = false;
	result = limits_check(&finder->wish->limits);
	return result == 0 ? why_begin(&finder->why, &begun) : result;
}

/* @param n_kept  grows by those that are to be read again, farther */
static int end_series(struct finder *finder, struct catalog_series *series, size_t *n_kept)
{
	int result = give_tick(finder);

	if (result == 0)
		result = why_end(&finder->why);
	if (result < 0)
		return result;
	if (is_enough(finder))
		return tell_series(finder, series);
	finder->left[(*n_kept)++] = series;
	return 0;
}

/* Where the answers of a query stand in the list. */
struct place {
	size_t n_begun; /* of those that are left */
	size_t n_kept;
};

static int go_on_to(struct finder *finder, struct place *place, const struct catalog_series *series)
{
	int result = 0;

	while (result == 0 && (place->n_begun == 0 || finder->left[place->n_begun - 1] != series)) {
		if (place->n_begun > 0)
			result = end_series(finder, finder->left[place->n_begun - 1],
					    &place->n_kept);
		if (result == 0 && place->n_begun == finder->n_left)
			break;
		if (result == 0)
			result = begin_series(finder, finder->left[place->n_begun++]);
	}
	return result;
}

/* Take all that a query gives; series without anything are passed over by it. */
static int take_all(struct finder *finder, struct query *query)
{
	struct place place = {0, 0};
	struct query_piece piece;
	int result;

	while ((result = query_next_piece(query, &piece)) > 0) {
		result = go_on_to(finder, &place, piece.series);
		if (result == 0)
			result = take_piece(finder, &piece);
		if (result < 0)
			return result;
	}
	if (result == 0)
		result = go_on_to(finder, &place, NULL);
	finder->n_left = place.n_kept;
	return result;
}

static int read_once(struct finder *finder)
{
	const struct query_options options = {
		.chosen = finder->left,
		.n_chosen = finder->n_left,
		.since_us = finder->since_us,
		.until_us = finder->until_us,
		.is_of_ticks = true,
		.limits = {finder->wish->samples, finder->wish->limits.check,
			   finder->wish->limits.context},
	};
	struct query *query;
	int result = query_open(finder->engine, &options, &query);

	if (result < 0)
		return result;
	result = take_all(finder, query);
	/* What is read again counts once. */
	if (finder->n_left == 0)
		finder->n_lost += query_n_lost(query);
	query_free(query);
	return result;
}

static int read_all(struct finder *finder)
{
	int64_t margin_us = MARGIN_US;
	int result = 0;

	while (finder->n_left > 0 && result == 0) {
		bool is_last = margin_us > MARGIN_MAX_US;

		finder->since_us =
			is_last ? INT64_MIN : why_add_times(finder->wish->since_us, -margin_us);
		finder->until_us =
			is_last ? INT64_MAX : why_add_times(finder->wish->until_us, margin_us);
		result = read_once(finder);
		margin_us *= MARGIN_FACTOR;
	}
	return result;
}

/* Have the list of those whose interval is known; of others nothing is read. */
static int choose(struct finder *finder, uint64_t *ret_n_intervals)
{
	const struct why_wish *wish = finder->wish;
	const struct why_finding finding = {INT64_MIN, INT64_MIN, WHY_NO_INTERVAL, 0, NULL};
	int result = 0;

	finder->left = calloc(wish->n_series + 1, sizeof(struct catalog_series *));
	if (!finder->left)
		return -ENOMEM;
	for (size_t i = 0; i < wish->n_series && result == 0; i++) {
		result = begin_series(finder, wish->series[i]);
		if (result == 0 && why_has_interval(&finder->why))
			finder->left[finder->n_left++] = wish->series[i];
	}
	*ret_n_intervals = finder->n_left;
	/* Of all that a host has it is left out, unless it is all of it. */
	if (wish->is_whole && finder->n_left > 0)
		return result;
	for (size_t i = 0; i < wish->n_series && result == 0; i++) {
		result = begin_series(finder, wish->series[i]);
		if (result == 0 && !why_has_interval(&finder->why))
			result = why_list_add(finder->list, &finding, wish->series[i]);
	}
	return result;
}

int why_host_read(struct engine *engine, const struct why_wish *wish, struct why_list *list,
		  uint64_t *ret_n_intervals, uint64_t *n_lost)
{
	struct finder finder = {
		.engine = engine,
		.wish = wish,
		.list = list,
		.host = wish->series[0]->file->host,
	};
	int result = read_host(&finder);

	finder.why = (struct why){
		.causes = &finder.causes,
		.ask = {wish->since_us, wish->until_us, wish->now_us, &finder, take_hole},
	};
	if (result == 0)
		result = choose(&finder, ret_n_intervals);
	if (result == 0)
		result = read_all(&finder);
	*n_lost += finder.n_lost;
	finder_done(&finder);
	return result;
}
