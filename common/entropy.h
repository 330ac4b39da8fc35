/* SPDX-License-Identifier: MIT */
#ifndef COMMON_ENTROPY_H
#define COMMON_ENTROPY_H

/*
 * Integers in as many bits as their rarity asks for: the sign and the number of bits of each is a
 * symbol, coded with range ANS by how often it comes after one of about that size; the bits below
 * the leading one follow as they are. Denser than common/packed.h, and slower. docs/format.md has the
 * bytes. Here is what both ways share; entropy_encoder.h and entropy_decoder.h are the ways.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/symbol.h"

/* Fewer integers than this are never worth it. */
#define ENTROPY_MIN ((size_t)64)

#define ENTROPY_CLASS_MAX    56U
#define ENTROPY_SYMBOL_MIN   (SYMBOL_ZERO - ENTROPY_CLASS_MAX)
#define ENTROPY_SYMBOL_MAX   (SYMBOL_ZERO + ENTROPY_CLASS_MAX)
#define ENTROPY_ROW          128U /* more than ENTROPY_SYMBOL_MAX */
#define ENTROPY_CONTEXTS_MAX 3U

/* The sum of the frequencies of a context, and the states: at least 2^16, refilled by 16 bits. */
#define ENTROPY_SUM_BITS    11U
#define ENTROPY_SUM         (1U << ENTROPY_SUM_BITS)
#define ENTROPY_STATE_FIRST (1U << 16)
#define ENTROPY_WORD_BITS   16U
#define ENTROPY_WORD_BYTES  ((size_t)2)

/* The column is cut into as many runs, decoded in step: the processor does the four at once. */
#define ENTROPY_LANES       4U
#define ENTROPY_STATE_BYTES ((size_t)4)

/* How often a symbol comes is stored as its level: 0 never, else about 2^(level - 1) parts. */
#define ENTROPY_LEVEL_MAX 15U

/* The integers of a symbol: `least` and what the bits apart say above it. */
struct entropy_symbol {
	uint64_t least;
	uint64_t mask;
	uint32_t n_bits;
};

struct entropy_context {
	uint8_t levels[ENTROPY_ROW];
	uint16_t frequencies[ENTROPY_ROW];
	uint16_t starts[ENTROPY_ROW]; /* the sum of those before */
	uint8_t first;                /* symbol that has a level */
	uint8_t last;
};

/* What a column's symbols are coded by. */
struct entropy_model {
	struct entropy_context contexts[ENTROPY_CONTEXTS_MAX];
	uint8_t thresholds[ENTROPY_CONTEXTS_MAX - 1]; /* the least class of those after the first */
	unsigned n_contexts;
};

/* @param ret_table  of ENTROPY_ROW symbols; those that there are get set */
void entropy_make_table(struct entropy_symbol *ret_table);

/* Set frequencies and starts, from `first` to `last`, by the levels. @return false: no symbol has one */
bool entropy_context_set(struct entropy_context *context);

/* Which context is that of the symbol after this one. */
unsigned entropy_context_after(const struct entropy_model *model, unsigned symbol);

/* How many integers a lane has; the last one has fewer. */
size_t entropy_lane_length(size_t n);

#endif
