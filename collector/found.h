/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_FOUND_H
#define COLLECTOR_FOUND_H

/* Samples as a query gathers them, in any order, until they are sorted. */

#include <stddef.h>
#include <stdint.h>

#include "collector/limits.h"

/* A list takes so much for each sample: its own room, and that of sorting it. */
#define FOUND_BYTES (2 * sizeof(struct found))

struct found {
	uint32_t position; /* of its series, in whatever the list is of */
	uint32_t number;   /* order in which it was written */
	int64_t time_us;
	double value;
};

/* Zeroed = empty. */
struct found_list {
	struct found *at;
	size_t n;
	size_t capacity;
};

/* Add a sample behind all others; it gets its number. @return 0; -ENOMEM; -ENOBUFS */
int found_add(struct found_list *list, const struct limits *limits, const struct found *found);

/* Sort by series, time and number, which still ascends. In linear time where the samples of each
 * series came in order. */
void found_sort(struct found_list *list);

/* Of samples of one series and time keep only the last. The list is sorted. */
void found_keep_latest(struct found_list *list);

/* Release the memory; it is empty again. */
void found_done(struct found_list *list, const struct limits *limits);

#endif
