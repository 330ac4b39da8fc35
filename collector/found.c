/* SPDX-License-Identifier: MIT */
/* Samples as a query gathers them. */

#include "collector/found.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A list begins with room for so many samples. */
#define FOUND_FIRST 1024

/* Have room for some more samples. @return 0; -ENOMEM; -ENOBUFS */
static int grow_to(struct found_list *list, const struct limits *limits, size_t capacity)
{
	size_t n_bytes = (capacity - list->capacity) * FOUND_BYTES;
	int result = capacity > UINT32_MAX ? -ENOBUFS : limits_take(limits, n_bytes);
	struct found *grown;

	if (result < 0)
		return result;
	grown = reallocarray(list->at, capacity, sizeof(*grown));
	if (!grown) {
		limits_give(limits, n_bytes);
		return -ENOMEM;
	}
	list->at = grown;
	list->capacity = capacity;
	return 0;
}

/* To twice the size; near the limit by an eighth. */
static int grow(struct found_list *list, const struct limits *limits)
{
	size_t capacity = list->capacity;
	int result = grow_to(list, limits, capacity ? capacity * 2 : FOUND_FIRST);

	if (result == -ENOBUFS && capacity > 0)
		result = grow_to(list, limits, capacity + capacity / 8);
	return result;
}

int found_add(struct found_list *list, const struct limits *limits, const struct found *found)
{
	int result = list->n == list->capacity ? grow(list, limits) : 0;

	if (result < 0)
		return result;
	list->at[list->n] = *found;
	list->at[list->n].number = (uint32_t)list->n;
	list->n++;
	return 0;
}

static int compare(const void *a_pointer, const void *b_pointer)
{
	const struct found *a = a_pointer;
	const struct found *b = b_pointer;

	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	if (a->time_us != b->time_us)
		return a->time_us < b->time_us ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static bool is_sorted(const struct found *at, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (compare(&at[i - 1], &at[i]) > 0)
			return false;
	}
	return true;
}

/*
 * Move the samples of each series together, in the order in which they came.
 * @return false: there is no memory for it
 */
static bool gather_series(struct found_list *list)
{
	struct found *moved = reallocarray(NULL, list->capacity, sizeof(*moved));
	uint32_t last = 0;
	size_t *starts;

	for (size_t i = 0; i < list->n; i++)
		last = list->at[i].position > last ? list->at[i].position : last;
	starts = calloc((size_t)last + 2, sizeof(*starts));
	if (!moved || !starts) {
		free(moved);
		free(starts);
		return false;
	}
	for (size_t i = 0; i < list->n; i++)
		starts[(size_t)list->at[i].position + 1]++;
	for (size_t i = 1; i <= last; i++)
		starts[i] += starts[i - 1];
	for (size_t i = 0; i < list->n; i++)
		moved[starts[list->at[i].position]++] = list->at[i];
	free(starts);
	free(list->at);
	list->at = moved;
	return true;
}

void found_sort(struct found_list *list)
{
	size_t start = 0;

	if (is_sorted(list->at, list->n))
		return;
	if (!gather_series(list)) {
		qsort(list->at, list->n, sizeof(struct found), compare);
		return;
	}
	while (start < list->n) {
		size_t end = start + 1;

		while (end < list->n && list->at[end].position == list->at[start].position)
			end++;
		if (!is_sorted(&list->at[start], end - start))
			qsort(&list->at[start], end - start, sizeof(struct found), compare);
		start = end;
	}
}

void found_keep_latest(struct found_list *list)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct found *next = &list->at[i + 1];

		if (i + 1 == list->n || next->position != list->at[i].position ||
		    next->time_us != list->at[i].time_us)
			list->at[n_kept++] = list->at[i];
	}
	list->n = n_kept;
}

void found_done(struct found_list *list, const struct limits *limits)
{
	limits_give(limits, list->capacity * FOUND_BYTES);
	free(list->at);
	*list = (struct found_list){0};
}
