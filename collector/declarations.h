/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_DECLARATIONS_H
#define COLLECTOR_DECLARATIONS_H

/* What a session's `# TYPE` and `# UNIT` lines said of its metrics. Bounded; kept small. */

#include "collector/bundle.h"
#include "collector/hash.h"
#include "common/line.h"

/* Metrics that one session may declare, and bytes for all their names and units. */
#define DECLARATIONS_MAX       4096
#define DECLARATIONS_MAX_BYTES ((size_t)256 << 10)

struct declarations;

/* @return 0 or -ENOMEM */
int declarations_new(struct declarations **ret_declarations);

/* Takes NULL. */
void declarations_free(struct declarations *declarations);

/*
 * Keep what a LINE_TYPE or LINE_UNIT says; a later one wins.
 * @return 0; -ENOMEM; -ENOSPC: over the limits, not kept; -EINVAL: a unit over the limit
 */
int declarations_add(struct declarations *declarations, const struct hash_key *key,
		     const struct line *line);

/* What is known of the metric. The unit is borrowed until the next add. */
struct bundle_meta declarations_find(struct declarations *declarations, const struct hash_key *key,
				     const struct series_text *metric);

#endif
