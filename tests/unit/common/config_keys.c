/* SPDX-License-Identifier: MIT */
/* Tests of common/config_keys.c. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
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
	 CONFIG_APPLIES},
	{"listen", CONFIG_ADDRESS, offsetof(struct settings, listen), "127.0.0.1:9999",
	 "Where it listens.", CONFIG_APPLIES},
	{"interval", CONFIG_DURATION, offsetof(struct settings, interval_us), "10s",
	 "Time between two rounds.", CONFIG_APPLIES},
	{"threads", CONFIG_COUNT, offsetof(struct settings, n_threads), "1", "How many threads.",
	 CONFIG_APPLIES},
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static struct config config;
static struct config_error error;
static struct settings settings;

static void setup(void)
{
	cr_assert_eq(config_defaults(keys, N_KEYS, &settings), 0);
}

static void teardown(void)
{
	config_free_settings(keys, N_KEYS, &settings);
	config_done(&config);
}

static int read_text(const char *text)
{
	return config_read_text(&config, "agent.conf", text, strlen(text), &error);
}

/* Read a text and apply its section [agent]. */
static int apply(const char *text)
{
	cr_assert_eq(read_text(text), 0, "%s", error.text);
	return config_apply(&config, "agent", keys, N_KEYS, &settings, &error);
}

/* The path of a file below the test's own folder; valid until the next call. */
TestSuite(config_keys, .init = setup, .fini = teardown);

Test(config_keys, sets_every_key_to_its_fallback)
{
	cr_expect_str_eq(settings.name, "");
	cr_expect_str_eq(settings.listen, "127.0.0.1:9999");
	cr_expect_eq(settings.interval_us, 10000000);
	cr_expect_eq(settings.n_threads, 1);
}

Test(config_keys, finds_a_defect_in_a_table)
{
	static const struct config_key wrong[] = {
		{"name", CONFIG_TEXT, offsetof(struct settings, name), "x", "Good.",
		 CONFIG_APPLIES},
		{"interval", CONFIG_DURATION, offsetof(struct settings, interval_us), "", "Wrong.",
		 CONFIG_APPLIES},
	};
	struct settings other;

	cr_expect_eq(config_defaults(wrong, 2, &other), -EINVAL);
	config_free_settings(wrong, 1, &other);
	cr_expect_null(other.name);
}

Test(config_keys, applies_a_section_and_lets_the_last_one_win)
{
	cr_assert_eq(apply("[agent]\nname = a\ninterval = 1m\nlisten = [::1]:1\nthreads = 4\n"
			   "[other]\nunknown = 1\n"
			   "[agent]\nname = b\n"),
		     0, "%s", error.text);

	cr_expect_str_eq(settings.name, "b");
	cr_expect_str_eq(settings.listen, "[::1]:1");
	cr_expect_eq(settings.interval_us, 60000000);
	cr_expect_eq(settings.n_threads, 4);
}

Test(config_keys, says_what_an_unknown_key_may_have_meant)
{
	cr_expect_eq(apply("[agent]\n\nintervall = 1s\n"), -EINVAL);
	cr_expect_str_eq(
		error.text,
		"agent.conf:3: unknown key 'intervall' in [agent]; did you mean 'interval'?");

	config_done(&config);
	cr_expect_eq(apply("[agent]\nfrequency = 1s\n"), -EINVAL);
	cr_expect_str_eq(error.text,
			 "agent.conf:2: unknown key 'frequency' in [agent]; known are name, "
			 "listen, interval, threads");
}

Test(config_keys, says_what_an_unknown_section_may_have_meant)
{
	static const char *const sections[] = {"agent", "plugin NAME", NULL};

	cr_assert_eq(read_text("[agnet]\nname = x\n"), 0);
	config_unknown(&config.entries[0], "section", "agnet", sections, &error);
	cr_expect_str_eq(error.text,
			 "agent.conf:2: unknown section 'agnet'; did you mean 'agent'?");
}

Test(config_keys, says_what_a_value_should_be)
{
	cr_expect_eq(apply("[agent]\ninterval = fast\n"), -EINVAL);
	cr_expect_str_eq(
		error.text,
		"agent.conf:2: interval in [agent]: 'fast' is not a duration; write a number "
		"with us, ms, s, m, h or d, such as 10s or 1h30m");
	cr_expect_eq(config_set(&keys[2], "0s", &settings, &error), -EINVAL);
	cr_expect_eq(config_set(&keys[2], "99999999999999d", &settings, &error), -EINVAL);
	cr_expect_eq(settings.interval_us, 10000000);

	cr_expect_eq(config_set(&keys[1], "host:99999", &settings, &error), -EINVAL);
	cr_expect_str_eq(error.text,
			 "'host:99999' is not an address; write HOST:PORT or [IPV6]:PORT, "
			 "such as 127.0.0.1:9999");
	cr_expect_str_eq(settings.listen, "127.0.0.1:9999");

	cr_expect_eq(config_set(&keys[3], "0", &settings, &error), -EINVAL);
	cr_expect_str_eq(error.text, "'0' is not a count; write a whole number from 1 to 1000000");
	cr_expect_eq(config_set(&keys[3], "1000001", &settings, &error), -EINVAL);
	cr_expect_eq(config_set(&keys[3], "2x", &settings, &error), -EINVAL);
	cr_expect_eq(config_set(&keys[3], "1000000", &settings, &error), 0);
	cr_expect_eq(settings.n_threads, 1000000);
}

Test(config_keys, bounds_its_sentences)
{
	char value[2000];

	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	cr_expect_eq(config_set(&keys[2], value, &settings, &error), -EINVAL);
	cr_expect_eq(strlen(error.text), sizeof(error.text) - 1);
}

Test(config_keys, writes_help_and_sample)
{
	struct buffer out = {0};

	config_format_help(keys, 2, &out);
	cr_expect_str_eq(buffer_text(&out),
			 "  name             What it is called.\n"
			 "  listen           Where it listens. (default 127.0.0.1:9999)\n");

	buffer_clear(&out);
	config_format_sample("agent", keys, 2, &out);
	cr_expect_str_eq(buffer_text(&out), "[agent]\n\n# What it is called.\n#name = \n\n"
					    "# Where it listens.\n#listen = 127.0.0.1:9999\n");
	buffer_done(&out);
}

Test(config_keys, reads_its_own_sample_uncommented)
{
	struct buffer out = {0};
	char *text;

	config_format_sample("agent", keys, N_KEYS, &out);
	text = strdup(buffer_text(&out));
	buffer_done(&out);
	cr_assert_not_null(text);
	for (char *at = text; (at = strstr(at, "\n#"));) {
		at++;
		/* "# help" stays a comment. */
		if (at[1] != ' ')
			*at = ' ';
	}

	cr_expect_eq(apply(text), 0, "%s", error.text);
	cr_expect_eq(config.n_entries, N_KEYS);
	free(text);
}
