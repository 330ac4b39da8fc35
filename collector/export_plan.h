/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_EXPORT_PLAN_H
#define COLLECTOR_EXPORT_PLAN_H

/* Which series an export has, in which order, and what was known of their metrics when it began. */

#include <stdbool.h>
#include <stddef.h>

#include "collector/selection.h"

struct export_file {
	const struct catalog_file *file;
	size_t end; /* of its series: index behind the last one */
	enum hm_stored_kind kind;
	const char *unit; /* borrowed from the engine */
	bool is_shared;
};

struct export_plan {
	struct selection selection;
	struct export_file *files;
	size_t n_files;
	bool has_many_hosts;
};

struct export_wish {
	const char *series; /* as selection_new() */
	const char *host;
	bool by_metric;
};

/* @return 0; -ENOENT: no series matches; as selection_new() */
int export_plan_new(struct engine *engine, const struct export_wish *wish,
		    const struct limits *limits, struct export_plan *ret_plan);

/* Takes a zeroed plan. */
void export_plan_done(struct export_plan *plan);

#endif
