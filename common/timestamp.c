/* SPDX-License-Identifier: MIT */
/* Times and durations: microseconds, and as text. */

#include "common/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Decimals of a second that a time holds. */
#define DECIMALS 6
/* Larger exponents change nothing any more: the time is 0 or out of range. */
#define EXPONENT_MAX 100000

#define MILLISECOND_US INT64_C(1000)
#define MINUTE_US      (60 * TIMESTAMP_SECOND_US)
#define HOUR_US        (60 * MINUTE_US)
#define DAY_US         (24 * HOUR_US)

static int64_t clock_read_us(clockid_t clock)
{
	struct timespec now;

	/* Cannot fail: both clocks exist on every Linux. */
	(void)clock_gettime(clock, &now);
	return now.tv_sec * TIMESTAMP_SECOND_US + now.tv_nsec / 1000;
}

int64_t timestamp_now_us(void)
{
	return clock_read_us(CLOCK_REALTIME);
}

int64_t timestamp_monotonic_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

static bool is_digit(char byte)
{
	return (unsigned char)(byte - '0') <= 9;
}

/* Read "[+-]digits" up to `end`. @return false when it is not that */
static bool parse_exponent(const char *at, const char *end, int *ret_exponent)
{
	bool is_negative = false;
	int exponent = 0;

	if (at < end && (*at == '+' || *at == '-'))
		is_negative = *at++ == '-';
	if (at == end)
		return false;
	for (; at < end; at++) {
		if (!is_digit(*at))
			return false;
		if (exponent < EXPONENT_MAX)
			exponent = exponent * 10 + (*at - '0');
	}
	*ret_exponent = is_negative ? -exponent : exponent;
	return true;
}

/* The digits of a number and how many of them stand before its point. */
struct digits {
	const char *at; /* a point may stand among them */
	const char *end;
	long n_whole;
};

/* @return false when the text, behind its sign, is not a number */
static bool parse_digits(const char *at, const char *end, struct digits *ret_digits)
{
	struct digits digits = {.at = at};
	long n_fraction = 0;
	int exponent = 0;

	while (at < end && is_digit(*at))
		at++;
	digits.n_whole = at - digits.at;
	if (at < end && *at == '.') {
		const char *fraction = ++at;

		while (at < end && is_digit(*at))
			at++;
		n_fraction = at - fraction;
	}
	if (digits.n_whole + n_fraction == 0)
		return false;
	digits.end = at;
	if (at < end && (*at != 'e' && *at != 'E'))
		return false;
	if (at < end && !parse_exponent(at + 1, end, &exponent))
		return false;
	digits.n_whole += exponent;
	*ret_digits = digits;
	return true;
}

int timestamp_parse(const char *text, size_t length, int64_t *ret_time_us)
{
	const char *end = text + length;
	struct digits digits;
	int64_t time_us = 0;
	bool is_negative = false;

	if (text < end && (*text == '+' || *text == '-'))
		is_negative = *text++ == '-';
	if (!parse_digits(text, end, &digits))
		return -EINVAL;

	/* As many digits as make microseconds; zeros where there are no more. */
	for (long n = digits.n_whole + DECIMALS; n > 0; n--) {
		if (digits.at < digits.end && *digits.at == '.')
			digits.at++;
		if (digits.at == digits.end && time_us == 0)
			break;

		int digit = digits.at < digits.end ? *digits.at++ - '0' : 0;

		if (__builtin_mul_overflow(time_us, 10, &time_us) ||
		    __builtin_sub_overflow(time_us, digit, &time_us))
			return -ERANGE;
	}
	/* Summed up below zero, where there is one value more: that one means "no time". */
	if (time_us == INT64_MIN)
		return -ERANGE;
	*ret_time_us = is_negative ? time_us : -time_us;
	return 0;
}

size_t timestamp_format(int64_t time_us, char out[static TIMESTAMP_TEXT_MAX_BYTES])
{
	uint64_t magnitude = time_us < 0 ? -(uint64_t)time_us : (uint64_t)time_us;
	uint64_t whole = magnitude / (uint64_t)TIMESTAMP_SECOND_US;
	uint64_t fraction = magnitude % (uint64_t)TIMESTAMP_SECOND_US;
	int n_decimals = fraction ? DECIMALS : 0;
	char *end = &out[TIMESTAMP_TEXT_MAX_BYTES - 1];
	char *at = end;
	size_t length;

	/* By hand, from the end: every line of an agent has a time, and printf(3) is slow. */
	for (; n_decimals && fraction % 10 == 0; n_decimals--)
		fraction /= 10;
	for (int i = 0; i < n_decimals; i++, fraction /= 10)
		*--at = (char)('0' + fraction % 10);
	if (n_decimals)
		*--at = '.';
	do {
		*--at = (char)('0' + whole % 10);
		whole /= 10;
	} while (whole);
	if (time_us < 0)
		*--at = '-';

	length = (size_t)(end - at);
	memmove(out, at, length);
	out[length] = '\0';
	return length;
}

size_t timestamp_format_local(int64_t time_us, char out[static TIMESTAMP_TEXT_MAX_BYTES])
{
	/* Rounded down, before 1970 too. */
	time_t seconds = time_us / TIMESTAMP_SECOND_US - (time_us % TIMESTAMP_SECOND_US < 0);
	struct tm parts;
	size_t length;

	if (!localtime_r(&seconds, &parts))
		return timestamp_format(time_us, out);
	length = strftime(out, TIMESTAMP_TEXT_MAX_BYTES, "%Y-%m-%d %H:%M:%S", &parts);
	return length ? length : timestamp_format(time_us, out);
}

struct unit {
	const char *name;
	int64_t duration_us;
};

/* From the largest. */
static const struct unit units[] = {
	{"d", DAY_US},          {"h", HOUR_US}, {"m", MINUTE_US}, {"s", TIMESTAMP_SECOND_US},
	{"ms", MILLISECOND_US}, {"us", 1},
};

#define N_UNITS (sizeof(units) / sizeof(units[0]))

/* @return the unit whose name is these `length` bytes, or NULL */
static const struct unit *find_unit(const char *name, size_t length)
{
	for (size_t i = 0; i < N_UNITS; i++) {
		if (strlen(units[i].name) == length && memcmp(units[i].name, name, length) == 0)
			return &units[i];
	}
	return NULL;
}

/* Take digits off *at. @return 0, -EINVAL: no digit there, -ERANGE */
static int take_integer(const char **at, int64_t *ret_value)
{
	int64_t value = 0;

	if (!is_digit(**at))
		return -EINVAL;
	for (; is_digit(**at); (*at)++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, **at - '0', &value))
			return -ERANGE;
	}
	*ret_value = value;
	return 0;
}

/* Take "10s" off *at and add it up. A bare number is seconds, when it is all there is. */
static int take_part(const char **at, bool is_first, int64_t *duration_us)
{
	int64_t unit_us = TIMESTAMP_SECOND_US;
	int64_t value;
	int error = take_integer(at, &value);

	if (error < 0)
		return error;
	if (!is_first || **at) {
		size_t length = strcspn(*at, "0123456789");
		const struct unit *unit = find_unit(*at, length);

		if (!unit)
			return -EINVAL;
		*at += length;
		unit_us = unit->duration_us;
	}
	if (__builtin_mul_overflow(value, unit_us, &value) ||
	    __builtin_add_overflow(*duration_us, value, duration_us))
		return -ERANGE;
	return 0;
}

int duration_parse(const char *text, int64_t *ret_duration_us)
{
	const char *at = text;
	int64_t duration_us = 0;

	do {
		int error = take_part(&at, at == text, &duration_us);

		if (error < 0)
			return error;
	} while (*at);
	*ret_duration_us = duration_us;
	return 0;
}

/* Below a minute: one number, with one decimal where it is small. */
static int format_short(uint64_t magnitude, const char *sign, char *out)
{
	uint64_t unit_us = (uint64_t)TIMESTAMP_SECOND_US;
	const char *unit = "s";
	uint64_t tenths;

	if (magnitude < (uint64_t)MILLISECOND_US) {
		return snprintf(out, TIMESTAMP_TEXT_MAX_BYTES, "%s%" PRIu64 "%s", sign, magnitude,
				magnitude ? "us" : "s");
	}
	if (magnitude < unit_us) {
		unit_us = (uint64_t)MILLISECOND_US;
		unit = "ms";
	}
	tenths = magnitude % unit_us * 10 / unit_us;
	if (magnitude / unit_us >= 10 || tenths == 0) {
		return snprintf(out, TIMESTAMP_TEXT_MAX_BYTES, "%s%" PRIu64 "%s", sign,
				magnitude / unit_us, unit);
	}
	return snprintf(out, TIMESTAMP_TEXT_MAX_BYTES, "%s%" PRIu64 ".%" PRIu64 "%s", sign,
			magnitude / unit_us, tenths, unit);
}

size_t duration_format(int64_t duration_us, char out[static TIMESTAMP_TEXT_MAX_BYTES])
{
	uint64_t magnitude = duration_us < 0 ? -(uint64_t)duration_us : (uint64_t)duration_us;
	const char *sign = duration_us < 0 ? "-" : "";
	const struct unit *unit = units;
	uint64_t second;
	int length;

	if (magnitude < (uint64_t)MINUTE_US)
		return (size_t)format_short(magnitude, sign, out);

	/* The largest unit that is in it, and the next smaller one. */
	while (magnitude < (uint64_t)unit->duration_us)
		unit++;
	second = magnitude % (uint64_t)unit->duration_us / (uint64_t)unit[1].duration_us;
	length = snprintf(out, TIMESTAMP_TEXT_MAX_BYTES, "%s%" PRIu64 "%s", sign,
			  magnitude / (uint64_t)unit->duration_us, unit->name);
	if (second) {
		length += snprintf(out + length, TIMESTAMP_TEXT_MAX_BYTES - (size_t)length,
				   "%" PRIu64 "%s", second, unit[1].name);
	}
	return (size_t)length;
}
