/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_PLUGIN_RUN_H
#define TESTS_SUPPORT_PLUGIN_RUN_H

/* One plugin run by a test as the agent would: zeroed state, start, rounds, stop. */

#include "agent/host.h"
#include "agent/metric_registry.h"
#include "hostmetrics/plugin.h"
#include "tests/support/fake_batch.h"

/* Zeroed = not started. */
struct plugin_run {
	/* Of the options, in their order; set before the start, kept by it; NULL = the fallbacks. */
	const char *const *option_values;
	const struct hm_plugin *plugin;
	struct hm_host host;
	struct metric_registry registry;
	void *state;
	struct hm_batch batch; /* what the last round gave */
};

/*
 * Start the plugin; one that was started before is stopped first, as after a udev event.
 * @param root  "" = the running system; borrowed until plugin_run_stop()
 * @return what start_collect() did
 */
int plugin_run_start(struct plugin_run *run, const struct hm_plugin *plugin, const char *root);

/* The same while `n_files` may be opened and no more. */
int plugin_run_start_short(struct plugin_run *run, const struct hm_plugin *plugin, const char *root,
			   unsigned n_files);

/* Forget the last round's samples and take a round. @return what get_current_state() did */
int plugin_run_take(struct plugin_run *run);

/* Call cleanup(), where the plugin has one. */
void plugin_run_cleanup(struct plugin_run *run);

/* Stop the plugin and release all. Takes one that is not started. */
void plugin_run_stop(struct plugin_run *run);

/* The value of a series of the last round; fails the test when there is none. */
double plugin_run_value(const struct plugin_run *run, const char *series);

/* Why a series of the last round is missing; 0 when it has a value, -ENOENT when nothing was said of it. */
int plugin_run_error(const struct plugin_run *run, const char *series);

/* Has the last round a value of the series? */
bool plugin_run_has(const struct plugin_run *run, const char *series);

#endif
