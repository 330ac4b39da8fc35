/* SPDX-License-Identifier: MIT */
#ifndef AGENT_PLUGIN_LOG_H
#define AGENT_PLUGIN_LOG_H

/* What the log says of a plugin: that it fails, what it misses, that it is back; not more often than people can read. */

#include <stdbool.h>
#include <stdint.h>

#include "agent/plugin.h"

/* What it has said. Zeroed = nothing. */
struct plugin_log {
	bool is_told; /* anything at all */
	enum plugin_state state;
	char error[PLUGIN_ERROR_MAX_BYTES];
	int64_t next_us; /* monotonic: not again before this */
};

/* Say what has changed since the last call. @return false: some of it is yet to be said, but not so soon */
bool plugin_log_tell(struct plugin_log *log, const struct plugin_config *config,
		     const struct plugin_stats *stats, int64_t monotonic_us);

#endif
