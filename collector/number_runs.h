/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_NUMBER_RUNS_H
#define COLLECTOR_NUMBER_RUNS_H

/*
 * Growing numbers, most of which follow each other: the first run stands by itself, further ones in a pool
 * that many such lists share. For what there are millions of. Zeroed = empty.
 */

#include <stdint.h>

#include "collector/pool.h"

struct number_run {
	uint32_t first;
	uint32_t n;
	uint32_t next; /* its place in the pool + 1; 0 = there is none */
};

struct number_runs {
	struct number_run first;
	uint32_t last; /* place in the pool + 1; 0 = it is `first` */
};

/*
 * Add a number that is greater than all that are in it.
 * @param pool  of struct number_run. Where pool_make() gave room before, this does not fail
 * @return 0 or -ENOMEM
 */
int number_runs_add(struct number_runs *runs, struct pool *pool, uint32_t number);

/* The run behind another. @return NULL: there is none */
const struct number_run *number_runs_next(const struct pool *pool, const struct number_run *run);

#endif
