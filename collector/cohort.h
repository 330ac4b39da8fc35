/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_COHORT_H
#define COLLECTOR_COHORT_H

/* Series that have the same values of chosen labels, and the same metric: their windows are one. */

#include <stddef.h>

#include "collector/budget.h"
#include "collector/catalog.h"
#include "collector/window.h"

struct cohort {
	struct window_rule rule;
	struct window *windows; /* sorted by time */
	size_t n_windows;
	size_t capacity;
	int64_t n_bytes;  /* taken from the budget */
	const char *host; /* NULL = of any */
	char name[];      /* the metric with the chosen labels; behind its NUL the host */
};

struct cohorts;

/*
 * @param by      names of labels, separated by commas; `host` is the host. "": all of a metric are one
 * @param key     copied
 * @param memory  what the windows may take; borrowed
 * @return 0; -ENOMEM; -E2BIG: more than 64 labels
 */
int cohorts_new(const char *by, const struct hash_key *key, struct budget *memory,
		struct cohorts **ret_cohorts);

/* Takes NULL. */
void cohorts_free(struct cohorts *cohorts);

/*
 * Add the windows of a series, sorted by time. They are empty then, whatever comes out of it.
 * @param rule  that of the cohort's first series counts
 * @return 0; -ENOMEM; -ENOBUFS: over the budget
 */
int cohorts_add(struct cohorts *cohorts, const struct catalog_series *series,
		const struct window_rule *rule, struct window *windows, size_t n_windows);

/* All of them, sorted by host and name. Nothing may be added any more. */
struct cohort **cohorts_list(struct cohorts *cohorts, size_t *ret_n);

#endif
