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

/* Bytes that the declarations of all sessions of a collector may take together. */
#define DECLARATIONS_TOTAL_MAX_BYTES (INT64_C(128) << 20)

/*
 * @param budget  of all sessions: what is taken here is charged to it; borrowed; NULL = no limit
 * @return 0; -ENOMEM; -ENOSPC: the budget is used up
 */
int declarations_new(struct budget *budget, struct declarations **ret_declarations);

/* Takes NULL. */
void declarations_free(struct declarations *declarations);

/*
 * Keep what a LINE_TYPE or LINE_UNIT says; a later one wins.
 * @return 0; -ENOMEM; -ENOSPC: over the limits or the budget, not kept; -EINVAL: a unit over the limit
 */
int declarations_add(struct declarations *declarations, const struct hash_key *key,
		     const struct line *line);

/* What is known of the metric. The unit is borrowed until the next add. */
struct bundle_meta declarations_find(struct declarations *declarations, const struct hash_key *key,
				     const struct series_text *metric);

#endif
