/* SPDX-License-Identifier: MIT */
/* Integers that go on by the same step, but for a few breaks. */

#include "common/steady.h"

#include "common/bits.h"

/* So many differences are looked at together. */
#define AT_ONCE ((size_t)16)

static inline int64_t subtract(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* Which difference, from the i-th of n on, is another than the step; n: none. */
BITS_LOOPS static size_t find_break(const int64_t *values, size_t i, size_t n, int64_t step)
{
	for (; i + AT_ONCE <= n; i += AT_ONCE) {
		uint64_t unlike = 0;

		for (size_t k = i; k < i + AT_ONCE; k++)
			unlike |= (uint64_t)subtract(values[k + 1], values[k]) ^ (uint64_t)step;
		if (unlike != 0)
			break;
	}
	while (i < n && subtract(values[i + 1], values[i]) == step)
		i++;
	return i;
}

/* One that two of three differences have. @return false: there is none */
static bool guess_step(const int64_t *values, size_t n, int64_t *ret_step)
{
	int64_t differences[3];

	for (size_t i = 0; i < 3; i++) {
		size_t at = i * (n - 2) / 2;

		differences[i] = subtract(values[at + 1], values[at]);
	}
	*ret_step = differences[0] == differences[2] ? differences[0] : differences[1];
	return differences[0] == differences[1] || differences[1] == differences[2] ||
	       differences[0] == differences[2];
}

bool steady_find(const int64_t *values, size_t n, struct steady *ret_steady)
{
	struct steady *steady = ret_steady;
	bool is_growing, is_falling;

	steady->n_breaks = 0;
	if (!guess_step(values, n, &steady->step))
		return false;
	is_growing = steady->step > 0;
	is_falling = steady->step < 0;
	for (size_t i = 0;; i++) {
		int64_t difference;

		i = find_break(values, i, n - 1, steady->step);
		if (i == n - 1)
			return true;
		difference = subtract(values[i + 1], values[i]);
		is_growing |= difference > 0;
		is_falling |= difference < 0;
		if (steady->n_breaks == STEADY_BREAKS_MAX || (is_growing && is_falling))
			return false;
		steady->places[steady->n_breaks] = i;
		steady->differences[steady->n_breaks++] = difference;
	}
}
