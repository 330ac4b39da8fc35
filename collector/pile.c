/* SPDX-License-Identifier: MIT */
/* Columns of blocks as a query gathers them. */

#include "collector/pile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bits.h"
#include "hostmetrics/format.h"

/* An array begins with room for so many bytes. */
#define FIRST_BYTES ((size_t)4096)

/* Have room for some items more. @return 0; -ENOMEM; -ENOBUFS */
static int reserve(struct pile *pile, const struct limits *limits, struct pile_array *array,
		   size_t n_more, size_t item_bytes)
{
	size_t least = array->n + n_more;
	size_t wanted = array->capacity > 0 ? array->capacity * 2 : FIRST_BYTES / item_bytes;
	size_t before = array->capacity;
	void *grown;

	if (least <= before)
		return 0;
	/* Near the limit no more than is needed. */
	if (wanted < least || limits_take(limits, (wanted - before) * item_bytes) < 0) {
		wanted = least;
		if (limits_take(limits, (wanted - before) * item_bytes) < 0)
			return -ENOBUFS;
	}
	pile->taken_bytes += (wanted - before) * item_bytes;
	grown = reallocarray(array->at, wanted, item_bytes);
	if (!grown)
		return -ENOMEM;
	array->at = grown;
	array->capacity = wanted;
	return 0;
}

/* The first of some times that is not before this one; n: none. */
static size_t find_row(const int64_t *times_us, size_t n, int64_t time_us)
{
	size_t low = 0;
	size_t high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (times_us[middle] < time_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

BITS_LOOPS static bool has_equal(const int64_t *times_us, size_t n)
{
	unsigned any = 0;

	for (size_t i = 1; i < n; i++)
		any |= times_us[i] == times_us[i - 1];
	return any;
}

/* The step between times, where it is always the same; or 0. */
BITS_LOOPS static int64_t find_step(const int64_t *times_us, size_t n)
{
	uint64_t step = n > 1 ? (uint64_t)times_us[1] - (uint64_t)times_us[0] : 0;
	unsigned is_other = step > INT64_MAX;

	for (size_t i = 1; i < n; i++)
		is_other |= (uint64_t)times_us[i] - (uint64_t)times_us[i - 1] != step;
	return is_other ? 0 : (int64_t)step;
}

/* Take the last block back if no column of it was added: it had none of the series that are asked for. */
static void take_back(struct pile *pile)
{
	const struct pile_block *blocks = pile->blocks.at;

	if (!pile->is_last_unused)
		return;
	pile->blocks.n--;
	pile->times.n = blocks[pile->blocks.n].times_at;
	pile->is_last_unused = false;
}

int pile_add_block(struct pile *pile, const struct limits *limits, struct block_decoder *decoder,
		   const int64_t span_us[static 2])
{
	struct pile_block block = {0};
	size_t n_times;
	const int64_t *times_us = block_decoder_times(decoder, &n_times);
	int result;

	take_back(pile);
	block.times_at = pile->times.n;
	block.n_times = (uint32_t)n_times;
	block.first_row = (uint32_t)find_row(times_us, n_times, span_us[0]);
	block.end_row = (uint32_t)n_times;
	if (span_us[1] < INT64_MAX)
		block.end_row = (uint32_t)find_row(times_us, n_times, span_us[1] + 1);
	if (block.first_row >= block.end_row)
		return 0;
	block.has_equal = has_equal(times_us, n_times);
	block.step_us = find_step(times_us, n_times);
	result = reserve(pile, limits, &pile->times, n_times, sizeof(*times_us));
	if (result == 0)
		result = reserve(pile, limits, &pile->blocks, 1, sizeof(block));
	if (result < 0)
		return result;
	memcpy((int64_t *)pile->times.at + pile->times.n, times_us, n_times * sizeof(*times_us));
	pile->times.n += n_times;
	((struct pile_block *)pile->blocks.at)[pile->blocks.n++] = block;
	pile->is_last_unused = true;
	return 1;
}

/* The times of a column that has not all rows of its block. @return false: none in the span */
static bool look_at_runs(const struct pile *pile, const struct pile_block *block,
			 const struct block_run *runs, size_t n_runs, struct pile_column *column)
{
	const int64_t *times_us = pile_times(pile, block);
	size_t row = 0;
	bool is_first = true;

	for (size_t i = 0; i < n_runs; i++) {
		size_t begin = row > block->first_row ? row : block->first_row;
		size_t end = row + runs[i].n_present;

		row = end + runs[i].n_missing;
		if (pile->has_absences && runs[i].reason != HM_REASON_NONE)
			end = row;
		if (end > block->end_row)
			end = block->end_row;
		if (begin >= end)
			continue;
		if (is_first)
			column->first_us = times_us[begin];
		else
			column->has_equal |= times_us[begin] == column->last_us;
		is_first = false;
		column->last_us = times_us[end - 1];
		if (block->has_equal)
			column->has_equal |= has_equal(times_us + begin, end - begin);
	}
	return !is_first;
}

/* What the order of its samples hangs on. @return 1; 0: none is in the span; -ENOMEM */
static int look_at(const struct pile *pile, struct block_decoder *decoder, size_t index,
		   struct pile_column *column)
{
	const struct pile_block *block = pile_block(pile, column);
	const int64_t *times_us = pile_times(pile, block);
	const struct block_run *runs;
	size_t n_runs;
	int result = block_decoder_runs(decoder, index, &runs, &n_runs);

	if (result < 0)
		return result;
	if (runs)
		return look_at_runs(pile, block, runs, n_runs, column);
	column->first_us = times_us[block->first_row];
	column->last_us = times_us[block->end_row - 1];
	column->has_equal = block->has_equal;
	return 1;
}

int pile_add_column(struct pile *pile, const struct limits *limits, struct block_decoder *decoder,
		    size_t column, uint32_t position)
{
	struct block_encoded encoded;
	struct pile_column added;
	int result;

	block_decoder_encoded(decoder, column, &encoded);
	added = (struct pile_column){
		.position = position,
		.block = (uint32_t)pile->blocks.n - 1,
		.n_values = encoded.n_values,
		.n_runs = encoded.n_runs,
		.bytes_at = pile->bytes.n,
		.payload_at = (uint32_t)encoded.payload_at,
		.n_bytes = (uint32_t)encoded.n_bytes,
		.encoding = encoded.encoding,
	};
	result = look_at(pile, decoder, column, &added);
	if (result <= 0)
		return result;
	result = reserve(pile, limits, &pile->bytes, encoded.n_bytes, 1);
	if (result == 0)
		result = reserve(pile, limits, &pile->columns, 1, sizeof(added));
	if (result < 0)
		return result;
	memcpy((uint8_t *)pile->bytes.at + pile->bytes.n, encoded.bytes, encoded.n_bytes);
	pile->bytes.n += encoded.n_bytes;
	((struct pile_column *)pile->columns.at)[pile->columns.n++] = added;
	pile->is_last_unused = false;
	return 0;
}

static int add_mask(struct pile *pile, const struct limits *limits, const struct pile_mask *mask)
{
	int result = reserve(pile, limits, &pile->masks, 1, sizeof(*mask));

	if (result == 0)
		((struct pile_mask *)pile->masks.at)[pile->masks.n++] = *mask;
	return result;
}

int pile_mask_last(struct pile *pile, const struct limits *limits, uint32_t position,
		   const int64_t range_us[static 2])
{
	const struct pile_column *columns = pile->columns.at;
	const struct pile_column *last = pile->columns.n > 0 ? &columns[pile->columns.n - 1] : NULL;
	struct pile_mask mask = {position, 0, pile->bytes.n, range_us[0], range_us[1]};

	/* A series has one column of a block, and perhaps it had no sample of the span. */
	if (!last || last->position != position || last->block + 1 != pile->blocks.n ||
	    last->first_us > range_us[1] || last->last_us < range_us[0])
		return 0;
	mask.first_at = last->bytes_at;
	return add_mask(pile, limits, &mask);
}

int pile_mask_all(struct pile *pile, const struct limits *limits, uint32_t position,
		  const int64_t range_us[static 2])
{
	const struct pile_mask mask = {position, 0, pile->bytes.n, range_us[0], range_us[1]};

	return mask.end_at > 0 ? add_mask(pile, limits, &mask) : 0;
}

static int compare_masks(const void *a_pointer, const void *b_pointer)
{
	const struct pile_mask *a = a_pointer;
	const struct pile_mask *b = b_pointer;

	return a->position < b->position ? -1 : a->position > b->position;
}

/* The masks of a series. */
static const struct pile_mask *find_masks(const struct pile *pile, uint32_t position, size_t *ret_n)
{
	const struct pile_mask *masks = pile->masks.at;
	size_t low = 0;
	size_t high = pile->masks.n;
	size_t n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (masks[middle].position < position)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < pile->masks.n && masks[low + n].position == position)
		n++;
	*ret_n = n;
	return n > 0 ? &masks[low] : NULL;
}

static bool has_column(const struct pile_mask *mask, const struct pile_column *column)
{
	return column->bytes_at >= mask->first_at && column->bytes_at < mask->end_at;
}

bool pile_is_masked(const struct pile *pile, const struct pile_column *column)
{
	const struct pile_mask *masks;
	size_t n_masks;

	if (pile->masks.n == 0)
		return false;
	masks = find_masks(pile, column->position, &n_masks);
	for (size_t i = 0; i < n_masks; i++) {
		if (has_column(&masks[i], column))
			return true;
	}
	return false;
}

size_t pile_hide(const struct pile *pile, const struct pile_column *column, int64_t *times_us,
		 double *values, size_t n)
{
	size_t n_masks;
	const struct pile_mask *masks = find_masks(pile, column->position, &n_masks);

	for (size_t i = 0; i < n_masks; i++) {
		const struct pile_mask *mask = &masks[i];
		size_t n_left = 0;

		if (!has_column(mask, column))
			continue;
		for (size_t row = 0; row < n; row++) {
			if (times_us[row] >= mask->since_us && times_us[row] <= mask->until_us)
				continue;
			times_us[n_left] = times_us[row];
			values[n_left++] = values[row];
		}
		n = n_left;
	}
	return n;
}

static bool is_sorted(const struct pile_column *columns, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (columns[i].position < columns[i - 1].position)
			return false;
	}
	return true;
}

/* Those of one series lie in the order in which they were added, which is that of their bytes. */
static int compare(const void *a_pointer, const void *b_pointer)
{
	const struct pile_column *a = a_pointer;
	const struct pile_column *b = b_pointer;

	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	return a->bytes_at < b->bytes_at ? -1 : a->bytes_at > b->bytes_at;
}

void pile_sort(struct pile *pile)
{
	struct pile_column *columns = pile->columns.at;

	if (!is_sorted(columns, pile->columns.n))
		qsort(columns, pile->columns.n, sizeof(*columns), compare);
	if (pile->masks.n > 1)
		qsort(pile->masks.at, pile->masks.n, sizeof(struct pile_mask), compare_masks);
}

const struct pile_column *pile_find(const struct pile *pile, uint32_t position, size_t *ret_n)
{
	const struct pile_column *columns = pile->columns.at;
	size_t low = 0;
	size_t high = pile->columns.n;
	size_t n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (columns[middle].position < position)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < pile->columns.n && columns[low + n].position == position)
		n++;
	*ret_n = n;
	return n > 0 ? &columns[low] : NULL;
}

struct pile_block *pile_block(const struct pile *pile, const struct pile_column *column)
{
	return (struct pile_block *)pile->blocks.at + column->block;
}

const int64_t *pile_times(const struct pile *pile, const struct pile_block *block)
{
	return (const int64_t *)pile->times.at + block->times_at;
}

int pile_decode(const struct pile *pile, const struct pile_column *column,
		struct block_decoder *decoder, struct block_column *ret_column)
{
	const struct block_encoded encoded = {
		.n_values = column->n_values,
		.n_runs = column->n_runs,
		.encoding = column->encoding,
		.bytes = (const uint8_t *)pile->bytes.at + column->bytes_at,
		.payload_at = column->payload_at,
		.n_bytes = column->n_bytes,
	};

	return block_decoder_decode(decoder, &encoded, ret_column);
}

void pile_clear(struct pile *pile)
{
	pile->times.n = 0;
	pile->bytes.n = 0;
	pile->blocks.n = 0;
	pile->columns.n = 0;
	pile->masks.n = 0;
	pile->is_last_unused = false;
}

void pile_done(struct pile *pile, const struct limits *limits)
{
	limits_give(limits, pile->taken_bytes);
	free(pile->times.at);
	free(pile->bytes.at);
	free(pile->blocks.at);
	free(pile->columns.at);
	free(pile->masks.at);
	*pile = (struct pile){.has_absences = pile->has_absences};
}
