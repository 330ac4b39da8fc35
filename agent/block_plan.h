/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BLOCK_PLAN_H
#define AGENT_BLOCK_PLAN_H

/*
 * Which samples go into which block: all series that have the same ticks share one. Found in one walk over the samples:
 * sets of ticks are a tree, in which each is its parent and one tick more, and a series goes from set to set.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/block.h"

/* No tick has this number. */
#define BLOCK_PLAN_NO_TICK UINT16_MAX

/* Whether a series has a value at a tick, or why not. */
struct block_plan_mark {
	bool is_missing;
	uint8_t reason; /* enum hm_reason */
};

/* What a series has at a tick. */
struct block_plan_row {
	double value;
	uint32_t series_id;
	uint16_t tick;
	struct block_plan_mark mark;
};

/* Ticks, and the series that have just these. Those of which no series has columns are no block. */
struct block_plan_set {
	uint32_t parent;
	uint32_t child; /* with `child_tick` more; an older child is not needed any more */
	uint16_t child_tick;
	uint16_t tick; /* the last one */
	uint32_t n_ticks;
	uint32_t first_column;
	uint32_t n_columns;
};

struct block_plan_line;

/* Zeroed = empty. Its memory is kept from one plan to the next. */
struct block_plan {
	struct block_plan_set *sets; /* in the order in which they were made */
	uint32_t n_sets;
	struct block_column *columns; /* of each set, by growing ids */
	size_t n_rows;                /* that it is about */
	size_t sets_capacity;
	size_t columns_capacity;
	struct block_plan_line *lines; /* by id */
	size_t lines_capacity;
	double *values; /* this and the next two by series, in the order of ticks */
	struct block_plan_mark *marks;
	struct block_run *runs;
	size_t rows_capacity;
};

void block_plan_done(struct block_plan *plan);

/*
 * Make the plan of the first rows: up to the tick whose time is before that of the tick before it, since times of
 * a block do not go back.
 * @param rows      by ticks, and in each by growing ids; one or more
 * @param times_us  of the ticks
 * @param n_ids     above all ids of them
 * @return 0 or -ENOMEM
 */
int block_plan_make(struct block_plan *plan, const struct block_plan_row *rows, size_t n_rows,
		    const int64_t *times_us, uint32_t n_ids);

/* The times of a set. @param ret_times_us  room for its ticks */
void block_plan_times(const struct block_plan *plan, uint32_t set, const int64_t *times_us,
		      int64_t *ret_times_us);

#endif
