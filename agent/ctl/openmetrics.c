/* SPDX-License-Identifier: MIT */
/* What OpenMetrics takes for a name. */

#include "agent/ctl/openmetrics.h"

#include <string.h>

#define TOTAL "_total"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(const char *name, size_t length, bool may_colon)
{
	if (length == 0 || is_digit(name[0]))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_letter(name[i]) && !is_digit(name[i]) && !(may_colon && name[i] == ':'))
			return false;
	}
	return true;
}

bool openmetrics_is_metric_name(const char *name, size_t length)
{
	return is_name(name, length, true);
}

bool openmetrics_is_label_name(const char *name, size_t length)
{
	return is_name(name, length, false);
}

bool openmetrics_is_total(const char *name, size_t length)
{
	return length > OPENMETRICS_TOTAL_BYTES &&
	       memcmp(name + length - OPENMETRICS_TOTAL_BYTES, TOTAL, OPENMETRICS_TOTAL_BYTES) == 0;
}

bool openmetrics_is_unit_of(const char *name, size_t length, const char *unit)
{
	size_t unit_length = strlen(unit);

	return unit_length < length && name[length - unit_length - 1] == '_' &&
	       is_name(name, length, true) &&
	       memcmp(name + length - unit_length, unit, unit_length) == 0;
}
