/* SPDX-License-Identifier: MIT */
/* All plugins of the agent. */

#include "agent/plugin_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/text_share.h"
#include "common/message.h"
#include "common/timestamp.h"

static struct plugin_config make_config(const struct plugin_set *set,
					const struct settings_plugin *plugin,
					const struct hm_host *host)
{
	return (struct plugin_config){
		.table = plugin->table,
		.host = host,
		.option_values = (const char *const *)plugin->options,
		.filter_values = (const char *const *)plugin->options + plugin->table->n_options,
		.limit = set->limit,
		.interval_us = plugin->interval_us,
		.is_disabled = plugin->enabled == SETTINGS_NO,
		.is_wanted = plugin->enabled == SETTINGS_YES,
	};
}

int plugin_set_init(struct plugin_set *set, const struct settings *settings,
		    const struct hm_host *host)
{
	struct hm_host own = *host;
	int result;

	/* One more than needed: calloc(0) may answer NULL. */
	*set = (struct plugin_set){
		.plugins = calloc(settings->n_plugins + 1, sizeof(struct plugin *)),
		.limit = calloc(1, sizeof(struct series_limit)),
		.registry = calloc(1, sizeof(struct metric_registry)),
		.texts = calloc(1, sizeof(struct text_share)),
	};
	if (!set->plugins || !set->limit || !set->registry || !set->texts) {
		plugin_set_done(set);
		return -ENOMEM;
	}
	set->limit->max = (size_t)settings->series_max;
	result = metric_registry_init(set->registry, settings->n_plugins);
	own.registry = set->registry;
	own.texts = set->texts;
	for (size_t i = 0; i < settings->n_plugins && result == 0; i++) {
		struct plugin_config config = make_config(set, settings->plugins[i], &own);

		metric_registry_add_table(set->registry, settings->plugins[i]->table);
		result = plugin_new(&config, &set->plugins[i]);
		if (result == 0)
			set->n_plugins++;
	}
	if (result < 0)
		plugin_set_done(set);
	return result;
}

static size_t count_placed(const struct plugin_set *set, uint64_t order)
{
	size_t n_placed = 0;

	for (size_t i = 0; i < set->n_plugins; i++)
		n_placed += plugin_count_placed(set->plugins[i], order);
	return n_placed;
}

/* Where there are more than that, those go that came last. */
static void set_limit(const struct plugin_set *set, size_t max)
{
	struct series_limit *limit = set->limit;
	uint64_t low = 0;
	uint64_t high = limit->last_order + 1;

	limit->max = max;
	if (limit->n_placed <= max)
		return;
	/* The order up to which there are as many as may be; no two series have the same. */
	while (low < high) {
		uint64_t middle = high - (high - low) / 2;

		if (count_placed(set, middle) <= max)
			low = middle;
		else
			high = middle - 1;
	}
	for (size_t i = 0; i < set->n_plugins; i++)
		plugin_leave_out(set->plugins[i], low);
}

void plugin_set_configure(const struct plugin_set *set, const struct settings *settings)
{
	for (size_t i = 0; i < set->n_plugins; i++) {
		struct plugin *plugin = set->plugins[i];
		struct plugin_config config = make_config(set, settings->plugins[i], NULL);
		int64_t now_us = timestamp_monotonic_us();
		int result = plugin_configure(plugin, &config, now_us);

		if (result < 0)
			message_error("plugin %s goes on as it was configured before: %s",
				      plugin_table(plugin)->name, strerror(-result));
		plugin_tell(plugin, now_us);
	}
	set_limit(set, (size_t)settings->series_max);
}

void plugin_set_done(struct plugin_set *set)
{
	for (size_t i = 0; i < set->n_plugins; i++)
		plugin_free(set->plugins[i]);
	free((void *)set->plugins);
	free(set->limit);
	if (set->registry)
		metric_registry_done(set->registry);
	free(set->registry);
	free(set->texts);
	*set = (struct plugin_set){0};
}

void plugin_set_count_left_out(const struct plugin_set *set,
			       struct plugin_set_left_out *ret_left_out)
{
	*ret_left_out = (struct plugin_set_left_out){.n = 0};
	for (size_t i = 0; i < set->n_plugins; i++) {
		struct plugin_stats stats;

		plugin_get_stats(set->plugins[i], &stats);
		ret_left_out->n += stats.left_out.n;
		if (stats.left_out.n_most <= ret_left_out->n_most)
			continue;
		ret_left_out->n_most = stats.left_out.n_most;
		ret_left_out->metric = stats.left_out.most;
		ret_left_out->plugin = plugin_table(set->plugins[i]);
	}
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
