/* SPDX-License-Identifier: MIT */
/* Symbols of whole columns. */

#include "common/symbol.h"

#include <string.h>

/* Integers below this are made symbols of by the exponents of doubles, many at once. */
#define EXACT_BITS    52U
#define EXPONENT_BIAS 1022U

/* 2^52 as a double: its lowest bits are an integer that is added to it. */
#define EXACT_DOUBLE_BITS UINT64_C(0x4330000000000000)

#define N_COUNTERS 4U

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* @return bits that are set in one of the absolute values; right only if all are below 2^52 */
BITS_LOOPS static uint64_t make_by_exponents(const int64_t *restrict integers, size_t n,
					     int64_t base, uint8_t *restrict ret_symbols)
{
	uint64_t any = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t integer = (int64_t)((uint64_t)integers[i] - (uint64_t)base);
		uint64_t sign = 0 - (uint64_t)(integer < 0);
		uint64_t magnitude = ((uint64_t)integer ^ sign) - sign;
		uint64_t bits = magnitude | EXACT_DOUBLE_BITS;
		double number;
		uint64_t class;

		any |= magnitude;
		memcpy(&number, &bits, sizeof(number));
		/* The absolute value and a half: of 0 too, the exponent then is one less than of 1. */
		number -= 4503599627370495.5;
		memcpy(&bits, &number, sizeof(bits));
		class = (bits >> EXACT_BITS) - EXPONENT_BIAS;
		ret_symbols[i] = (uint8_t)(SYMBOL_ZERO + ((class ^ sign) - sign));
	}
	return any;
}

void symbol_make(const int64_t *integers, size_t n, int64_t base, uint8_t *ret_symbols)
{
	if (make_by_exponents(integers, n, base, ret_symbols) >> EXACT_BITS == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t integer = (uint64_t)integers[i] - (uint64_t)base;

		ret_symbols[i] = (uint8_t)symbol_of((int64_t)integer);
	}
}

/* Some take turns: a processor waits where it counts the same thing twice in a row. */
BITS_LOOPS void symbol_count(const uint8_t *symbols, size_t n, struct symbol_counts *ret_counts)
{
	uint32_t counts[N_COUNTERS][N_SYMBOLS] = {{0}};
	unsigned first = 0, last = N_SYMBOLS - 1;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t eight = bits_get_le64(symbols + i);

		counts[0][eight & 0xff]++;
		counts[1][eight >> 8 & 0xff]++;
		counts[2][eight >> 16 & 0xff]++;
		counts[3][eight >> 24 & 0xff]++;
		counts[0][eight >> 32 & 0xff]++;
		counts[1][eight >> 40 & 0xff]++;
		counts[2][eight >> 48 & 0xff]++;
		counts[3][eight >> 56]++;
	}
	for (; i < n; i++)
		counts[0][symbols[i]]++;
	for (unsigned symbol = 0; symbol < N_SYMBOLS; symbol++)
		ret_counts->n[symbol] = counts[0][symbol] + counts[1][symbol] + counts[2][symbol] +
					counts[3][symbol];
	while (first < last && ret_counts->n[first] == 0)
		first++;
	while (last > first && ret_counts->n[last] == 0)
		last--;
	ret_counts->first = first;
	ret_counts->last = last;
}
