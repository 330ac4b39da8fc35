/* SPDX-License-Identifier: MIT */
/* What agent.conf says of a plugin. */

#include "agent/settings_plugin.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/contract.h"
#include "agent/filter.h"
#include "agent/settings_check.h"
#include "hostmetrics/wire.h"

#define SECTION_MAX_BYTES (sizeof(SETTINGS_PLUGIN_PREFIX) + CONTRACT_NAME_MAX_BYTES)

/* What every section [plugin NAME] has; the plugin's own options follow, then its filter. */
static const struct config_key plugin_keys[] = {
	{"enabled", CONFIG_TEXT, offsetof(struct settings_plugin, enabled_word), "auto",
	 "no: never run it; yes: say so when there is nothing for it; auto: where there is.",
	 CONFIG_APPLIES},
	{"interval", CONFIG_DURATION, offsetof(struct settings_plugin, own_interval_us),
	 SETTINGS_DEFAULT_INTERVAL,
	 "How often this plugin is read; the agent's interval by default.", CONFIG_APPLIES},
};

#define N_PLUGIN_KEYS (sizeof(plugin_keys) / sizeof(plugin_keys[0]))

/* Of these the last two are there for every label. */
static const struct config_key filter_keys[] = {
	{FILTER_INCLUDE, CONFIG_TEXT, 0, "", "Globs on the metrics that are taken; all by default.",
	 CONFIG_APPLIES},
	{FILTER_EXCLUDE, CONFIG_TEXT, 0, "", "Globs on metrics that are left out.", CONFIG_APPLIES},
	{FILTER_INCLUDE "_LABEL", CONFIG_TEXT, 0, "",
	 "Globs on the values of a label that are taken; all by default.", CONFIG_APPLIES},
	{FILTER_EXCLUDE "_LABEL", CONFIG_TEXT, 0, "",
	 "Globs on values of a label that are left out.", CONFIG_APPLIES},
};

#define N_FILTER_KEYS (sizeof(filter_keys) / sizeof(filter_keys[0]))

/* "include_LABEL" */
#define FILTER_KEY_MAX_BYTES (sizeof(FILTER_INCLUDE "_") + HM_METRIC_NAME_MAX_BYTES)

static size_t value_offset(size_t index)
{
	return offsetof(struct settings_plugin, options) + index * sizeof(char *);
}

/* The keys of a filter. @param names  room for their names */
static void make_filter_keys(const struct hm_plugin *plugin, struct config_key *keys,
			     const char *labels[], char *names)
{
	const size_t n_labels = filter_find_labels(plugin, labels);

	for (size_t i = 0; i < 2 + 2 * n_labels; i++) {
		keys[i] = filter_keys[i < 2 ? i : 2 + i % 2];
		keys[i].offset = value_offset(plugin->n_options + i);
		if (i < 2)
			continue;
		keys[i].name = names;
		(void)snprintf(names, FILTER_KEY_MAX_BYTES, "%s_%s",
			       i % 2 ? FILTER_EXCLUDE : FILTER_INCLUDE, labels[(i - 2) / 2]);
		names += FILTER_KEY_MAX_BYTES;
	}
}

/* The keys of a plugin's section. @return NULL without memory; the caller frees it */
static struct config_key *plugin_keys_new(const struct hm_plugin *plugin, size_t *ret_n_keys)
{
	const size_t n_filter_keys = filter_count_values(plugin);
	const size_t n_keys = N_PLUGIN_KEYS + plugin->n_options + n_filter_keys;
	/* Their names lie behind them. */
	struct config_key *keys =
		calloc(1, n_keys * sizeof(*keys) + n_filter_keys * FILTER_KEY_MAX_BYTES);
	const char **labels = calloc(n_filter_keys, sizeof(*labels));

	if (!keys || !labels) {
		free((void *)labels);
		free(keys);
		return NULL;
	}
	memcpy(keys, plugin_keys, sizeof(plugin_keys));
	make_filter_keys(plugin, keys + N_PLUGIN_KEYS + plugin->n_options, labels,
			 (char *)(keys + n_keys));
	free((void *)labels);
	for (size_t i = 0; i < plugin->n_options; i++) {
		keys[N_PLUGIN_KEYS + i] = (struct config_key){
			.name = plugin->options[i].name,
			.type = CONFIG_TEXT,
			.offset = value_offset(i),
			.fallback = plugin->options[i].fallback,
			.help = plugin->options[i].help,
			.effect = CONFIG_RESTARTS_SECTION,
		};
	}
	*ret_n_keys = n_keys;
	return keys;
}

static void format_section(const struct hm_plugin *plugin, char out[static SECTION_MAX_BYTES])
{
	(void)snprintf(out, SECTION_MAX_BYTES, SETTINGS_PLUGIN_PREFIX "%s", plugin->name);
}

static size_t count_values(const struct hm_plugin *plugin)
{
	return plugin->n_options + filter_count_values(plugin);
}

void settings_plugin_free(struct settings_plugin *plugin)
{
	if (!plugin)
		return;
	for (size_t i = 0; i < count_values(plugin->table); i++)
		free(plugin->options[i]);
	free(plugin->enabled_word);
	free(plugin);
}

/* The settings of a plugin of which no file says anything. */
int settings_plugin_new(const struct hm_plugin *table, struct settings_plugin **ret_plugin)
{
	struct settings_plugin *plugin =
		calloc(1, sizeof(*plugin) + count_values(table) * sizeof(char *));
	size_t n_keys = 0;
	struct config_key *keys = plugin ? plugin_keys_new(table, &n_keys) : NULL;
	int result = -ENOMEM;

	if (plugin)
		plugin->table = table;
	if (keys)
		result = config_defaults(keys, n_keys, plugin);
	free(keys);
	if (result < 0) {
		settings_plugin_free(plugin);
		return result;
	}
	/* Not set: the agent's own, which is known only when all files are read. */
	plugin->own_interval_us = 0;
	*ret_plugin = plugin;
	return 0;
}

static bool parse_enabled(const char *word, enum settings_enabled *ret_enabled)
{
	static const char *const words[] = {
		[SETTINGS_AUTO] = "auto",
		[SETTINGS_YES] = "yes",
		[SETTINGS_NO] = "no",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0) {
			*ret_enabled = (enum settings_enabled)i;
			return true;
		}
	}
	return false;
}

/* Ask the plugin itself what it thinks of one of its own options. */
static int check_option(const struct hm_plugin *table, const struct config_entry *entry,
			struct settings_report *report)
{
	char reason[256] = "";

	for (size_t i = 0; i < table->n_options; i++) {
		const struct hm_option *option = &table->options[i];

		if (strcmp(option->name, entry->key) == 0 && option->check &&
		    option->check(entry->value, reason, sizeof(reason)) < 0)
			return settings_refuse_value(entry, report, reason);
	}
	return 0;
}

/* The label that the key of a filter is about. @return NULL: it is no such key */
static const char *find_label(const char *key)
{
	if (strncmp(key, FILTER_INCLUDE "_", sizeof(FILTER_INCLUDE)) == 0)
		return key + sizeof(FILTER_INCLUDE);
	if (strncmp(key, FILTER_EXCLUDE "_", sizeof(FILTER_EXCLUDE)) == 0)
		return key + sizeof(FILTER_EXCLUDE);
	return NULL;
}

/* Append the labels that the plugin's metrics have, behind `before`; nothing where there are none. */
static int append_labels(const struct hm_plugin *plugin, const char *before, struct buffer *out)
{
	const size_t n_labels = filter_find_labels(plugin, NULL);
	/* One more than needed: calloc(0) may answer NULL. */
	const char **labels = calloc(n_labels + 1, sizeof(*labels));

	if (!labels)
		return -ENOMEM;
	(void)filter_find_labels(plugin, labels);
	for (size_t i = 0; i < n_labels; i++)
		buffer_printf(out, "%s%s", i == 0 ? before : ", ", labels[i]);
	free((void *)labels);
	return 0;
}

/* Does a metric of the plugin have the label that the key is about? @return 0; -EINVAL, told already; -ENOMEM */
static int check_label(const struct hm_plugin *table, const struct config_entry *entry,
		       struct settings_report *report)
{
	const char *label = find_label(entry->key);
	int result;

	if (!label || filter_has_label(table, label))
		return 0;
	buffer_printf(&report->errors, "%s:%d: %s in [%s]: no metric of it has a label '%s'",
		      entry->file, entry->line_number, entry->key, entry->section, label);
	result = append_labels(table, "; they have ", &report->errors);
	buffer_append_byte(&report->errors, '\n');
	return result < 0 ? result : -EINVAL;
}

/* Can what an entry says of the filter be used? */
static int check_filter(const struct hm_plugin *table, const struct config_entry *entry,
			struct settings_report *report)
{
	const bool is_of_metrics =
		strcmp(entry->key, FILTER_INCLUDE) == 0 || strcmp(entry->key, FILTER_EXCLUDE) == 0;
	const char *fault =
		is_of_metrics || find_label(entry->key) ? filter_find_fault(entry->value) : NULL;

	if (fault)
		return settings_refuse_value(entry, report, fault);
	/* Another version of the plugin may have it. */
	if (is_of_metrics && !filter_fits_metrics(entry->value, table)) {
		buffer_printf(&report->warnings,
			      "%s:%d: %s in [%s]: not all of '%s' fits a metric of the plugin\n",
			      entry->file, entry->line_number, entry->key, entry->section,
			      entry->value);
	}
	return 0;
}

int settings_plugin_apply(struct settings_plugin *plugin, const struct config_entry *entry,
			  struct settings_report *report)
{
	size_t n_keys = 0;
	struct config_key *keys = plugin_keys_new(plugin->table, &n_keys);
	int result = keys ? check_label(plugin->table, entry, report) : -ENOMEM;

	if (result == 0)
		result = settings_apply_entry(entry, keys, n_keys, plugin, report);
	free(keys);
	if (result < 0)
		return result;
	if (strcmp(entry->key, "interval") == 0 && !settings_is_interval(plugin->own_interval_us))
		return settings_refuse_value(entry, report, SETTINGS_INTERVAL_RULE);
	if (!parse_enabled(plugin->enabled_word, &plugin->enabled))
		return settings_refuse_value(entry, report, "must be auto, yes or no");
	result = check_filter(plugin->table, entry, report);
	return result < 0 ? result : check_option(plugin->table, entry, report);
}

int settings_plugin_diff(const struct settings_plugin *before, const struct settings_plugin *after,
			 struct config_changes *changes)
{
	char section[SECTION_MAX_BYTES];
	size_t n_keys = 0;
	struct config_key *keys = plugin_keys_new(before->table, &n_keys);
	int result = -ENOMEM;

	format_section(before->table, section);
	if (keys)
		result = config_diff(section, keys, n_keys, before, after, changes);
	free(keys);
	return result;
}

void settings_plugin_format_help(struct buffer *out)
{
	config_format_help(plugin_keys, N_PLUGIN_KEYS, out);
	config_format_help(filter_keys, N_FILTER_KEYS, out);
}

int settings_plugin_format_sample(const struct hm_plugin *plugin, struct buffer *out)
{
	char section[SECTION_MAX_BYTES];
	size_t n_keys = 0;
	struct config_key *keys = plugin_keys_new(plugin, &n_keys);
	int result;

	if (!keys)
		return -ENOMEM;
	format_section(plugin, section);
	buffer_printf(out, "\n# %s\n", plugin->help);
	/* The keys of labels are many, and all alike. */
	config_format_sample(section, keys, N_PLUGIN_KEYS + plugin->n_options + 2, out);
	free(keys);
	result = append_labels(plugin,
			       "\n# The same on values of labels: include_LABEL and "
			       "exclude_LABEL, where LABEL is ",
			       out);
	if (filter_count_values(plugin) > 2)
		buffer_append_byte(out, '\n');
	return result;
}
