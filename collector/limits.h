/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_LIMITS_H
#define COLLECTOR_LIMITS_H

/* What a query may take, of memory and of time. */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/budget.h"

struct limits {
	struct budget *memory; /* borrowed; NULL = without limit */
	int (*check)(
		void *context); /* asked now and then: 0, or -errno to end with. NULL = go on */
	void *context;
};

/* @return 0 or -ENOBUFS */
static inline int limits_take(const struct limits *limits, size_t n_bytes)
{
	return !limits->memory || budget_take(limits->memory, (int64_t)n_bytes) ? 0 : -ENOBUFS;
}

static inline void limits_give(const struct limits *limits, size_t n_bytes)
{
	if (limits->memory)
		budget_give(limits->memory, (int64_t)n_bytes);
}

/* @return 0, or -errno to end with */
static inline int limits_check(const struct limits *limits)
{
	return limits->check ? limits->check(limits->context) : 0;
}

#endif
