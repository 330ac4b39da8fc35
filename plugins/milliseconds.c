/* SPDX-License-Identifier: MIT */
/* Options that are milliseconds of a round. */

#include "plugins/milliseconds.h"

#include <bsd/string.h>
#include <errno.h>
#include <string.h>

#include "hostmetrics/sysfs.h"

#define VALUE_MAX 10000

static int64_t parse_us(const char *value)
{
	uint64_t milliseconds;

	if (hm_span_uint64((struct hm_span){value, strlen(value)}, &milliseconds) < 0 ||
	    milliseconds < 1 || milliseconds > VALUE_MAX)
		return -EINVAL;
	return (int64_t)milliseconds * 1000;
}

int milliseconds_check(const char *value, char *reason, size_t size)
{
	if (parse_us(value) > 0)
		return 0;
	(void)strlcpy(reason, "must be 1 to 10000", size);
	return -EINVAL;
}

int64_t milliseconds_us(const struct hm_host *host, const char *option)
{
	return parse_us(hm_option(host, option));
}
