/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_METRIC_NAMES_H
#define COLLECTOR_METRIC_NAMES_H

/* The series that a metric file names, with their last samples, while it is loaded. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/metric_file.h"
#include "common/buffer.h"
#include "common/store_file.h"

struct metric_name {
	uint32_t id;
	size_t order; /* in which it was found */
	size_t labels_at;
	size_t labels_length;
	bool has_last;
	struct metric_file_sample last;
	int64_t absent_us; /* the newest absence that was met; INT64_MIN = none */
};

/* Zeroed = empty. */
struct metric_names {
	struct metric_name *at;
	size_t n;
	size_t capacity;
	struct buffer labels;
};

/* Release the memory. */
void metric_names_done(struct metric_names *names);

/* Forget all names, keep the memory. */
void metric_names_clear(struct metric_names *names);

/* @param series  copied. @return 0 or -ENOMEM */
int metric_names_add(struct metric_names *names, const struct store_file_series *series);

/*
 * Sort by id. Where an id was named twice, which no writer of ours does, one counts.
 * @param first  whether it is the one that was found first
 */
void metric_names_sort(struct metric_names *names, bool first);

/* Once they are sorted. @return NULL: no series has this id */
struct metric_name *metric_names_find(const struct metric_names *names, uint32_t id);

#endif
