/* SPDX-License-Identifier: MIT */
/* What a query must not show. */

#include "collector/query_mask.h"

#include <errno.h>
#include <stdlib.h>

#include "common/array.h"

void query_masks_done(struct query_masks *masks)
{
	free(masks->at);
	*masks = (struct query_masks){0};
}

int query_masks_add(struct query_masks *masks, const struct catalog_series *series,
		    const int64_t range_us[static 2])
{
	struct query_mask *at = array_grow(masks->at, masks->n, &masks->capacity, sizeof(*at));

	if (!at)
		return -ENOMEM;
	masks->at = at;
	at[masks->n++] = (struct query_mask){series, range_us[0], range_us[1]};
	return 0;
}

static int compare_files(const void *a_pointer, const void *b_pointer)
{
	const struct query_mask *a = a_pointer;
	const struct query_mask *b = b_pointer;
	uintptr_t file_a = (uintptr_t)a->series->file;
	uintptr_t file_b = (uintptr_t)b->series->file;

	return file_a < file_b ? -1 : file_a > file_b;
}

void query_masks_sort(struct query_masks *masks)
{
	if (masks->n > 1)
		qsort(masks->at, masks->n, sizeof(*masks->at), compare_files);
}

/* The first one of a file, or where it would be. */
static size_t find_first(const struct query_masks *masks, const struct catalog_file *file)
{
	size_t low = 0;
	size_t high = masks->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((uintptr_t)masks->at[middle].series->file < (uintptr_t)file)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int query_masks_join(const struct query_masks *masks, struct engine *engine,
		     const struct catalog_file *file, enum catalog_side side,
		     struct tombstones *tombstones)
{
	const struct catalog_trim *trim;
	int result = 0;

	tombstones->n = 0;
	pthread_mutex_lock(&engine->mutex);
	trim = file->data[side].trim;
	if (trim)
		result = tombstones_add_all(tombstones, &trim->tombstones);
	pthread_mutex_unlock(&engine->mutex);
	for (size_t i = find_first(masks, file);
	     i < masks->n && masks->at[i].series->file == file && result == 0; i++) {
		const struct query_mask *mask = &masks->at[i];
		const struct tombstone tombstone = {
			.id = mask->series->id,
			.position = UINT64_MAX,
			.since_us = mask->since_us,
			.until_us = mask->until_us,
		};

		result = tombstones_add(tombstones, &tombstone);
	}
	tombstones_sort(tombstones);
	return result;
}
