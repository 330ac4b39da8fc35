/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/zone.c. The zones are written as POSIX has them: no tzdata is needed. */

#include "agent/ctl/zone.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BERLIN    "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK  "EST5EDT,M3.2.0,M11.1.0"
#define KOLKATA   "IST-5:30"
#define SAO_PAULO "<-03>3<-02>,M10.3.0/0,M2.3.0/0" /* until 2019: at midnight */

#define SECOND_US INT64_C(1000000)

/* 2026-10-25T01:00:00Z, when Berlin's clocks go from 03:00 back to 02:00 */
#define BACK INT64_C(1792890000)
/* 2026-03-29T01:00:00Z, when they go from 02:00 on to 03:00 */
#define FORTH INT64_C(1774746000)

static struct buffer out;

static void set_zone(const char *zone)
{
	cr_assert_eq(setenv("TZ", zone, 1), 0);
	tzset();
}

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(zone, .fini = teardown);

static void expect_found(const char *text, int64_t first, int64_t last)
{
	struct tm clock = {0};
	int64_t got;

	cr_assert_not_null(strptime(text, "%Y-%m-%d %H:%M:%S", &clock));
	got = zone_find_time(&clock, ZONE_FIRST);
	cr_expect_eq(got, first, "first %s: %" PRId64 " instead of %" PRId64, text, got, first);
	got = zone_find_time(&clock, ZONE_LAST);
	cr_expect_eq(got, last, "last %s: %" PRId64 " instead of %" PRId64, text, got, last);
}

static const char *readable(int64_t seconds)
{
	buffer_clear(&out);
	zone_append_readable(&out, seconds * SECOND_US);
	return buffer_text(&out);
}

static const char *exact(int64_t time_us)
{
	buffer_clear(&out);
	zone_append_exact(&out, time_us);
	return buffer_text(&out);
}

Test(zone, finds_both_times_of_an_hour_that_the_clocks_show_twice)
{
	set_zone(BERLIN);
	expect_found("2026-10-25 01:59:59", BACK - 3601, BACK - 3601);
	expect_found("2026-10-25 02:00:00", BACK - 3600, BACK);
	expect_found("2026-10-25 02:59:59", BACK - 1, BACK + 3599);
	expect_found("2026-10-25 03:00:00", BACK + 3600, BACK + 3600);
	set_zone(NEW_YORK);
	expect_found("2026-11-01 01:30:00", 1793511000, 1793514600);
}

Test(zone, reads_an_hour_that_the_clocks_skip_as_if_they_went_on)
{
	set_zone(BERLIN);
	expect_found("2026-03-29 01:59:59", FORTH - 1, FORTH - 1);
	expect_found("2026-03-29 02:00:00", FORTH, FORTH);
	expect_found("2026-03-29 02:30:00", FORTH + 1800, FORTH + 1800);
	expect_found("2026-03-29 03:00:00", FORTH, FORTH);
}

Test(zone, finds_a_midnight_that_the_clocks_skip)
{
	/* 2018-10-21: the day begins at 01:00, which is 03:00 UTC. */
	set_zone(SAO_PAULO);
	expect_found("2018-10-21 00:00:00", 1540090800, 1540090800);
	cr_expect_str_eq(readable(1540090800), "2018-10-21 01:00:00");
}

Test(zone, agrees_with_the_c_library_wherever_there_is_one_answer)
{
	static const char *const zones[] = {"UTC0",  BERLIN,     NEW_YORK,
					    KOLKATA, "<+14>-14", "<-12>12"};

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		set_zone(zones[i]);
		for (int64_t seconds = BACK - 34560000; seconds < BACK; seconds += 1801) {
			time_t time = (time_t)seconds;
			struct tm clock;

			cr_assert_not_null(localtime_r(&time, &clock));
			cr_expect(zone_find_time(&clock, ZONE_FIRST) == seconds ||
					  zone_find_time(&clock, ZONE_LAST) == seconds,
				  "%s: %" PRId64, zones[i], seconds);
		}
	}
}

Test(zone, tells_apart_what_the_clocks_show_twice)
{
	set_zone(BERLIN);
	cr_expect_str_eq(readable(BACK - 3601), "2026-10-25 01:59:59");
	cr_expect_str_eq(readable(BACK - 3600), "2026-10-25 02:00:00+02:00");
	cr_expect_str_eq(readable(BACK), "2026-10-25 02:00:00+01:00");
	cr_expect_str_eq(readable(BACK + 3599), "2026-10-25 02:59:59+01:00");
	cr_expect_str_eq(readable(BACK + 3600), "2026-10-25 03:00:00");
	cr_expect_str_eq(readable(FORTH - 1), "2026-03-29 01:59:59");
	cr_expect_str_eq(readable(FORTH), "2026-03-29 03:00:00");
	set_zone(NEW_YORK);
	cr_expect_str_eq(readable(1793511000), "2026-11-01 01:30:00-04:00");
	set_zone(KOLKATA);
	cr_expect_str_eq(readable(BACK), "2026-10-25 06:30:00");
}

Test(zone, gives_spreadsheets_the_fraction_of_a_second)
{
	set_zone(BERLIN);
	cr_expect_str_eq(exact(BACK * SECOND_US), "2026-10-25T02:00:00");
	cr_expect_str_eq(exact(BACK * SECOND_US + 250000), "2026-10-25T02:00:00.250000");
	cr_expect_str_eq(exact(-1), "1970-01-01T00:59:59.999999");
	cr_expect_str_eq(exact(1), "1970-01-01T01:00:00.000001");
}

Test(zone, can_be_utc)
{
	set_zone(BERLIN);
	zone_use_utc();
	cr_expect_str_eq(readable(BACK), "2026-10-25 01:00:00");
	expect_found("2026-10-25 02:30:00", BACK + 5400, BACK + 5400);
}

/* The earliest and the latest time that there is. */
Test(zone, appends_the_fraction_of_any_time)
{
	set_zone("UTC0");

	cr_expect_str_eq(strrchr(exact(INT64_MIN), '.'), ".224192");
	cr_expect_str_eq(strrchr(exact(INT64_MAX), '.'), ".775807");
	cr_expect_str_eq(exact(-1), "1969-12-31T23:59:59.999999");
}
