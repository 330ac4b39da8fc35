/* SPDX-License-Identifier: MIT */
/* One plugin as the agent runs it. */

#include "agent/plugin.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/option_values.h"
#include "agent/plugin_part.h"
#include "agent/text_share.h"
#include "common/timestamp.h"

const char *plugin_state_word(enum plugin_state state)
{
	static const char *const words[] = {
		[PLUGIN_ABSENT] = "absent",
		[PLUGIN_RUNNING] = "running",
		[PLUGIN_FAILED] = "failed",
		[PLUGIN_DISABLED] = "disabled",
	};

	return words[state];
}

const char *plugin_kind_word(enum hm_kind kind)
{
	return kind == HM_GAUGE ? "gauge" : "counter";
}

int plugin_new(const struct plugin_config *config, struct plugin **ret_plugin)
{
	struct plugin *plugin = calloc(1, sizeof(*plugin));

	if (!plugin)
		return -ENOMEM;
	pthread_mutex_init(&plugin->lock, NULL);
	input_init(&plugin->input, &plugin->host);
	plugin->config = *config;
	plugin->option_values = option_values_copy(config->table, config->option_values);
	batch_init(&plugin->batch, config->table);
	if (!plugin->option_values ||
	    filter_new(config->table, config->filter_values, &plugin->filter) < 0) {
		plugin_free(plugin);
		return -ENOMEM;
	}
	batch_use_filter(&plugin->batch, plugin->filter);
	plugin->batch.limit = config->limit;
	plugin->host = *config->host;
	plugin->host.plugin = config->table;
	plugin->host.option_values = (const char *const *)plugin->option_values;
	plugin->host.input = &plugin->input;
	plugin->host.is_short = &plugin->is_short;
	plugin->batch.registry = plugin->host.registry;
	plugin->stats.state = config->is_disabled ? PLUGIN_DISABLED : PLUGIN_ABSENT;
	plugin->stats.interval_us = config->interval_us;
	*ret_plugin = plugin;
	return 0;
}

void plugin_free(struct plugin *plugin)
{
	if (!plugin)
		return;
	batch_done(&plugin->batch);
	input_done(&plugin->input);
	pthread_mutex_destroy(&plugin->lock);
	option_values_free(plugin->option_values, plugin->config.table->n_options);
	filter_free(plugin->filter);
	free(plugin->memory);
	free(plugin);
}

void plugin_use_loop(struct plugin *plugin, struct loop *loop)
{
	plugin->input.loop = loop;
}

const struct hm_plugin *plugin_table(const struct plugin *plugin)
{
	return plugin->config.table;
}

/* Every verb is called between these two, so that others see which one it is in. */
static void enter_verb(struct plugin *plugin, const char *verb)
{
	int64_t now_us = timestamp_monotonic_us();

	pthread_mutex_lock(&plugin->lock);
	plugin->stats.verb = verb;
	plugin->stats.verb_since_us = now_us;
	pthread_mutex_unlock(&plugin->lock);
}

static void leave_verb(struct plugin *plugin)
{
	pthread_mutex_lock(&plugin->lock);
	plugin->stats.verb = NULL;
	pthread_mutex_unlock(&plugin->lock);
}

static void call_stop(struct plugin *plugin)
{
	if (plugin->config.table->stop_collect) {
		enter_verb(plugin, "stop_collect");
		plugin->config.table->stop_collect(plugin->memory);
		leave_verb(plugin);
	}
	hm_close_input(&plugin->host);
	/* Most plugins find nothing on most hosts. */
	free(plugin->memory);
	plugin->memory = NULL;
	plugin->is_started = false;
	plugin->is_failing = false;
	plugin->has_round = false;
	plugin->is_short = false;
}

static void call_cleanup(struct plugin *plugin)
{
	if (!plugin->config.table->cleanup)
		return;
	enter_verb(plugin, "cleanup");
	plugin->config.table->cleanup(plugin->memory);
	leave_verb(plugin);
}

/* Under the mutex. @param error  NULL = keep the last one */
static void change_state(struct plugin_stats *stats, enum plugin_state state, const char *error,
			 size_t n_errors)
{
	stats->state = state;
	stats->n_errors += n_errors;
	if (error)
		(void)strlcpy(stats->last_error, error, sizeof(stats->last_error));
}

static void set_state(struct plugin *plugin, enum plugin_state state, const char *error,
		      size_t n_errors)
{
	pthread_mutex_lock(&plugin->lock);
	change_state(&plugin->stats, state, error, n_errors);
	pthread_mutex_unlock(&plugin->lock);
}

/* Why it does not support this system, or what it was told to run on. */
static const char *unsupported_text(const struct plugin *plugin)
{
	if (*plugin->input.problem)
		return plugin->input.problem;
	if (hm_is_redirected(&plugin->host))
		return "left out: its source is no file, so --root cannot redirect it";
	return "this system does not support it";
}

static void note_start(struct plugin *plugin, int result)
{
	const char *problem = plugin->input.problem;
	char text[PLUGIN_ERROR_MAX_BYTES];

	switch (result) {
	case 0:
		set_state(plugin, PLUGIN_RUNNING, NULL, 0);
		return;
	case -ENODEV:
		/* Not an error, and no longer one. */
		set_state(plugin, PLUGIN_ABSENT, "", 0);
		return;
	case -ENOTSUP:
		set_state(plugin, PLUGIN_ABSENT, unsupported_text(plugin), 0);
		return;
	default:
		(void)snprintf(text, sizeof(text), "cannot start: %s",
			       *problem ? problem : strerror(-result));
		set_state(plugin, PLUGIN_FAILED, text, 1);
	}
}

static int call_start(struct plugin *plugin)
{
	int result;

	/* One byte for a plugin without state: it is given memory all the same. */
	plugin->memory = calloc(1, plugin->config.table->state_size + 1);
	if (!plugin->memory)
		return -ENOMEM;
	enter_verb(plugin, "start_collect");
	result = plugin->config.table->start_collect(plugin->memory, &plugin->host);
	leave_verb(plugin);
	if (result != 0)
		call_stop(plugin);
	return result;
}

void plugin_start(struct plugin *plugin, int64_t monotonic_us)
{
	int result;

	if (plugin->config.is_disabled || plugin->is_started || monotonic_us < plugin->retry_us)
		return;
	plugin->input.problem[0] = '\0';
	plugin->is_idle = false;
	plugin->has_told = false;
	result = call_start(plugin);
	plugin->retry_us = monotonic_us + PLUGIN_RETRY_US;
	plugin->is_absent = result == -ENODEV || result == -ENOTSUP;
	plugin->is_started = result == 0;
	note_start(plugin, result);
}

/* Why its series have no values in this round. @param result  of get_current_state() */
static enum hm_reason failure_reason(const struct plugin *plugin, int result)
{
	if (plugin->is_started)
		return batch_reason(result);
	return plugin->is_absent ? HM_REASON_SOURCE_GONE : HM_REASON_SOURCE_FAILED;
}

/* @return what get_current_state() did; -ENODEV when it does not run */
static int call_get(struct plugin *plugin)
{
	int result = -ENODEV;

	if (plugin->is_started) {
		enter_verb(plugin, "get_current_state");
		result = plugin->config.table->get_current_state(plugin->memory, &plugin->batch);
		leave_verb(plugin);
	}
	if (result < 0)
		batch_discard(&plugin->batch, failure_reason(plugin, result));
	plugin->has_round = result >= 0;
	return result;
}

/* The first reason why a value is missing, or what the round itself failed with. */
static void format_problem(struct plugin *plugin, int result, char *out, size_t size)
{
	const char *reasons = plugin_reasons(plugin);
	int length = (int)strcspn(reasons, "\n");

	if (length > 0)
		(void)snprintf(out, size, "%.*s", length, reasons);
	else
		(void)snprintf(out, size, "the round gave nothing: %s", strerror(-result));
}

/* @param cpu_ns  below 0: it was not measured */
static void note_round(struct plugin *plugin, int result, int64_t duration_us, int64_t cpu_ns)
{
	size_t n_errors = plugin->batch.n_problems;
	char text[PLUGIN_ERROR_MAX_BYTES];

	if (result < 0 && n_errors == 0)
		n_errors = 1;
	if (n_errors > 0)
		format_problem(plugin, result, text, sizeof(text));
	pthread_mutex_lock(&plugin->lock);
	change_state(&plugin->stats, result < 0 ? PLUGIN_FAILED : PLUGIN_RUNNING,
		     n_errors > 0 ? text : NULL, n_errors);
	plugin->stats.n_rounds++;
	plugin->stats.round_us = duration_us;
	if (cpu_ns >= 0)
		cost_mean_add(&plugin->stats.cpu, cpu_ns);
	pthread_mutex_unlock(&plugin->lock);
}

/*
 * A plugin that runs, but has given nothing for a while, may hold on to what is gone; a device that
 * could not be opened may be by now. So may what there were no descriptors for: they are needed now.
 */
static void revive(struct plugin *plugin, int64_t monotonic_us)
{
	if (plugin->is_started && plugin->is_failing && monotonic_us >= plugin->retry_us)
		call_stop(plugin);
	if (plugin->is_started && plugin->is_short && monotonic_us >= plugin->retry_us) {
		plugin->retry_us = monotonic_us + PLUGIN_RETRY_US;
		if (host_has_room())
			plugin_restart(plugin, monotonic_us);
	}
	if (input_is_incomplete(&plugin->input) && monotonic_us >= plugin->retry_us) {
		plugin->retry_us = monotonic_us + PLUGIN_RETRY_US;
		input_update(&plugin->input);
	}
	plugin_start(plugin, monotonic_us);
}

static void take_round(struct plugin *plugin, int64_t monotonic_us)
{
	bool is_measured = plugin->is_started && cost_is_turn(plugin->stats.n_rounds);
	int64_t begin_ns = is_measured ? cost_thread_ns() : 0;
	int64_t begin_us = timestamp_monotonic_us();
	int result = call_get(plugin);
	int64_t cpu_ns = is_measured ? cost_thread_ns() - begin_ns : -1;

	if (!plugin->is_started) {
		pthread_mutex_lock(&plugin->lock);
		plugin->stats.round_us = 0;
		pthread_mutex_unlock(&plugin->lock);
		return;
	}
	note_round(plugin, result, timestamp_monotonic_us() - begin_us, cpu_ns);
	if (result < 0 && !plugin->is_failing)
		plugin->retry_us = monotonic_us + PLUGIN_RETRY_US;
	plugin->is_failing = result < 0;
}

/* @param turn  in which this round is, see agent/text_share.h */
static void use_turn(const struct plugin *plugin, int64_t turn)
{
	if (plugin->host.texts)
		plugin->host.texts->turn = turn;
}

static void begin_round(struct plugin *plugin, int64_t monotonic_us)
{
	use_turn(plugin, monotonic_us);
	revive(plugin, monotonic_us);
	batch_begin(&plugin->batch);
	take_round(plugin, monotonic_us);
}

/* Take what does not fit back. @return the number of samples that are there now */
static size_t end_round(struct buffer *out, size_t length, size_t n_samples)
{
	if (!buffer_failed(out))
		return n_samples;
	out->length = length;
	return 0;
}

size_t plugin_round(struct plugin *plugin, int64_t time_us, int64_t monotonic_us,
		    struct buffer *lines)
{
	size_t length = lines->length;

	if (plugin->config.is_disabled)
		return 0;
	begin_round(plugin, monotonic_us);
	return end_round(lines, length, batch_format(&plugin->batch, time_us, lines));
}

/* Most plugins find nothing on most hosts: then a round asks this only. */
static bool is_idle(const struct plugin *plugin, int64_t monotonic_us)
{
	return plugin->is_idle && monotonic_us < plugin->retry_us;
}

size_t plugin_take_round(struct plugin *plugin, int64_t time_us, int64_t monotonic_us,
			 struct buffer *samples)
{
	size_t length = samples->length;
	size_t n_samples;

	if (plugin->config.is_disabled || is_idle(plugin, monotonic_us))
		return 0;
	begin_round(plugin, monotonic_us);
	n_samples = batch_pack(&plugin->batch, time_us, samples);
	plugin->has_nothing = plugin->batch.n_series == 0 && samples->length == length;
	return end_round(samples, length, n_samples);
}

void plugin_mark_missing(struct plugin *plugin, int64_t time_us, enum hm_reason reason,
			 struct buffer *samples)
{
	if (!plugin->config.is_disabled)
		batch_pack_missing(&plugin->batch, time_us, reason, samples);
}

/* A round that failed did not tell what there is. */
static void note_left_out(struct plugin *plugin)
{
	if (plugin->batch.discard_reason == HM_REASON_NONE ||
	    plugin->batch.discard_reason == HM_REASON_SOURCE_GONE)
		batch_count_left_out(&plugin->batch, &plugin->stats.left_out);
}

void plugin_commit(struct plugin *plugin, int64_t time_us)
{
	if (plugin->config.is_disabled || plugin->is_idle)
		return;
	if (plugin->has_round)
		call_cleanup(plugin);
	plugin->has_round = false;
	pthread_mutex_lock(&plugin->lock);
	batch_commit(&plugin->batch, time_us);
	plugin->stats.n_series = plugin->batch.n_shown;
	note_left_out(plugin);
	pthread_mutex_unlock(&plugin->lock);
	plugin->is_idle = !plugin->is_started && plugin->has_nothing && plugin->has_told;
}

/* A last round, for what it has counted itself. */
static void settle(struct plugin *plugin)
{
	use_turn(plugin, 0);
	batch_begin(&plugin->batch);
	if (call_get(plugin) < 0)
		return;
	call_cleanup(plugin);
	batch_settle(&plugin->batch);
}

void plugin_settle(struct plugin *plugin)
{
	if (!plugin->is_started)
		return;
	settle(plugin);
	call_stop(plugin);
}

void plugin_restart(struct plugin *plugin, int64_t monotonic_us)
{
	if (plugin->config.is_disabled)
		return;
	if (input_is_open(&plugin->input)) {
		/* What it holds open already misses no event. */
		input_update(&plugin->input);
		return;
	}
	plugin_settle(plugin);
	plugin->retry_us = monotonic_us;
	plugin_start(plugin, monotonic_us);
}

void plugin_stop(struct plugin *plugin)
{
	if (plugin->is_started)
		call_stop(plugin);
}

void plugin_tell(struct plugin *plugin, int64_t monotonic_us)
{
	if (plugin->is_idle)
		return;
	/* Nobody but this thread changes them. */
	plugin->has_told =
		plugin_log_tell(&plugin->log, &plugin->config, &plugin->stats, monotonic_us);
}

const char *plugin_reasons(struct plugin *plugin)
{
	return buffer_text(&plugin->batch.reasons);
}

void plugin_request_restart(struct plugin *plugin)
{
	pthread_mutex_lock(&plugin->lock);
	plugin->wants_restart = true;
	pthread_mutex_unlock(&plugin->lock);
}

bool plugin_take_restart_request(struct plugin *plugin)
{
	bool wants_restart;

	pthread_mutex_lock(&plugin->lock);
	wants_restart = plugin->wants_restart;
	plugin->wants_restart = false;
	pthread_mutex_unlock(&plugin->lock);
	return wants_restart;
}

void plugin_get_stats(struct plugin *plugin, struct plugin_stats *ret_stats)
{
	pthread_mutex_lock(&plugin->lock);
	*ret_stats = plugin->stats;
	pthread_mutex_unlock(&plugin->lock);
}

bool plugin_find_input(struct plugin *plugin, const char *node, struct input_report *ret_report)
{
	return input_find_report(&plugin->input, node, ret_report);
}

void plugin_visit(struct plugin *plugin,
		  void (*visit)(void *context, const struct plugin_value *value), void *context)
{
	pthread_mutex_lock(&plugin->lock);
	for (size_t i = 0; i < plugin->batch.n_shown; i++) {
		const struct batch_series *series = plugin->batch.shown[i];

		visit(context, &(struct plugin_value){
				       .series = series->text,
				       .metric = series->metric,
				       .value = series->shown_value,
				       .time_us = series->shown_time_us,
			       });
	}
	pthread_mutex_unlock(&plugin->lock);
}
