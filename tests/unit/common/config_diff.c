/* SPDX-License-Identifier: MIT */
/* Tests of common/config_diff.c. */

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/config.h"

struct settings {
	char *name;
	char *listen;
	int64_t interval_us;
	int64_t n_threads;
};

static const struct config_key keys[] = {
	{"name", CONFIG_TEXT, offsetof(struct settings, name), "", "What it is called.",
	 CONFIG_RESTARTS_SECTION},
	{"listen", CONFIG_ADDRESS, offsetof(struct settings, listen), "127.0.0.1:9999",
	 "Where it listens.", CONFIG_NEEDS_RESTART},
	{"interval", CONFIG_DURATION, offsetof(struct settings, interval_us), "10s", "How often.",
	 CONFIG_APPLIES},
	{"threads", CONFIG_COUNT, offsetof(struct settings, n_threads), "1", "How many threads.",
	 CONFIG_NEEDS_RESTART},
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static struct settings before;
static struct settings after;
static struct config_changes changes;
static struct buffer text;

static void setup(void)
{
	cr_assert_eq(config_defaults(keys, N_KEYS, &before), 0);
	cr_assert_eq(config_defaults(keys, N_KEYS, &after), 0);
}

static void teardown(void)
{
	config_free_settings(keys, N_KEYS, &before);
	config_free_settings(keys, N_KEYS, &after);
	config_changes_done(&changes);
	buffer_done(&text);
}

TestSuite(config_diff, .init = setup, .fini = teardown);

static void change(size_t key, const char *value)
{
	struct config_error error;

	cr_assert_eq(config_set(&keys[key], value, &after, &error), 0);
}

/* All changes, a line each. */
static const char *diff(void)
{
	cr_assert_eq(config_diff("plugin x", keys, N_KEYS, &before, &after, &changes), 0);
	for (size_t i = 0; i < changes.n; i++) {
		config_change_format(&changes.at[i], &text);
		buffer_append_byte(&text, '\n');
	}
	return buffer_text(&text);
}

Test(config_diff, finds_nothing_where_nothing_differs)
{
	change(0, "");
	change(2, "10000ms");
	cr_assert_str_eq(diff(), "");
}

Test(config_diff, says_of_every_key_what_it_was_is_and_what_becomes_of_it)
{
	change(0, "b");
	change(1, "[::1]:1");
	change(2, "1500ms");
	change(3, "2");
	cr_assert_str_eq(diff(),
			 "[plugin x] name: '' becomes 'b': plugin x restarted\n"
			 "[plugin x] listen: '127.0.0.1:9999' becomes '[::1]:1': needs a restart\n"
			 "[plugin x] interval: '10s' becomes '1500ms': applied\n"
			 "[plugin x] threads: '1' becomes '2': needs a restart\n");
}

Test(config_diff, tells_durations_apart_that_are_almost_alike)
{
	before.interval_us = INT64_C(3600000000);
	after.interval_us = INT64_C(3601000000);
	cr_assert_str_eq(diff(), "[plugin x] interval: '1h' becomes '3601s': applied\n");
}

Test(config_diff, shows_a_duration_that_no_file_sets_as_nothing)
{
	before.interval_us = 0;
	cr_assert_str_eq(diff(), "[plugin x] interval: '' becomes '10s': applied\n");
}

Test(config_diff, adds_to_what_is_there)
{
	change(3, "2");
	cr_assert_eq(config_diff("a", keys, N_KEYS, &before, &after, &changes), 0);
	cr_assert_eq(config_diff("b", keys, N_KEYS, &before, &after, &changes), 0);
	cr_assert_eq(changes.n, 2);
	cr_assert_str_eq(changes.at[0].section, "a");
	cr_assert_str_eq(changes.at[1].section, "b");
}

Test(config_diff, keeps_what_needs_a_restart_and_nothing_else)
{
	change(0, "b");
	change(1, "[::1]:1");
	change(2, "1s");
	change(3, "2");
	cr_assert_eq(config_keep(keys, N_KEYS, &before, &after), 0);
	cr_assert_str_eq(after.name, "b");
	cr_assert_str_eq(after.listen, "127.0.0.1:9999");
	cr_assert_eq(after.interval_us, 1000000);
	cr_assert_eq(after.n_threads, 1);
}
