/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TIME_LIST_H
#define COLLECTOR_TIME_LIST_H

/* Times of one column, or of several together. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/metric_file.h"

struct time_list {
	int64_t *times_us; /* in order; owned by who has the list */
	size_t n;
	size_t n_samples; /* that have them */
};

/* The times of one column. @return 0 or -ENOMEM */
int time_list_make(const struct metric_file_column *column, struct time_list *ret_list);

/* Make `a` the union of both, and `b` empty. @return 0 or -ENOMEM, with both as they were */
int time_list_merge(struct time_list *a, struct time_list *b);

/* Have two columns the same times? */
bool time_list_is_same(const struct metric_file_column *a, const struct metric_file_column *b);

/* Does no time of a column lie before the one before it? */
bool time_list_is_in_order(const struct metric_file_column *column);

/* For equal times equal; who makes others equal too only makes the comparing slower. */
uint64_t time_list_hash(const struct metric_file_column *column);

/* The first from `first` on that is not before a time; n: none. Near ones are found at once. */
size_t time_list_find(const int64_t *times_us, size_t n, size_t first, int64_t time_us);

#endif
