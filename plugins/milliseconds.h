/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_MILLISECONDS_H
#define PLUGINS_MILLISECONDS_H

/*
 * Options that are milliseconds of a round, 1 to 10000: the `budget` of plugins whose files may be slow to read, the `timeout_ms`
 * of those that have tasks done (hostmetrics/task.h).
 */

#include <stddef.h>
#include <stdint.h>

#include "hostmetrics/plugin.h"

#define BUDGET_NAME "budget"
#define BUDGET_HELP                                                                                \
	"Reading ends when it took so many milliseconds of a round, 1 to 10000; what had no turn is told as it was"

#define TIMEOUT_NAME     "timeout_ms"
#define TIMEOUT_FALLBACK "30"

/* What struct hm_option asks. */
int milliseconds_check(const char *value, char *reason, size_t size);

/* @return the option in microseconds, or -EINVAL */
int64_t milliseconds_us(const struct hm_host *host, const char *option);

#endif
