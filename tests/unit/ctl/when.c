/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/when.c. */

#include "agent/ctl/when.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)
#define HOUR_US   (3600 * SECOND_US)
#define DAY_US    (24 * HOUR_US)

/* 2026-11-24T02:13:57.25Z */
#define NOW_US INT64_C(1795486437250000)

/* 2026-11-24T00:00:00Z */
#define MIDNIGHT_US INT64_C(1795478400000000)

static void set_zone(const char *zone)
{
	cr_assert_eq(setenv("TZ", zone, 1), 0);
	tzset();
}

static void setup(void)
{
	set_zone("UTC");
}

TestSuite(when, .init = setup);

static void expect(const char *text, int64_t time_us)
{
	int64_t got_us = -1;

	cr_expect_eq(when_parse(text, NOW_US, ZONE_FIRST, &got_us), 0, "%s", text);
	cr_expect_eq(got_us, time_us, "%s: %" PRId64 " instead of %" PRId64, text, got_us, time_us);
}

static void expect_refused(const char *text)
{
	int64_t got_us = 7;
	int result = when_parse(text, NOW_US, ZONE_FIRST, &got_us);

	cr_expect(result == -EINVAL || result == -ERANGE, "%s", text);
	cr_expect_eq(got_us, 7, "%s: written only on success", text);
}

Test(when, knows_the_words)
{
	expect("now", NOW_US);
	expect("today", MIDNIGHT_US);
	expect("yesterday", MIDNIGHT_US - DAY_US);
}

Test(when, counts_back_from_now)
{
	expect("-5m", NOW_US - 300 * SECOND_US);
	expect("-1h30m", NOW_US - 5400 * SECOND_US);
	expect("-250ms", NOW_US - 250000);
	expect("-90", NOW_US - 90 * SECOND_US);
	expect("-2d", NOW_US - 2 * DAY_US);
}

Test(when, reads_dates_and_clock_times)
{
	expect("2026-11-24", MIDNIGHT_US);
	expect("2026-11-24T02:13", MIDNIGHT_US + (2 * 3600 + 13 * 60) * SECOND_US);
	expect("2026-11-24 02:13", MIDNIGHT_US + (2 * 3600 + 13 * 60) * SECOND_US);
	expect("2026-11-24T02:13:57", NOW_US - 250000);
	expect("2026-11-24T02:13:57.25", NOW_US);
	expect("2026-11-24T02:13:57.250000999", NOW_US);
	expect("02:13", MIDNIGHT_US + (2 * 3600 + 13 * 60) * SECOND_US);
	expect("02:13:57.5", NOW_US + 250000);
	expect("2024-02-29", INT64_C(1709164800000000));
	expect("1969-12-31T23:59:59", -SECOND_US);
}

Test(when, reads_zones)
{
	set_zone("EST5EDT,M3.2.0,M11.1.0");
	expect("2026-11-24T02:13:57.25Z", NOW_US);
	expect("2026-11-24T03:13:57.25+01:00", NOW_US);
	expect("2026-11-24T03:13:57.25+0100", NOW_US);
	expect("2026-11-24T03:13:57.25+01", NOW_US);
	expect("2026-11-23T22:43:57.25-03:30", NOW_US);
}

Test(when, is_local_without_a_zone)
{
	set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	expect("2026-11-24T03:13:57.25", NOW_US);
	expect("today", MIDNIGHT_US - HOUR_US);
	expect("yesterday", MIDNIGHT_US - HOUR_US - DAY_US);
	expect("03:13:57.25", NOW_US);
}

Test(when, knows_a_day_that_is_not_24_hours_long)
{
	int64_t monday_us;
	int64_t sunday_us;

	/* Summer time ended on Sunday, 2026-10-25. */
	set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	cr_assert_eq(when_parse("2026-10-26", NOW_US, ZONE_FIRST, &monday_us), 0);
	cr_assert_eq(when_parse("yesterday", monday_us + 5, ZONE_FIRST, &sunday_us), 0);
	cr_expect_eq(monday_us - sunday_us, 25 * HOUR_US);
}

Test(when, reads_unix_seconds)
{
	expect("1795486437.25", NOW_US);
	expect("0", 0);
	expect("1795486437", NOW_US - 250000);
}

Test(when, refuses_what_is_no_time)
{
	static const char *const texts[] = {
		"",
		"-",
		"--5m",
		"-5x",
		"tomorrow",
		"5m",
		"2026-13-01",
		"2026-00-01",
		"2026-02-29",
		"2026-11-31",
		"2026-1-1",
		"2026-11-24T",
		"2026-11-24T24:00",
		"2026-11-24T02:60",
		"2026-11-24T02:13:60",
		"2026-11-24T02:13:57.",
		"2026-11-24T02:13:",
		"2026-11-24T02:13Zulu",
		"2026-11-24T02:13+1",
		"2026-11-24T02:13+01:0",
		"2026-11-24T02:13+01:00:00",
		"2026-11-24 ",
		"2026-11-24x",
		"02:13Z",
		"2:13",
		"02:1",
		"99999999999999999999",
		"-99999999999999999999d",
		"nan",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_refused(texts[i]);
}
