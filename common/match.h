/* SPDX-License-Identifier: MIT */
#ifndef COMMON_MATCH_H
#define COMMON_MATCH_H

/* What a person types to choose series: SERIES or GLOB. */

#include <stdbool.h>

/*
 * Does the pattern choose the series?
 * @param pattern  without '{': a glob over the metric's name; with '{': the series' name in any order
 *                 of its labels, or a glob over the canonical text; NULL or "": everything
 * @param series   canonical text (common/series.h)
 */
bool match_series(const char *pattern, const char *series);

/* Is the host chosen? @param pattern  a glob; NULL or "": every host */
bool match_host(const char *pattern, const char *host);

#endif
