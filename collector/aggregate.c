/* SPDX-License-Identifier: MIT */
/* A function over windows of what a query gives. */

#include "collector/aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/time_list.h"
#include "collector/window_group.h"
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
	struct aggregate_row *row = &aggregate->rows[aggregate->n_rows];
	struct window *window = aggregate->windows;

	if (aggregate->n_windows == 0)
		return;
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
	if (aggregate->cohorts && aggregate->n_windows > 0)
		return hand_over(aggregate);
	give_window(aggregate);
	return 0;
}

/* Keep another window of the series. */
static int add_window(struct aggregate *aggregate, const struct window *window)
{
	size_t before = aggregate->windows_capacity;
	struct window *grown;

	if (!aggregate->cohorts)
		give_window(aggregate);
	grown = array_grow(aggregate->windows, aggregate->n_windows, &aggregate->windows_capacity,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	aggregate->windows = grown;
	aggregate->windows[aggregate->n_windows++] = *window;
	if (aggregate->windows_capacity == before ||
	    budget_take(aggregate->memory,
			(int64_t)((aggregate->windows_capacity - before) * sizeof(struct window))))
		return 0;
	aggregate->windows_capacity = before;
	return -ENOBUFS;
}

static void pass_samples(struct query_piece *piece, size_t n)
{
	piece->times_us += n;
	piece->values += n;
	piece->n -= n;
}

/* Take samples of one window. */
static int take_window(struct aggregate *aggregate)
{
	const struct window_rule *rule = &aggregate->rule;
	struct query_piece *piece = &aggregate->piece;
	struct window_samples samples = {piece->times_us, piece->values, 0, 0};
	int result = 0;

	samples.n = window_walk_to(&aggregate->walk, rule, piece->times_us, piece->n);
	if (aggregate->n_windows == 0 ||
	    !window_is_at(&aggregate->windows[aggregate->n_windows - 1], rule,
			  aggregate->walk.start_us))
		result = add_window(aggregate, &(const struct window){0});
	if (result < 0)
		return result;
	pass_samples(piece, samples.n);
	return window_take(&aggregate->windows[aggregate->n_windows - 1], &aggregate->walk, rule,
			   &samples);
}

static int give_group(struct aggregate *aggregate, const struct window_group *group)
{
	double results[WINDOW_GROUP];
	unsigned which = window_group_results(group, &aggregate->rule, results);

	give_window(aggregate);
	for (size_t i = 0; i < group->n_windows; i++) {
		struct aggregate_row *row = &aggregate->rows[aggregate->n_rows];

		row->series = aggregate->series;
		row->time_us = group->start_us + (int64_t)i * group->step_us;
		row->value = results[i];
		aggregate->n_rows += which >> i & 1;
	}
	return 0;
}

static int add_group(struct aggregate *aggregate, const struct window_group *group)
{
	int result = 0;

	for (size_t i = 0; i < group->n_windows && result == 0; i++) {
		const struct window window = window_group_get(group, i);

		result = add_window(aggregate, &window);
	}
	return result;
}

/* Take several windows at once, where that can be. @return 1; 0: take one; -errno */
static int take_group(struct aggregate *aggregate)
{
	const struct query_piece *piece = &aggregate->piece;
	const struct window_samples samples = {piece->times_us, piece->values, piece->n,
					       piece->step_us};
	struct window_group group;
	size_t n = window_group_take(&group, &aggregate->walk, &aggregate->rule, &samples);
	int result;

	if (n == 0)
		return 0;
	pass_samples(&aggregate->piece, n);
	result = aggregate->cohorts ? add_group(aggregate, &group) : give_group(aggregate, &group);
	return result < 0 ? result : 1;
}

/* Pass over what lies before the first window. */
static void skip_early(struct aggregate *aggregate)
{
	struct query_piece *piece = &aggregate->piece;
	struct window_samples early = {piece->times_us, piece->values, 0, 0};

	early.n = time_list_find(piece->times_us, piece->n, 0, aggregate->rule.since_us);
	window_walk_pass(&aggregate->walk, &aggregate->rule, &early);
	pass_samples(piece, early.n);
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

	while (result >= 0 && aggregate->n_rows + WINDOW_GROUP + 2 < ROWS_MAX) {
		if (aggregate->piece.n > 0) {
			result = take_group(aggregate);
			if (result == 0)
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
