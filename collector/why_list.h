/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WHY_LIST_H
#define COLLECTOR_WHY_LIST_H

/* What was found out of all series of a host: what is the same of several is there once. */

#include <stddef.h>
#include <stdint.h>

#include "collector/catalog.h"
#include "collector/hash.h"
#include "collector/limits.h"
#include "collector/table.h"
#include "collector/why.h"

struct why_finding {
	int64_t from_us; /* INT64_MIN: does not matter */
	int64_t to_us;   /* WHY_STILL: up to now, and on */
	unsigned what;   /* enum hm_reason or why_verdict */
	uint64_t n_series;
	const struct catalog_series *series; /* the first of them */
};

/* Zeroed but for key and limits: empty. */
struct why_list {
	const struct hash_key *key; /* borrowed, as is what limits has */
	const struct limits *limits;
	struct pool findings;
	struct table table;
};

/* Count one of a series. @return 0; -ENOMEM; -ENOBUFS */
int why_list_add(struct why_list *list, const struct why_finding *finding,
		 const struct catalog_series *series);

/* All of them by their times. @param ret_sorted  to be freed by the caller. @return 0 or -ENOMEM */
int why_list_sort(const struct why_list *list, const struct why_finding ***ret_sorted);

/* Release the memory; it is empty again. */
void why_list_done(struct why_list *list);

/* The key of what is told, and a phrase for people. */
const char *why_key(unsigned what);
const char *why_text(unsigned what);

#endif
