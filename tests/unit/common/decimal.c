/* SPDX-License-Identifier: MIT */
/* Tests of common/decimal.c. */

#include "common/decimal.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define N 300

TestSuite(decimal);

static double values[N], again[N];
static int64_t integers[N];
static struct decimal decimal;

static size_t find(void)
{
	size_t n_odd = decimal_find(values, N, &decimal, integers);

	cr_assert(decimal_restore(integers, N, decimal, again));
	for (size_t i = 0; n_odd == 0 && i < N; i++)
		cr_assert_eq(decimal_double_bits(again[i]), decimal_double_bits(values[i]));
	return n_odd;
}

Test(decimal, each_formula_is_found)
{
	static const double powers[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
	static const double inverse[] = {1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};

	for (unsigned places = 0; places <= 6; places++) {
		for (int i = 0; i < N; i++)
			values[i] = (i * 7919 + 1) / powers[places];
		cr_assert_eq(find(), 0);
		cr_assert_eq(decimal.form, DECIMAL_DIVIDED);
		cr_assert_eq(decimal.places, places);
		for (int i = 0; i < N; i++)
			values[i] = (i * 7919 + 1) * inverse[places];
		cr_assert_eq(find(), 0);
		cr_assert_eq(decimal.places, places);
		cr_assert_eq(decimal.form, places < 2 ? decimal.form : DECIMAL_MULTIPLIED);
	}
	for (int i = 0; i < N; i++)
		values[i] = (double)(i * 7919 + 1) / 1000 / 1000;
	cr_assert_eq(find(), 0);
	cr_assert_eq(decimal.form, DECIMAL_DIVIDED_TWICE);
	cr_assert_eq(decimal.places, 6);
}

Test(decimal, a_few_odd_values_do_not_spoil_a_column)
{
	for (int i = 0; i < N; i++)
		values[i] = i;
	values[0] = NAN;
	values[17] = -0.0;
	values[N - 1] = INFINITY;

	cr_assert_eq(find(), 3);
	cr_assert_eq(decimal.form, DECIMAL_DIVIDED);
	cr_assert_eq(integers[0], 0);
	cr_assert_eq(integers[17], 16);
}

Test(decimal, a_formula_that_gives_all_is_better_than_one_with_odd_values)
{
	for (int i = 0; i < N; i++)
		values[i] = i;
	values[100] = 0.25;

	cr_assert_eq(find(), 0);
	cr_assert_eq(decimal.places, 2);
}

Test(decimal, what_no_formula_gives_stays_as_it_is)
{
	for (int i = 0; i < N; i++)
		values[i] = (i * 7 + 2) / 101.0;
	cr_assert_eq(find(), 0);
	cr_assert_eq(decimal.form, DECIMAL_BITS);
	for (int i = 0; i < N; i++)
		values[i] = i % 2 ? (double)NAN : i;
	cr_assert_eq(find(), 0);
	cr_assert_eq(decimal.form, DECIMAL_BITS);
}

Test(decimal, integers_at_the_limit)
{
	const double limit = (double)DECIMAL_LIMIT;
	const double edges[] = {limit - 1, -limit, limit, -limit - 1};
	int64_t integer;

	for (int i = 0; i < 4; i++) {
		cr_assert_eq(decimal_convert_one(edges[i], (struct decimal){0}, &integer), i < 2);
		for (int k = 0; k < N; k++)
			values[k] = edges[i];
		cr_assert_eq(find(), 0);
		cr_assert_eq(decimal.form, i < 2 ? DECIMAL_DIVIDED : DECIMAL_BITS);
	}
}

Test(decimal, integers_beyond_the_limit_are_told)
{
	const struct decimal forms[] = {{DECIMAL_DIVIDED, 0},
					{DECIMAL_DIVIDED, 2},
					{DECIMAL_MULTIPLIED, 3},
					{DECIMAL_DIVIDED_TWICE, 5},
					{DECIMAL_BITS, 0}};
	const int64_t edges[] = {DECIMAL_LIMIT - 1,  -DECIMAL_LIMIT, DECIMAL_LIMIT,
				 -DECIMAL_LIMIT - 1, INT64_MAX,      INT64_MIN};

	for (size_t f = 0; f < 5; f++) {
		for (size_t e = 0; e < 6; e++) {
			bool is_fine = e < 2 || forms[f].form == DECIMAL_BITS;

			memset(integers, 0, sizeof(integers));
			integers[N / 3] = edges[e];
			cr_expect_eq(decimal_restore(integers, N, forms[f], again), is_fine);
		}
	}
}

Test(decimal, formulas_that_do_not_exist)
{
	cr_assert(decimal_is_valid(DECIMAL_DIVIDED, 15));
	cr_assert_not(decimal_is_valid(DECIMAL_DIVIDED, 16));
	cr_assert_not(decimal_is_valid(DECIMAL_MULTIPLIED, 0));
	cr_assert_not(decimal_is_valid(DECIMAL_DIVIDED_TWICE, 3));
	cr_assert_not(decimal_is_valid(DECIMAL_BITS, 1));
	cr_assert_not(decimal_is_valid(4, 0));
}
