/* SPDX-License-Identifier: MIT */
/* What agent.conf says of a plugin. */

#include "agent/settings_plugin.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/contract.h"
#include "agent/settings_check.h"

#define SECTION_MAX_BYTES (sizeof(SETTINGS_PLUGIN_PREFIX) + CONTRACT_NAME_MAX_BYTES)

/* What every section [plugin NAME] has; the plugin's own options follow. */
static const struct config_key plugin_keys[] = {
	{"enabled", CONFIG_TEXT, offsetof(struct settings_plugin, enabled_word), "auto",
	 "no: never run it; yes: say so when there is nothing for it; auto: where there is.",
	 CONFIG_APPLIES},
	{"interval", CONFIG_DURATION, offsetof(struct settings_plugin, own_interval_us),
	 SETTINGS_DEFAULT_INTERVAL,
	 "How often this plugin is read; the agent's interval by default.", CONFIG_APPLIES},
};

#define N_PLUGIN_KEYS (sizeof(plugin_keys) / sizeof(plugin_keys[0]))

/* The keys of a plugin's section. @return NULL without memory; the caller frees it */
static struct config_key *plugin_keys_new(const struct hm_plugin *plugin, size_t *ret_n_keys)
{
	size_t n_keys = N_PLUGIN_KEYS + plugin->n_options;
	struct config_key *keys = calloc(n_keys, sizeof(*keys));

	if (!keys)
		return NULL;
	memcpy(keys, plugin_keys, sizeof(plugin_keys));
	for (size_t i = 0; i < plugin->n_options; i++) {
		keys[N_PLUGIN_KEYS + i] = (struct config_key){
			.name = plugin->options[i].name,
			.type = CONFIG_TEXT,
			.offset = offsetof(struct settings_plugin, options) + i * sizeof(char *),
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

void settings_plugin_free(struct settings_plugin *plugin)
{
	if (!plugin)
		return;
	for (size_t i = 0; i < plugin->table->n_options; i++)
		free(plugin->options[i]);
	free(plugin->enabled_word);
	free(plugin);
}

/* The settings of a plugin of which no file says anything. */
int settings_plugin_new(const struct hm_plugin *table, struct settings_plugin **ret_plugin)
{
	struct settings_plugin *plugin =
		calloc(1, sizeof(*plugin) + table->n_options * sizeof(char *));
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

int settings_plugin_apply(struct settings_plugin *plugin, const struct config_entry *entry,
			  struct settings_report *report)
{
	size_t n_keys = 0;
	struct config_key *keys = plugin_keys_new(plugin->table, &n_keys);
	int result = -ENOMEM;

	if (keys)
		result = settings_apply_entry(entry, keys, n_keys, plugin, report);
	free(keys);
	if (result < 0)
		return result;
	if (strcmp(entry->key, "interval") == 0 && !settings_is_interval(plugin->own_interval_us))
		return settings_refuse_value(entry, report, SETTINGS_INTERVAL_RULE);
	if (!parse_enabled(plugin->enabled_word, &plugin->enabled))
		return settings_refuse_value(entry, report, "must be auto, yes or no");
	return check_option(plugin->table, entry, report);
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
}

int settings_plugin_format_sample(const struct hm_plugin *plugin, struct buffer *out)
{
	char section[SECTION_MAX_BYTES];
	size_t n_keys = 0;
	struct config_key *keys = plugin_keys_new(plugin, &n_keys);

	if (!keys)
		return -ENOMEM;
	format_section(plugin, section);
	buffer_printf(out, "\n# %s\n", plugin->help);
	config_format_sample(section, keys, n_keys, out);
	free(keys);
	return 0;
}
