/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_WHEN_H
#define AGENT_CTL_WHEN_H

/* Points in time as a person types them. */

#include <stdint.h>

#include "agent/ctl/zone.h"

/*
 * Read `now`, `today` and `yesterday` (their midnight), `-5m` (so long ago), `02:13[:57[.5]]`
 * (today), `2026-11-24` (its midnight), `2026-11-24T02:13[:57[.5]][Z|+01:00]` (a blank does for the
 * T), or Unix seconds. Without a zone it is the one in force.
 * @param now_us  what `now` is
 * @param choice  of times that the clocks show twice
 * @return 0; -EINVAL: none of these, or no such day or hour; -ERANGE
 */
int when_parse(const char *text, int64_t now_us, enum zone_choice choice, int64_t *ret_time_us);

#endif
