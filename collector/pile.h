/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_PILE_H
#define COLLECTOR_PILE_H

/*
 * Columns of blocks as a query gathers them, in the order in which they were written: copied, but not
 * decoded, which takes a small part of the memory that their samples do. Sorted, they are taken off
 * series after series.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/limits.h"
#include "common/block.h"

struct pile_block {
	size_t times_at; /* of its first time among all times */
	uint32_t n_times;
	uint32_t first_row; /* of those in the span that is asked for */
	uint32_t end_row;   /* behind the last one; more than first_row */
	bool has_equal;     /* two of all times are the same */
	int64_t step_us;    /* between all of them; 0 = not always the same */
	bool is_damaged;    /* a column of it cannot be decoded */
};

struct pile_column {
	uint32_t position; /* of its series, in whatever the pile is of */
	uint32_t block;
	uint32_t n_values;
	uint32_t n_runs;
	int64_t first_us; /* of its samples in the span; there are some. With absences of these, too */
	int64_t last_us;
	bool has_equal; /* two of these have one time */
	size_t bytes_at;
	uint32_t payload_at;
	uint32_t n_bytes;
	uint8_t encoding;
};

/* What of a series does not count, in columns that were added from one to another. */
struct pile_mask {
	uint32_t position;
	size_t first_at; /* bytes_at of the columns */
	size_t end_at;
	int64_t since_us; /* both belong to it */
	int64_t until_us;
};

struct pile_array {
	void *at;
	size_t n;
	size_t capacity;
};

/* Zeroed = empty. */
struct pile {
	struct pile_array times; /* int64_t, of all blocks */
	struct pile_array bytes; /* of all columns */
	struct pile_array blocks;
	struct pile_array columns;
	struct pile_array masks;
	bool has_absences; /* what has no sample, but a reason for that, counts; set by the caller */
	bool is_last_unused; /* the last block has no column yet */
	size_t taken_bytes;  /* from the limits */
};

/*
 * Go on with the block that a decoder has open, if it has times in the span.
 * @param span_us  both ends belong to it
 * @return 1: its columns may be added; 0: it has no such times; -ENOMEM; -ENOBUFS
 */
int pile_add_block(struct pile *pile, const struct limits *limits, struct block_decoder *decoder,
		   const int64_t span_us[static 2]);

/* Add a column of that block, if it has samples in the span. @return 0; -ENOMEM; -ENOBUFS */
int pile_add_column(struct pile *pile, const struct limits *limits, struct block_decoder *decoder,
		    size_t column, uint32_t position);

/*
 * Have what a range of time holds of a series not count: in the columns of the block that was added last, or
 * in all that were added so far. @return 0; -ENOMEM; -ENOBUFS
 */
int pile_mask_last(struct pile *pile, const struct limits *limits, uint32_t position,
		   const int64_t range_us[static 2]);
int pile_mask_all(struct pile *pile, const struct limits *limits, uint32_t position,
		  const int64_t range_us[static 2]);

/* Sort by series; those of one stay in their order. */
void pile_sort(struct pile *pile);

/* The columns of a series. The pile is sorted. @return the first; NULL: there are none */
const struct pile_column *pile_find(const struct pile *pile, uint32_t position, size_t *ret_n);

/* A column's block; its times. */
struct pile_block *pile_block(const struct pile *pile, const struct pile_column *column);
const int64_t *pile_times(const struct pile *pile, const struct pile_block *block);

/* Does anything of a column perhaps not count? The pile is sorted. */
bool pile_is_masked(const struct pile *pile, const struct pile_column *column);

/* Take out of a column's samples what does not count. @return how many stay, at the front */
size_t pile_hide(const struct pile *pile, const struct pile_column *column, int64_t *times_us,
		 double *values, size_t n);

/* @return as block_decoder_decode() */
int pile_decode(const struct pile *pile, const struct pile_column *column,
		struct block_decoder *decoder, struct block_column *ret_column);

/* Forget what is in it, and keep its memory. */
void pile_clear(struct pile *pile);

/* Release the memory; it is empty again, and as to absences what it was. */
void pile_done(struct pile *pile, const struct limits *limits);

#endif
