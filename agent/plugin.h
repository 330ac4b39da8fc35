/* SPDX-License-Identifier: MIT */
#ifndef AGENT_PLUGIN_H
#define AGENT_PLUGIN_H

/*
 * One plugin as the agent runs it: its state memory, its lifecycle, its series, what it costs.
 *
 * One thread at a time calls the verbs: everything here but plugin_get_stats(), plugin_visit(),
 * plugin_find_input() and plugin_request_restart(), which any thread may call at any time. The mutex is never held while
 * the plugin itself runs, so nobody ever waits for one that is stuck.
 */

#include <stdbool.h>
#include <stdint.h>

#include "agent/batch.h"
#include "agent/cost.h"
#include "agent/host.h"
#include "agent/input.h"
#include "common/buffer.h"
#include "hostmetrics/plugin.h"

/* A plugin that could not start, or gives nothing, is started anew this often. */
#define PLUGIN_RETRY_US INT64_C(60000000)

#define PLUGIN_ERROR_MAX_BYTES 256

enum plugin_state {
	PLUGIN_ABSENT, /* this host has nothing for it */
	PLUGIN_RUNNING,
	PLUGIN_FAILED, /* it did not start, or its last round gave nothing */
	PLUGIN_DISABLED,
};

/* How a plugin is to be run. */
struct plugin_config {
	const struct hm_plugin *table;    /* borrowed */
	const struct hm_host *host;       /* copied; its root is borrowed */
	const char *const *option_values; /* copied, one for each option; NULL = fallbacks */
	const char *const
		*filter_values;     /* copied, as filter_new() takes them; NULL = all is taken */
	struct series_limit *limit; /* borrowed; NULL = there is none */
	int64_t interval_us;
	bool is_disabled;
	bool is_wanted; /* enabled = yes: that it finds nothing is worth a warning */
};

struct plugin_stats {
	enum plugin_state state;
	int64_t interval_us;
	size_t n_series;
	struct batch_left_out left_out;
	int64_t round_us; /* what the last round took; 0: the plugin does not run */
	struct cost_mean cpu;
	uint64_t n_rounds;
	uint64_t n_errors; /* failed starts and rounds, missing values */
	char last_error[PLUGIN_ERROR_MAX_BYTES];
	const char *verb;      /* that it is in now, or NULL */
	int64_t verb_since_us; /* monotonic */
};

struct plugin;

/* @return 0 or -ENOMEM */
int plugin_new(const struct plugin_config *config, struct plugin **ret_plugin);

/* Takes NULL. The plugin must have been stopped. */
void plugin_free(struct plugin *plugin);

const struct hm_plugin *plugin_table(const struct plugin *plugin);

/*
 * What the plugin waits for is watched in this loop, on the thread of its verbs. Without, it can wait
 * for nothing. @param loop  borrowed until plugin_stop()
 */
void plugin_use_loop(struct plugin *plugin, struct loop *loop);

/*
 * Start the plugin where it is not running, and a try is due.
 * @param monotonic_us  CLOCK_MONOTONIC
 */
void plugin_start(struct plugin *plugin, int64_t monotonic_us);

/*
 * Take a round: start what is due to be started, ask for the current state, append its lines.
 * Every round is followed by plugin_commit() when its lines are safe; when it is not, the next
 * round counts the same events again.
 * @param time_us  what the samples carry
 * @return the number of lines. When there was no memory for them, none is appended and
 * plugin_commit() must not follow: *lines has failed.
 */
size_t plugin_round(struct plugin *plugin, int64_t time_us, int64_t monotonic_us,
		    struct buffer *lines);

/* The same, with samples of agent/round.h, and why others are missing, in place of lines. @return the number of values */
size_t plugin_take_round(struct plugin *plugin, int64_t time_us, int64_t monotonic_us,
			 struct buffer *samples);

/*
 * Append that all series of the last safe round are missing at a time for which there was no round, as
 * plugin_take_round() does.
 */
void plugin_mark_missing(struct plugin *plugin, int64_t time_us, enum hm_reason reason,
			 struct buffer *samples);

/* The lines of the last round are safe: totals grow, the plugin forgets what it counted. */
void plugin_commit(struct plugin *plugin, int64_t time_us);

/*
 * Its devices changed: keep what it has counted, stop it, start it anew; where it has input devices
 * open, only those that changed are opened and closed. Never for a disabled one.
 */
void plugin_restart(struct plugin *plugin, int64_t monotonic_us);

/*
 * Run it as `config` says from now on; table, host and limit stay. Where its options differ it is restarted
 * as by plugin_restart(), and where it is disabled or no longer so, stopped or started. Its totals
 * stay in any case. A series that another filter excludes has no samples from the next round on.
 * @return 0; -ENOMEM: all is as it was
 */
int plugin_configure(struct plugin *plugin, const struct plugin_config *config,
		     int64_t monotonic_us);

/* Series whose place is of a lower order, see agent/series_limit.h. */
size_t plugin_count_placed(const struct plugin *plugin, uint64_t order);

/* Leave those out whose place is of this order or a higher one, from the next round on. */
void plugin_leave_out(struct plugin *plugin, uint64_t order);

/* Stop it for good. */
void plugin_stop(struct plugin *plugin);

/* Say in the log what has changed since the last call: that it fails, what it misses, that it is back. */
void plugin_tell(struct plugin *plugin, int64_t monotonic_us);

/* Why values of the last round are missing, a line each; borrowed until the next round. */
const char *plugin_reasons(struct plugin *plugin);

/* Ask for a plugin_restart(); the thread that runs the verbs takes it. */
void plugin_request_restart(struct plugin *plugin);
bool plugin_take_restart_request(struct plugin *plugin);

void plugin_get_stats(struct plugin *plugin, struct plugin_stats *ret_stats);

/* One series with its last value, as plugin_visit() shows it; borrowed for the call. */
struct plugin_value {
	const char *series; /* canonical, without the label host */
	const struct hm_metric *metric;
	double value;
	int64_t time_us;
};

/* Call `visit` for each series that has a last value, holding the mutex: be short. */
void plugin_visit(struct plugin *plugin,
		  void (*visit)(void *context, const struct plugin_value *value), void *context);

/* What became of an input device that the plugin looked at. @return false = not known to it */
bool plugin_find_input(struct plugin *plugin, const char *node, struct input_report *ret_report);

/* "running" */
const char *plugin_state_word(enum plugin_state state);

/* What its numbers are on the wire: "gauge" or "counter". */
const char *plugin_kind_word(enum hm_kind kind);

#endif
