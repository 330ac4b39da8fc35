/* SPDX-License-Identifier: MIT */
/* Tests of what an administrator can set. */

#include "collector/settings.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostmetrics/control.h"
#include "tests/support/scratch.h"

static const char *scratch;
static char path[4096];
static struct settings settings;
static struct config_error error;

static void setup(void)
{
	scratch = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/collector.conf", scratch);
}

static void teardown(void)
{
	settings_done(&settings);
	scratch_remove(scratch);
}

TestSuite(settings, .init = setup, .fini = teardown);

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
}

static int read_settings(const char *text, struct settings_options *options)
{
	write_file(text);
	options->config = path;
	return settings_read(&settings, options, &error);
}

Test(settings, have_their_fallbacks)
{
	struct settings_options options = {0};

	cr_assert_eq(read_settings("", &options), 0);

	cr_assert_str_eq(settings.listen, "127.0.0.1:9999");
	cr_assert_str_eq(settings.store, "/var/lib/hostmetrics/store");
	cr_assert_str_eq(settings.socket, HM_COLLECTOR_SOCKET);
	cr_assert_str_eq(settings.user, "");
	cr_assert_eq(settings.reactors, 1);
	cr_assert_eq(settings.log_segment_mib, 64);
}

Test(settings, come_from_the_file_and_options_win)
{
	struct settings_options options = {.store = "/option", .listen = "[::1]:1"};

	cr_assert_eq(read_settings("[collector]\nlisten = 0.0.0.0:7\nstore = /file\n"
				   "socket = /s\nuser = nobody\nreactors = 4\n",
				   &options),
		     0);

	cr_assert_str_eq(settings.listen, "[::1]:1");
	cr_assert_str_eq(settings.store, "/option");
	cr_assert_str_eq(settings.socket, "/s");
	cr_assert_str_eq(settings.user, "nobody");
	cr_assert_eq(settings.reactors, 4);
}

Test(settings, know_which_key_was_meant)
{
	struct settings_options options = {0};

	cr_assert_eq(read_settings("[collector]\n\nstroe = /x\n", &options), -EINVAL);

	cr_assert_not_null(strstr(error.text, "collector.conf:3"), "%s", error.text);
	cr_assert_not_null(strstr(error.text, "'store'"), "%s", error.text);
}

Test(settings, know_which_section_was_meant)
{
	struct settings_options options = {0};

	cr_assert_eq(read_settings("[colector]\nstore = /x\n", &options), -EINVAL);

	cr_assert_not_null(strstr(error.text, "collector.conf:2"), "%s", error.text);
	cr_assert_not_null(strstr(error.text, "collector"), "%s", error.text);
}

Test(settings, are_refused_when_they_do_not_fit)
{
	struct settings_options options = {0};

	cr_assert_eq(read_settings("[collector]\nreactors = 65\n", &options), -EINVAL);
	settings_done(&settings);
	cr_assert_eq(read_settings("[collector]\nlog_segment_mib = 1025\n", &options), -EINVAL);
	settings_done(&settings);
	cr_assert_eq(read_settings("[collector]\nlog_segment_mib = 0\n", &options), -EINVAL);
	settings_done(&settings);
	cr_assert_eq(read_settings("[collector]\nreactors = many\n", &options), -EINVAL);
	settings_done(&settings);
	cr_assert_eq(read_settings("[collector]\nlisten = nowhere:99999\n", &options), -EINVAL);
	settings_done(&settings);
	cr_assert_eq(read_settings("[collector]\nstore =\n", &options), -EINVAL);
	settings_done(&settings);
	options.listen = "x:y:z";
	cr_assert_eq(read_settings("", &options), -EINVAL);
	cr_assert_not_null(strstr(error.text, "--listen"), "%s", error.text);
}

Test(settings, want_a_file_that_was_named)
{
	struct settings_options options = {.config = "/nonexistent/collector.conf"};

	cr_assert_lt(settings_read(&settings, &options, &error), 0);
	cr_assert_not_null(strstr(error.text, "/nonexistent/collector.conf"), "%s", error.text);
}

Test(settings, read_their_own_sample)
{
	struct settings_options options = {0};
	struct buffer sample = {0};

	settings_format_sample(&sample);
	cr_assert_eq(read_settings(buffer_text(&sample), &options), 0);

	cr_assert_not_null(strstr(buffer_text(&sample), "reactors"));
	buffer_done(&sample);
}

/* Parse a command line of words between blanks. */
static int parse(const char *line, struct settings_options *ret_options)
{
	static char text[256];
	char *arguments[16];
	char *rest = text;
	int n = 0;

	(void)snprintf(text, sizeof(text), "%s", line);
	while ((arguments[n] = strsep(&rest, " ")))
		n++;
	return settings_parse_options(n, arguments, ret_options);
}

Test(settings, take_the_command_line)
{
	struct settings_options options;

	cr_assert_eq(parse("collector --listen=1.2.3.4:5 --store /s --socket /c --config /f "
			   "--check-config",
			   &options),
		     0);

	cr_assert_str_eq(options.listen, "1.2.3.4:5");
	cr_assert_str_eq(options.store, "/s");
	cr_assert_str_eq(options.socket, "/c");
	cr_assert_str_eq(options.config, "/f");
	cr_assert(options.check_config);
	cr_assert_not(options.help);
}

Test(settings, refuse_a_wrong_command_line)
{
	struct settings_options options;

	cr_redirect_stderr();
	cr_assert_eq(parse("collector --nonsense", &options), -EINVAL);
	cr_assert_eq(parse("collector file", &options), -EINVAL);
	cr_assert_eq(parse("collector --store", &options), -EINVAL);
}

Test(settings, are_all_in_the_help)
{
	struct buffer help = {0};

	settings_format_help(&help);

	cr_assert_not_null(strstr(buffer_text(&help), "--check-config"));
	cr_assert_not_null(strstr(buffer_text(&help), "reactors"));
	buffer_done(&help);
}
