/* SPDX-License-Identifier: MIT */
/* A number that divides others. */

#include "common/divisor.h"

#include "common/bits.h"

static inline int64_t subtract(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static uint64_t greatest_common(uint64_t a, uint64_t b)
{
	while (b > 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

BITS_LOOPS static uint64_t any_bits_of_differences(const int64_t *values, size_t n)
{
	uint64_t bits = 0;

	for (size_t i = 1; i < n; i++)
		bits |= (uint64_t)subtract(values[i], values[i - 1]);
	return bits;
}

static uint64_t inverse_of(uint64_t odd)
{
	uint64_t inverse = odd;

	/* Newton: each turn doubles the bits that are right; three are at the start. */
	for (unsigned i = 0; i < 5; i++)
		inverse *= 2 - odd * inverse;
	return inverse;
}

/* The first difference from `start` on that an odd number does not divide; n: all are divided. */
BITS_LOOPS static size_t find_undivided(const int64_t *values, size_t n, size_t start,
					unsigned shift, uint64_t odd)
{
	const uint64_t inverse = inverse_of(odd);
	const uint64_t most = INT64_MAX / odd;

	for (size_t i = start; i < n; i++) {
		int64_t difference = subtract(values[i], values[i - 1]) >> shift;

		/* The quotient of what is not divided is out of range. */
		if ((uint64_t)difference * inverse + most > 2 * most)
			return i;
	}
	return n;
}

/* The odd part of what divides all differences. */
static uint64_t odd_divisor(const int64_t *values, size_t n, unsigned shift)
{
	uint64_t common = 0;

	for (size_t i = 1; i < n && common != 1; i++) {
		uint64_t difference = magnitude(subtract(values[i], values[i - 1]) >> shift);

		if (difference == 0)
			continue;
		common = greatest_common(difference, common);
		common >>= __builtin_ctzll(common);
		/* Most often it is divided already. */
		if (common > 1)
			i = find_undivided(values, n, i, shift, common) - 1;
	}
	return common;
}

void divisor_find(const int64_t *values, size_t n, struct divisor *ret_divisor)
{
	uint64_t bits = any_bits_of_differences(values, n);
	unsigned shift = bits ? (unsigned)__builtin_ctzll(bits) : 0;
	uint64_t odd = bits ? odd_divisor(values, n, shift) : 0;

	*ret_divisor =
		(struct divisor){.value = odd << shift, .shift = shift, .inverse = inverse_of(odd)};
}

BITS_LOOPS void divisor_divide(const struct divisor *divisor, int64_t *integers, size_t n)
{
	const unsigned shift = divisor->shift;
	const uint64_t inverse = divisor->inverse;

	for (size_t i = 0; shift > 0 && i < n; i++)
		integers[i] >>= shift;
	for (size_t i = 0; inverse != 1 && i < n; i++)
		integers[i] = (int64_t)((uint64_t)integers[i] * inverse);
}
