/* SPDX-License-Identifier: MIT */
/* What agentctl can ask of an agent. */

#include "agent/verbs.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/cost_report.h"
#include "agent/input_device.h"
#include "agent/values.h"
#include "common/match.h"
#include "common/reload.h"
#include "common/timestamp.h"

/* A verb that takes longer than this is worth telling. */
#define STUCK_US INT64_C(2000000)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Write the rows of the series that are chosen, and the end. */
static void answer_values(const struct verbs *verbs, const struct control_request *request,
			  const char *pattern, struct control_reply *reply,
			  void (*write_row)(const struct verbs *verbs, struct control_reply *reply,
					    const struct plugin_value *value))
{
	const char *hostname = verbs->settings->hostname;
	char problem[MATCHER_PROBLEM_BYTES];
	struct match *match;
	struct values values = {0};
	int result;

	if (!match_host(control_argument(request, "host"), hostname)) {
		control_end(reply, HM_CONTROL_NONE, "this agent has another host name");
		return;
	}
	result = match_new(pattern, &match, problem);
	if (result == -EINVAL) {
		control_end(reply, HM_CONTROL_USAGE, problem);
		return;
	}
	if (result == 0) {
		result = values_copy(&values, verbs->plugins, match, hostname);
		match_free(match);
	}
	if (result < 0) {
		control_end(reply, HM_CONTROL_FAILED, strerror(-result));
		return;
	}
	for (size_t i = 0; i < values.n_rows; i++)
		write_row(verbs, reply, &values.rows[i]);
	if (values.n_rows > 0)
		control_end(reply, HM_CONTROL_OK, NULL);
	else
		control_end(reply, HM_CONTROL_NONE, "no series matches");
	values_done(&values);
}

static void write_metric(const struct verbs *verbs, struct control_reply *reply,
			 const struct plugin_value *value)
{
	control_text(reply, verbs->settings->hostname);
	control_text(reply, value->series);
	control_text(reply, plugin_kind_word(value->metric->kind));
	control_text(reply, value->metric->unit);
	control_number(reply, value->value);
	control_integer(reply, value->time_us);
	control_row_end(reply);
}

static void answer_list_metrics(void *context, const struct control_request *request,
				struct control_reply *reply)
{
	static const char *const columns[] = {"host:text", "series:text",  "kind:text",
					      "unit:text", "value:number", "time:time"};

	control_columns(reply, "rows", columns, COUNT(columns));
	answer_values(context, request, control_argument(request, "glob"), reply, write_metric);
}

static void write_last(const struct verbs *verbs, struct control_reply *reply,
		       const struct plugin_value *value)
{
	control_integer(reply, value->time_us);
	control_text(reply, verbs->settings->hostname);
	control_text(reply, value->series);
	control_number(reply, value->value);
	control_row_end(reply);
}

static void answer_get(void *context, const struct control_request *request,
		       struct control_reply *reply)
{
	static const char *const columns[] = {"time:time", "host:text", "series:text",
					      "value:number"};
	const char *series = control_argument(request, "series");

	if (!series || !*series) {
		control_end(reply, HM_CONTROL_USAGE,
			    "which SERIES? A name as list-metrics shows it, or a GLOB over metric "
			    "names");
		return;
	}
	control_columns(reply, "rows", columns, COUNT(columns));
	answer_values(context, request, series, reply, write_last);
}

/* One field of the record that `status` answers. */
struct field {
	const char *column;
	const char *text; /* NULL = the number counts */
	int64_t number;
};

struct totals {
	int64_t n_running;
	int64_t n_series;
};

static struct totals count_plugins(const struct plugin_set *set)
{
	struct totals totals = {0};

	for (size_t i = 0; i < set->n_plugins; i++) {
		struct plugin_stats stats;

		plugin_get_stats(set->plugins[i], &stats);
		totals.n_running += stats.state == PLUGIN_RUNNING;
		totals.n_series += (int64_t)stats.n_series;
	}
	return totals;
}

static void write_record(struct control_reply *reply, const struct field fields[], size_t n_fields)
{
	const char *columns[CONTROL_WORDS_MAX];

	for (size_t i = 0; i < n_fields; i++)
		columns[i] = fields[i].column;
	control_columns(reply, "record", columns, n_fields);
	for (size_t i = 0; i < n_fields; i++) {
		if (fields[i].text)
			control_text(reply, fields[i].text);
		else
			control_integer(reply, fields[i].number);
	}
	control_row_end(reply);
	control_end(reply, HM_CONTROL_OK, NULL);
}

/* Samples that no collector is known to have stored. */
static int64_t count_waiting(const struct verbs *verbs, const struct spool_status *spool,
			     const struct queue_stats *queue)
{
	return (int64_t)(spool->n_samples + recorder_n_unsealed(verbs->outlet->recorder) +
			 queue->n_samples);
}

/* Samples that none will ever have. */
static int64_t count_dropped(const struct verbs *verbs, const struct spool_status *spool,
			     const struct queue_stats *queue)
{
	return (int64_t)(spool->n_gone_samples + recorder_n_lost(verbs->outlet->recorder) +
			 queue->n_dropped_samples);
}

/* How long the oldest sample has waited. */
static int64_t waiting_us(const struct spool_status *spool)
{
	int64_t us = spool->oldest_us == INT64_MIN ? 0 : timestamp_now_us() - spool->oldest_us;

	return us > 0 ? us : 0;
}

static void answer_queue(void *context, const struct control_request *request,
			 struct control_reply *reply)
{
	const struct verbs *verbs = context;
	const struct outlet *outlet = verbs->outlet;
	struct queue_stats queue;
	struct uplink_stats uplink;
	struct spool_status spool;

	(void)request;
	queue_get_stats(verbs->queue, &queue);
	uplink_get_stats(outlet->uplink, &uplink);
	outlet_get_status(outlet, &spool);

	const struct field fields[] = {
		{"spool:text", verbs->settings->spool, 0},
		{"kept_in:text", spool.is_in_memory ? "memory" : "disk", 0},
		{"samples:number", NULL, count_waiting(verbs, &spool, &queue)},
		{"messages:number", NULL, (int64_t)spool.n_messages},
		{"bytes:number", NULL, (int64_t)spool.n_waiting_bytes},
		{"oldest:duration", NULL, waiting_us(&spool)},
		{"epochs:number", NULL, (int64_t)spool.n_epochs},
		{"disk_bytes:number", NULL, (int64_t)spool.n_bytes},
		{"samples_sent:number", NULL, (int64_t)spool.n_acked_samples},
		{"sent_per_second:number", NULL, (int64_t)outlet->n_sent_per_second},
		{"samples_dropped:number", NULL, count_dropped(verbs, &spool, &queue)},
		{"damaged:number", NULL, (int64_t)spool.n_damaged},
		{"collector:text", verbs->settings->collector, 0},
		{"connection:text", uplink.state, 0},
		{"last_error:text", uplink.last_error, 0},
		{"disk_error:text", spool.last_error ? strerror(-spool.last_error) : "", 0},
	};

	write_record(reply, fields, COUNT(fields));
}

static void answer_status(void *context, const struct control_request *request,
			  struct control_reply *reply)
{
	const struct verbs *verbs = context;
	const struct settings *settings = verbs->settings;
	struct totals totals = count_plugins(verbs->plugins);
	struct plugin_set_left_out left_out;
	struct sampler_stats sampler;
	struct queue_stats queue;
	struct uplink_stats uplink;
	struct spool_status spool;

	(void)request;
	plugin_set_count_left_out(verbs->plugins, &left_out);
	sampler_get_stats(verbs->sampler, &sampler);
	queue_get_stats(verbs->queue, &queue);
	uplink_get_stats(verbs->outlet->uplink, &uplink);
	outlet_get_status(verbs->outlet, &spool);

	const struct field fields[] = {
		{"program:text", "hostmetrics-agent", 0},
		{"version:text", HM_VERSION, 0},
		{"pid:number", NULL, getpid()},
		{"hostname:text", settings->hostname, 0},
		{"uptime:duration", NULL, timestamp_monotonic_us() - verbs->start_us},
		{"interval:duration", NULL, settings->interval_us},
		{"ship_interval:duration", NULL, settings->ship_interval_us},
		{"plugins_running:number", NULL, totals.n_running},
		{"series:number", NULL, totals.n_series},
		{"series_max:number", NULL, settings->series_max},
		{"series_left_out:number", NULL, (int64_t)left_out.n},
		{"left_out_most:text", left_out.metric ? left_out.metric->name : "", 0},
		{"left_out_plugin:text", left_out.plugin ? left_out.plugin->name : "", 0},
		{"rounds:number", NULL, (int64_t)sampler.n_rounds},
		{"rounds_missed:number", NULL, (int64_t)sampler.n_missed_rounds},
		{"samples_taken:number", NULL, (int64_t)sampler.n_samples},
		{"samples_sent:number", NULL, (int64_t)spool.n_acked_samples},
		{"queue_bytes:number", NULL, (int64_t)spool.n_waiting_bytes},
		{"queue_samples:number", NULL, count_waiting(verbs, &spool, &queue)},
		{"samples_dropped:number", NULL, count_dropped(verbs, &spool, &queue)},
		{"collector:text", settings->collector, 0},
		{"connection:text", uplink.state, 0},
		{"last_error:text", uplink.last_error, 0},
	};

	write_record(reply, fields, COUNT(fields));
}

/* A plugin that is in a verb for long has no newer error than that. */
static void format_error(const struct plugin_stats *stats, char *out, size_t size)
{
	int64_t verb_us = stats->verb ? timestamp_monotonic_us() - stats->verb_since_us : 0;

	if (verb_us > STUCK_US) {
		char duration[TIMESTAMP_TEXT_MAX_BYTES];

		duration_format(verb_us / TIMESTAMP_SECOND_US * TIMESTAMP_SECOND_US, duration);
		(void)snprintf(out, size, "has been in %s() for %s", stats->verb, duration);
	} else {
		(void)strlcpy(out, stats->last_error, size);
	}
}

static void write_plugin(struct plugin *plugin, struct control_reply *reply)
{
	struct plugin_stats stats;
	char error[PLUGIN_ERROR_MAX_BYTES];

	plugin_get_stats(plugin, &stats);
	format_error(&stats, error, sizeof(error));
	control_text(reply, plugin_table(plugin)->name);
	control_text(reply, plugin_state_word(stats.state));
	control_integer(reply, stats.interval_us);
	control_integer(reply, (int64_t)stats.n_series);
	control_integer(reply, stats.round_us);
	control_integer(reply, (int64_t)stats.n_rounds);
	control_integer(reply, (int64_t)stats.n_errors);
	control_text(reply, error);
	control_text(reply, plugin_table(plugin)->looks_for);
	control_row_end(reply);
}

static void write_refusal(const struct loader_refusal *refusal, struct control_reply *reply)
{
	control_text(reply, refusal->name);
	control_text(reply, "refused");
	for (int i = 0; i < 5; i++)
		control_nothing(reply);
	control_text(reply, refusal->reason);
	control_nothing(reply);
	control_row_end(reply);
}

static void answer_list_plugins(void *context, const struct control_request *request,
				struct control_reply *reply)
{
	static const char *const columns[] = {
		"name:text",     "state:text",        "interval:duration",
		"series:number", "round_us:duration", "rounds:number",
		"errors:number", "last_error:text",   "looks_for:text",
	};
	const struct verbs *verbs = context;

	(void)request;
	control_columns(reply, "rows", columns, COUNT(columns));
	for (size_t i = 0; i < verbs->plugins->n_plugins; i++)
		write_plugin(verbs->plugins->plugins[i], reply);
	for (size_t i = 0; i < verbs->loader->n_refusals; i++)
		write_refusal(&verbs->loader->refusals[i], reply);
	if (verbs->plugins->n_plugins + verbs->loader->n_refusals > 0)
		control_end(reply, HM_CONTROL_OK, NULL);
	else
		control_end(reply, HM_CONTROL_NONE, "there is no plugin");
}

struct input_rows {
	const struct verbs *verbs;
	struct control_reply *reply;
	size_t n_rows;
};

/* Of a device that no plugin has looked at: why not. */
static void explain_unknown(const struct plugin_set *set, struct input_report *report)
{
	(void)snprintf(report->why, sizeof(report->why), "there is no plugin for it");
	for (size_t i = 0; i < set->n_plugins; i++) {
		const struct hm_plugin *table = plugin_table(set->plugins[i]);
		struct plugin_stats stats;

		if (!table->udev_subsystem || strcmp(table->udev_subsystem, "input") != 0)
			continue;
		plugin_get_stats(set->plugins[i], &stats);
		(void)snprintf(report->why, sizeof(report->why), "plugin %s is %s%s%s", table->name,
			       plugin_state_word(stats.state), *stats.last_error ? ": " : "",
			       stats.last_error);
	}
}

static int write_input(void *context, const struct input_device *device)
{
	struct input_rows *rows = context;
	const struct plugin_set *set = rows->verbs->plugins;
	struct input_report report = {.is_used = false};
	bool is_known = false;

	for (size_t i = 0; i < set->n_plugins && !is_known; i++)
		is_known = plugin_find_input(set->plugins[i], device->node, &report);
	if (!is_known)
		explain_unknown(set, &report);
	control_text(rows->reply, device->node);
	control_text(rows->reply, device->name);
	control_text(rows->reply, device->kind);
	control_text(rows->reply, report.is_used ? "yes" : "no");
	control_text(rows->reply, report.why);
	control_row_end(rows->reply);
	rows->n_rows++;
	return 0;
}

static void answer_input(void *context, const struct control_request *request,
			 struct control_reply *reply)
{
	static const char *const columns[] = {"device:text", "name:text", "kind:text", "used:text",
					      "why:text"};
	struct input_rows rows = {.verbs = context, .reply = reply};
	int result;

	(void)request;
	control_columns(reply, "rows", columns, COUNT(columns));
	result = input_device_find(rows.verbs->host, write_input, &rows);
	if (result < 0)
		control_end(reply, HM_CONTROL_FAILED, strerror(-result));
	else if (rows.n_rows == 0)
		control_end(reply, HM_CONTROL_NONE, "this host has no input devices");
	else
		control_end(reply, HM_CONTROL_OK, NULL);
}

static void answer_cost(void *context, const struct control_request *request,
			struct control_reply *reply)
{
	(void)request;
	cost_report(context, reply);
}

static void answer_reload(void *context, const struct control_request *request,
			  struct control_reply *reply)
{
	const struct verbs *verbs = context;

	reload_answer(verbs->reload, reload_is_dry(request), reply);
}

const struct control_verb verbs_table[] = {
	{"list-metrics", answer_list_metrics},
	{"get", answer_get},
	{"status", answer_status},
	{"queue", answer_queue},
	{"list-plugins", answer_list_plugins},
	{"cost", answer_cost},
	{"input", answer_input},
	{"reload", answer_reload},
	{NULL, NULL},
};
