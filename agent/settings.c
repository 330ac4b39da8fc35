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

#include "agent/settings_check.h"
#include "agent/settings_plugin.h"
#include "common/config.h"
#include "common/message.h"
#include "hostmetrics/control.h"

#define AGENT_SECTION "agent"

static const struct config_key agent_keys[] = {
	{"interval", CONFIG_DURATION, offsetof(struct settings, interval_us),
	 SETTINGS_DEFAULT_INTERVAL, "How often the plugins are read.", CONFIG_APPLIES},
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
	{"series_max", CONFIG_COUNT, offsetof(struct settings, series_max), "10000",
	 "So many series at most, of all plugins; those that come later are left out.",
	 CONFIG_APPLIES},
	{"socket", CONFIG_TEXT, offsetof(struct settings, socket), HM_AGENT_SOCKET,
	 "The control socket.", CONFIG_NEEDS_RESTART},
	{"user", CONFIG_TEXT, offsetof(struct settings, user), "",
	 "Become this user once the socket is open, when started as root.", CONFIG_NEEDS_RESTART},
};

#define N_AGENT_KEYS (sizeof(agent_keys) / sizeof(agent_keys[0]))

static int set_defaults(struct settings *settings, const struct loader *loader)
{
	int result = config_defaults(agent_keys, N_AGENT_KEYS, settings);

	/* One more than needed: calloc(0) may answer NULL. */
	settings->plugins = calloc(loader->n_plugins + 1, sizeof(struct settings_plugin *));
	settings->n_plugins = 0;
	if (!settings->plugins)
		return -ENOMEM;
	for (size_t i = 0; i < loader->n_plugins && result == 0; i++) {
		result = settings_plugin_new(loader->plugins[i], &settings->plugins[i]);
		if (result == 0)
			settings->n_plugins++;
	}
	return result;
}

void settings_add_line(struct buffer *lines, const char *text)
{
	buffer_append_text(lines, text);
	buffer_append_byte(lines, '\n');
}

int settings_refuse_value(const struct config_entry *entry, struct settings_report *report,
			  const char *what)
{
	buffer_printf(&report->errors, "%s:%d: %s in [%s]: '%s' %s\n", entry->file,
		      entry->line_number, entry->key, entry->section, entry->value, what);
	return 0;
}

int settings_apply_entry(const struct config_entry *entry, const struct config_key *keys,
			 size_t n_keys, void *target, struct settings_report *report)
{
	struct config one = {.entries = (struct config_entry *)entry, .n_entries = 1};
	struct config_error error;
	int result = config_apply(&one, entry->section, keys, n_keys, target, &error);

	if (result == -EINVAL)
		settings_add_line(&report->errors, error.text);
	return result;
}

static int apply_agent_entry(struct settings *settings, const struct config_entry *entry,
			     struct settings_report *report)
{
	int result = settings_apply_entry(entry, agent_keys, N_AGENT_KEYS, settings, report);
	const char *fault = result < 0 ? NULL : settings_find_fault(settings, entry);

	return fault ? settings_refuse_value(entry, report, fault) : result;
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
		buffer_append_text(&names, SETTINGS_PLUGIN_PREFIX);
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
	settings_add_line(&report->errors, error.text);
out:
	buffer_done(&names);
	free((void *)candidates);
	return result;
}

static int apply_unknown_section(const struct config_entry *entry, const struct settings *settings,
				 const struct loader *loader, struct settings_report *report)
{
	size_t prefix_length = strlen(SETTINGS_PLUGIN_PREFIX);
	bool is_plugin = strncmp(entry->section, SETTINGS_PLUGIN_PREFIX, prefix_length) == 0;

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
	size_t prefix_length = strlen(SETTINGS_PLUGIN_PREFIX);
	int result = 0;

	for (size_t i = 0; i < config->n_entries && result != -ENOMEM; i++) {
		const struct config_entry *entry = &config->entries[i];
		struct settings_plugin *plugin = NULL;

		if (strncmp(entry->section, SETTINGS_PLUGIN_PREFIX, prefix_length) == 0)
			plugin = find_plugin(settings, entry->section + prefix_length);
		if (plugin)
			result = settings_plugin_apply(plugin, entry, report);
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
		settings_add_line(&report->errors, error.text);
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
	if (gethostname(name, sizeof(name)) < 0 || !settings_is_host_name(name)) {
		settings_add_line(&report->errors,
				  "this host has no name that can be stored; set hostname "
				  "in [agent]");
	}
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

int settings_diff(const struct settings *before, const struct settings *after,
		  struct config_changes *changes)
{
	int result = config_diff(AGENT_SECTION, agent_keys, N_AGENT_KEYS, before, after, changes);

	for (size_t i = 0; i < before->n_plugins && result == 0; i++)
		result = settings_plugin_diff(before->plugins[i], after->plugins[i], changes);
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
		settings_plugin_free(settings->plugins[i]);
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
	settings_plugin_format_help(out);
}

int settings_format_sample(const struct loader *loader, struct buffer *out)
{
	int result = 0;

	config_format_sample(AGENT_SECTION, agent_keys, N_AGENT_KEYS, out);
	for (size_t i = 0; i < loader->n_plugins && result == 0; i++)
		result = settings_plugin_format_sample(loader->plugins[i], out);
	return buffer_failed(out) ? -ENOMEM : result;
}
