/* SPDX-License-Identifier: MIT */
#ifndef COMMON_DECIMAL_H
#define COMMON_DECIMAL_H

/*
 * Doubles as integers: most values of a column were made from integers by one of a few formulas. A
 * formula counts for a value only where it gives the same 64 bits again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DECIMAL_PLACES_MAX 15
/* Integers are at least minus this, and below it: then a double holds them and their rounding. */
#define DECIMAL_LIMIT ((int64_t)1 << 51)

enum decimal_form {
	DECIMAL_DIVIDED = 0,       /* i / 10^places */
	DECIMAL_MULTIPLIED = 1,    /* i * 10^-places */
	DECIMAL_DIVIDED_TWICE = 2, /* i / 1000 / 10^(places - 3) */
	DECIMAL_BITS = 3,          /* the 64 bits of the double; places is 0 */
};

struct decimal {
	enum decimal_form form;
	unsigned places; /* at least 1 where multiplied, 4 where divided twice */
};

/*
 * Find the formula that gives all values, or all but at most an eighth, and convert them.
 * @param ret_integers  as many; an odd value, which the formula does not give, has that of the value
 *                      before it (0 for the first)
 * @return how many are odd; 0 for DECIMAL_BITS
 */
size_t decimal_find(const double *values, size_t n, struct decimal *ret_decimal,
		    int64_t *ret_integers);

/* Does the formula give this value? @param ret_integer  from which; only where it does */
bool decimal_convert_one(double value, struct decimal decimal, int64_t *ret_integer);

/*
 * The values of integers that may be anything.
 * @return false: there are some beyond DECIMAL_LIMIT, where the form has one, and `ret_values` is of no use
 */
bool decimal_restore(const int64_t *integers, size_t n, struct decimal decimal, double *ret_values);

/* Is there such a formula? */
bool decimal_is_valid(unsigned form, unsigned places);

static inline uint64_t decimal_double_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static inline double decimal_from_bits(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

#endif
