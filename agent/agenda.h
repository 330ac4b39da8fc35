/* SPDX-License-Identifier: MIT */
#ifndef AGENT_AGENDA_H
#define AGENT_AGENDA_H

/* What the agent samples and how often, as SCHEDULE tells it (common/wire_schedule.h). */

#include <stdbool.h>
#include <stdint.h>

#include "agent/plugin_set.h"
#include "common/buffer.h"

/* Of a text that is not there any more: to know whether another one says the same. */
struct agenda_sum {
	size_t n_bytes;
	uint32_t crc;
};

/* Zeroed = nothing was told yet. */
struct agenda {
	struct buffer body;    /* of the SCHEDULE, what stands behind the stamp; while it is owed */
	struct agenda_sum sum; /* of the last one */
	bool is_owed;          /* nobody has written it yet */
};

/* What there is to say beside what is sampled. */
struct agenda_terms {
	int64_t since_us; /* it holds from then on */
	int64_t ship_interval_us;
};

/* Nothing was told then. */
void agenda_done(struct agenda *agenda);

/*
 * Find out what is sampled: all metrics of the plugins that are not disabled, also of those that find nothing on this
 * host, since a device may come at any time; and those that plugins have made so far, the oldest ones where a message has no room
 * for more. It is owed where it is not what it was.
 * @return 0 or -ENOMEM: all is as it was
 */
int agenda_update(struct agenda *agenda, const struct plugin_set *set,
		  const struct agenda_terms *terms);

/* It was written: it is owed no more. */
void agenda_written(struct agenda *agenda);

#endif
