/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_ZONE_H
#define AGENT_CTL_ZONE_H

/* The zone in which times are shown and typed: the user's (TZ, else /etc/localtime), or UTC. */

#include <stdint.h>
#include <time.h>

#include "common/buffer.h"

/* Which one is meant when the clocks show the same twice. */
enum zone_choice {
	ZONE_FIRST,
	ZONE_LAST,
};

/* From now on UTC, for the whole process. No other thread may look at the zone meanwhile. */
void zone_use_utc(void);

/*
 * Find when the clocks of the zone show this. What they skip when they are put forward is read as if
 * they had not been, as RFC 5545 has it: 02:30 is half an hour after 02:00.
 * @param clock  tm_year to tm_sec; a tm_mday outside its month counts from its beginning
 * @return seconds since 1970 UTC
 */
int64_t zone_find_time(const struct tm *clock, enum zone_choice choice);

/* Append "2026-10-25 02:13:57"; with "+02:00" behind it when the clocks show that twice. */
void zone_append_readable(struct buffer *out, int64_t time_us);

/* Append "2026-11-24T02:13:57", or "2026-11-24T02:13:57.250000". With a blank instead of the T it would
 * be a text to LibreOffice, unless it is told to "detect special numbers". */
void zone_append_exact(struct buffer *out, int64_t time_us);

#endif
