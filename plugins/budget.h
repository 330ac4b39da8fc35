/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_BUDGET_H
#define PLUGINS_BUDGET_H

/* The option `budget` of plugins whose files may be slow to read: milliseconds of a round. */

#include <stddef.h>
#include <stdint.h>

#include "hostmetrics/plugin.h"

#define BUDGET_NAME "budget"
#define BUDGET_HELP                                                                                \
	"Reading ends when it took so many milliseconds of a round, 1 to 10000; what had no turn is told as it was"

/* What struct hm_option asks. */
int budget_check(const char *value, char *reason, size_t size);

/* @return the option in microseconds, or -EINVAL */
int64_t budget_us(const struct hm_host *host);

#endif
