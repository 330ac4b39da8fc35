/* SPDX-License-Identifier: MIT */
#ifndef COMMON_DIVISOR_H
#define COMMON_DIVISOR_H

/* A number that divides others, and what exact division by it takes. */

#include <stddef.h>
#include <stdint.h>

struct divisor {
	uint64_t value;
	unsigned shift;   /* how often 2 divides it */
	uint64_t inverse; /* of the odd rest, modulo 2^64 */
};

/*
 * Find what divides all differences of neighbours.
 * @param ret_divisor  value 0: all values are equal
 */
void divisor_find(const int64_t *values, size_t n, struct divisor *ret_divisor);

/* Divide what it divides, in place. */
void divisor_divide(const struct divisor *divisor, int64_t *integers, size_t n);

#endif
