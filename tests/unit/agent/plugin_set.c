/* SPDX-License-Identifier: MIT */
/* Tests of agent/plugin_set.c. */

#include "agent/plugin_set.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fake_plugin.h"

static struct hm_host host;
static struct settings_plugin *sections[2];
static struct settings settings = {.plugins = sections, .n_plugins = 2, .series_max = 1000};
static struct plugin_set set;
static struct hm_plugin second;

static void setup(void)
{
	second = fake_plugin;
	second.name = "second";
	for (int i = 0; i < 2; i++) {
		sections[i] = calloc(1, sizeof(*sections[i]) + 4 * sizeof(char *));
		cr_assert_not_null(sections[i]);
		sections[i]->table = i == 0 ? &fake_plugin : &second;
		sections[i]->interval_us = (i + 1) * INT64_C(1000000);
	}
	cr_assert_eq(host_init(&host, ""), 0);
}

static void teardown(void)
{
	plugin_set_done(&set);
	host_done(&host);
	free(sections[0]);
	free(sections[1]);
}

TestSuite(plugin_set, .init = setup, .fini = teardown);

Test(plugin_set, has_a_plugin_for_every_section_as_that_says)
{
	struct plugin_stats stats;

	sections[1]->enabled = SETTINGS_NO;
	cr_assert_eq(plugin_set_init(&set, &settings, &host), 0);

	cr_assert_eq(set.n_plugins, 2);
	cr_assert_eq(plugin_table(set.plugins[1]), &second);
	plugin_get_stats(set.plugins[0], &stats);
	cr_assert_eq(stats.interval_us, 1000000);
	cr_assert_neq(stats.state, PLUGIN_DISABLED);
	plugin_get_stats(set.plugins[1], &stats);
	cr_assert_eq(stats.interval_us, 2000000);
	cr_assert_eq(stats.state, PLUGIN_DISABLED);
	cr_assert_eq(fake_plugin_control.n_starts, 0);
}

Test(plugin_set, finds_nothing_stuck_where_nothing_runs)
{
	cr_assert_eq(plugin_set_init(&set, &settings, &host), 0);

	cr_assert_null(plugin_set_find_stuck(&set, -1));
}

/* A safe round of a plugin, in which it has two series of a device. @return the series that it has then */
static size_t take_round(size_t i, const char *device)
{
	struct buffer lines = {0};
	struct plugin_stats stats;

	fake_plugin_control.device = device;
	plugin_round(set.plugins[i], 1, 1, &lines);
	plugin_commit(set.plugins[i], 1);
	plugin_get_stats(set.plugins[i], &stats);
	buffer_done(&lines);
	return stats.n_series;
}

Test(plugin_set, has_one_limit_for_all_plugins_and_keeps_who_came_first)
{
	struct plugin_set_left_out left_out;

	settings.series_max = 3;
	cr_assert_eq(plugin_set_init(&set, &settings, &host), 0);
	cr_assert_eq(take_round(1, "a"), 2);
	cr_assert_eq(take_round(0, "a"), 1);
	plugin_set_count_left_out(&set, &left_out);
	cr_assert_eq(left_out.n, 1);
	cr_assert_eq(left_out.plugin, &fake_plugin);
	cr_assert_str_eq(left_out.metric->name, "fake_events_total");

	settings.series_max = 4;
	plugin_set_configure(&set, &settings);
	cr_assert_eq(take_round(0, "a"), 2);
	plugin_set_count_left_out(&set, &left_out);
	cr_assert_eq(left_out.n, 0);
	cr_assert_null(left_out.metric);

	for (int max = 3; max >= 1; max--) {
		settings.series_max = max;
		plugin_set_configure(&set, &settings);
		cr_assert_eq(set.limit->n_placed, (size_t)max);
		cr_assert_eq(take_round(0, "a"), max > 2 ? 1 : 0);
		cr_assert_eq(take_round(1, "a"), max > 2 ? 2 : (size_t)max);
	}
	for (size_t i = 0; i < 2; i++)
		plugin_stop(set.plugins[i]);
}

Test(plugin_set, gives_what_is_excluded_or_disabled_no_place)
{
	static char exclude[] = "*_total";

	settings.series_max = 3;
	cr_assert_eq(plugin_set_init(&set, &settings, &host), 0);
	(void)take_round(0, "a");
	(void)take_round(1, "a");
	/* At once, so that nobody is left out who need not be. */
	sections[0]->options[1] = exclude;
	settings.series_max = 2;
	plugin_set_configure(&set, &settings);
	cr_assert_eq(take_round(0, "a"), 1);
	cr_assert_eq(take_round(1, "a"), 1);

	sections[0]->enabled = SETTINGS_NO;
	plugin_set_configure(&set, &settings);
	cr_assert_eq(take_round(1, "a"), 2);
	sections[0]->enabled = SETTINGS_YES;
	plugin_set_configure(&set, &settings);
	cr_assert_eq(take_round(0, "a"), 0);
	for (size_t i = 0; i < 2; i++)
		plugin_stop(set.plugins[i]);
}

Test(plugin_set, takes_one_that_is_empty)
{
	settings.n_plugins = 0;
	cr_assert_eq(plugin_set_init(&set, &settings, &host), 0);
	cr_assert_eq(set.n_plugins, 0);

	struct plugin_set zeroed = {0};

	plugin_set_done(&zeroed);
}
