/* SPDX-License-Identifier: MIT */
/* Times of columns. */

#include "collector/time_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bits.h"

/* So many are compared before it is looked at what came out. */
#define PIECE ((size_t)256)

BITS_LOOPS static void copy_times(const struct metric_file_sample *restrict samples, size_t n,
				  int64_t *restrict ret_times_us)
{
	for (size_t i = 0; i < n; i++)
		ret_times_us[i] = samples[i].time_us;
}

int time_list_make(const struct metric_file_column *column, struct time_list *ret_list)
{
	ret_list->times_us = reallocarray(NULL, column->n_samples + 1, sizeof(*ret_list->times_us));
	if (!ret_list->times_us)
		return -ENOMEM;
	ret_list->n = column->n_samples;
	ret_list->n_samples = column->n_samples;
	copy_times(column->samples, column->n_samples, ret_list->times_us);
	return 0;
}

int time_list_merge(struct time_list *a, struct time_list *b)
{
	int64_t *times_us = reallocarray(NULL, a->n + b->n, sizeof(*times_us));
	size_t n = 0;
	size_t i = 0;
	size_t k = 0;

	if (!times_us)
		return -ENOMEM;
	while (i < a->n && k < b->n) {
		int64_t left = a->times_us[i];
		int64_t right = b->times_us[k];

		times_us[n++] = left <= right ? left : right;
		i += left <= right;
		k += right <= left;
	}
	memcpy(times_us + n, a->times_us + i, (a->n - i) * sizeof(*times_us));
	n += a->n - i;
	memcpy(times_us + n, b->times_us + k, (b->n - k) * sizeof(*times_us));
	n += b->n - k;
	free(a->times_us);
	free(b->times_us);
	*a = (struct time_list){times_us, n, a->n_samples + b->n_samples};
	*b = (struct time_list){0};
	return 0;
}

BITS_LOOPS bool time_list_is_in_order(const struct metric_file_column *column)
{
	const struct metric_file_sample *samples = column->samples;
	uint64_t is_backwards = 0;

	for (size_t i = 1; i < column->n_samples; i++)
		is_backwards |= samples[i].time_us < samples[i - 1].time_us;
	return !is_backwards;
}

BITS_LOOPS static uint64_t compare(const struct metric_file_sample *a,
				   const struct metric_file_sample *b, size_t n)
{
	uint64_t unlike = 0;

	for (size_t i = 0; i < n; i++)
		unlike |= (uint64_t)a[i].time_us ^ (uint64_t)b[i].time_us;
	return unlike;
}

bool time_list_is_same(const struct metric_file_column *a, const struct metric_file_column *b)
{
	uint64_t unlike = a->n_samples ^ b->n_samples;

	for (size_t i = 0; i < a->n_samples && unlike == 0; i += PIECE)
		unlike = compare(a->samples + i, b->samples + i,
				 a->n_samples - i < PIECE ? a->n_samples - i : PIECE);
	return unlike == 0;
}

uint64_t time_list_hash(const struct metric_file_column *column)
{
	uint64_t hash = column->n_samples;

	for (size_t i = 0; i < column->n_samples; i++) {
		hash = (hash ^ (uint64_t)column->samples[i].time_us) *
			       UINT64_C(0x9e3779b97f4a7c15) +
		       (hash >> 29);
	}
	return hash;
}

/* Doubling steps, then halving. */
size_t time_list_find(const int64_t *times_us, size_t n, size_t first, int64_t time_us)
{
	size_t step = 1;
	size_t low = first; /* all before it are too early */
	size_t high;

	while (low < n && times_us[low] < time_us) {
		first = low + 1;
		low += step;
		step *= 2;
	}
	high = low < n ? low : n;
	low = first;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (times_us[middle] < time_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
