/* SPDX-License-Identifier: MIT */
/* What the log says of a plugin. */

#include "agent/plugin_log.h"

#include <bsd/string.h>
#include <string.h>

#include "common/message.h"

/* After a message about a plugin the log says nothing more of it for so long. */
#define TELL_AGAIN_US INT64_C(60000000)

static void tell_absent(const struct plugin_log *log, const struct plugin_config *config,
			const struct plugin_stats *stats)
{
	const struct hm_plugin *table = config->table;

	if (log->is_told && !*stats->last_error) {
		message_info("plugin %s: nothing is left of what it looks for: %s", table->name,
			     table->looks_for);
	} else if (config->is_wanted) {
		message_warning("plugin %s is enabled, but finds nothing: it looks for %s",
				table->name, table->looks_for);
	} else if (*stats->last_error) {
		message_info("plugin %s: %s", table->name, stats->last_error);
	}
}

static void tell_state(const struct plugin_log *log, const struct plugin_config *config,
		       const struct plugin_stats *stats)
{
	const char *name = config->table->name;

	switch (stats->state) {
	case PLUGIN_RUNNING:
		if (log->is_told)
			message_info("plugin %s: runs %s", name,
				     log->state == PLUGIN_FAILED ? "again" : "now");
		break;
	case PLUGIN_FAILED:
		message_warning("plugin %s: %s; trying again", name, stats->last_error);
		break;
	case PLUGIN_ABSENT:
		tell_absent(log, config, stats);
		break;
	case PLUGIN_DISABLED:
		break;
	}
}

bool plugin_log_tell(struct plugin_log *log, const struct plugin_config *config,
		     const struct plugin_stats *stats, int64_t monotonic_us)
{
	const bool is_same = log->is_told && stats->state == log->state;
	const bool has_told =
		is_same && (!*stats->last_error || strcmp(stats->last_error, log->error) == 0);

	/* What comes and goes with every round is told once a minute. */
	if (has_told || monotonic_us < log->next_us)
		return has_told;
	if (is_same)
		message_warning("plugin %s: %s", config->table->name, stats->last_error);
	else
		tell_state(log, config, stats);
	/* That it runs as it should from the start is no message. */
	if (log->is_told || stats->state == PLUGIN_FAILED)
		log->next_us = monotonic_us + TELL_AGAIN_US;
	log->is_told = true;
	log->state = stats->state;
	(void)strlcpy(log->error, stats->last_error, sizeof(log->error));
	return true;
}
