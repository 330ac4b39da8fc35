/* SPDX-License-Identifier: MIT */
/* Tests of agent/plugin_set.c. */

#include "agent/plugin_set.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fake_plugin.h"

static struct hm_host host;
static struct settings_plugin *sections[2];
static struct settings settings = {.plugins = sections, .n_plugins = 2};
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

Test(plugin_set, takes_one_that_is_empty)
{
	settings.n_plugins = 0;
	cr_assert_eq(plugin_set_init(&set, &settings, &host), 0);
	cr_assert_eq(set.n_plugins, 0);

	struct plugin_set zeroed = {0};

	plugin_set_done(&zeroed);
}
