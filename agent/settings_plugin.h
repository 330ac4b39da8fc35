/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SETTINGS_PLUGIN_H
#define AGENT_SETTINGS_PLUGIN_H

/* The sections [plugin NAME] of agent.conf, a part of agent/settings.h. */

#include "agent/settings.h"

#define SETTINGS_PLUGIN_PREFIX "plugin "

#define SETTINGS_DEFAULT_INTERVAL "10s"

/* The settings of a plugin of which no file says anything. @return 0 or -ENOMEM */
int settings_plugin_new(const struct hm_plugin *table, struct settings_plugin **ret_plugin);

/* Takes NULL. */
void settings_plugin_free(struct settings_plugin *plugin);

/* Apply one entry of its section. @return 0; -EINVAL, said in the report; -ENOMEM */
int settings_plugin_apply(struct settings_plugin *plugin, const struct config_entry *entry,
			  struct settings_report *report);

/* Add the keys that differ. @return 0 or -ENOMEM */
int settings_plugin_diff(const struct settings_plugin *before, const struct settings_plugin *after,
			 struct config_changes *changes);

/* Append the keys that every plugin has, one line each, for --help. */
void settings_plugin_format_help(struct buffer *out);

/* Append its section, every key commented out at its default. @return 0 or -ENOMEM */
int settings_plugin_format_sample(const struct hm_plugin *plugin, struct buffer *out);

/* -- what settings.c lends ------------------------------------------------------------------------- */

void settings_add_line(struct buffer *lines, const char *text);

/* Say that an entry's value cannot be used. @return 0 */
int settings_refuse_value(const struct config_entry *entry, struct settings_report *report,
			  const char *what);

/* Apply one entry to a table of keys. @return 0; -EINVAL, told already; -ENOMEM */
int settings_apply_entry(const struct config_entry *entry, const struct config_key *keys,
			 size_t n_keys, void *target, struct settings_report *report);

#endif
