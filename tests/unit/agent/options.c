/* SPDX-License-Identifier: MIT */
/* Tests of agent/options.c. */

#include "agent/options.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct options options;

/* getopt_long(3) may put them in another order, but leaves the texts alone. */
static int parse(const char *const arguments[])
{
	const char *argv[16] = {"hostmetrics-agent"};
	int argc = 1;

	for (; arguments[argc - 1]; argc++)
		argv[argc] = arguments[argc - 1];
	return options_parse(&options, argc, (char **)argv);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

Test(options, are_all_off_by_default)
{
	cr_assert_eq(parse((const char *const[]){NULL}), 0);
	cr_assert_null(options.config);
	cr_assert_null(options.root);
	cr_assert_null(options.plugins);
	cr_assert_null(options.socket);
	cr_assert_not(options.wants_once || options.wants_check || options.wants_sample ||
		      options.wants_version || options.wants_help);
}

Test(options, are_taken_with_their_arguments)
{
	cr_assert_eq(
		PARSE("--config", "a", "--root=b", "--plugins", "c", "--socket", "d", "--once"), 0);
	cr_assert_str_eq(options.config, "a");
	cr_assert_str_eq(options.root, "b");
	cr_assert_str_eq(options.plugins, "c");
	cr_assert_str_eq(options.socket, "d");
	cr_assert(options.wants_once);
	cr_assert_not(options.wants_check);
}

Test(options, of_once_is_the_format, .init = cr_redirect_stderr)
{
	cr_assert_eq(PARSE("--once", "-o", "prometheus"), 0);
	cr_assert_str_eq(options.output, "prometheus");
	cr_assert_eq(PARSE("--once", "--output", "openmetrics"), 0);
	cr_assert_eq(PARSE("--once", "-o", "xml"), -EINVAL);
	cr_assert_eq(PARSE("-o", "plain"), -EINVAL);
	cr_assert_eq(PARSE("--list-metrics"), 0);
	cr_assert(options.wants_metrics);
}

Test(options, without_argument_set_their_flag_only)
{
	cr_assert_eq(PARSE("--check-config"), 0);
	cr_assert(options.wants_check);
	cr_assert_eq(PARSE("--sample-config"), 0);
	cr_assert(options.wants_sample);
	cr_assert_not(options.wants_check);
	cr_assert_eq(PARSE("--version", "--help"), 0);
	cr_assert(options.wants_version);
	cr_assert(options.wants_help);
}

Test(options, that_nobody_knows_are_told_on_standard_error, .init = cr_redirect_stderr)
{
	cr_assert_eq(PARSE("--nosuch"), -EINVAL);
	cr_assert_eq(PARSE("--config"), -EINVAL);
	cr_assert_eq(PARSE("--once=1"), -EINVAL);
	cr_assert_eq(PARSE("-x"), -EINVAL);
	cr_assert_eq(PARSE("--once", "extra"), -EINVAL);
	(void)fflush(stderr);

	char text[2048] = "";

	cr_assert_gt(fread(text, 1, sizeof(text) - 1, cr_get_redirected_stderr()), 0);
	cr_assert_not_null(strstr(text, "--nosuch"));
	cr_assert_not_null(strstr(text, "'extra'"));
}

Test(options, are_all_in_the_help)
{
	static const char *const names[] = {
		"--config FILE", "--once",          "--root DIR",      "--plugins DIR",
		"--socket PATH", "--check-config",  "--sample-config", "--version",
		"--help",        "--output FORMAT", "--list-metrics",
	};
	struct buffer help = {0};

	options_format_help(&help);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert_not_null(strstr(buffer_text(&help), names[i]), "%s", names[i]);
	buffer_done(&help);
}
