/* SPDX-License-Identifier: MIT */
/* Doubles as integers. */

#include "common/decimal.h"

#include <float.h>
#include <string.h>

#include "common/bits.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* Where double arithmetic has more bits than a double (the 387), formulas give other values. */
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1
#error "double arithmetic has to be that of IEEE doubles; on i386: -msse2 -mfpmath=sse"
#endif

/* 2^52 + 2^51: what is added to it is rounded to an integer, which its lowest bits then are. */
#define ROUNDER 6755399441055744.0

#define N_PROBES   16
#define MAX_PASSES 4 /* over the whole column */

static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
				1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
static const double inverse_powers[] = {1e-0, 1e-1, 1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,
					1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15};

bool decimal_is_valid(unsigned form, unsigned places)
{
	static const unsigned least_places[] = {0, 1, 4, 0};

	return form <= DECIMAL_BITS && places >= least_places[form] &&
	       places <= (form == DECIMAL_BITS ? 0 : DECIMAL_PLACES_MAX);
}

#define INLINE static inline __attribute__((always_inline))

/* The formula, of an integer in a double. */
INLINE double give(double integer, enum decimal_form form, unsigned places)
{
	switch (form) {
	case DECIMAL_MULTIPLIED:
		return integer * inverse_powers[places];
	case DECIMAL_DIVIDED_TWICE:
		return integer / 1000 / powers[places - 3];
	default:
		return integer / powers[places];
	}
}

BITS_LOOPS bool decimal_convert_one(double value, struct decimal decimal, int64_t *ret_integer)
{
	double rounded = value * powers[decimal.places] + ROUNDER;
	double integer = rounded - ROUNDER;

	if (!(integer >= -(double)DECIMAL_LIMIT && integer < (double)DECIMAL_LIMIT))
		return false;
	if (decimal_double_bits(give(integer, decimal.form, decimal.places)) !=
	    decimal_double_bits(value))
		return false;
	*ret_integer = (int64_t)integer;
	return true;
}

/*
 * The loops below are made once for each form, so that the compiler makes vectors of them. What
 * differs is added up, and looked at only at the end.
 */
INLINE bool convert_by(const double *values, size_t n, enum decimal_form form, unsigned places,
		       int64_t *ret_integers)
{
	const uint64_t rounder_bits = decimal_double_bits(ROUNDER);
	uint64_t differences = 0;
	uint64_t beyond = 0;

	for (size_t i = 0; i < n; i++) {
		double rounded = values[i] * powers[places] + ROUNDER;
		double given = give(rounded - ROUNDER, form, places);
		uint64_t integer = decimal_double_bits(rounded) - rounder_bits;

		ret_integers[i] = (int64_t)integer;
		differences |= decimal_double_bits(values[i]) ^ decimal_double_bits(given);
		beyond |= integer + (uint64_t)DECIMAL_LIMIT;
	}
	return differences == 0 && beyond >> 52 == 0;
}

/* @return do all values come from this formula? */
BITS_LOOPS static bool convert(const double *values, size_t n, struct decimal decimal,
			       int64_t *ret_integers)
{
	if (decimal.form == DECIMAL_MULTIPLIED)
		return convert_by(values, n, DECIMAL_MULTIPLIED, decimal.places, ret_integers);
	if (decimal.form == DECIMAL_DIVIDED_TWICE)
		return convert_by(values, n, DECIMAL_DIVIDED_TWICE, decimal.places, ret_integers);
	if (decimal.places == 0)
		return convert_by(values, n, DECIMAL_DIVIDED, 0, ret_integers);
	return convert_by(values, n, DECIMAL_DIVIDED, decimal.places, ret_integers);
}

INLINE bool restore_by(const int64_t *restrict integers, size_t n, enum decimal_form form,
		       unsigned places, double *restrict ret_values)
{
	const uint64_t rounder_bits = decimal_double_bits(ROUNDER);
	uint64_t beyond = 0;

	for (size_t i = 0; i < n; i++) {
		double rounded = decimal_from_bits((uint64_t)integers[i] + rounder_bits);

		beyond |= (uint64_t)integers[i] + (uint64_t)DECIMAL_LIMIT;
		ret_values[i] = give(rounded - ROUNDER, form, places);
	}
	return beyond >> 52 == 0;
}

BITS_LOOPS bool decimal_restore(const int64_t *restrict integers, size_t n, struct decimal decimal,
				double *restrict ret_values)
{
	if (decimal.form == DECIMAL_MULTIPLIED)
		return restore_by(integers, n, DECIMAL_MULTIPLIED, decimal.places, ret_values);
	if (decimal.form == DECIMAL_DIVIDED_TWICE)
		return restore_by(integers, n, DECIMAL_DIVIDED_TWICE, decimal.places, ret_values);
	if (decimal.form == DECIMAL_DIVIDED && decimal.places > 0)
		return restore_by(integers, n, DECIMAL_DIVIDED, decimal.places, ret_values);
	if (decimal.form == DECIMAL_DIVIDED)
		return restore_by(integers, n, DECIMAL_DIVIDED, 0, ret_values);
	memcpy(ret_values, integers, n * sizeof(*ret_values));
	return true;
}

/* @return how many values the formula does not give */
static size_t convert_with_odd(const double *values, size_t n, struct decimal decimal,
			       int64_t *ret_integers, double *ret_first_odd)
{
	int64_t last = 0;
	size_t n_odd = 0;

	for (size_t i = 0; i < n; i++) {
		if (!decimal_convert_one(values[i], decimal, &last) && n_odd++ == 0)
			*ret_first_odd = values[i];
		ret_integers[i] = last;
	}
	return n_odd;
}

/* The formulas in the order in which they are tried. @return false at the end */
static bool next(struct decimal *decimal)
{
	do {
		if (decimal->form == DECIMAL_DIVIDED_TWICE) {
			decimal->form = DECIMAL_DIVIDED;
			decimal->places++;
		} else {
			decimal->form++;
		}
		if (decimal->places > DECIMAL_PLACES_MAX)
			return false;
	} while (!decimal_is_valid(decimal->form, decimal->places));
	return true;
}

struct probes {
	double values[N_PROBES];
	size_t n;
	size_t n_odd_max;
	bool is_first_needed; /* the first was odd in the best formula so far */
};

static bool probes_fit(const struct probes *probes, struct decimal decimal)
{
	size_t n_odd = 0;
	int64_t ignored;

	for (size_t i = 0; i < probes->n; i++) {
		if (decimal_convert_one(probes->values[i], decimal, &ignored))
			continue;
		if ((i == 0 && probes->is_first_needed) || ++n_odd > probes->n_odd_max)
			return false;
	}
	return true;
}

static void probes_init(struct probes *probes, const double *values, size_t n)
{
	probes->n = n < N_PROBES ? n : N_PROBES;
	for (size_t i = 0; i < probes->n; i++)
		probes->values[i] = values[i * (n - 1) / (probes->n > 1 ? probes->n - 1 : 1)];
	probes->n_odd_max = probes->n / 8;
	probes->is_first_needed = false;
}

size_t decimal_find(const double *values, size_t n, struct decimal *ret_decimal,
		    int64_t *ret_integers)
{
	struct decimal decimal = {.form = DECIMAL_DIVIDED};
	struct decimal best = {.form = DECIMAL_BITS};
	struct probes probes;
	size_t n_best = n / 8 + 1;
	unsigned n_passes = 0;

	probes_init(&probes, values, n);
	do {
		size_t n_odd;

		if (!probes_fit(&probes, decimal))
			continue;
		*ret_decimal = decimal;
		if (convert(values, n, decimal, ret_integers))
			return 0;
		/* Another formula is better only if it gives what this one does not. */
		n_odd = convert_with_odd(values, n, decimal, ret_integers, &probes.values[0]);
		probes.is_first_needed = true;
		if (n_odd < n_best) {
			n_best = n_odd;
			best = decimal;
		}
		if (++n_passes == MAX_PASSES)
			break;
	} while (next(&decimal));
	*ret_decimal = best;
	if (best.form != DECIMAL_BITS)
		return convert_with_odd(values, n, best, ret_integers, &probes.values[0]);
	memcpy(ret_integers, values, n * sizeof(*values));
	return 0;
}
