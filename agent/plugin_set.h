/* SPDX-License-Identifier: MIT */
#ifndef AGENT_PLUGIN_SET_H
#define AGENT_PLUGIN_SET_H

/* All plugins of the agent, in the order in which they were loaded. */

#include <stdbool.h>
#include <stddef.h>

#include "agent/host.h"
#include "agent/metric_registry.h"
#include "agent/plugin.h"
#include "agent/settings.h"

/* Zeroed = empty. */
struct plugin_set {
	struct plugin **plugins;
	size_t n_plugins;
	struct series_limit *limit;       /* of all of them together */
	struct metric_registry *registry; /* what they make while they run; NULL: nothing */
	struct text_share *texts;         /* files that more than one of them reads */
	/* Of the main thread: some of them may be run as other settings say, which are not in force yet. */
	bool is_changing;
};

/* Series that are left out now, and where the most are. */
struct plugin_set_left_out {
	size_t n;
	size_t n_most;
	const struct hm_metric *metric; /* that has n_most of them; NULL: none is */
	const struct hm_plugin *plugin; /* of the metric */
};

/*
 * Make a plugin of every table, as the settings say. None is started.
 * @param settings  not needed any more afterwards
 * @param host      borrowed
 * @return 0 or -ENOMEM
 */
int plugin_set_init(struct plugin_set *set, const struct settings *settings,
		    const struct hm_host *host);

/*
 * Run every plugin as other settings say, by plugin_configure(): on the thread that runs the verbs.
 * What cannot be taken over is said in the log. Where the limit falls those series stay that came first.
 * @param settings  of the same loader; not needed any more afterwards
 */
void plugin_set_configure(const struct plugin_set *set, const struct settings *settings);

/* Every plugin must have been stopped. Takes a zeroed set. */
void plugin_set_done(struct plugin_set *set);

/* From any thread. */
void plugin_set_count_left_out(const struct plugin_set *set,
			       struct plugin_set_left_out *ret_left_out);

/* A plugin that has been in one of its verbs for longer than `longer_than_us`, or NULL. */
struct plugin *plugin_set_find_stuck(const struct plugin_set *set, int64_t longer_than_us);

#endif
