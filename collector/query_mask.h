/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_QUERY_MASK_H
#define COLLECTOR_QUERY_MASK_H

/* What a query must not show of a host's files, since it was deleted. */

#include "collector/engine.h"
#include "collector/tombstone.h"

/* Of one series, what lies in a range of time. */
struct query_mask {
	const struct catalog_series *series;
	int64_t since_us;
	int64_t until_us;
};

/* What the log says that no file says yet: of all that files have. Zeroed = nothing. */
struct query_masks {
	struct query_mask *at;
	size_t n;
	size_t capacity;
};

void query_masks_done(struct query_masks *masks);

/* @param range_us  both ends belong to it. @return 0 or -ENOMEM */
int query_masks_add(struct query_masks *masks, const struct catalog_series *series,
		    const int64_t range_us[static 2]);

/* To be called when all are added. */
void query_masks_sort(struct query_masks *masks);

/*
 * All that is deleted of a file, by itself and by the log. Takes the engine's mutex.
 * @param masks       sorted
 * @param tombstones  become these, sorted, whatever they were
 * @return 0 or -ENOMEM
 */
int query_masks_join(const struct query_masks *masks, struct engine *engine,
		     const struct catalog_file *file, enum catalog_side side,
		     struct tombstones *tombstones);

#endif
