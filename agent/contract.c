/* SPDX-License-Identifier: MIT */
/* Is a plugin's table as hostmetrics/plugin.h demands? */

#include "agent/contract.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/filter.h"
#include "agent/metric_labels.h"
#include "common/text.h"
#include "hostmetrics/wire.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define EVENTS_ENDING "_total"

/* Every check of a table, one after the other; the first that fails says why. */
struct check {
	const struct hm_plugin *plugin;
	char *reason;
};

static int refuse(const struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(const struct check *check, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(check->reason, CONTRACT_REASON_MAX_BYTES, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* Is it made of these bytes only, and does it not begin with a digit? */
static bool is_name(const char *name, const char *bytes, size_t max_length)
{
	size_t length = name ? strlen(name) : 0;

	return length > 0 && length <= max_length && strspn(name, bytes) == length &&
	       !strchr(DIGITS, name[0]);
}

/* Is it a line that can be shown? */
static bool is_sentence(const char *text)
{
	return text && *text && text_is_clean(text, strlen(text));
}

static bool ends_with(const char *text, const char *ending)
{
	size_t length = strlen(text);
	size_t ending_length = strlen(ending);

	return length > ending_length && strcmp(text + length - ending_length, ending) == 0;
}

static int check_labels(const struct check *check, const struct hm_metric *metric)
{
	const char *const *labels = metric_labels(metric);

	for (size_t i = 0; labels[i]; i++) {
		const char *label = labels[i];

		if (i == HM_METRIC_LABELS_MAX)
			return refuse(check, "metric '%s' has more than %d labels", metric->name,
				      HM_METRIC_LABELS_MAX);
		if (!is_name(label, LOWER UPPER DIGITS "_", HM_METRIC_NAME_MAX_BYTES))
			return refuse(check, "metric '%s': label %zu has no valid name",
				      metric->name, i + 1);
		if (strcmp(label, "host") == 0)
			return refuse(check, "metric '%s': the label 'host' is the agent's own",
				      metric->name);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(label, labels[j]) == 0)
				return refuse(check, "metric '%s' has the label '%s' twice",
					      metric->name, label);
		}
	}
	return 0;
}

static int check_kind(const struct check *check, const struct hm_metric *metric)
{
	switch (metric->kind) {
	case HM_GAUGE:
	case HM_COUNTER:
		return 0;
	case HM_EVENTS:
		if (!ends_with(metric->name, EVENTS_ENDING))
			return refuse(check, "metric '%s' counts events: its name must end in %s",
				      metric->name, EVENTS_ENDING);
		if (!check->plugin->cleanup)
			return refuse(check, "metric '%s' counts events without a cleanup()",
				      metric->name);
		return 0;
	}
	return refuse(check, "metric '%s' has no valid kind", metric->name);
}

static int check_metric(const struct check *check, const struct hm_metric *metric)
{
	int result;

	/* The unit stands as a word of its own in a text line. */
	if (!metric->unit || strspn(metric->unit, LOWER UPPER DIGITS "_/%") != strlen(metric->unit))
		return refuse(check, "metric '%s' has no valid unit; \"\" is a plain number",
			      metric->name);
	if (!is_sentence(metric->help))
		return refuse(check, "metric '%s' has no help", metric->name);
	if (!is_sentence(metric->source))
		return refuse(check, "metric '%s' does not name its source", metric->name);
	result = check_kind(check, metric);
	return result < 0 ? result : check_labels(check, metric);
}

static bool has_metric_name(const struct hm_metric *metric)
{
	return is_name(metric->name, LOWER UPPER DIGITS "_:", HM_METRIC_NAME_MAX_BYTES);
}

static int check_table_metric(const struct check *check, size_t index)
{
	const struct hm_metric *metric = &check->plugin->metrics[index];

	if (!has_metric_name(metric))
		return refuse(check, "metric %zu has no valid name", index + 1);
	for (size_t i = 0; i < index; i++) {
		if (strcmp(metric->name, check->plugin->metrics[i].name) == 0)
			return refuse(check, "it has the metric '%s' twice", metric->name);
	}
	return check_metric(check, metric);
}

int contract_check_metric(const struct hm_plugin *plugin, const struct hm_metric *metric,
			  char ret_reason[static CONTRACT_REASON_MAX_BYTES])
{
	struct check check;

	check.plugin = plugin;
	check.reason = ret_reason;
	if (!has_metric_name(metric))
		return refuse(&check, "a metric has no valid name");
	return check_metric(&check, metric);
}

/* Would a section [plugin NAME] have it without the option? */
static bool is_of_agent(const char *name)
{
	return strcmp(name, "enabled") == 0 || strcmp(name, "interval") == 0 ||
	       strcmp(name, FILTER_INCLUDE) == 0 || strcmp(name, FILTER_EXCLUDE) == 0 ||
	       strncmp(name, FILTER_INCLUDE "_", sizeof(FILTER_INCLUDE)) == 0 ||
	       strncmp(name, FILTER_EXCLUDE "_", sizeof(FILTER_EXCLUDE)) == 0;
}

static int check_option(const struct check *check, size_t index)
{
	const struct hm_option *option = &check->plugin->options[index];

	if (!is_name(option->name, LOWER DIGITS "_", CONTRACT_NAME_MAX_BYTES))
		return refuse(check, "option %zu has no valid name", index + 1);
	if (is_of_agent(option->name))
		return refuse(check, "the option '%s' is the agent's own", option->name);
	if (!option->fallback || !text_is_clean(option->fallback, strlen(option->fallback)))
		return refuse(check, "option '%s' has no fallback", option->name);
	if (!is_sentence(option->help))
		return refuse(check, "option '%s' has no help", option->name);
	for (size_t i = 0; i < index; i++) {
		if (strcmp(option->name, check->plugin->options[i].name) == 0)
			return refuse(check, "it has the option '%s' twice", option->name);
	}
	return 0;
}

static int check_plugin(const struct check *check)
{
	const struct hm_plugin *plugin = check->plugin;

	if (!contract_has_name(plugin))
		return refuse(check, "it has no valid name (small letters, digits and _)");
	if (!is_sentence(plugin->help))
		return refuse(check, "it has no help");
	if (!is_sentence(plugin->looks_for))
		return refuse(check, "it does not say what it looks for");
	if (!plugin->start_collect || !plugin->get_current_state)
		return refuse(check, "it lacks start_collect() or get_current_state()");
	if (plugin->state_size > CONTRACT_STATE_MAX_BYTES)
		return refuse(check, "it wants more than 16 MiB of state");
	if (plugin->udev_subsystem && !is_sentence(plugin->udev_subsystem))
		return refuse(check, "its udev subsystem has no valid name");
	if (!plugin->metrics || plugin->n_metrics == 0 || plugin->n_metrics > CONTRACT_METRICS_MAX)
		return refuse(check, "it has no metrics, or more than %d", CONTRACT_METRICS_MAX);
	if ((!plugin->options && plugin->n_options > 0) || plugin->n_options > CONTRACT_OPTIONS_MAX)
		return refuse(check, "its options are not a table of at most %d",
			      CONTRACT_OPTIONS_MAX);
	return 0;
}

int contract_check(const struct hm_plugin *plugin,
		   char ret_reason[static CONTRACT_REASON_MAX_BYTES])
{
	struct check check;
	int result;

	check.plugin = plugin;
	check.reason = ret_reason;
	if (plugin->abi != HM_PLUGIN_ABI)
		return refuse(&check, "it was built for ABI %u, this agent has %u",
			      (unsigned)plugin->abi, (unsigned)HM_PLUGIN_ABI);
	/* A newer one may be longer: what stands behind is not known here. */
	if (plugin->size < sizeof(*plugin))
		return refuse(&check, "its table has %u bytes, at least %zu are needed",
			      (unsigned)plugin->size, sizeof(*plugin));
	result = check_plugin(&check);
	for (size_t i = 0; i < plugin->n_metrics && result == 0; i++)
		result = check_table_metric(&check, i);
	for (size_t i = 0; i < plugin->n_options && result == 0; i++)
		result = check_option(&check, i);
	return result;
}

bool contract_has_name(const struct hm_plugin *plugin)
{
	return is_name(plugin->name, LOWER DIGITS "_", CONTRACT_NAME_MAX_BYTES);
}
