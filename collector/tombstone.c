/* SPDX-License-Identifier: MIT */
/* What is deleted of one metric's file. */

#include "collector/tombstone.h"

#include <errno.h>
#include <stdlib.h>

#include "common/array.h"

void tombstones_done(struct tombstones *tombstones)
{
	free(tombstones->at);
	*tombstones = (struct tombstones){0};
}

int tombstones_reserve(struct tombstones *tombstones, size_t n_more)
{
	size_t wanted = tombstones->n + n_more;
	struct tombstone *at;

	if (wanted <= tombstones->capacity)
		return 0;
	at = reallocarray(tombstones->at, wanted, sizeof(*at));
	if (!at)
		return -ENOMEM;
	tombstones->at = at;
	tombstones->capacity = wanted;
	return 0;
}

int tombstones_add(struct tombstones *tombstones, const struct tombstone *tombstone)
{
	struct tombstone *at =
		array_grow(tombstones->at, tombstones->n, &tombstones->capacity, sizeof(*at));

	if (!at)
		return -ENOMEM;
	tombstones->at = at;
	at[tombstones->n++] = *tombstone;
	return 0;
}

int tombstones_add_block(struct tombstones *tombstones, const struct store_mask_tombstone *block)
{
	struct store_mask_tombstone rest = *block;
	struct tombstone tombstone = {
		.position = block->position,
		.since_us = block->since_us,
		.until_us = block->until_us,
	};
	int result = 0;

	while (result == 0 && store_mask_next_id(&rest, &tombstone.id))
		result = tombstones_add(tombstones, &tombstone);
	return result;
}

int tombstones_add_all(struct tombstones *tombstones, const struct tombstones *other)
{
	int result = 0;

	for (size_t i = 0; i < other->n && result == 0; i++)
		result = tombstones_add(tombstones, &other->at[i]);
	return result;
}

static int compare_ids(const void *a_pointer, const void *b_pointer)
{
	const struct tombstone *a = a_pointer;
	const struct tombstone *b = b_pointer;

	return a->id < b->id ? -1 : a->id > b->id;
}

void tombstones_sort(struct tombstones *tombstones)
{
	if (tombstones->n > 1)
		qsort(tombstones->at, tombstones->n, sizeof(*tombstones->at), compare_ids);
}

/* The first one of an id, or where it would be. */
static size_t find_first(const struct tombstones *tombstones, uint32_t id)
{
	size_t low = 0;
	size_t high = tombstones->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tombstones->at[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t tombstones_find(const struct tombstones *tombstones, uint32_t id,
		       const struct tombstone **ret_first)
{
	size_t first = find_first(tombstones, id);
	size_t n = 0;

	while (first + n < tombstones->n && tombstones->at[first + n].id == id)
		n++;
	*ret_first = n > 0 ? &tombstones->at[first] : NULL;
	return n;
}

bool tombstones_has(const struct tombstones *tombstones, uint32_t id)
{
	size_t first = find_first(tombstones, id);

	return first < tombstones->n && tombstones->at[first].id == id;
}

/* Those that one tombstone leaves. */
static size_t mask(const struct tombstone *tombstone, struct metric_file_sample *samples,
		   size_t n_samples)
{
	size_t n = 0;

	for (size_t i = 0; i < n_samples; i++) {
		if (samples[i].time_us < tombstone->since_us ||
		    samples[i].time_us > tombstone->until_us)
			samples[n++] = samples[i];
	}
	return n;
}

size_t tombstones_mask(const struct tombstones *tombstones, uint64_t position, uint32_t id,
		       struct metric_file_sample *samples, size_t n_samples)
{
	if (tombstones->n == 0)
		return n_samples;
	for (size_t i = find_first(tombstones, id); i < tombstones->n && tombstones->at[i].id == id;
	     i++) {
		if (position < tombstones->at[i].position)
			n_samples = mask(&tombstones->at[i], samples, n_samples);
	}
	return n_samples;
}
