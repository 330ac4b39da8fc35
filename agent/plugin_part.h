/* SPDX-License-Identifier: MIT */
#ifndef AGENT_PLUGIN_PART_H
#define AGENT_PLUGIN_PART_H

/* What the parts of agent/plugin.h share: one plugin as the agent runs it. */

#include <pthread.h>

#include "agent/plugin.h"
#include "agent/plugin_log.h"

struct plugin {
	struct plugin_config config; /* of its texts and host only the copies below count */
	struct hm_host host;
	struct input input;   /* what host.input points to */
	char **option_values; /* as many as the table has; each may be NULL */
	struct filter *filter;
	/* Of the thread that runs the verbs: */
	void *memory; /* while it runs */
	bool is_started;
	bool is_failing; /* the last round gave nothing */
	bool has_round;  /* get_current_state() succeeded; not committed yet */
	bool is_absent;  /* the last start found nothing */
	bool is_short;   /* it lacked descriptors or memory for a file, which it goes on without */
	/* Of the round, where it does not run: nothing was to be said of its series, or in the log. */
	bool has_nothing;
	bool has_told;
	bool is_idle; /* both, and the round is safe: until it is to be started there is nothing to do */
	int64_t retry_us;
	struct hm_batch batch;
	struct plugin_log log;

	pthread_mutex_t lock;
	struct plugin_stats stats;
	bool wants_restart;
};

/* Where it runs: take a last round, for what it has counted itself, and stop it. */
void plugin_settle(struct plugin *plugin);

#endif
