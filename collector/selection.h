/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_SELECTION_H
#define COLLECTOR_SELECTION_H

/* The series that a person asked for, in the order in which they are shown. */

#include <stddef.h>

#include "collector/engine.h"
#include "collector/limits.h"
#include "common/buffer.h"

struct selection {
	struct catalog_series **series; /* borrowed from the engine; sorted by host, then by name */
	size_t n;
};

/*
 * @param series  what match_new() takes; NULL or "": all
 * @param host    a glob; NULL or "": all
 * @param limits  of time only: the list of all series of a metric, 8 bytes each, is not counted
 * @return 0, also when nothing matches; -EINVAL: `series` is no pattern; -ENOMEM; -errno of the limits
 */
int selection_new(struct engine *engine, const char *series, const char *host,
		  const struct limits *limits, struct selection *ret_selection);

/* Takes a zeroed selection. */
void selection_done(struct selection *selection);

/* Write a series' canonical name into `out`, over what is there. @return it, borrowed from `out`, or
 * "" without memory */
const char *selection_name(const struct catalog_series *series, struct buffer *out);

#endif
