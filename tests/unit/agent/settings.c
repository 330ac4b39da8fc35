/* SPDX-License-Identifier: MIT */
/* Tests of agent/settings.c. */

#include "agent/settings.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/scratch.h"

#define SECOND_US INT64_C(1000000)

static int check_device(const char *value, char *reason, size_t size)
{
	if (strchr(value, '/') == NULL)
		return 0;
	(void)snprintf(reason, size, "must not hold a '%c'", '/');
	return -EINVAL;
}

static const struct hm_option input_options[] = {
	{.name = "hotkeys", .fallback = "none", .help = "Which hotkeys to count."},
	{.name = "device", .fallback = "", .help = "Which device to read.", .check = check_device},
};

static const struct hm_metric cpu_metrics[] = {
	{.name = "cpu_seconds_total", .labels = HM_LABELS("cpu", "mode")},
	{.name = "cpu_hertz", .labels = HM_LABELS("cpu")},
};

static const struct hm_plugin cpu = {
	.name = "cpu",
	.help = "CPUs.",
	.metrics = cpu_metrics,
	.n_metrics = 2,
};
static const struct hm_plugin input = {
	.name = "input",
	.help = "Input.",
	.options = input_options,
	.n_options = 2,
};

static const struct hm_plugin *tables[] = {&cpu, &input};
static struct loader loader = {.plugins = tables, .n_plugins = 2};

static const char *folder;
static char path[4096];
static struct options options;
static struct settings settings;
static struct settings_report report;

static void setup(void)
{
	folder = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/agent.conf", folder);
	options.config = path;
}

static void teardown(void)
{
	settings_done(&settings);
	settings_report_done(&report);
	scratch_remove(folder);
}

TestSuite(settings, .init = setup, .fini = teardown);

static void write_file(const char *name, const char *text)
{
	char full[5000];
	FILE *file;

	(void)snprintf(full, sizeof(full), "%s/%s", folder, name);
	file = fopen(full, "w");
	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
}

static int read_text(const char *text)
{
	settings_done(&settings);
	settings_report_done(&report);
	write_file("agent.conf", text);
	return settings_read(&settings, &options, &loader, &report);
}

static void expect_good(const char *text)
{
	cr_assert_eq(read_text(text), 0, "%s", buffer_text(&report.errors));
	cr_assert_eq(report.errors.length, 0);
}

/* Check that this is an error at this line, with a word in it. */
static void expect_error(const char *text, int line, const char *word)
{
	char place[5000];

	cr_assert_eq(read_text(text), -EINVAL, "no error: %s", text);
	(void)snprintf(place, sizeof(place), "%s:%d: ", path, line);
	cr_assert_not_null(strstr(buffer_text(&report.errors), place), "%s",
			   buffer_text(&report.errors));
	cr_assert_not_null(strstr(buffer_text(&report.errors), word), "%s",
			   buffer_text(&report.errors));
}

Test(settings, have_the_documented_defaults)
{
	char hostname[HOST_NAME_MAX + 1];

	expect_good("");
	cr_assert_eq(settings.interval_us, 10 * SECOND_US);
	cr_assert_eq(settings.ship_interval_us, 60 * SECOND_US);
	cr_assert_str_eq(settings.collector, "127.0.0.1:9999");
	cr_assert_str_eq(settings.spool, "/var/lib/hostmetrics/spool");
	cr_assert_str_eq(settings.socket, "/run/hostmetrics/agent.sock");
	cr_assert_str_eq(settings.user, "");
	cr_assert_eq(settings.series_max, 10000);
	cr_assert_eq(gethostname(hostname, sizeof(hostname)), 0);
	cr_assert_str_eq(settings.hostname, hostname);

	cr_assert_eq(settings.n_plugins, 2);
	cr_assert_eq(settings.plugins[1]->enabled, SETTINGS_AUTO);
	cr_assert_eq(settings.plugins[1]->interval_us, 10 * SECOND_US);
	cr_assert_str_eq(settings.plugins[1]->options[0], "none");
	cr_assert_str_eq(settings.plugins[1]->options[1], "");
}

Test(settings, are_read_from_the_file)
{
	expect_good(
		"[agent]\ninterval = 5s\nship_interval = 1m30s\ncollector = mon.example:1\n"
		"hostname = web01\nspool = /s\nsocket = /x.sock\nuser = nobody\n"
		"series_max = 1000000\n[plugin input]\nenabled = yes\ninterval = 500ms\nhotkeys = ctrl+c, f12\n"
		"[plugin cpu]\nenabled = no\n");
	cr_assert_eq(settings.interval_us, 5 * SECOND_US);
	cr_assert_eq(settings.ship_interval_us, 90 * SECOND_US);
	cr_assert_str_eq(settings.collector, "mon.example:1");
	cr_assert_str_eq(settings.hostname, "web01");
	cr_assert_str_eq(settings.spool, "/s");
	cr_assert_str_eq(settings.socket, "/x.sock");
	cr_assert_str_eq(settings.user, "nobody");
	cr_assert_eq(settings.series_max, 1000000);
	cr_assert_eq(settings.plugins[0]->enabled, SETTINGS_NO);
	cr_assert_eq(settings.plugins[1]->enabled, SETTINGS_YES);
	cr_assert_eq(settings.plugins[1]->interval_us, SECOND_US / 2);
	cr_assert_str_eq(settings.plugins[1]->options[0], "ctrl+c, f12");
}

Test(settings, give_a_plugin_the_agent_s_interval_wherever_that_is_said)
{
	expect_good("[plugin cpu]\nenabled = yes\n[agent]\ninterval = 3s\n");

	cr_assert_eq(settings.plugins[0]->interval_us, 3 * SECOND_US);
}

Test(settings, of_the_command_line_win_over_the_file)
{
	options.socket = "/other.sock";
	expect_good("[agent]\nsocket = /x.sock\n");

	cr_assert_str_eq(settings.socket, "/other.sock");
}

Test(settings, of_the_folder_win_over_the_file_in_the_order_of_names)
{
	char below[5000];

	(void)snprintf(below, sizeof(below), "%s.d", path);
	cr_assert_eq(mkdir(below, 0755), 0);
	write_file("agent.conf.d/20-b.conf",
		   "[agent]\nhostname = b\n[plugin cpu]\ninterval = 2s\n");
	write_file("agent.conf.d/10-a.conf", "[agent]\nhostname = a\nuser = root\n");
	write_file("agent.conf.d/30-c.conf.off", "[agent]\nhostname = c\n");
	expect_good("[agent]\nhostname = file\nuser = nobody\n");

	cr_assert_str_eq(settings.hostname, "b");
	cr_assert_str_eq(settings.user, "root");
	cr_assert_eq(settings.plugins[0]->interval_us, 2 * SECOND_US);
}

Test(settings, need_no_file_unless_one_is_named)
{
	cr_assert_eq(settings_read(&settings, &options, &loader, &report), -EINVAL);
	cr_assert_not_null(strstr(buffer_text(&report.errors), path));
}

Test(settings, say_file_line_and_the_nearest_of_an_unknown_key)
{
	expect_error("[agent]\n\nintervall = 5s\n", 3, "did you mean 'interval'?");
	expect_error("[plugin cpu]\nenable = no\n", 2, "did you mean 'enabled'?");
	expect_error("[plugin input]\nhotkey = x\n", 2, "did you mean 'hotkeys'?");
	/* Another plugin's option. */
	expect_error("[plugin cpu]\nhotkeys = x\n", 2, "hotkeys");
}

Test(settings, say_file_line_and_the_nearest_of_an_unknown_section)
{
	expect_error("[agnet]\ninterval = 5s\n", 2, "did you mean 'agent'?");
	expect_error("[plugin cpuu]\nenabled = no\n", 2, "did you mean 'plugin cpu'?");
	expect_error("[Plugin cpu]\nenabled = no\n", 2, "did you mean 'plugin cpu'?");
	expect_error("[collector]\nlisten = x\n", 2, "unknown section 'collector'");
}

Test(settings, say_all_that_is_wrong_at_once)
{
	expect_error("[agent]\ninterval = soon\nhost = x\n[plugin cpu]\nenabled = maybe\n", 2,
		     "soon");
	cr_assert_not_null(strstr(buffer_text(&report.errors), "agent.conf:3: unknown key 'host'"));
	cr_assert_not_null(strstr(buffer_text(&report.errors), "agent.conf:5: "));
	cr_assert_not_null(strstr(buffer_text(&report.errors), "auto, yes or no"));
}

Test(settings, say_once_that_a_section_is_unknown)
{
	expect_error("[nosuch]\na = 1\nb = 2\nc = 3\n", 2, "nosuch");
	cr_assert_null(strstr(buffer_text(&report.errors), ":3:"));
}

Test(settings, refuse_values_that_make_no_sense)
{
	static const char *const bad[] = {
		"interval = 0",        "interval = -1s",
		"interval = 9ms",      "interval = 25h",
		"interval = x",        "interval =",
		"ship_interval = 1us", "spool_size = 31M",
		"spool_size = 1025G",  "spool_size = much",
		"collector = a:99999", "collector = a:b",
		"collector =",         "socket =",
		"user = no-such-user", "series_max = 0",
		"series_max = -1",     "series_max = 1000001",
		"series_max = many",   "series_max =",
	};
	char text[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text), "[agent]\n%s\n", bad[i]);
		expect_error(text, 2, "[agent]");
	}
	(void)snprintf(text, sizeof(text), "[agent]\nsocket = /%0107d\n", 0);
	expect_error(text, 2, "107 bytes");
	(void)snprintf(text, sizeof(text), "[agent]\nsocket = /%0106d\nuser = root\n", 0);
	expect_good(text);
	expect_error("[plugin cpu]\ninterval = 0\n", 2, "interval");
	expect_error("[plugin cpu]\ninterval = 1us\n", 2, "10ms to 24h");
	expect_error("[plugin cpu]\nenabled = YES\n", 2, "enabled");
	expect_error("[plugin cpu]\nenabled =\n", 2, "enabled");
}

Test(settings, have_filters_on_metrics_and_on_each_label_of_a_plugin)
{
	expect_good("[plugin cpu]\ninclude = cpu_s*\nexclude = cpu_hertz\ninclude_cpu = [0-3] 7\n"
		    "exclude_mode = steal  guest*\n");
	cr_assert_str_eq(settings.plugins[0]->options[0], "cpu_s*");
	cr_assert_str_eq(settings.plugins[0]->options[1], "cpu_hertz");
	cr_assert_str_eq(settings.plugins[0]->options[2], "[0-3] 7");
	cr_assert_str_eq(settings.plugins[0]->options[3], "");
	cr_assert_str_eq(settings.plugins[0]->options[4], "");
	cr_assert_str_eq(settings.plugins[0]->options[5], "steal  guest*");
	cr_assert_eq(report.warnings.length, 0);
	/* Behind a plugin's own options. */
	expect_good("[plugin input]\nexclude = *\n");
	cr_assert_str_eq(settings.plugins[1]->options[3], "*");
}

Test(settings, say_which_labels_there_are)
{
	expect_error("[plugin cpu]\n\nexclude_mdoe = steal\n", 3,
		     "exclude_mdoe in [plugin cpu]: no metric of it has a label 'mdoe'; they have "
		     "cpu, mode");
	expect_error("[plugin cpu]\ninclude_ = x\n", 2, "no metric of it has a label ''");
	expect_error("[plugin input]\ninclude_cpu = 0\n", 2, "no metric of it has a label 'cpu'");
	expect_error("[plugin cpu]\nexclud = x\n", 2, "did you mean 'exclude'?");
	expect_error("[agent]\nexclude = x\n", 2, "unknown key 'exclude'");
}

Test(settings, say_what_is_wrong_with_a_glob)
{
	expect_error("[plugin cpu]\nexclude = a[b c\n", 2,
		     "exclude in [plugin cpu]: 'a[b c' has a '[' without its ']'");
	expect_error("[plugin cpu]\ninclude_mode = [\n", 2, "without its ']'");
	expect_error("[plugin cpu]\ninclude_mode = a\\\n", 2, "ends in a '\\'");
	expect_good("[plugin cpu]\nexclude = cpu_* gpu_*\n");
	cr_assert_not_null(strstr(buffer_text(&report.warnings),
				  ":2: exclude in [plugin cpu]: not all of 'cpu_* gpu_*' fits a "
				  "metric of the plugin\n"));
}

Test(settings, only_warn_of_a_section_whose_plugin_was_refused)
{
	static char name[] = "broken";
	static char reason[] = "it is";
	static struct loader_refusal refusal = {.name = name, .reason = reason};

	loader.refusals = &refusal;
	loader.n_refusals = 1;
	expect_good("[plugin broken]\nenabled = yes\nx = 1\n");
	cr_assert_not_null(strstr(buffer_text(&report.warnings), "[plugin broken]"));
	expect_error("[plugin cpuu]\nenabled = yes\n", 2, "plugin cpu");

	refusal.is_object = true;
	expect_good("[plugin cpuu]\nenabled = yes\n");
}

Test(settings, survive_a_file_that_is_none)
{
	expect_error("[agent]\n\x01\x02\xff\n", 2, "");
	expect_error("interval = 5s\n", 1, "section");
	expect_error("[agent\ninterval = 5s\n", 1, "");
}

Test(settings, are_all_in_the_sample_which_is_valid)
{
	struct buffer sample = {0};

	cr_assert_eq(settings_format_sample(&loader, &sample), 0);
	cr_assert_not_null(strstr(buffer_text(&sample), "[agent]\n"));
	cr_assert_not_null(strstr(buffer_text(&sample), "#interval = 10s\n"));
	cr_assert_not_null(strstr(buffer_text(&sample), "[plugin input]\n"));
	cr_assert_not_null(strstr(buffer_text(&sample), "#hotkeys = none\n"));
	cr_assert_not_null(strstr(buffer_text(&sample), "#exclude = \n"));
	cr_assert_not_null(
		strstr(buffer_text(&sample), "exclude_LABEL, where LABEL is cpu, mode\n"));
	expect_good(buffer_text(&sample));

	/* With every default that is not empty in force it is valid as well. */
	for (char *at = sample.data; (at = strstr(at, "\n#")); at++) {
		if (at[2] != ' ' && !strstr(at, " = \n"))
			at[1] = ' ';
	}
	expect_good(buffer_text(&sample));
	buffer_done(&sample);
}

Test(settings, take_zeroed_ones)
{
	struct settings none = {0};

	settings_done(&none);
}

Test(settings, ask_the_plugin_what_it_thinks_of_its_own_option)
{
	expect_error("[plugin input]\ndevice = a/b\n", 2,
		     "device in [plugin input]: 'a/b' must not hold a '/'");
	expect_good("[plugin input]\ndevice = ab\n");
}
