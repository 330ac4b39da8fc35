/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_COLUMN_GROUP_H
#define COLLECTOR_COLUMN_GROUP_H

/*
 * Which series share a block: those whose times are the same or nearly so. A group's rows are the
 * union of its columns' times; a column says of which rows it has a sample, which costs little as
 * long as it has them in few runs, and spares a block of its own.
 */

#include <stddef.h>
#include <stdint.h>

#include "collector/metric_file.h"

struct column_group {
	int64_t *
		times_us; /* non-decreasing; one as often as the column has it that has it most often */
	size_t n_times;
	size_t *columns; /* which: growing indexes */
	size_t n_columns;
	size_t n_samples; /* of all of them */
};

struct column_groups {
	struct column_group *at;
	size_t n;
	size_t capacity;
};

/*
 * Put every column that has a sample into one group. Takes O(n log n) for n samples.
 * @param ret_groups  zeroed before; released by the caller, in any case
 * @return 0; -EINVAL: times of a column are not in order; -ENOMEM
 */
int column_groups_make(const struct metric_file_column *columns, size_t n_columns,
		       struct column_groups *ret_groups);

void column_groups_done(struct column_groups *groups);

/* The first of the rows from `first` on that is not before this time; n_times = none. */
size_t column_group_find(const struct column_group *group, size_t first, int64_t time_us);

#endif
