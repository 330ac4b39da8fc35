/* SPDX-License-Identifier: MIT */
/* Fuzz target: common/number.c and common/timestamp.c against strtod(3), and back. */

#include "common/number.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

/* What strtod(3) makes of the text, NaN without its sign. @return whether it takes all of it */
static bool read_by_libc(const char *text, size_t length, double *ret_value)
{
	char *end;

	*ret_value = strtod(text, &end);
	return length > 0 && end == text + length;
}

/* What only strtod(3) takes: hexadecimal, blanks in front, nan(chars). */
static bool is_for_libc_only(const char *text)
{
	return strpbrk(text, "xX \t\n\v\f\r(") != NULL;
}

/* The double as its bits: -0 is not 0. */
static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static bool is_same(double a, double b)
{
	return bits_of(a) == bits_of(b) || (isnan(a) && isnan(b));
}

static void check_number(const char *text, size_t length)
{
	char again[NUMBER_TEXT_MAX_BYTES];
	double value = 0;
	double reread;
	double expected;
	bool is_taken = number_parse(text, length, &value) == 0;
	bool is_expected = read_by_libc(text, length, &expected) && !is_for_libc_only(text);

	if (is_taken != is_expected || (is_taken && !is_same(value, expected)))
		abort();
	if (!is_taken)
		return;
	if (number_parse(again, number_format(value, again), &reread) < 0 ||
	    !is_same(value, reread))
		abort();
}

static void check_time(const char *text, size_t length)
{
	char again[TIMESTAMP_TEXT_MAX_BYTES];
	int64_t time_us;
	int64_t reread;
	double seconds;
	int result = timestamp_parse(text, length, &time_us);

	/* Whatever is a finite number is a time, or out of range. */
	if (number_parse(text, length, &seconds) == 0 && isfinite(seconds) && result == -EINVAL)
		abort();
	if (result < 0)
		return;
	if (timestamp_parse(again, timestamp_format(time_us, again), &reread) < 0 ||
	    reread != time_us)
		abort();
	(void)timestamp_format_local(time_us, again);
	(void)duration_format(time_us, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char text[NUMBER_PARSE_MAX_BYTES + 1];
	int64_t duration_us;

	if (n_bytes > NUMBER_PARSE_MAX_BYTES)
		return 0;
	memcpy(text, data, n_bytes);
	text[n_bytes] = '\0';
	check_number(text, n_bytes);
	check_time(text, n_bytes);
	(void)duration_parse(text, &duration_us);
	return 0;
}
