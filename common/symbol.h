/* SPDX-License-Identifier: MIT */
#ifndef COMMON_SYMBOL_H
#define COMMON_SYMBOL_H

/*
 * An integer's sign and number of bits as a symbol: SYMBOL_ZERO plus, or for a negative one minus,
 * the bits of its absolute value. For inner loops: nothing here branches on the data, since those
 * branches would be guessed wrong.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/bits.h"

#define SYMBOL_ZERO 64U
#define N_SYMBOLS   129U /* all of them, from INT64_MIN's on */

static inline uint64_t symbol_magnitude(int64_t integer)
{
	uint64_t sign = 0 - (uint64_t)(integer < 0);

	return ((uint64_t)integer ^ sign) - sign;
}

static inline unsigned symbol_of(int64_t integer)
{
	unsigned length = bits_length(symbol_magnitude(integer));
	unsigned sign = 0 - (unsigned)(integer < 0);

	return SYMBOL_ZERO + ((length ^ sign) - sign);
}

/* The symbols of a column's integers, each less a base (modulo 2^64). */
void symbol_make(const int64_t *integers, size_t n, int64_t base, uint8_t *ret_symbols);

/* How often each symbol comes. */
struct symbol_counts {
	uint32_t n[N_SYMBOLS];
	unsigned first; /* that comes; 0 without any */
	unsigned last;
};

void symbol_count(const uint8_t *symbols, size_t n, struct symbol_counts *ret_counts);

/* How many bits the absolute value has. */
static inline unsigned symbol_class(unsigned symbol)
{
	unsigned sign = 0 - (unsigned)(symbol < SYMBOL_ZERO);

	return ((symbol - SYMBOL_ZERO) ^ sign) - sign;
}

/* How many bits tell the integers of a symbol apart: those below the leading one. */
static inline unsigned symbol_low_bits(unsigned symbol)
{
	unsigned class = symbol_class(symbol);

	return class - (class > 0);
}

/* log2 of a number above 0 in 1/65536, to about 0.01: the same on every machine. */
static inline uint32_t symbol_log2(uint32_t number)
{
	unsigned whole = 31 - (unsigned)__builtin_clz(number);
	uint32_t rest = (number << (31 - whole)) >> 15 & 0xffff;

	return ((uint32_t)whole << 16) + rest + ((rest * (0x10000 - rest) >> 16) * 22553 >> 16);
}

#endif
