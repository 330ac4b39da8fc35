/* SPDX-License-Identifier: MIT */
/* The agent's side of the fake plugin. */

#include "tests/support/test_plugin.h"

#include <criterion/criterion.h>

#include "tests/support/fake_plugin.h"

void test_plugin_make(struct test_plugin *test, struct plugin_config config)
{
	config.table = &fake_plugin;
	config.host = &test->host;
	config.interval_us = 1000000;
	plugin_free(test->plugin);
	cr_assert_eq(plugin_new(&config, &test->plugin), 0);
}

void test_plugin_init(struct test_plugin *test)
{
	*test = (struct test_plugin){.now_us = 1000};
	fake_plugin_control.device = "d";
	cr_assert_eq(host_init(&test->host, ""), 0);
	test_plugin_make(test, (struct plugin_config){0});
}

void test_plugin_done(struct test_plugin *test)
{
	plugin_stop(test->plugin);
	plugin_free(test->plugin);
	buffer_done(&test->lines);
	host_done(&test->host);
	cr_assert_eq(fake_plugin_control.n_starts, fake_plugin_control.n_stops,
		     "a start without its stop");
}

const char *test_plugin_take(struct test_plugin *test)
{
	buffer_clear(&test->lines);
	plugin_round(test->plugin, 5000000, test->now_us, &test->lines);
	return buffer_text(&test->lines);
}

const char *test_plugin_take_safely(struct test_plugin *test)
{
	const char *text = test_plugin_take(test);

	plugin_commit(test->plugin, 5000000);
	return text;
}

struct plugin_stats test_plugin_stats(const struct test_plugin *test)
{
	struct plugin_stats stats;

	plugin_get_stats(test->plugin, &stats);
	return stats;
}

static void count_value(void *context, const struct plugin_value *value)
{
	size_t *n_values = context;

	cr_assert_not_null(value->series);
	(*n_values)++;
}

size_t test_plugin_count_values(struct test_plugin *test)
{
	size_t n_values = 0;

	plugin_visit(test->plugin, count_value, &n_values);
	return n_values;
}
