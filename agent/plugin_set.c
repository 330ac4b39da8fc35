/* SPDX-License-Identifier: MIT */
/* All plugins of the agent. */

#include "agent/plugin_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/message.h"
#include "common/timestamp.h"

static struct plugin_config make_config(const struct settings_plugin *plugin,
					const struct hm_host *host)
{
	return (struct plugin_config){
		.table = plugin->table,
		.host = host,
		.option_values = (const char *const *)plugin->options,
		.filter_values = (const char *const *)plugin->options + plugin->table->n_options,
		.interval_us = plugin->interval_us,
		.is_disabled = plugin->enabled == SETTINGS_NO,
		.is_wanted = plugin->enabled == SETTINGS_YES,
	};
}

int plugin_set_init(struct plugin_set *set, const struct settings *settings,
		    const struct hm_host *host)
{
	int result = 0;

	/* One more than needed: calloc(0) may answer NULL. */
	*set = (struct plugin_set){
		.plugins = calloc(settings->n_plugins + 1, sizeof(struct plugin *)),
	};
	if (!set->plugins)
		return -ENOMEM;
	for (size_t i = 0; i < settings->n_plugins && result == 0; i++) {
		struct plugin_config config = make_config(settings->plugins[i], host);

		result = plugin_new(&config, &set->plugins[i]);
		if (result == 0)
			set->n_plugins++;
	}
	if (result < 0)
		plugin_set_done(set);
	return result;
}

void plugin_set_configure(const struct plugin_set *set, const struct settings *settings)
{
	for (size_t i = 0; i < set->n_plugins; i++) {
		struct plugin *plugin = set->plugins[i];
		struct plugin_config config = make_config(settings->plugins[i], NULL);
		int64_t now_us = timestamp_monotonic_us();
		int result = plugin_configure(plugin, &config, now_us);

		if (result < 0)
			message_error("plugin %s goes on as it was configured before: %s",
				      plugin_table(plugin)->name, strerror(-result));
		plugin_tell(plugin, now_us);
	}
}

void plugin_set_done(struct plugin_set *set)
{
	for (size_t i = 0; i < set->n_plugins; i++)
		plugin_free(set->plugins[i]);
	free((void *)set->plugins);
	*set = (struct plugin_set){0};
}

struct plugin *plugin_set_find_stuck(const struct plugin_set *set, int64_t longer_than_us)
{
	int64_t now_us = timestamp_monotonic_us();

	for (size_t i = 0; i < set->n_plugins; i++) {
		struct plugin_stats stats;

		plugin_get_stats(set->plugins[i], &stats);
		if (stats.verb && now_us - stats.verb_since_us > longer_than_us)
			return set->plugins[i];
	}
	return NULL;
}
