/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_RETENTION_PART_H
#define COLLECTOR_RETENTION_PART_H

/* What the parts of retention share. */

#include <stdbool.h>

#include "collector/engine.h"
#include "collector/quota.h"
#include "collector/retention.h"
#include "collector/retention_rules.h"

/* How far it is with the limit of a rule. */
struct retention_limit {
	struct quota quota;
	uint64_t begin_bytes; /* when it began to remove */
	enum quota_result told;
};

/* The checkpoint's own. */
struct retention {
	struct retention_rules rules;
	struct retention_limit *limits; /* of each rule; those of ages are not used */
	uint64_t ticket;                /* of the records that were put last */
};

/* Have horizons logged for the sake of sizes. @return as retention_run() */
int retention_run_sizes(struct engine *engine, struct retention *retention);

#endif
