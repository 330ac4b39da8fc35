/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_RANDOM_BLOCK_H
#define TESTS_SUPPORT_RANDOM_BLOCK_H

/* Blocks of many shapes from a seed: the same on every machine. Ends the program without memory. */

#include <stddef.h>
#include <stdint.h>

#include "common/block.h"

struct random_block {
	int64_t *times_us;
	size_t n_times;
	struct block_column *columns;
	size_t n_columns;
};

/* The next number of a sequence (splitmix64). */
uint64_t random_next(uint64_t *state);

/* A number below `limit`, which is not 0. */
uint64_t random_below(uint64_t *state, uint64_t limit);

/* @param n_shapes_max  columns have one of so many shapes of values, RANDOM_BLOCK_SHAPES at most */
#define RANDOM_BLOCK_SHAPES 18U

/* Fill values of one shape. */
void random_values(uint64_t *state, unsigned shape, double *ret_values, size_t n);

/* @param ret_block  owned by the caller: random_block_done() */
void random_block_make(uint64_t seed, struct random_block *ret_block);

void random_block_done(struct random_block *block);

/* Encode. @return 0 or what block_encode() said */
int random_block_encode(const struct random_block *block, struct block_encoder *encoder,
			enum block_effort effort, struct buffer *out);

/* Does a block of these bytes hold the same? @return NULL, or what does not fit */
const char *random_block_compare(const struct random_block *block, struct block_decoder *decoder,
				 const uint8_t *bytes, size_t length);

/* Is one column as the other, bit for bit? @return NULL, or what does not fit */
const char *random_block_compare_columns(const struct block_column *wanted,
					 const struct block_column *column);

#endif
