/* SPDX-License-Identifier: MIT */
/* Tests of common/number.c. */

#include "common/number.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/sim_random.h"

#define N_ROUND_TRIPS 200000

/* The double as its bits: -0 is not 0. */
static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Same bits, but for NaN, which is like any other. */
static bool is_same(double a, double b)
{
	return bits_of(a) == bits_of(b) || (isnan(a) && isnan(b));
}

static double parse(const char *text)
{
	double value;

	cr_assert_eq(number_parse(text, strlen(text), &value), 0, "'%s' is refused", text);
	return value;
}

static const char *format(double value)
{
	static char text[NUMBER_TEXT_MAX_BYTES];

	cr_assert_eq(number_format(value, text), strlen(text));
	return text;
}

/* A generator of its own, so that a failure can be repeated. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

TestSuite(number);

Test(number, reads_decimal_notation_as_strtod_does)
{
	static const char *const texts[] = {
		"0",
		"-0",
		"1",
		"+1",
		"-1",
		"00012",
		"1.5",
		".5",
		"5.",
		"-.5e1",
		"1e3",
		"1E+3",
		"1e-3",
		"123456789012345678",
		"9007199254740992",
		"9007199254740993",
		"9007199254740993.0000000000000000000001",
		"0.1",
		"0.30000000000000004",
		"2.2250738585072011e-308",
		"4.9e-324",
		"2e-324",
		"1e22",
		"1e23",
		"8.5e22",
		"3.53076171875",
		"12345.67",
		"1795416401.123456",
		"1.7976931348623157e308",
		"179769313486231580793728971405301e276",
		"0e99999999999",
		"0.0000000000000000000001e22",
		"6.02214076e23",
		"7.2057594037927933e16",
		"1e-400",
		"99999999999999999999",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(is_same(parse(texts[i]), strtod(texts[i], NULL)), "%s", texts[i]);
}

Test(number, reads_words_for_what_is_no_finite_number)
{
	cr_expect(isnan(parse("nan")));
	cr_expect(isnan(parse("-NaN")));
	cr_expect_eq(parse("inf"), (double)INFINITY);
	cr_expect_eq(parse("+Inf"), (double)INFINITY);
	cr_expect_eq(parse("-INFINITY"), -(double)INFINITY);
}

Test(number, becomes_an_infinity_beyond_the_range)
{
	cr_expect_eq(parse("1e309"), (double)INFINITY);
	cr_expect_eq(parse("-1e999999999999999999999"), -(double)INFINITY);
}

Test(number, refuses_what_is_not_a_number)
{
	static const char *const texts[] = {
		"",       "-",    "+",        ".",     "-.",      "e5",        "1e",
		"1e+",    "1e5x", "1x",       "0x10",  "0x1p3",   "--1",       "1 ",
		" 1",     "1,5",  "1.2.3",    "1_0",   "in",      "infi",      "nanx",
		"nan(1)", "1\n",  "\xd9\xa1", "1e5.5", "infinit", "infinityy", "+-1",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		double value = 42;

		cr_expect_eq(number_parse(texts[i], strlen(texts[i]), &value), -EINVAL, "'%s'",
			     texts[i]);
		cr_expect_eq(value, 42, "'%s' wrote a value", texts[i]);
	}
}

Test(number, looks_at_no_byte_behind_the_length)
{
	double value;

	cr_assert_eq(number_parse("1234", 2, &value), 0);
	cr_expect_eq(value, 12);
	cr_assert_eq(number_parse("0.300000000000000041", 19, &value), 0);
	cr_expect_eq(value, 0.1 + 0.2);
	cr_expect_eq(number_parse("1\0", 2, &value), -EINVAL);
}

Test(number, rounds_correctly_with_very_many_digits)
{
	/* Half way between 1 and the next double, and a last digit that decides. */
	char text[NUMBER_PARSE_MAX_BYTES + 2] =
		"1.00000000000000011102230246251565404236316680908203125";
	size_t length = strlen(text);
	double value;

	cr_expect_eq(parse(text), 1.0);
	memset(text + length, '0', NUMBER_PARSE_MAX_BYTES - length);
	text[NUMBER_PARSE_MAX_BYTES - 1] = '1';
	cr_expect_eq(parse(text), 1.0 + DBL_EPSILON);
	text[NUMBER_PARSE_MAX_BYTES] = '1';
	cr_expect_eq(number_parse(text, strlen(text), &value), -EINVAL);
}

Test(number, writes_the_shortest_decimal)
{
	cr_expect_str_eq(format(0), "0");
	cr_expect_str_eq(format(-0.0), "-0");
	cr_expect_str_eq(format(5), "5");
	cr_expect_str_eq(format(-17), "-17");
	cr_expect_str_eq(format(0.1), "0.1");
	cr_expect_str_eq(format(-0.05), "-0.05");
	cr_expect_str_eq(format(45.5), "45.5");
	cr_expect_str_eq(format(100), "100");
	cr_expect_str_eq(format(0.000001), "0.000001");
	cr_expect_str_eq(format(12345.67), "12345.67");
	cr_expect_str_eq(format(0.1 + 0.2), "0.30000000000000004");
	cr_expect_str_eq(format(9007199254740992.0), "9007199254740992");
	cr_expect_str_eq(format(-9007199254740991.0), "-9007199254740991");
	cr_expect_str_eq(format(1e300), "1e+300");
	cr_expect_str_eq(format(1e-7), "1e-07");
	cr_expect_str_eq(format(1.0 / 3), "0.3333333333333333");
	cr_expect_str_eq(format((double)NAN), "NaN");
	cr_expect_str_eq(format((double)INFINITY), "+Inf");
	cr_expect_str_eq(format(-(double)INFINITY), "-Inf");
}

Test(number, has_room_for_the_longest)
{
	cr_expect_str_eq(format(-DBL_MAX), "-1.7976931348623157e+308");
	cr_expect_str_eq(format(-2.2250738585072014e-308), "-2.2250738585072014e-308");
	cr_expect_str_eq(format(DBL_TRUE_MIN), "5e-324");
	cr_expect_str_eq(format(-1e-310), "-1e-310");
}

Test(number, reads_back_every_double_that_it_wrote)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	for (int i = 0; i < N_ROUND_TRIPS; i++) {
		uint64_t bits = next_random(&state);
		double value;

		memcpy(&value, &bits, sizeof(value));
		cr_assert(is_same(parse(format(value)), value), "bits %016llx",
			  (unsigned long long)bits);
		/* What the kernel tells: hundredths, milliseconds, microseconds. */
		value = (double)(bits >> 20 & 0xffffffffff) /
			(double[]){1, 100, 1e3, 1e6}[bits & 3];
		cr_assert(is_same(parse(format(value)), value), "%.17g", value);
	}
}

Test(number, reads_random_decimals_as_strtod_does)
{
	uint64_t state = UINT64_C(0x2545f4914f6cdd1d);

	for (int i = 0; i < N_ROUND_TRIPS; i++) {
		uint64_t a = next_random(&state);
		uint64_t b = next_random(&state);
		char text[64];

		(void)snprintf(text, sizeof(text), "%llu.%03llue%d",
			       (unsigned long long)(a >> b % 64),
			       (unsigned long long)(b >> 8) % 1000, (int)(b >> 32) % 330);
		cr_assert(is_same(parse(text), strtod(text, NULL)), "%s", text);
	}
}

static struct sim_random numbers;

static int roll(void)
{
	return (int)(sim_random_next(&numbers) >> 33);
}

/* As a person would look for it: the first of 15, 16 and 17 digits that reads back. */
static const char *format_by_printf(double value)
{
	static char text[NUMBER_TEXT_MAX_BYTES];

	for (int n_digits = 15; n_digits <= 17; n_digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", n_digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return text;
}

/* Has it a decimal with so few decimals that it is written without printf? */
static bool has_few_decimals(double value)
{
	char text[400];

	for (int n = 0; n <= 6; n++) {
		(void)snprintf(text, sizeof(text), "%.*f", n, value);
		if (strtod(text, NULL) == value)
			return true;
	}
	return false;
}

/* The double next to 10^n or 2^n, or itself. */
static double near_power(void)
{
	bool is_binary = roll() % 2;
	double value = is_binary ? ldexp(1, roll() % 60 - 14) : 1e-5;
	uint64_t bits;

	for (int n = roll() % 20; n > 0 && !is_binary; n--)
		value *= 10;
	memcpy(&bits, &value, sizeof(bits));
	bits += (uint64_t)(roll() % 3) - 1;
	memcpy(&value, &bits, sizeof(bits));
	return value;
}

Test(number, writes_what_printf_writes)
{
	const unsigned seed = (unsigned)time(NULL);

	cr_log_info("seed %u", seed);
	numbers.state = seed;
	for (int i = 0; i < 40000; i++) {
		double value = (double)roll() / (1 + roll() % 1000) * (roll() % 2 ? 1 : -1);

		value = ldexp(value, roll() % 60 - 50);
		if (roll() % 4 == 0)
			value = (double)(int64_t)(value * 1e3) / 7;
		if (roll() % 25 == 0)
			value = near_power();
		cr_assert_eq(strtod(format(value), NULL), value, "%a, seed %u", value, seed);
		if (!has_few_decimals(value))
			cr_assert_str_eq(format(value), format_by_printf(value), "%a, seed %u",
					 value, seed);
	}
}

/* What is taken off a text is what number_parse() makes of just these bytes. */
static void expect_plain(const char *text, size_t n_taken)
{
	const char *at = text;
	double value;
	double whole;
	bool is_taken = number_take_plain(&at, text + strlen(text), &value);

	cr_expect_eq(is_taken, n_taken > 0, "%s", text);
	cr_assert_eq((size_t)(at - text), n_taken, "%s", text);
	if (n_taken == 0)
		return;
	cr_assert_eq(number_parse(text, n_taken, &whole), 0, "%s", text);
	cr_expect_eq(value, whole, "%s: %.17g is not %.17g", text, value, whole);
}

Test(number, takes_plain_decimals_off_a_text_and_no_others)
{
	static const char *const plain[] = {
		"0",
		"7",
		"12.50",
		"0.1",
		"007",
		"9007199254740992",
		"900719925474099.2",
		"0.0000000000000007",
		"0.0000000000000000",
	};
	static const char *const others[] = {
		"",
		"-1",
		"+1",
		".5",
		"5.",
		"5.x",
		"x",
		" 1",
		"nan",
		"9007199254740993",
		"1234567890123456789",
		"0000000000000000001",
		"0.00000000000000001",
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		expect_plain(plain[i], strlen(plain[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		expect_plain(others[i], 0);
	expect_plain("12.5 1795416401", 4);
	expect_plain("12e5", 2);
	expect_plain("1.2.3", 3);
}

Test(number, takes_random_plain_decimals_as_it_reads_them)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
	char text[40];

	for (int i = 0; i < N_ROUND_TRIPS; i++) {
		uint64_t a = next_random(&state);
		uint64_t b = next_random(&state);

		(void)snprintf(text, sizeof(text), "%llu.%0*u",
			       (unsigned long long)(a >> (28 + b % 36)), (int)(b >> 8 & 3) + 1,
			       (unsigned)(b >> 16) % 10);
		expect_plain(text, strlen(text));
	}
}
