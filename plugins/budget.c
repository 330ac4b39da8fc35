/* SPDX-License-Identifier: MIT */
/* The option `budget` of plugins whose files may be slow to read. */

#include "plugins/budget.h"

#include <bsd/string.h>
#include <errno.h>
#include <string.h>

#include "hostmetrics/sysfs.h"

#define BUDGET_MAX_MS 10000

static int64_t parse_us(const char *value)
{
	uint64_t budget_ms;

	if (hm_span_uint64((struct hm_span){value, strlen(value)}, &budget_ms) < 0 ||
	    budget_ms < 1 || budget_ms > BUDGET_MAX_MS)
		return -EINVAL;
	return (int64_t)budget_ms * 1000;
}

int budget_check(const char *value, char *reason, size_t size)
{
	if (parse_us(value) > 0)
		return 0;
	(void)strlcpy(reason, "must be 1 to 10000", size);
	return -EINVAL;
}

int64_t budget_us(const struct hm_host *host)
{
	return parse_us(hm_option(host, BUDGET_NAME));
}
