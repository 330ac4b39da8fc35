/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_DELETE_H
#define COLLECTOR_DELETE_H

/*
 * Deletes samples of series: it is logged, and once that is durable no reader sees a sample that came
 * before it. What comes later is not touched, also where its time lies in the range.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/engine.h"

struct delete_range {
	int64_t since_us; /* both belong to it */
	int64_t until_us;
};

/*
 * Have it logged that samples of some series are deleted: all of it or none.
 * @param series  by host; those of one host beside each other
 * @param ret_ticket  for delete_is_durable()
 * @return 0; -ENOMEM; -errno: engine->trouble
 */
int delete_log(struct engine *engine, struct catalog_series *const *series, size_t n,
	       const struct delete_range *range, uint64_t *ret_ticket);

bool delete_is_durable(struct engine *engine, uint64_t ticket);

/*
 * Afterwards: find the last samples of those series whose last one was deleted.
 * @return 0; -ENOMEM; -errno: they are not known until another sample comes, or until the next start
 */
int delete_settle(struct engine *engine, struct catalog_series *const *series, size_t n,
		  const struct delete_range *range);

#endif
