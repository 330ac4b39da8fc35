/* SPDX-License-Identifier: MIT */
/* Which samples go into which block. */

#include "agent/block_plan.h"

#include <errno.h>
#include <stdlib.h>

#include "common/array.h"

#define NONE UINT32_MAX

/* A series while its samples are walked over. */
struct block_plan_line {
	uint32_t set; /* of the ticks that it has; NONE = none */
	uint32_t n_rows;
	uint32_t end; /* of its samples */
};

void block_plan_done(struct block_plan *plan)
{
	free(plan->sets);
	free(plan->columns);
	free(plan->lines);
	free(plan->values);
	free(plan->marks);
	free(plan->runs);
	*plan = (struct block_plan){0};
}

/* Room for n items; what was there is lost. @param items  the address of the array's */
static int reserve(void *items, size_t n, size_t item_bytes)
{
	void **at = items;

	free(*at);
	*at = reallocarray(NULL, n, item_bytes);
	return *at ? 0 : -ENOMEM;
}

static int reserve_samples(struct block_plan *plan, size_t n_rows, size_t n_ids)
{
	if (n_rows > plan->rows_capacity) {
		plan->rows_capacity = 0;
		if (reserve(&plan->values, n_rows, sizeof(*plan->values)) < 0 ||
		    reserve(&plan->marks, n_rows, sizeof(*plan->marks)) < 0 ||
		    reserve(&plan->runs, n_rows, sizeof(*plan->runs)) < 0)
			return -ENOMEM;
		plan->rows_capacity = n_rows;
	}
	if (n_ids > plan->lines_capacity) {
		plan->lines_capacity = 0;
		if (reserve(&plan->lines, n_ids, sizeof(*plan->lines)) < 0)
			return -ENOMEM;
		plan->lines_capacity = n_ids;
	}
	return 0;
}

static int reserve_columns(struct block_plan *plan, size_t n)
{
	if (n <= plan->columns_capacity)
		return 0;
	plan->columns_capacity = 0;
	if (reserve(&plan->columns, n + n / 2, sizeof(*plan->columns)) < 0)
		return -ENOMEM;
	plan->columns_capacity = n + n / 2;
	return 0;
}

static int add_set(struct block_plan *plan, uint32_t parent, uint16_t tick)
{
	struct block_plan_set *sets =
		array_grow(plan->sets, plan->n_sets, &plan->sets_capacity, sizeof(*sets));

	if (!sets)
		return -ENOMEM;
	plan->sets = sets;
	sets[plan->n_sets] = (struct block_plan_set){
		.parent = parent, .child_tick = BLOCK_PLAN_NO_TICK, .tick = tick};
	if (parent != NONE)
		sets[plan->n_sets].n_ticks = sets[parent].n_ticks + 1;
	plan->n_sets++;
	return 0;
}

/* The set of these ticks and one more. */
static int find_child(struct block_plan *plan, uint32_t parent, uint16_t tick, uint32_t *ret_set)
{
	if (plan->sets[parent].child_tick != tick) {
		if (add_set(plan, parent, tick) < 0)
			return -ENOMEM;
		plan->sets[parent].child = plan->n_sets - 1;
		plan->sets[parent].child_tick = tick;
	}
	*ret_set = plan->sets[parent].child;
	return 0;
}

/* Find the ticks that each series has, as long as their times do not go back. */
static int walk_rows(struct block_plan *plan, const struct block_plan_row *rows, size_t n_rows,
		     const int64_t *times_us, uint32_t n_ids)
{
	size_t i;

	plan->n_sets = 0;
	if (add_set(plan, NONE, BLOCK_PLAN_NO_TICK) < 0)
		return -ENOMEM;
	for (uint32_t id = 0; id < n_ids; id++)
		plan->lines[id] = (struct block_plan_line){.set = NONE};
	for (i = 0; i < n_rows; i++) {
		struct block_plan_line *line = &plan->lines[rows[i].series_id];

		if (i > 0 && times_us[rows[i].tick] < times_us[rows[i - 1].tick])
			break;
		line->n_rows++;
		if (find_child(plan, line->set == NONE ? 0 : line->set, rows[i].tick, &line->set) <
		    0)
			return -ENOMEM;
	}
	plan->n_rows = i;
	return 0;
}

/* Put the samples of each series together, in the order of ticks. @return how many series have some */
static uint32_t place_samples(struct block_plan *plan, const struct block_plan_row *rows,
			      uint32_t n_ids)
{
	uint32_t n_columns = 0;
	uint32_t end = 0;

	for (uint32_t id = 0; id < n_ids; id++) {
		struct block_plan_line *line = &plan->lines[id];

		line->end = end;
		end += line->n_rows;
		n_columns += line->n_rows > 0;
	}
	for (size_t i = 0; i < plan->n_rows; i++) {
		uint32_t at = plan->lines[rows[i].series_id].end++;

		plan->values[at] = rows[i].value;
		plan->marks[at] = rows[i].mark;
	}
	return n_columns;
}

/* Those without a value leave, and are told by runs. */
static void make_column(struct block_plan *plan, uint32_t id, struct block_column *ret_column)
{
	const struct block_plan_line *line = &plan->lines[id];
	const uint32_t first = line->end - line->n_rows;
	struct block_run *run = &plan->runs[first];
	double *values = &plan->values[first];
	size_t n_values = 0;

	*run = (struct block_run){0};
	for (uint32_t i = first; i < line->end; i++) {
		const struct block_plan_mark mark = plan->marks[i];

		if (run->n_missing > 0 && (!mark.is_missing || mark.reason != run->reason))
			*++run = (struct block_run){0};
		if (mark.is_missing) {
			run->n_missing++;
			run->reason = mark.reason;
		} else {
			run->n_present++;
			values[n_values++] = plan->values[i];
		}
	}
	*ret_column = (struct block_column){.series_id = id,
					    .runs = &plan->runs[first],
					    .n_runs = (size_t)(run - &plan->runs[first]) + 1,
					    .values = values,
					    .n_values = n_values};
}

/* One behind the other those of a set, by growing ids. */
static void place_columns(struct block_plan *plan, uint32_t n_ids)
{
	uint32_t n = 0;

	for (uint32_t id = 0; id < n_ids; id++)
		if (plan->lines[id].set != NONE)
			plan->sets[plan->lines[id].set].n_columns++;
	for (uint32_t i = 0; i < plan->n_sets; i++) {
		plan->sets[i].first_column = n;
		n += plan->sets[i].n_columns;
		plan->sets[i].n_columns = 0;
	}
	for (uint32_t id = 0; id < n_ids; id++) {
		struct block_plan_set *set;

		if (plan->lines[id].set == NONE)
			continue;
		set = &plan->sets[plan->lines[id].set];
		make_column(plan, id, &plan->columns[set->first_column + set->n_columns++]);
	}
}

int block_plan_make(struct block_plan *plan, const struct block_plan_row *rows, size_t n_rows,
		    const int64_t *times_us, uint32_t n_ids)
{
	int error = reserve_samples(plan, n_rows, n_ids);

	if (error == 0)
		error = walk_rows(plan, rows, n_rows, times_us, n_ids);
	if (error == 0)
		error = reserve_columns(plan, place_samples(plan, rows, n_ids));
	if (error == 0)
		place_columns(plan, n_ids);
	return error;
}

void block_plan_times(const struct block_plan *plan, uint32_t set, const int64_t *times_us,
		      int64_t *ret_times_us)
{
	const struct block_plan_set *at = &plan->sets[set];

	for (uint32_t i = at->n_ticks; i > 0; i--) {
		ret_times_us[i - 1] = times_us[at->tick];
		at = &plan->sets[at->parent];
	}
}
