/* SPDX-License-Identifier: MIT */
/* Tests of common/timestamp.c. */

#include "common/timestamp.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND TIMESTAMP_SECOND_US
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const char *format(int64_t time_us)
{
	static char text[TIMESTAMP_TEXT_MAX_BYTES];

	cr_assert_eq(timestamp_format(time_us, text), strlen(text));
	return text;
}

static const char *format_local(int64_t time_us)
{
	static char text[TIMESTAMP_TEXT_MAX_BYTES];

	cr_assert_eq(timestamp_format_local(time_us, text), strlen(text));
	return text;
}

static const char *format_duration(int64_t duration_us)
{
	static char text[TIMESTAMP_TEXT_MAX_BYTES];

	cr_assert_eq(duration_format(duration_us, text), strlen(text));
	return text;
}

TestSuite(timestamp);

Test(timestamp, reads_seconds_exactly_to_the_microsecond)
{
	static const struct {
		const char *text;
		int64_t time_us;
	} cases[] = {
		{"0", 0},
		{"1795416401", 1795416401 * SECOND},
		{"1795416401.25", 1795416401 * SECOND + 250000},
		{"1795416401.000001", 1795416401 * SECOND + 1},
		{"1795416401.1234569", 1795416401 * SECOND + 123456},
		{"1.795e9", 1795000000 * SECOND},
		{"1.795416401E+9", 1795416401 * SECOND},
		{"17954164010e-1", 1795416401 * SECOND},
		{"1795416401123456e-6", 1795416401 * SECOND + 123456},
		{"+5.", 5 * SECOND},
		{".5", 500000},
		{"-1", -SECOND},
		{"-1.5", -1500000},
		{"-0.0000001", 0},
		{"0.0000009", 0},
		{"1e-400", 0},
		{"0e99999999999999", 0},
		{"0000000000000000000000000000005", 5 * SECOND},
		{"0.00000000000000000005e20", 5 * SECOND},
		{"9223372036854.775807", INT64_MAX},
		{"-9223372036854.775807", -INT64_MAX},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t time_us = 42;

		cr_expect_eq(timestamp_parse(cases[i].text, strlen(cases[i].text), &time_us), 0,
			     "%s", cases[i].text);
		cr_expect_eq(time_us, cases[i].time_us, "%s is %" PRId64, cases[i].text, time_us);
	}
}

Test(timestamp, refuses_what_is_not_a_number)
{
	static const char *const texts[] = {"",    "-",     ".",   "N",     "nan",
					    "inf", "1e",    "1e+", "1:2",   "0x1",
					    "1 ",  "1.2.3", "--1", "1e1e1", "1e1.5"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t time_us = 42;

		cr_expect_eq(timestamp_parse(texts[i], strlen(texts[i]), &time_us), -EINVAL, "%s",
			     texts[i]);
		cr_expect_eq(time_us, 42);
	}
}

Test(timestamp, refuses_what_64_bits_of_microseconds_do_not_hold)
{
	static const char *const texts[] = {"9223372036854.775808",
					    "-9223372036854.775808",
					    "9223372036855",
					    "1e13",
					    "-1e300",
					    "1e99999999999999999999",
					    "1795416401000000000"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t time_us = 42;

		cr_expect_eq(timestamp_parse(texts[i], strlen(texts[i]), &time_us), -ERANGE, "%s",
			     texts[i]);
		cr_expect_eq(time_us, 42);
	}
}

Test(timestamp, writes_seconds_without_trailing_zeros)
{
	cr_expect_str_eq(format(0), "0");
	cr_expect_str_eq(format(1795416401 * SECOND), "1795416401");
	cr_expect_str_eq(format(1795416401 * SECOND + 250000), "1795416401.25");
	cr_expect_str_eq(format(1), "0.000001");
	cr_expect_str_eq(format(-1), "-0.000001");
	cr_expect_str_eq(format(-1500000), "-1.5");
	cr_expect_str_eq(format(10 * SECOND), "10");
	cr_expect_str_eq(format(INT64_MAX), "9223372036854.775807");
	cr_expect_str_eq(format(INT64_MIN), "-9223372036854.775808");
}

Test(timestamp, reads_back_what_it_wrote)
{
	for (int64_t time_us = INT64_MAX; time_us != 0; time_us /= -3) {
		const char *text = format(time_us);
		int64_t again;

		cr_assert_eq(timestamp_parse(text, strlen(text), &again), 0);
		cr_expect_eq(again, time_us, "%s", text);
	}
}

Test(timestamp, writes_local_time_for_people)
{
	cr_assert_eq(setenv("TZ", "UTC-3", 1), 0);
	tzset();

	cr_expect_str_eq(format_local(0), "1970-01-01 03:00:00");
	cr_expect_str_eq(format_local(-1), "1970-01-01 02:59:59");
	cr_expect_str_eq(format_local(INT64_C(1795416401999999)), "2026-11-23 09:46:41");
	cr_expect_str_eq(format_local(INT64_MAX), "294247-01-10 07:00:54");
	cr_expect_gt(strlen(format_local(INT64_MIN)), 0);
}

Test(timestamp, has_clocks_that_go_on)
{
	int64_t monotonic_us = timestamp_monotonic_us();

	/* 2020 to 2200. */
	cr_expect_gt(timestamp_now_us(), 1577836800 * SECOND);
	cr_expect_lt(timestamp_now_us(), INT64_C(7258118400) * SECOND);
	cr_expect_geq(timestamp_monotonic_us(), monotonic_us);
}

Test(timestamp, reads_durations)
{
	static const struct {
		const char *text;
		int64_t duration_us;
	} cases[] = {
		{"10s", 10 * SECOND},
		{"1h30m", HOUR + 30 * MINUTE},
		{"350ms", 350000},
		{"7us", 7},
		{"60", 60 * SECOND},
		{"1d2h3m4s5ms6us", DAY + 2 * HOUR + 3 * MINUTE + 4005006},
		{"0", 0},
		{"0s", 0},
		{"106751991d", 106751991 * DAY},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t duration_us = 42;

		cr_expect_eq(duration_parse(cases[i].text, &duration_us), 0, "%s", cases[i].text);
		cr_expect_eq(duration_us, cases[i].duration_us, "%s", cases[i].text);
	}
}

Test(timestamp, refuses_what_is_no_duration)
{
	static const char *const texts[] = {"",   "s",    "-5s", "+5s", "5 s", " 5s",  "1.5s", "5x",
					    "5S", "1h30", "5sx", "ten", "5s ", "1s,2", "5mss"};
	int64_t duration_us = 42;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(duration_parse(texts[i], &duration_us), -EINVAL, "%s", texts[i]);
	cr_expect_eq(duration_parse("106751992d", &duration_us), -ERANGE);
	cr_expect_eq(duration_parse("99999999999999999999s", &duration_us), -ERANGE);
	cr_expect_eq(duration_parse("106751991d106751991d", &duration_us), -ERANGE);
	cr_expect_eq(duration_us, 42);
}

Test(timestamp, writes_durations_for_people)
{
	cr_expect_str_eq(format_duration(0), "0s");
	cr_expect_str_eq(format_duration(7), "7us");
	cr_expect_str_eq(format_duration(999), "999us");
	cr_expect_str_eq(format_duration(1000), "1ms");
	cr_expect_str_eq(format_duration(1290), "1.2ms");
	cr_expect_str_eq(format_duration(12900), "12ms");
	cr_expect_str_eq(format_duration(350000), "350ms");
	cr_expect_str_eq(format_duration(SECOND), "1s");
	cr_expect_str_eq(format_duration(1500000), "1.5s");
	cr_expect_str_eq(format_duration(10 * SECOND), "10s");
	cr_expect_str_eq(format_duration(MINUTE - 1), "59s");
	cr_expect_str_eq(format_duration(MINUTE), "1m");
	cr_expect_str_eq(format_duration(150 * SECOND), "2m30s");
	cr_expect_str_eq(format_duration(HOUR + 59), "1h");
	cr_expect_str_eq(format_duration(3 * DAY + 4 * HOUR + 5 * MINUTE), "3d4h");
	cr_expect_str_eq(format_duration(-150 * SECOND), "-2m30s");
	cr_expect_str_eq(format_duration(INT64_MIN), "-106751991d4h");
}
