/* SPDX-License-Identifier: MIT */
/* A function over windows of what a query gives. */

#include "collector/aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/time_list.h"
#include "common/array.h"

/* So many rows are given at once; every sample may end a window. */
#define ROWS_MAX ((size_t)1024)

struct aggregate {
	struct engine *engine;
	struct query *query;
	struct budget *memory;
	struct aggregate_options options;
	struct cohorts *cohorts; /* NULL = by series */

	const struct catalog_series *series; /* whose samples come; NULL = none yet */
	struct window_rule rule;             /* for it */
	struct window_walk walk;
	struct window *windows; /* of it: the last one, or all of them for its cohort */
	size_t n_windows;
	size_t windows_capacity;

	struct query_piece piece; /* what of it is not taken yet */
	bool is_read;             /* the query has ended */

	struct cohort **list; /* of cohorts, as they are given */
	size_t n_list;
	size_t cohort_at;
	size_t window_at;

	size_t n_rows;
	struct aggregate_row rows[ROWS_MAX];
};

static bool may_be_of_differences(const struct aggregate_options *options)
{
	return options->chooses_function || window_is_of_differences(options->rule.function);
}

int64_t aggregate_read_since(const struct aggregate_options *options)
{
	return may_be_of_differences(options) ? window_read_since(&options->rule)
					      : options->rule.since_us;
}

int aggregate_new(struct engine *engine, struct query *query,
		  const struct aggregate_options *options, struct budget *memory,
		  struct aggregate **ret_aggregate)
{
	struct aggregate *aggregate = calloc(1, sizeof(*aggregate));
	int result = 0;

	if (!aggregate)
		return -ENOMEM;
	aggregate->engine = engine;
	aggregate->query = query;
	aggregate->memory = memory;
	aggregate->options = *options;
	if (options->by)
		result =
			cohorts_new(options->by, &engine->options.key, memory, &aggregate->cohorts);
	if (result < 0)
		aggregate_free(aggregate);
	else
		*ret_aggregate = aggregate;
	return result;
}

void aggregate_free(struct aggregate *aggregate)
{
	if (!aggregate)
		return;
	for (size_t i = 0; i < aggregate->n_windows; i++)
		window_done(&aggregate->windows[i]);
	budget_give(aggregate->memory,
		    (int64_t)(aggregate->windows_capacity * sizeof(struct window)));
	free(aggregate->windows);
	cohorts_free(aggregate->cohorts);
	free(aggregate);
}

static enum window_function choose_function(const struct catalog_series *series,
					    const struct engine_series_state *state)
{
	static const char suffix[] = "_total";
	const char *metric = series->file->metric;
	size_t length = strlen(metric);

	if (state->kind == HM_STORED_GAUGE)
		return WINDOW_AVG;
	if (state->kind == HM_STORED_COUNTER ||
	    (length >= strlen(suffix) && strcmp(metric + length - strlen(suffix), suffix) == 0))
		return WINDOW_RATE;
	return WINDOW_LAST;
}

static void begin_series(struct aggregate *aggregate, const struct catalog_series *series)
{
	struct catalog_series *one = (struct catalog_series *)(uintptr_t)series;
	struct engine_series_state state;

	aggregate->series = series;
	aggregate->rule = aggregate->options.rule;
	aggregate->walk = (struct window_walk){0};
	if (!aggregate->options.chooses_function)
		return;
	engine_get_states(aggregate->engine, &one, 1, &state);
	aggregate->rule.function = choose_function(series, &state);
}

/* Give the window of a series that has ended. */
static void give_window(struct aggregate *aggregate)
{
	struct window *window = &aggregate->windows[0];
	struct aggregate_row *row = &aggregate->rows[aggregate->n_rows];

	aggregate->n_windows = 0;
	row->series = aggregate->series;
	row->time_us = window->start_us;
	if (window_result(window, &aggregate->rule, &row->value))
		aggregate->n_rows++;
	window_done(window);
}

/* Hand the windows of a series to its cohort. */
static int hand_over(struct aggregate *aggregate)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < aggregate->n_windows; i++) {
		struct window *window = &aggregate->windows[i];

		if (window_settle(window, &aggregate->rule))
			aggregate->windows[n_kept++] = *window;
		else
			window_done(window);
	}
	aggregate->n_windows = 0;
	return cohorts_add(aggregate->cohorts, aggregate->series, &aggregate->rule,
			   aggregate->windows, n_kept);
}

static int end_series(struct aggregate *aggregate)
{
	if (aggregate->n_windows == 0)
		return 0;
	if (aggregate->cohorts)
		return hand_over(aggregate);
	give_window(aggregate);
	return 0;
}

/* Begin another window of the series. */
static int add_window(struct aggregate *aggregate)
{
	size_t before = aggregate->windows_capacity;
	struct window *grown;

	if (!aggregate->cohorts && aggregate->n_windows > 0)
		give_window(aggregate);
	grown = array_grow(aggregate->windows, aggregate->n_windows, &aggregate->windows_capacity,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	aggregate->windows = grown;
	aggregate->windows[aggregate->n_windows++] = (struct window){0};
	if (budget_take(aggregate->memory,
			(int64_t)((aggregate->windows_capacity - before) * sizeof(struct window))))
		return 0;
	aggregate->windows_capacity = before;
	return -ENOBUFS;
}

/* Take samples of one window. */
static int take_window(struct aggregate *aggregate)
{
	const struct window_rule *rule = &aggregate->rule;
	struct query_piece *piece = &aggregate->piece;
	struct window_samples samples = {piece->times_us, piece->values, 0};
	int result = 0;

	samples.n = window_walk_to(&aggregate->walk, rule, piece->times_us, piece->n);
	if (aggregate->n_windows == 0 ||
	    !window_is_at(&aggregate->windows[aggregate->n_windows - 1], rule,
			  aggregate->walk.start_us))
		result = add_window(aggregate);
	if (result < 0)
		return result;
	piece->times_us += samples.n;
	piece->values += samples.n;
	piece->n -= samples.n;
	return window_take(&aggregate->windows[aggregate->n_windows - 1], &aggregate->walk, rule,
			   &samples);
}

/* Pass over what lies before the first window. */
static void skip_early(struct aggregate *aggregate)
{
	struct query_piece *piece = &aggregate->piece;
	struct window_samples early = {piece->times_us, piece->values, 0};

	early.n = time_list_find(piece->times_us, piece->n, 0, aggregate->rule.since_us);
	window_walk_pass(&aggregate->walk, &aggregate->rule, &early);
	piece->times_us += early.n;
	piece->values += early.n;
	piece->n -= early.n;
}

static void give_cohorts(struct aggregate *aggregate)
{
	while (aggregate->cohort_at < aggregate->n_list && aggregate->n_rows < ROWS_MAX) {
		struct cohort *cohort = aggregate->list[aggregate->cohort_at];
		struct aggregate_row *row = &aggregate->rows[aggregate->n_rows];

		if (aggregate->window_at == cohort->n_windows) {
			aggregate->cohort_at++;
			aggregate->window_at = 0;
			continue;
		}
		row->cohort = cohort;
		row->time_us = cohort->windows[aggregate->window_at].start_us;
		if (window_result(&cohort->windows[aggregate->window_at], &cohort->rule,
				  &row->value))
			aggregate->n_rows++;
		aggregate->window_at++;
	}
}

/* Have the next samples. @return 1; 0: there are none; -errno */
static int read_samples(struct aggregate *aggregate)
{
	int result = query_next_piece(aggregate->query, &aggregate->piece);
	int ended = 0;

	if (result < 0)
		return result;
	if (result == 0 || aggregate->piece.series != aggregate->series)
		ended = end_series(aggregate);
	if (ended < 0 || result == 0)
		return ended;
	if (aggregate->piece.series != aggregate->series)
		begin_series(aggregate, aggregate->piece.series);
	skip_early(aggregate);
	return 1;
}

/* Take samples as long as there is room for the rows that they may end. */
static int take_samples(struct aggregate *aggregate)
{
	int result = 0;

	while (result >= 0 && aggregate->n_rows + 2 < ROWS_MAX) {
		if (aggregate->piece.n > 0) {
			result = take_window(aggregate);
			continue;
		}
		result = read_samples(aggregate);
		if (result > 0)
			continue;
		if (result < 0)
			break;
		aggregate->is_read = true;
		if (aggregate->cohorts)
			aggregate->list = cohorts_list(aggregate->cohorts, &aggregate->n_list);
		break;
	}
	return result;
}

int aggregate_next(struct aggregate *aggregate, const struct aggregate_row **ret_rows,
		   size_t *ret_n)
{
	int result = 0;

	aggregate->n_rows = 0;
	if (!aggregate->is_read)
		result = take_samples(aggregate);
	if (result < 0)
		return result;
	if (aggregate->is_read)
		give_cohorts(aggregate);
	*ret_rows = aggregate->rows;
	*ret_n = aggregate->n_rows;
	return !aggregate->is_read || aggregate->n_rows > 0;
}
