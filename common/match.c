/* SPDX-License-Identifier: MIT */
/* What a person types to choose series: SERIES or GLOB. */

#include "common/match.h"

#include <fnmatch.h>
#include <string.h>

#include "common/buffer.h"
#include "common/series.h"

/* A name that reads like a glob still chooses itself. */
static bool match_glob(const char *pattern, const char *text)
{
	return strcmp(pattern, text) == 0 || fnmatch(pattern, text, 0) == 0;
}

static bool is_empty(const char *pattern)
{
	return !pattern || !*pattern;
}

/* Is the pattern, put into canonical form, this series? */
static bool names_series(const char *pattern, const char *text)
{
	size_t length = strlen(pattern);
	struct series series;
	struct buffer canonical = {0};
	size_t used;
	bool is_same;

	if (series_parse(&series, pattern, length, &used) != HM_REASON_NONE || used != length)
		return false;
	series_format(&series, &canonical);
	is_same = strcmp(buffer_text(&canonical), text) == 0;
	buffer_done(&canonical);
	return is_same;
}

bool match_series(const char *pattern, const char *series)
{
	size_t length = strcspn(series, "{");
	char metric[HM_METRIC_NAME_MAX_BYTES + 1];

	if (is_empty(pattern))
		return true;
	if (strchr(pattern, '{'))
		return names_series(pattern, series) || match_glob(pattern, series);
	if (length >= sizeof(metric))
		return false;
	memcpy(metric, series, length);
	metric[length] = '\0';
	return match_glob(pattern, metric);
}

bool match_host(const char *pattern, const char *host)
{
	return is_empty(pattern) || match_glob(pattern, host);
}
