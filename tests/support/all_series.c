/* SPDX-License-Identifier: MIT */
/* What an engine has, for tests. */

#include "tests/support/all_series.h"

#include <errno.h>
#include <stdlib.h>

int all_series_list(struct engine *engine, struct catalog_series ***ret_series, size_t *ret_n)
{
	const struct pool *all = &engine->catalog.series;
	struct catalog_series **copy;

	pthread_mutex_lock(&engine->mutex);
	*ret_n = all->n;
	copy = calloc(all->n + 1, sizeof(struct catalog_series *));
	for (size_t i = 0; copy && i < all->n; i++)
		copy[i] = pool_at(all, i);
	pthread_mutex_unlock(&engine->mutex);
	*ret_series = copy;
	return copy ? 0 : -ENOMEM;
}
