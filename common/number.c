/* SPDX-License-Identifier: MIT */
/* Numbers as text, independent of the locale. */

#include "common/number.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Up to here every integer is a double of its own. */
#define EXACT_INTEGER_MAX (UINT64_C(1) << 53)
/* The largest power of ten that is a double without rounding. */
#define EXACT_POWER_MAX 22
/* As many significant digits always fit into 64 bits. */
#define DIGITS_MAX 19
/* Larger exponents change nothing any more: the result is 0 or an infinity. */
#define EXPONENT_MAX 100000
/* Values with at most so many decimals are written without printf. */
#define FAST_DECIMALS_MAX 6

static const double powers_of_ten[EXACT_POWER_MAX + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* A number taken apart: sign, digits * 10^exponent. */
struct decimal {
	bool is_negative;
	bool is_cut; /* `digits` does not hold all of them */
	uint64_t digits;
	int n_digits; /* without leading zeros */
	int exponent;
};

/* Take digits off the text. @return the first byte behind them */
static const char *parse_digits(struct decimal *decimal, const char *at, const char *end,
				bool is_fraction)
{
	for (; at < end && (unsigned char)(*at - '0') <= 9; at++) {
		if (decimal->n_digits == DIGITS_MAX) {
			decimal->is_cut = true;
			continue;
		}
		decimal->digits = decimal->digits * 10 + (uint64_t)(*at - '0');
		decimal->n_digits += decimal->digits != 0;
		decimal->exponent -= is_fraction;
	}
	return at;
}

/* Take "e[+-]digits" off the text. @return the first byte behind it; NULL: no digits */
static const char *parse_exponent(struct decimal *decimal, const char *at, const char *end)
{
	bool is_negative = false;
	int exponent = 0;

	if (at < end && (*at == '+' || *at == '-'))
		is_negative = *at++ == '-';
	if (at == end)
		return NULL;
	for (; at < end && (unsigned char)(*at - '0') <= 9; at++) {
		if (exponent < EXPONENT_MAX)
			exponent = exponent * 10 + (*at - '0');
	}
	decimal->exponent += is_negative ? -exponent : exponent;
	return at;
}

/* @return whether all bytes between `at` (behind the sign) and `end` are one decimal number */
static bool parse_decimal(struct decimal *decimal, const char *at, const char *end)
{
	const char *start = at;
	size_t n_points = 0;

	at = parse_digits(decimal, at, end, false);
	if (at < end && *at == '.') {
		n_points = 1;
		at = parse_digits(decimal, at + 1, end, true);
	}
	if ((size_t)(at - start) == n_points)
		return false;
	if (at < end && (*at == 'e' || *at == 'E'))
		at = parse_exponent(decimal, at + 1, end);
	return at == end;
}

static int parse_word(const char *word, size_t length, bool is_negative, double *ret_value)
{
	double value;

	if (length == 3 && strncasecmp(word, "nan", 3) == 0) {
		value = (double)NAN;
	} else if ((length == 3 && strncasecmp(word, "inf", 3) == 0) ||
		   (length == 8 && strncasecmp(word, "infinity", 8) == 0)) {
		value = (double)INFINITY;
	} else {
		return -EINVAL;
	}
	*ret_value = is_negative ? -value : value;
	return 0;
}

/*
 * What the fast path cannot do exactly. strtod(3) rounds correctly and takes '.' for the point as
 * long as the process stays in the C locale: none of our programs ever calls setlocale(3).
 */
static int parse_slowly(const char *text, size_t length, double *ret_value)
{
	char copy[NUMBER_PARSE_MAX_BYTES + 1];

	if (length > NUMBER_PARSE_MAX_BYTES)
		return -EINVAL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	*ret_value = strtod(copy, NULL);
	return 0;
}

/* More digits may not fit into 64 bits. */
static const char *take_digits(const char *at, const char *end, uint64_t *digits)
{
	for (; at < end && (unsigned char)(*at - '0') <= 9; at++)
		*digits = *digits * 10 + (uint64_t)(*at - '0');
	return at;
}

bool number_take_plain(const char **at, const char *end, double *ret_value)
{
	const char *start = *at;
	const char *behind;
	uint64_t digits = 0;
	size_t n_decimals = 0;

	if (end - start > DIGITS_MAX)
		end = start + DIGITS_MAX;
	behind = take_digits(start, end, &digits);
	if (behind == start)
		return false;
	if (behind < end && *behind == '.') {
		start = behind + 1;
		behind = take_digits(start, end, &digits);
		n_decimals = (size_t)(behind - start);
		if (n_decimals == 0)
			return false;
	}
	/* It may go on. */
	if (behind - *at == DIGITS_MAX || digits > EXACT_INTEGER_MAX)
		return false;
	*ret_value = (double)digits / powers_of_ten[n_decimals];
	*at = behind;
	return true;
}

int number_parse(const char *text, size_t length, double *ret_value)
{
	struct decimal decimal = {0};
	const char *end = text + length;
	const char *at = text;
	double value;

	if (at < end && (*at == '+' || *at == '-'))
		decimal.is_negative = *at++ == '-';
	if (!parse_decimal(&decimal, at, end))
		return parse_word(at, (size_t)(end - at), decimal.is_negative, ret_value);

	/* Both operands are exact, so the one operation rounds as the decimal would. */
	if (decimal.is_cut || decimal.digits > EXACT_INTEGER_MAX ||
	    decimal.exponent > EXACT_POWER_MAX || decimal.exponent < -EXACT_POWER_MAX)
		return parse_slowly(text, length, ret_value);
	value = (double)decimal.digits;
	if (decimal.exponent < 0) {
		value /= powers_of_ten[-decimal.exponent];
	} else {
		value *= powers_of_ten[decimal.exponent];
	}
	*ret_value = decimal.is_negative ? -value : value;
	return 0;
}

/* Write digits / 10^n_decimals. @return the length, without a NUL */
static size_t write_decimal(uint64_t digits, int n_decimals, bool is_negative, char *out)
{
	char reversed[NUMBER_TEXT_MAX_BYTES];
	size_t length = 0;
	size_t n = 0;

	for (int i = 0; digits || i <= n_decimals; i++) {
		if (i == n_decimals && i > 0)
			reversed[n++] = '.';
		reversed[n++] = (char)('0' + digits % 10);
		digits /= 10;
	}
	if (is_negative)
		out[length++] = '-';
	while (n > 0)
		out[length++] = reversed[--n];
	return length;
}

/*
 * Integers and values with few decimals, nearly all that the kernel tells, without printf. When
 * digits / 10^n gives the value, the text reads back as the value: number_parse() does the same.
 * @return the length, 0 when it is no such value
 */
static size_t format_fast(double value, char *out)
{
	double magnitude = fabs(value);

	for (int n = 0; n <= FAST_DECIMALS_MAX; n++) {
		double scaled = magnitude * powers_of_ten[n];

		if (scaled > (double)EXACT_INTEGER_MAX)
			return 0;

		uint64_t digits = (uint64_t)(scaled + 0.5);

		if (digits <= EXACT_INTEGER_MAX && (double)digits / powers_of_ten[n] == magnitude)
			return write_decimal(digits, n, signbit(value), out);
	}
	return 0;
}

/* Between these printf's %g has no exponent, and no product below needs more than 128 bits. */
#define SMALL_MIN 1e-4
#define LARGE_MIN 1e14

#ifdef __SIZEOF_INT128__
typedef unsigned __int128 wide;

/* 10^k as an integer. */
static wide power_of_ten(int k)
{
	return k <= EXACT_POWER_MAX - 3 ? (wide)powers_of_ten[k]
					: (wide)powers_of_ten[k - 3] * 1000;
}

/* @return n, where 10^n <= value < 10^(n + 1) */
static int find_magnitude(double value)
{
	int magnitude = value >= 1 ? 0 : -1;

	while (magnitude >= 0 && value >= powers_of_ten[magnitude + 1])
		magnitude++;
	while (magnitude < 0 && value * powers_of_ten[-magnitude] < 1)
		magnitude--;
	return magnitude;
}

/*
 * What format_slowly() writes, for numbers that are neither very small nor large, in integers of 128 bits:
 * value = mantissa / 2^shift, so its digits with k decimals are mantissa * 10^k / 2^shift, rounded; and
 * they read back as the value if that changes it by less than half of the step to the next double.
 * @return the length; 0: the number is not such
 */
static size_t format_exactly(double value, char *out)
{
	int exponent;
	double magnitude = fabs(value);
	uint64_t mantissa = (uint64_t)ldexp(frexp(magnitude, &exponent), 53);
	int shift = 53 - exponent;

	/* Below a power of two the doubles are closer. */
	if (magnitude < SMALL_MIN || magnitude >= LARGE_MIN || mantissa == UINT64_C(1) << 52)
		return 0;
	for (int k = 14 - find_magnitude(magnitude); k >= 0 && k <= EXACT_POWER_MAX; k++) {
		wide scale = power_of_ten(k);
		wide scaled = mantissa * scale;
		uint64_t digits = (uint64_t)(scaled >> shift);
		wide unit = (wide)1 << shift;
		wide rest = scaled - ((wide)digits << shift);

		if (rest > unit / 2 || (rest == unit / 2 && digits % 2 > 0)) {
			digits++;
			rest = unit - rest;
		}
		/* As far as half a step it is the nearer one, at half of it the even one. */
		if (rest * 2 > scale || (rest * 2 == scale && mantissa % 2 > 0))
			continue;
		for (; k > 0 && digits % 10 == 0; k--)
			digits /= 10;
		return write_decimal(digits, k, value < 0, out);
	}
	return 0;
}
#else
static size_t format_exactly(double value, char *out)
{
	(void)value;
	(void)out;
	return 0;
}
#endif

static size_t format_slowly(double value, char out[static NUMBER_TEXT_MAX_BYTES])
{
	/* Every decimal of 15 digits reads back as a double of its own, but for those next to 0. */
	int n_digits = fabs(value) < DBL_MIN ? 1 : 15;
	int length = 0;

	for (; n_digits <= 17; n_digits++) {
		length = snprintf(out, NUMBER_TEXT_MAX_BYTES, "%.*g", n_digits, value);
		if (strtod(out, NULL) == value)
			break;
	}
	return (size_t)length;
}

static size_t format_word(const char *word, char *out)
{
	size_t length = strlen(word);

	memcpy(out, word, length + 1);
	return length;
}

size_t number_format(double value, char out[static NUMBER_TEXT_MAX_BYTES])
{
	size_t length;

	if (isnan(value))
		return format_word("NaN", out);
	if (isinf(value))
		return format_word(value > 0 ? "+Inf" : "-Inf", out);
	length = format_fast(value, out);
	if (length == 0)
		length = format_exactly(value, out);
	if (length == 0)
		return format_slowly(value, out);
	out[length] = '\0';
	return length;
}

size_t number_format_integer(int64_t value, char out[static NUMBER_TEXT_MAX_BYTES])
{
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	size_t length = write_decimal(magnitude, 0, value < 0, out);

	out[length] = '\0';
	return length;
}
