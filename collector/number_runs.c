/* SPDX-License-Identifier: MIT */
/* Growing numbers, most of which follow each other. */

#include "collector/number_runs.h"

#include <errno.h>
#include <stddef.h>

int number_runs_add(struct number_runs *runs, struct pool *pool, uint32_t number)
{
	struct number_run *last = runs->last > 0 ? pool_at(pool, runs->last - 1) : &runs->first;
	struct number_run *further;

	if (last->n == 0)
		last->first = number;
	if (last->first + last->n == number) {
		last->n++;
		return 0;
	}
	further = pool_make(pool);
	if (!further)
		return -ENOMEM;
	further->first = number;
	further->n = 1;
	last->next = runs->last = (uint32_t)++pool->n;
	return 0;
}

const struct number_run *number_runs_next(const struct pool *pool, const struct number_run *run)
{
	return run->next > 0 ? pool_at(pool, run->next - 1) : NULL;
}
