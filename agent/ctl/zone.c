/* SPDX-License-Identifier: MIT */
/* The zone in which times are shown and typed. */

#include "agent/ctl/zone.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/timestamp.h"

#define DAY_SECONDS INT64_C(86400)

void zone_use_utc(void)
{
	/* Without memory for three bytes it stays the user's zone: what follows will fail too. */
	(void)setenv("TZ", "UTC0", 1);
	tzset();
}

/* Seconds by which the zone's clocks are ahead of UTC at that time. */
static int64_t offset_at(int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm clock;

	return localtime_r(&time, &clock) ? clock.tm_gmtoff : 0;
}

int64_t zone_find_time(const struct tm *clock, enum zone_choice choice)
{
	struct tm copy = *clock;
	/* Right in UTC: nowhere further than a day from it. */
	int64_t guess = timegm(&copy);
	int64_t offset_before = offset_at(guess - DAY_SECONDS);
	int64_t offset_after = offset_at(guess + DAY_SECONDS);
	int64_t first = guess - offset_before;
	int64_t last = guess - offset_after;
	bool is_first = offset_at(first) == offset_before;
	bool is_last = offset_at(last) == offset_after;

	if (is_first && is_last)
		return choice == ZONE_FIRST ? first : last;
	return is_last ? last : first;
}

/* Do the clocks show at another time what they show at this one? */
static bool is_repeated(int64_t seconds)
{
	int64_t offset = offset_at(seconds);

	for (int side = -1; side <= 1; side += 2) {
		int64_t other = offset_at(seconds + side * DAY_SECONDS);

		if (other != offset && offset_at(seconds + offset - other) == other)
			return true;
	}
	return false;
}

/* Rounded down, before 1970 too. */
static int64_t whole_seconds(int64_t time_us)
{
	return time_us / TIMESTAMP_SECOND_US - (time_us % TIMESTAMP_SECOND_US < 0);
}

void zone_append_readable(struct buffer *out, int64_t time_us)
{
	int64_t seconds = whole_seconds(time_us);
	char text[TIMESTAMP_TEXT_MAX_BYTES];

	timestamp_format_local(time_us, text);
	buffer_append_text(out, text);
	if (is_repeated(seconds)) {
		int64_t minutes = offset_at(seconds) / 60;

		buffer_printf(out, "%c%02d:%02d", minutes < 0 ? '-' : '+', abs((int)minutes) / 60,
			      abs((int)minutes) % 60);
	}
}

void zone_append_exact(struct buffer *out, int64_t time_us)
{
	int64_t fraction_us = time_us % TIMESTAMP_SECOND_US;
	char text[TIMESTAMP_TEXT_MAX_BYTES];

	if (fraction_us < 0)
		fraction_us += TIMESTAMP_SECOND_US;
	timestamp_format_local(time_us, text);
	text[strcspn(text, " ")] = 'T';
	buffer_append_text(out, text);
	if (fraction_us > 0)
		buffer_printf(out, ".%06d", (int)fraction_us);
}
