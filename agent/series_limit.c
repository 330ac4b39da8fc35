/* SPDX-License-Identifier: MIT */
/* How many series the agent has. */

#include "agent/series_limit.h"

bool series_limit_has_place(const struct series_limit *limit)
{
	return !limit || limit->n_placed < limit->max;
}

uint64_t series_limit_take(struct series_limit *limit)
{
	if (!limit)
		return 0;
	limit->n_placed++;
	return ++limit->last_order;
}

void series_limit_give_back(struct series_limit *limit)
{
	if (limit)
		limit->n_placed--;
}

bool series_limit_may_keep(const struct series_limit *limit)
{
	return !limit || limit->n_kept < limit->max;
}

void series_limit_keep(struct series_limit *limit)
{
	if (limit)
		limit->n_kept++;
}

void series_limit_forget(struct series_limit *limit)
{
	if (limit)
		limit->n_kept--;
}
