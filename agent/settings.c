/* SPDX-License-Identifier: MIT */
/* What agent.conf says, with the command line's options over it. */

#include "agent/settings.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/contract.h"
#include "agent/settings_check.h"
#include "common/config.h"
#include "common/message.h"
#include "hostmetrics/control.h"
#include "hostmetrics/wire.h"

#define AGENT_SECTION         "agent"
#define PLUGIN_SECTION_PREFIX "plugin "

#define SECTION_MAX_BYTES (sizeof(PLUGIN_SECTION_PREFIX) + CONTRACT_NAME_MAX_BYTES)

#define DEFAULT_INTERVAL "10s"

static const struct config_key agent_keys[] = {
	{"interval", CONFIG_DURATION, offsetof(struct settings, interval_us), DEFAULT_INTERVAL,
	 "How often the plugins are read.", CONFIG_APPLIES},
	{"ship_interval", CONFIG_DURATION, offsetof(struct settings, ship_interval_us), "60s",
	 "How often their rounds are shipped.", CONFIG_APPLIES},
	{"collector", CONFIG_ADDRESS, offsetof(struct settings, collector), "127.0.0.1:9999",
	 "The collector's address or name, and port.", CONFIG_APPLIES},
	{"hostname", CONFIG_TEXT, offsetof(struct settings, hostname), "",
	 "The name under which this host is stored; the host's own by default.", CONFIG_APPLIES},
	{"spool", CONFIG_TEXT, offsetof(struct settings, spool), "/var/lib/hostmetrics/spool",
	 "The folder where samples wait until the collector has stored them.",
	 CONFIG_NEEDS_RESTART},
	{"spool_size", CONFIG_TEXT, offsetof(struct settings, spool_size), "256M",
	 "So large is it at most; then the oldest go.", CONFIG_NEEDS_RESTART},
	{"spool_age", CONFIG_DURATION, offsetof(struct settings, spool_age_us), "7d",
	 "What has waited for so long goes.", CONFIG_NEEDS_RESTART},
	{"socket", CONFIG_TEXT, offsetof(struct settings, socket), HM_AGENT_SOCKET,
	 "The control socket.", CONFIG_NEEDS_RESTART},
	{"user", CONFIG_TEXT, offsetof(struct settings, user), "",
	 "Become this user once the socket is open, when started as root.", CONFIG_NEEDS_RESTART},
};

/* What every section [plugin NAME] has; the plugin's own options follow. */
static const struct config_key plugin_keys[] = {
	{"enabled", CONFIG_TEXT, offsetof(struct settings_plugin, enabled_word), "auto",
	 "no: never run it; yes: say so when there is nothing for it; auto: where there is.",
	 CONFIG_APPLIES},
	{"interval", CONFIG_DURATION, offsetof(struct settings_plugin, own_interval_us),
	 DEFAULT_INTERVAL, "How often this plugin is read; the agent's interval by default.",
	 CONFIG_APPLIES},
};

#define N_AGENT_KEYS  (sizeof(agent_keys) / sizeof(agent_keys[0]))
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
	(void)snprintf(out, SECTION_MAX_BYTES, PLUGIN_SECTION_PREFIX "%s", plugin->name);
}

static void plugin_free(struct settings_plugin *plugin)
{
	if (!plugin)
		return;
	for (size_t i = 0; i < plugin->table->n_options; i++)
		free(plugin->options[i]);
	free(plugin->enabled_word);
	free(plugin);
}

/* The settings of a plugin of which no file says anything. */
static int plugin_new(const struct hm_plugin *table, struct settings_plugin **ret_plugin)
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
		plugin_free(plugin);
		return result;
	}
	/* Not set: the agent's own, which is known only when all files are read. */
	plugin->own_interval_us = 0;
	*ret_plugin = plugin;
	return 0;
}

static int set_defaults(struct settings *settings, const struct loader *loader)
{
	int result = config_defaults(agent_keys, N_AGENT_KEYS, settings);

	/* One more than needed: calloc(0) may answer NULL. */
	settings->plugins = calloc(loader->n_plugins + 1, sizeof(struct settings_plugin *));
	settings->n_plugins = 0;
	if (!settings->plugins)
		return -ENOMEM;
	for (size_t i = 0; i < loader->n_plugins && result == 0; i++) {
		result = plugin_new(loader->plugins[i], &settings->plugins[i]);
		if (result == 0)
			settings->n_plugins++;
	}
	return result;
}

static void add_line(struct buffer *lines, const char *text)
{
	buffer_append_text(lines, text);
	buffer_append_byte(lines, '\n');
}

/* Say that an entry's value cannot be used. */
static int refuse_value(const struct config_entry *entry, struct settings_report *report,
			const char *what)
{
	buffer_printf(&report->errors, "%s:%d: %s in [%s]: '%s' %s\n", entry->file,
		      entry->line_number, entry->key, entry->section, entry->value, what);
	return 0;
}

/* Apply one entry to a table of keys. @return 0; -EINVAL, told already; -ENOMEM */
static int apply_entry(const struct config_entry *entry, const struct config_key *keys,
		       size_t n_keys, void *target, struct settings_report *report)
{
	struct config one = {.entries = (struct config_entry *)entry, .n_entries = 1};
	struct config_error error;
	int result = config_apply(&one, entry->section, keys, n_keys, target, &error);

	if (result == -EINVAL)
		add_line(&report->errors, error.text);
	return result;
}

static int apply_agent_entry(struct settings *settings, const struct config_entry *entry,
			     struct settings_report *report)
{
	int result = apply_entry(entry, agent_keys, N_AGENT_KEYS, settings, report);
	const char *fault = result < 0 ? NULL : settings_find_fault(settings, entry);

	return fault ? refuse_value(entry, report, fault) : result;
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
			return refuse_value(entry, report, reason);
	}
	return 0;
}

static int apply_plugin_entry(struct settings_plugin *plugin, const struct config_entry *entry,
			      struct settings_report *report)
{
	size_t n_keys = 0;
	struct config_key *keys = plugin_keys_new(plugin->table, &n_keys);
	int result = -ENOMEM;

	if (keys)
		result = apply_entry(entry, keys, n_keys, plugin, report);
	free(keys);
	if (result < 0)
		return result;
	if (strcmp(entry->key, "interval") == 0 && !settings_is_interval(plugin->own_interval_us))
		return refuse_value(entry, report, SETTINGS_INTERVAL_RULE);
	if (!parse_enabled(plugin->enabled_word, &plugin->enabled))
		return refuse_value(entry, report, "must be auto, yes or no");
	return check_option(plugin->table, entry, report);
}

static struct settings_plugin *find_plugin(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n_plugins; i++) {
		if (strcmp(settings->plugins[i]->table->name, name) == 0)
			return settings->plugins[i];
	}
	return NULL;
}

/* The first entry of a section that nobody knows; the others of it are passed over. */
static int refuse_section(const struct config_entry *entry, const struct settings *settings,
			  struct settings_report *report)
{
	const char **candidates = calloc(settings->n_plugins + 2, sizeof(*candidates));
	struct buffer names = {0};
	struct config_error error;
	int result = 0;

	/* All names into one text first: it moves while it grows. */
	for (size_t i = 0; i < settings->n_plugins; i++) {
		buffer_append_text(&names, PLUGIN_SECTION_PREFIX);
		buffer_append(&names, settings->plugins[i]->table->name,
			      strlen(settings->plugins[i]->table->name) + 1);
	}
	if (!candidates || buffer_failed(&names)) {
		result = -ENOMEM;
		goto out;
	}
	candidates[0] = AGENT_SECTION;
	for (size_t i = 0, offset = 0; i < settings->n_plugins; i++) {
		candidates[i + 1] = names.data + offset;
		offset += strlen(candidates[i + 1]) + 1;
	}
	config_unknown(entry, "section", entry->section, candidates, &error);
	add_line(&report->errors, error.text);
out:
	buffer_done(&names);
	free((void *)candidates);
	return result;
}

static int apply_unknown_section(const struct config_entry *entry, const struct settings *settings,
				 const struct loader *loader, struct settings_report *report)
{
	size_t prefix_length = strlen(PLUGIN_SECTION_PREFIX);
	bool is_plugin = strncmp(entry->section, PLUGIN_SECTION_PREFIX, prefix_length) == 0;

	if (!is_plugin || !loader_may_have_refused(loader, entry->section + prefix_length))
		return refuse_section(entry, settings, report);
	buffer_printf(&report->warnings, "%s:%d: [%s] is left out: a plugin was refused\n",
		      entry->file, entry->line_number, entry->section);
	return 0;
}

/* Is it the first of its section in its file? One line about a section that nobody knows is enough. */
static bool begins_section(const struct config *config, size_t index)
{
	const struct config_entry *entry = &config->entries[index];
	const struct config_entry *last = index > 0 ? entry - 1 : NULL;

	return !last || strcmp(last->section, entry->section) != 0 ||
	       strcmp(last->file, entry->file) != 0;
}

static int apply_config(struct settings *settings, const struct config *config,
			const struct loader *loader, struct settings_report *report)
{
	size_t prefix_length = strlen(PLUGIN_SECTION_PREFIX);
	int result = 0;

	for (size_t i = 0; i < config->n_entries && result != -ENOMEM; i++) {
		const struct config_entry *entry = &config->entries[i];
		struct settings_plugin *plugin = NULL;

		if (strncmp(entry->section, PLUGIN_SECTION_PREFIX, prefix_length) == 0)
			plugin = find_plugin(settings, entry->section + prefix_length);
		if (plugin)
			result = apply_plugin_entry(plugin, entry, report);
		else if (strcmp(entry->section, AGENT_SECTION) == 0)
			result = apply_agent_entry(settings, entry, report);
		else if (begins_section(config, i))
			result = apply_unknown_section(entry, settings, loader, report);
	}
	return result == -ENOMEM ? result : 0;
}

const char *settings_path(const struct options *options)
{
	return options->config ? options->config : SETTINGS_DEFAULT_PATH;
}

static int read_files(struct config *config, const struct options *options,
		      struct settings_report *report)
{
	struct config_error error = {.text = ""};
	int result = config_read(config, settings_path(options), &error);

	/* Without a file the defaults count; one that was named must be there. */
	if (result == -ENOENT && !options->config)
		return 0;
	if (result == -ENOMEM)
		return result;
	if (result < 0)
		add_line(&report->errors, error.text);
	return 0;
}

static int replace_text(char **text, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int complete(struct settings *settings, const struct options *options,
		    struct settings_report *report)
{
	char name[HOST_NAME_MAX + 1] = "";
	int result = 0;

	for (size_t i = 0; i < settings->n_plugins; i++) {
		struct settings_plugin *plugin = settings->plugins[i];

		plugin->interval_us =
			plugin->own_interval_us ? plugin->own_interval_us : settings->interval_us;
	}
	if (options->socket)
		result = replace_text(&settings->socket, options->socket);
	if (result < 0 || *settings->hostname)
		return result;
	if (gethostname(name, sizeof(name)) < 0 || !settings_is_host_name(name))
		add_line(&report->errors, "this host has no name that can be stored; set hostname "
					  "in [agent]");
	return replace_text(&settings->hostname, name);
}

int settings_read(struct settings *settings, const struct options *options,
		  const struct loader *loader, struct settings_report *report)
{
	struct config config = {0};
	int result;

	*settings = (struct settings){0};
	result = set_defaults(settings, loader);
	if (result == 0)
		result = read_files(&config, options, report);
	if (result == 0)
		result = apply_config(settings, &config, loader, report);
	if (result == 0)
		result = complete(settings, options, report);
	config_done(&config);
	if (buffer_failed(&report->errors) || buffer_failed(&report->warnings))
		result = -ENOMEM;
	if (result == 0 && report->errors.length > 0)
		result = -EINVAL;
	return result;
}

static int diff_plugin(const struct settings_plugin *before, const struct settings_plugin *after,
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

int settings_diff(const struct settings *before, const struct settings *after,
		  struct config_changes *changes)
{
	int result = config_diff(AGENT_SECTION, agent_keys, N_AGENT_KEYS, before, after, changes);

	for (size_t i = 0; i < before->n_plugins && result == 0; i++)
		result = diff_plugin(before->plugins[i], after->plugins[i], changes);
	return result;
}

int settings_keep(const struct settings *before, struct settings *after)
{
	/* A plugin's section has no such key. */
	return config_keep(agent_keys, N_AGENT_KEYS, before, after);
}

void settings_done(struct settings *settings)
{
	for (size_t i = 0; i < settings->n_plugins; i++)
		plugin_free(settings->plugins[i]);
	free((void *)settings->plugins);
	config_free_settings(agent_keys, N_AGENT_KEYS, settings);
	*settings = (struct settings){0};
}

static void tell_lines(struct buffer *lines, void (*tell)(const char *format, ...))
{
	const char *line = buffer_text(lines);

	while (*line) {
		int length = (int)strcspn(line, "\n");

		tell("%.*s", length, line);
		line += length + 1;
	}
}

void settings_report_tell(struct settings_report *report)
{
	tell_lines(&report->warnings, message_warning);
	tell_lines(&report->errors, message_error);
}

void settings_report_done(struct settings_report *report)
{
	buffer_done(&report->errors);
	buffer_done(&report->warnings);
}

void settings_format_help(struct buffer *out)
{
	buffer_append_text(out, "\nSettings, [agent]:\n");
	config_format_help(agent_keys, N_AGENT_KEYS, out);
	buffer_append_text(out, "\nSettings, [plugin NAME], and the plugin's own:\n");
	config_format_help(plugin_keys, N_PLUGIN_KEYS, out);
}

int settings_format_sample(const struct loader *loader, struct buffer *out)
{
	config_format_sample(AGENT_SECTION, agent_keys, N_AGENT_KEYS, out);
	for (size_t i = 0; i < loader->n_plugins; i++) {
		const struct hm_plugin *plugin = loader->plugins[i];
		char section[SECTION_MAX_BYTES];
		size_t n_keys = 0;
		struct config_key *keys = plugin_keys_new(plugin, &n_keys);

		if (!keys)
			return -ENOMEM;
		format_section(plugin, section);
		buffer_printf(out, "\n# %s\n", plugin->help);
		config_format_sample(section, keys, n_keys, out);
		free(keys);
	}
	return buffer_failed(out) ? -ENOMEM : 0;
}
