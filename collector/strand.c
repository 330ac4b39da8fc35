/* SPDX-License-Identifier: MIT */
/* The samples of one series in the order of their times. */

#include "collector/strand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/found.h"
#include "hostmetrics/format.h"

/* Columns with fewer samples are handed on together, so many at a time. */
#define FEW      ((size_t)64)
#define GATHERED ((size_t)1024)

struct strand {
	struct strand_options options;
	struct block_decoder *decoder;
	struct strand_source sources[STRAND_SOURCES];
	uint64_t n_damaged[STRAND_SOURCES];
	size_t source; /* the next column */
	size_t column;
	bool is_sorted; /* `found` has all samples of the series */
	struct found_list found;
	size_t n_given;        /* of these */
	int64_t *row_times_us; /* of a column that has not all rows */
	double *row_values;    /* of one of which something does not count */
	size_t rows_capacity;
	struct strand_piece waiting; /* decoded, but few wait to be given before */
	size_t n_few;
	int64_t few_times_us[GATHERED];
	double few_values[GATHERED];
};

int strand_new(const struct strand_options *options, struct strand **ret_strand)
{
	struct strand *strand = calloc(1, sizeof(*strand));

	if (!strand)
		return -ENOMEM;
	strand->options = *options;
	strand->decoder = block_decoder_new();
	if (!strand->decoder) {
		strand_free(strand);
		return -ENOMEM;
	}
	*ret_strand = strand;
	return 0;
}

void strand_free(struct strand *strand)
{
	if (!strand)
		return;
	block_decoder_free(strand->decoder);
	found_done(&strand->found, &strand->options.limits);
	free(strand->row_times_us);
	free(strand->row_values);
	free(strand);
}

uint64_t strand_n_damaged(const struct strand *strand, size_t source)
{
	return strand->n_damaged[source];
}

/* Do the samples of the columns follow each other, as they are to be given? */
static bool is_in_order(const struct strand *strand)
{
	bool is_latest_only = strand->options.is_latest_only;
	const struct pile_column *last = NULL;

	for (size_t s = 0; s < STRAND_SOURCES; s++) {
		const struct strand_source *source = &strand->sources[s];

		for (size_t i = 0; i < source->n; i++) {
			const struct pile_column *column = &source->columns[i];

			if (is_latest_only && column->has_equal)
				return false;
			if (last && (column->first_us < last->last_us ||
				     (is_latest_only && column->first_us == last->last_us)))
				return false;
			last = column;
		}
	}
	return true;
}

void strand_begin(struct strand *strand, const struct strand_source sources[static STRAND_SOURCES])
{
	memcpy(strand->sources, sources, sizeof(strand->sources));
	strand->source = 0;
	strand->column = 0;
	strand->n_given = 0;
	strand->found.n = 0;
	strand->n_few = 0;
	strand->waiting.n = 0;
	strand->is_sorted = false;
}

void strand_forget(struct strand *strand)
{
	static const struct strand_source none[STRAND_SOURCES];

	strand_begin(strand, none);
	found_done(&strand->found, &strand->options.limits);
}

/* -- columns -------------------------------------------------------------------------------------- */

static int reserve_rows(struct strand *strand, size_t n)
{
	if (n <= strand->rows_capacity)
		return 0;
	free(strand->row_times_us);
	free(strand->row_values);
	strand->row_times_us = reallocarray(NULL, n, sizeof(*strand->row_times_us));
	strand->row_values = reallocarray(NULL, n, sizeof(*strand->row_values));
	strand->rows_capacity = strand->row_times_us && strand->row_values ? n : 0;
	return strand->rows_capacity > 0 ? 0 : -ENOMEM;
}

/* The samples in the span, of a column that has not all rows of its block. */
static int clip_runs(struct strand *strand, const struct pile_block *block, const int64_t *times_us,
		     const struct block_column *column, struct strand_piece *ret_piece)
{
	size_t n_before = 0; /* values of rows before the span */
	size_t row = 0;
	size_t n = 0;

	if (reserve_rows(strand, column->n_values) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < column->n_runs; i++) {
		size_t begin = row;
		size_t end = row + column->runs[i].n_present;

		row = end + column->runs[i].n_missing;
		if (begin < block->first_row) {
			size_t before = end < block->first_row ? end : block->first_row;

			n_before += before - begin;
			begin = before;
		}
		if (end > block->end_row)
			end = block->end_row;
		if (begin >= end)
			continue;
		memcpy(strand->row_times_us + n, times_us + begin,
		       (end - begin) * sizeof(*times_us));
		n += end - begin;
	}
	*ret_piece = (struct strand_piece){strand->row_times_us, column->values + n_before, n, 0};
	return 0;
}

/* Rows that follow each other: have those of the span in the piece, in place of values their reason. */
static void add_ticks(struct strand *strand, const struct pile_block *block,
		      const int64_t *times_us, const size_t rows[static 2], uint8_t reason,
		      struct strand_piece *piece)
{
	size_t begin = rows[0] > block->first_row ? rows[0] : block->first_row;
	size_t end = rows[1] < block->end_row ? rows[1] : block->end_row;

	for (size_t row = begin; row < end; row++) {
		strand->row_times_us[piece->n] = times_us[row];
		strand->row_values[piece->n++] = reason;
	}
}

/* The samples and absences in the span. */
static int clip_ticks(struct strand *strand, const struct pile_block *block,
		      const int64_t *times_us, const struct block_column *column,
		      struct strand_piece *ret_piece)
{
	const struct block_run whole = {.n_present = block->n_times};
	const struct block_run *runs = column->runs ? column->runs : &whole;
	size_t n_runs = column->runs ? column->n_runs : 1;
	struct strand_piece piece = {0};
	size_t row = 0;

	if (reserve_rows(strand, block->end_row - block->first_row) < 0)
		return -ENOMEM;
	piece.times_us = strand->row_times_us;
	piece.values = strand->row_values;
	for (size_t i = 0; i < n_runs; i++) {
		const size_t present[2] = {row, row + runs[i].n_present};
		const size_t missing[2] = {present[1], present[1] + runs[i].n_missing};

		add_ticks(strand, block, times_us, present, HM_REASON_NONE, &piece);
		if (runs[i].reason != HM_REASON_NONE)
			add_ticks(strand, block, times_us, missing, runs[i].reason, &piece);
		row = missing[1];
	}
	*ret_piece = piece;
	return 0;
}

/* What a column has in the span. */
static int clip(struct strand *strand, const struct pile *pile, const struct pile_block *block,
		const struct block_column *column, struct strand_piece *ret_piece)
{
	const int64_t *times_us = pile_times(pile, block);

	if (strand->options.is_of_ticks)
		return clip_ticks(strand, block, times_us, column, ret_piece);
	if (column->runs)
		return clip_runs(strand, block, times_us, column, ret_piece);
	*ret_piece = (struct strand_piece){times_us + block->first_row,
					   column->values + block->first_row,
					   block->end_row - block->first_row, block->step_us};
	return 0;
}

/* Take out what does not count. */
static int hide(struct strand *strand, const struct pile *pile, const struct pile_column *held,
		struct strand_piece *piece)
{
	if (piece->n == 0)
		return 0;
	if (piece->times_us != strand->row_times_us) {
		if (reserve_rows(strand, piece->n) < 0)
			return -ENOMEM;
		memcpy(strand->row_times_us, piece->times_us, piece->n * sizeof(*piece->times_us));
	}
	if (piece->values != strand->row_values)
		memcpy(strand->row_values, piece->values, piece->n * sizeof(*piece->values));
	piece->n = pile_hide(pile, held, strand->row_times_us, strand->row_values, piece->n);
	piece->times_us = strand->row_times_us;
	piece->values = strand->row_values;
	piece->step_us = 0;
	return 0;
}

/* Decode the next column, as far as it lies in the span. @return 1, perhaps with nothing; 0: there are
 * no more */
static int next_column(struct strand *strand, struct strand_piece *ret_piece)
{
	const struct strand_source *source;
	const struct pile_column *held;
	struct block_column column;
	struct pile_block *block;
	int result;

	ret_piece->n = 0;
	while (strand->source < STRAND_SOURCES &&
	       strand->column == strand->sources[strand->source].n) {
		strand->source++;
		strand->column = 0;
	}
	if (strand->source == STRAND_SOURCES)
		return 0;
	source = &strand->sources[strand->source];
	held = &source->columns[strand->column++];
	block = pile_block(source->pile, held);
	result = pile_decode(source->pile, held, strand->decoder, &column);
	if (result == -EBADMSG) {
		strand->n_damaged[strand->source] += !block->is_damaged;
		block->is_damaged = true;
		return 1;
	}
	if (result == 0)
		result = limits_check(&strand->options.limits);
	if (result == 0)
		result = clip(strand, source->pile, block, &column, ret_piece);
	if (result == 0 && pile_is_masked(source->pile, held))
		result = hide(strand, source->pile, held, ret_piece);
	return result < 0 ? result : 1;
}

/* -- samples that came late ------------------------------------------------------------------------- */

static int gather_piece(struct strand *strand, const struct strand_piece *piece)
{
	int result = 0;

	for (size_t i = 0; i < piece->n && result == 0; i++) {
		const struct found found = {.time_us = piece->times_us[i],
					    .value = piece->values[i]};

		result = found_add(&strand->found, &strand->options.limits, &found);
	}
	return result;
}

static int gather(struct strand *strand)
{
	struct strand_piece piece;
	int result;

	while ((result = next_column(strand, &piece)) > 0) {
		result = gather_piece(strand, &piece);
		if (result < 0)
			break;
	}
	if (result < 0)
		return result;
	found_sort(&strand->found);
	if (strand->options.is_latest_only)
		found_keep_latest(&strand->found);
	strand->is_sorted = true;
	return 0;
}

static int next_sorted(struct strand *strand, struct strand_piece *ret_piece)
{
	size_t n = strand->found.n - strand->n_given;

	if (n > GATHERED)
		n = GATHERED;
	for (size_t i = 0; i < n; i++) {
		const struct found *found = &strand->found.at[strand->n_given + i];

		strand->few_times_us[i] = found->time_us;
		strand->few_values[i] = found->value;
	}
	strand->n_given += n;
	*ret_piece = (struct strand_piece){strand->few_times_us, strand->few_values, n, 0};
	return n > 0;
}

/* -- all of it -------------------------------------------------------------------------------------- */

static void add_few(struct strand *strand, const struct strand_piece *piece)
{
	if (piece->n == 0)
		return;
	memcpy(strand->few_times_us + strand->n_few, piece->times_us,
	       piece->n * sizeof(*piece->times_us));
	memcpy(strand->few_values + strand->n_few, piece->values,
	       piece->n * sizeof(*piece->values));
	strand->n_few += piece->n;
}

/* Columns as they are; several small ones together. */
static int next_in_order(struct strand *strand, struct strand_piece *ret_piece)
{
	struct strand_piece piece = strand->waiting;
	int result = 1;

	strand->waiting.n = 0;
	strand->n_few = 0;
	while (piece.n < FEW && result > 0) {
		add_few(strand, &piece);
		piece.n = 0;
		if (strand->n_few > GATHERED - FEW)
			break;
		result = next_column(strand, &piece);
	}
	if (result < 0)
		return result;
	if (strand->n_few > 0) {
		strand->waiting = piece;
		piece = (struct strand_piece){strand->few_times_us, strand->few_values,
					      strand->n_few, 0};
	}
	*ret_piece = piece;
	return piece.n > 0;
}

int strand_next(struct strand *strand, struct strand_piece *ret_piece)
{
	bool is_begin = strand->source == 0 && strand->column == 0;

	if (!strand->is_sorted && is_begin && !is_in_order(strand)) {
		int result = gather(strand);

		if (result < 0)
			return result;
	}
	return strand->is_sorted ? next_sorted(strand, ret_piece)
				 : next_in_order(strand, ret_piece);
}
