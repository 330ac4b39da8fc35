/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_BUDGET_H
#define COLLECTOR_BUDGET_H

/* What many may use together, so that none of them can be kept small alone. Any thread. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
	int64_t max;
	_Atomic int64_t used;
};

/* Take `n`. @return false = that would be over the maximum, and nothing was taken */
static inline bool budget_take(struct budget *budget, int64_t n)
{
	if (atomic_fetch_add(&budget->used, n) + n <= budget->max)
		return true;
	atomic_fetch_sub(&budget->used, n);
	return false;
}

/* Give back what was taken. */
static inline void budget_give(struct budget *budget, int64_t n)
{
	atomic_fetch_sub(&budget->used, n);
}

#endif
