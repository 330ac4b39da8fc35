/* SPDX-License-Identifier: MIT */
/* A plugin is run as other settings say. */

#include <errno.h>

#include "agent/option_values.h"
#include "agent/plugin_part.h"

/* The plugin is stopped: give it other options. Takes over `values`. */
static void take_options(struct plugin *plugin, char **values)
{
	option_values_free(plugin->option_values, plugin->config.table->n_options);
	plugin->option_values = values;
	plugin->host.option_values = (const char *const *)values;
}

/* Takes over `filter`. */
static void take_filter(struct plugin *plugin, struct filter *filter)
{
	batch_use_filter(&plugin->batch, filter);
	filter_free(plugin->filter);
	plugin->filter = filter;
}

static void take_config(struct plugin *plugin, const struct plugin_config *config)
{
	bool was_disabled = plugin->config.is_disabled;

	plugin->config.interval_us = config->interval_us;
	plugin->config.is_disabled = config->is_disabled;
	plugin->config.is_wanted = config->is_wanted;
	plugin->is_idle = false;
	pthread_mutex_lock(&plugin->lock);
	plugin->stats.interval_us = config->interval_us;
	if (config->is_disabled) {
		plugin->stats.state = PLUGIN_DISABLED;
		plugin->stats.n_series = 0;
		plugin->stats.left_out = (struct batch_left_out){.n = 0};
		plugin->batch.n_shown = 0;
	} else if (was_disabled) {
		plugin->stats.state = PLUGIN_ABSENT;
	}
	pthread_mutex_unlock(&plugin->lock);
	if (config->is_disabled)
		batch_give_back(&plugin->batch);
}

size_t plugin_count_placed(const struct plugin *plugin, uint64_t order)
{
	return batch_count_placed(&plugin->batch, order);
}

void plugin_leave_out(struct plugin *plugin, uint64_t order)
{
	batch_leave_out(&plugin->batch, order);
}

int plugin_configure(struct plugin *plugin, const struct plugin_config *config,
		     int64_t monotonic_us)
{
	char **values = option_values_copy(config->table, config->option_values);
	struct filter *filter;
	bool starts;

	if (!values)
		return -ENOMEM;
	if (filter_new(config->table, config->filter_values, &filter) < 0) {
		option_values_free(values, config->table->n_options);
		return -ENOMEM;
	}
	starts = option_values_differ(plugin->config.table, plugin->option_values, values) ||
		 plugin->config.is_disabled != config->is_disabled;
	if (starts) {
		plugin_settle(plugin);
		take_options(plugin, values);
		plugin->retry_us = monotonic_us;
	} else {
		/* It may hold on to those that it has. */
		option_values_free(values, plugin->config.table->n_options);
	}
	take_filter(plugin, filter);
	take_config(plugin, config);
	if (starts)
		plugin_start(plugin, monotonic_us);
	return 0;
}
