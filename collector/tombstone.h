/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TOMBSTONE_H
#define COLLECTOR_TOMBSTONE_H

/* What is deleted of the series of one metric's file. No lock of its own, no state beyond the list. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/metric_file.h"
#include "common/store_mask.h"

/* Of one series, in blocks of positions below this one, what lies in a range of time. */
struct tombstone {
	uint32_t id;
	uint64_t position; /* UINT64_MAX: in all blocks */
	int64_t since_us;  /* both belong to the range */
	int64_t until_us;
};

/* Zeroed = nothing is deleted. */
struct tombstones {
	struct tombstone *at; /* by growing id, once sorted */
	size_t n;
	size_t capacity;
};

void tombstones_done(struct tombstones *tombstones);

/* Have room for so many more: adding them cannot fail then. @return 0 or -ENOMEM */
int tombstones_reserve(struct tombstones *tombstones, size_t n_more);

/* Add one at the end; tombstones_sort() must follow. @return 0 or -ENOMEM */
int tombstones_add(struct tombstones *tombstones, const struct tombstone *tombstone);

/* Add what a block says; likewise. @return 0 or -ENOMEM */
int tombstones_add_block(struct tombstones *tombstones, const struct store_mask_tombstone *block);

/* Add all of another list; likewise. @return 0 or -ENOMEM */
int tombstones_add_all(struct tombstones *tombstones, const struct tombstones *other);

void tombstones_sort(struct tombstones *tombstones);

/* Those of a series. @return how many */
size_t tombstones_find(const struct tombstones *tombstones, uint32_t id,
		       const struct tombstone **ret_first);

/* Is anything of a series deleted? */
bool tombstones_has(const struct tombstones *tombstones, uint32_t id);

/*
 * Take the deleted ones out of samples of one series.
 * @param position  of the block that they lie in
 * @param samples   those that stay move to the front, in their order
 * @return how many stay
 */
size_t tombstones_mask(const struct tombstones *tombstones, uint64_t position, uint32_t id,
		       struct metric_file_sample *samples, size_t n_samples);

#endif
