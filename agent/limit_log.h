/* SPDX-License-Identifier: MIT */
#ifndef AGENT_LIMIT_LOG_H
#define AGENT_LIMIT_LOG_H

/* What the log says of series that are left out: once that there are some, and once that there are none any more. */

#include <stdbool.h>
#include <stdint.h>

#include "agent/plugin_set.h"

/* Zeroed = nothing was said yet. */
struct limit_log {
	bool is_told;
	int64_t next_us; /* until then it does not say again that it begins */
};

/*
 * Say what has changed since the last call.
 * @param max  the limit in force
 */
void limit_log_tell(struct limit_log *log, const struct plugin_set_left_out *left_out, size_t max,
		    int64_t monotonic_us);

#endif
