/* SPDX-License-Identifier: MIT */
/* Tests of agent/once.c. */

#include "agent/once.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fake_plugin.h"

static struct hm_host host;
static struct settings_plugin *sections[1];
static struct settings settings = {.plugins = sections, .n_plugins = 1, .series_max = 1000};

static void setup(void)
{
	sections[0] = calloc(1, sizeof(*sections[0]) + 4 * sizeof(char *));
	cr_assert_not_null(sections[0]);
	sections[0]->table = &fake_plugin;
	cr_assert_eq(host_init(&host, ""), 0);
	cr_redirect_stdout();
	cr_redirect_stderr();
}

static void teardown(void)
{
	free(sections[0]);
	host_done(&host);
}

TestSuite(once, .init = setup, .fini = teardown);

/* What was written there; the streams are closed first, so that there is an end. */
static const char *read_all(FILE *from)
{
	static char text[4096];
	size_t length;

	(void)fclose(stdout);
	(void)fclose(stderr);
	length = fread(text, 1, sizeof(text) - 1, from);
	text[length] = '\0';
	return text;
}

Test(once, prints_time_series_and_value_without_the_host)
{
	const char *text;
	char *end;

	fake_plugin_control.device = "d";
	cr_assert_eq(once_run(&settings, &host, NULL), 0);
	text = read_all(cr_get_redirected_stdout());
	cr_assert_gt(strtod(text, &end), 1e9, "%s", text);

	cr_assert_eq(strstr(end, " fake_value{device=\"d\"} 1\n"), end, "%s", text);
	cr_assert_not_null(strstr(end, " fake_events_total{device=\"d\"} 0\n"), "%s", text);
	cr_assert_eq(fake_plugin_control.n_stops, 1);
}

Test(once, prints_what_prometheus_reads)
{
	const char *text;

	fake_plugin_control.device = "d";
	cr_assert_eq(once_run(&settings, &host, "prometheus"), 0);
	text = read_all(cr_get_redirected_stdout());
	cr_assert_not_null(strstr(text, "\nfake_value{device=\"d\"} 1\n"), "%s", text);
	cr_assert_not_null(strstr(text, "# TYPE fake_value gauge\n"), "%s", text);
	cr_assert_eq(fake_plugin_control.n_stops, 1);
}

Test(once, says_what_is_missing_and_why)
{
	fake_plugin_control.missing = -EIO;
	fake_plugin_control.device = "d";
	cr_assert_eq(once_run(&settings, &host, NULL), 0);

	cr_assert_not_null(strstr(read_all(cr_get_redirected_stderr()),
				  "plugin fake: fake_value{device=\"d\"}: Input/output error\n"));
}

Test(once, fails_when_nothing_could_be_read)
{
	fake_plugin_control.start_result = -ENODEV;
	cr_assert_eq(once_run(&settings, &host, NULL), -ENODATA);

	cr_assert_not_null(strstr(read_all(cr_get_redirected_stderr()), "it looks for nothing"));
}

Test(once, says_why_a_plugin_failed)
{
	fake_plugin_control.start_result = -EACCES;
	cr_assert_eq(once_run(&settings, &host, NULL), -ENODATA);

	cr_assert_not_null(strstr(read_all(cr_get_redirected_stderr()),
				  "plugin fake: cannot start: Permission denied\n"));
}

Test(once, runs_no_plugin_that_is_disabled)
{
	sections[0]->enabled = SETTINGS_NO;
	cr_assert_eq(once_run(&settings, &host, NULL), -ENODATA);

	cr_assert_eq(fake_plugin_control.n_starts, 0);
}
