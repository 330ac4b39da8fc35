/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_AGGREGATE_H
#define COLLECTOR_AGGREGATE_H

/*
 * A function over windows of what a query gives (collector/window.h), by series, or by cohorts of
 * them (collector/cohort.h). By series it holds one window at a time, by cohorts all of them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/cohort.h"
#include "collector/engine.h"
#include "collector/query.h"
#include "collector/window.h"

struct aggregate;

struct aggregate_options {
	struct window_rule rule;
	/* Rate for counters, and for what nobody said anything about and is named *_total; avg for
	 * gauges; last for the rest. Of cohorts: as their first series is. */
	bool chooses_function;
	const char *by; /* as cohorts_new(); NULL = by series */
};

struct aggregate_row {
	const struct catalog_series *series; /* NULL = of a cohort */
	const struct cohort *cohort;
	int64_t time_us; /* at which the window begins */
	double value;
};

/* From when on the query must read. */
int64_t aggregate_read_since(const struct aggregate_options *options);

/*
 * @param query   of samples from aggregate_read_since() on; borrowed
 * @param memory  what cohorts may take; borrowed
 * @return 0; -ENOMEM; -E2BIG: too many labels
 */
int aggregate_new(struct engine *engine, struct query *query,
		  const struct aggregate_options *options, struct budget *memory,
		  struct aggregate **ret_aggregate);

/* Takes NULL. */
void aggregate_free(struct aggregate *aggregate);

/*
 * The next rows, sorted by host, name and time.
 * @param ret_rows  borrowed until the next call
 * @return 1, perhaps with no row yet; 0: no more; -ENOBUFS: over the budget; -errno of query_next()
 */
int aggregate_next(struct aggregate *aggregate, const struct aggregate_row **ret_rows,
		   size_t *ret_n);

#endif
