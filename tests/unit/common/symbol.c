/* SPDX-License-Identifier: MIT */
/* Tests of common/symbol.c, and of what common/packed.c guesses from it. */

#include "common/symbol.h"

#include <criterion/criterion.h>

#include "common/packed.h"

#define N 300

static int64_t integers[N];
static uint8_t symbols[N];
static struct symbol_counts counts;

TestSuite(symbol);

static void check(size_t n, int64_t base)
{
	symbol_make(integers, n, base, symbols);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(symbols[i],
			     symbol_of((int64_t)((uint64_t)integers[i] - (uint64_t)base)));
}

/* All powers of two and their neighbours, of either sign, up to so many bits. @return how many */
static size_t make_powers(unsigned n_bits)
{
	size_t n = 0;

	integers[n++] = 0;
	for (unsigned bit = 0; bit < n_bits; bit++) {
		int64_t power = (int64_t)1 << bit;

		integers[n++] = power;
		integers[n++] = -power;
		integers[n++] = power + (power - 1);
		integers[n++] = -power - (power - 1);
	}
	return n;
}

Test(symbol, is_right_at_every_power_of_two)
{
	check(make_powers(52), 0);
	check(make_powers(53), 0);
	check(make_powers(63), 0);
	check(make_powers(52), 12345);
	integers[1] = INT64_MIN;
	check(2, 0);
	check(2, INT64_MAX);
	cr_assert_eq(symbols[0], 1);
}

Test(symbol, is_counted_once)
{
	for (size_t n = 1; n <= N; n++) {
		size_t n_counted = 0;

		for (size_t i = 0; i < n; i++)
			symbols[i] = (uint8_t)(i % 2 ? N_SYMBOLS - 1 - i % 30 : 3 + i % 5);
		symbol_count(symbols, n, &counts);
		for (unsigned symbol = 0; symbol < N_SYMBOLS; symbol++) {
			size_t n_equal = 0;

			for (size_t i = 0; i < n; i++)
				n_equal += symbols[i] == symbol;
			cr_assert_eq(counts.n[symbol], n_equal);
			n_counted += n_equal;
			cr_assert(n_equal == 0 ||
				  (symbol >= counts.first && symbol <= counts.last));
		}
		cr_assert_eq(n_counted, n);
		cr_assert_gt(counts.n[counts.first], 0);
		cr_assert_gt(counts.n[counts.last], 0);
	}
}

Test(symbol, tells_how_wide_integers_are_packed)
{
	for (unsigned n_bits = 1; n_bits < 63; n_bits++) {
		size_t n = make_powers(n_bits);
		struct packed_widths guessed, widths = {.last = 0};
		size_t n_at_least = 0, n_counted = 0;

		symbol_make(integers, n, 0, symbols);
		symbol_count(symbols, n, &counts);
		packed_guess(&counts, &guessed);
		packed_count(integers, n, &widths);
		/* Never narrower than they are. */
		for (unsigned width = 64; width > 0; width--) {
			n_at_least += guessed.n[width];
			n_counted += widths.n[width];
			cr_assert_geq(n_at_least, n_counted);
		}
		cr_assert_eq(guessed.n[0], widths.n[0]);
		cr_assert_eq(guessed.n[1], widths.n[1]);
	}
}
