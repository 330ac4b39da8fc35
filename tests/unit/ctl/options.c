/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/options.c. */

#include "agent/ctl/options.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/message.h"

#define NOW_US INT64_C(1795486437000000)

#define WORDS_MAX 16

static struct options options;
static char line[512];

static void setup(void)
{
	cr_redirect_stderr();
	message_init("agentctl");
}

TestSuite(options, .init = setup);

/* Parse a command line, words separated by blanks. */
static int parse(const char *text)
{
	char *words[WORDS_MAX] = {NULL};
	int n_words = 0;
	char *rest = line;

	(void)snprintf(line, sizeof(line), "agentctl %s", text);
	while (n_words < WORDS_MAX - 1 && (words[n_words] = strsep(&rest, " ")))
		n_words++;
	return options_parse(&options, n_words, words, NOW_US);
}

Test(options, stand_before_and_behind_the_verb)
{
	cr_assert_eq(parse("--socket /s -o json list-metrics node_* --host web*"), 0);
	cr_expect_eq(options.verb, verb_find("list-metrics"));
	cr_expect_str_eq(options.socket, "/s");
	cr_expect_eq(options.format, &output_json);
	cr_expect_str_eq(options.argument, "node_*");
	cr_expect_str_eq(options.host, "web*");
	cr_assert_eq(parse("list-metrics --socket=/t node_* -ocsv"), 0);
	cr_expect_str_eq(options.socket, "/t");
	cr_expect_str_eq(options.argument, "node_*");
	cr_expect_eq(options.format, &output_csv);
}

Test(options, stand_anywhere_for_posix_shells_too)
{
	cr_assert_eq(setenv("POSIXLY_CORRECT", "1", 1), 0);
	cr_assert_eq(parse("status -o plain"), 0);
	cr_expect_eq(options.format, &output_plain);
}

Test(options, have_defaults)
{
	cr_assert_eq(parse("watch"), 0);
	cr_expect_null(options.socket);
	cr_expect_null(options.argument);
	cr_expect_null(options.host);
	cr_expect_null(options.format);
	cr_expect_eq(options.interval_us, 1000000);
	cr_expect_eq(options.count, 0);
	cr_expect_eq(options.given, 0);
}

Test(options, of_time)
{
	cr_assert_eq(parse("query x --since -5m --until now"), 0);
	cr_expect_eq(options.since_us, NOW_US - 300000000);
	cr_expect_eq(options.until_us, NOW_US);
	cr_expect_eq(options.given, OPTIONS_SINCE | OPTIONS_UNTIL);
	cr_assert_eq(parse("query x --since=-5m"), 0);
	cr_expect_eq(options.given, OPTIONS_SINCE);
	cr_expect_eq(parse("query x --since soon"), -EINVAL);
	cr_expect_eq(parse("query x --at now"), -EINVAL);
	cr_assert_eq(parse("why x --at -5m"), 0);
	cr_expect_eq(options.at_us, NOW_US - 300000000);
	cr_expect_eq(parse("why x --at soon"), -EINVAL);
	cr_expect_eq(parse("why x --at now --since now"), -EINVAL, "a moment and a range");
	cr_expect_eq(parse("why x --until now --at now"), -EINVAL);
	cr_expect_eq(parse("query x --since now --until -5m"), -EINVAL, "ends before it begins");
}

Test(options, of_time_mean_the_zone_in_force)
{
	/* Clocks showed 02:30 twice, at 00:30 UTC and at 01:30 UTC. */
	cr_assert_eq(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
	tzset();
	cr_assert_eq(parse("query x --since 2026-10-25T02:30 --until 2026-10-25T02:30"), 0);
	cr_expect_eq(options.since_us, INT64_C(1792888200000000));
	cr_expect_eq(options.until_us, INT64_C(1792891800000000));
	cr_assert_eq(parse("query x --since 2026-10-25T02:30 --utc"), 0, "wherever --utc stands");
	cr_expect_eq(options.since_us, INT64_C(1792895400000000));
	cr_expect_eq(parse("help query --utc"), -EINVAL);
}

Test(options, of_watch)
{
	cr_assert_eq(parse("watch --interval 500ms --count 3"), 0);
	cr_expect_eq(options.interval_us, 500000);
	cr_expect_eq(options.count, 3);
	cr_expect_eq(parse("watch --interval 0"), -EINVAL);
	cr_expect_eq(parse("watch --interval 1us"), -EINVAL);
	cr_expect_eq(parse("watch --interval often"), -EINVAL);
	cr_expect_eq(parse("watch --count 0"), -EINVAL);
	cr_expect_eq(parse("watch --count -1"), -EINVAL);
	cr_expect_eq(parse("watch --count 3x"), -EINVAL);
}

Test(options, of_watch_choose_and_sort)
{
	cr_assert_eq(parse("watch --sort -value --filter cpu"), 0);
	cr_expect_str_eq(options.order.column, "value");
	cr_expect(options.order.is_descending);
	cr_expect_str_eq(options.filter, "cpu");
	cr_assert_eq(parse("watch --sort=age"), 0);
	cr_expect_str_eq(options.order.column, "age");
	cr_expect_eq(parse("list-metrics --sort age"), -EINVAL);
}

Test(options, leave_to_the_daemon_what_hosts_are_sorted_by)
{
	cr_assert_eq(parse("--sort -bytes list-hosts"), 0);
	cr_expect_str_eq(options.sort, "-bytes");
	cr_expect_eq(parse("list-hosts --sort nosuch"), 0);
	cr_expect_eq(parse("watch --sort bytes"), -EINVAL);
}

Test(options, name_the_column_that_may_be_meant)
{
	cr_assert_eq(parse("watch --sort -valeu"), -EINVAL);
	cr_expect_stderr_eq_str(
		"agentctl: --sort -valeu: there is no such column: host, series, kind, "
		"unit, value, rate or age (did you mean 'value'?)\n");
}

Test(options, are_refused_by_verbs_that_do_not_take_them)
{
	cr_expect_eq(parse("status --since now"), -EINVAL);
	cr_expect_eq(parse("list-hosts --host x"), -EINVAL);
	cr_expect_eq(parse("list-metrics --count 3"), -EINVAL);
	cr_expect_eq(parse("dump x --socket /s"), -EINVAL);
	cr_expect_eq(parse("status x"), -EINVAL, "one word too many");
	cr_expect_eq(parse("get a b"), -EINVAL);
	cr_expect_eq(parse("get"), -EINVAL, "one word too few");
	cr_expect_eq(parse("query --since now"), -EINVAL);
	cr_expect_eq(parse("dump"), -EINVAL);
}

Test(options, take_a_word_that_looks_like_one_behind_two_dashes)
{
	cr_assert_eq(parse("get -- -o"), 0);
	cr_expect_str_eq(options.argument, "-o");
}

Test(options, ask_for_help_and_version)
{
	cr_assert_eq(parse("--help"), 0);
	cr_expect(options.wants_help);
	cr_expect_null(options.verb);
	cr_assert_eq(parse("query --help"), 0, "although it wants a word");
	cr_expect(options.wants_help);
	cr_expect_eq(options.verb, verb_find("query"));
	cr_assert_eq(parse("-h get"), 0);
	cr_expect(options.wants_help);
	cr_assert_eq(parse("--version"), 0);
	cr_expect(options.wants_version);
	cr_assert_eq(parse("-V"), 0);
	cr_expect(options.wants_version);
	cr_assert_eq(parse(""), -EINVAL, "an empty verb");
}

Test(options, take_nothing_at_all)
{
	char program[] = "agentctl";
	char *words[] = {program, NULL};

	cr_expect_eq(options_parse(&options, 1, words, NOW_US), 0);
	cr_expect_null(options.verb);
}

Test(options, name_the_verb_that_may_be_meant)
{
	cr_assert_eq(parse("list-metric"), -EINVAL);
	cr_expect_stderr_eq_str(
		"agentctl: there is no verb 'list-metric'; did you mean 'list-metrics'?\n");
}

Test(options, name_the_option_that_may_be_meant)
{
	cr_assert_eq(parse("status --sokcet x"), -EINVAL);
	cr_expect_stderr_eq_str(
		"agentctl: there is no option '--sokcet'; did you mean --socket?\n");
}

Test(options, want_their_value)
{
	cr_assert_eq(parse("status --socket"), -EINVAL);
	cr_expect_stderr_eq_str("agentctl: --socket wants a value: --socket PATH\n");
}

Test(options, want_the_value_of_a_short_one_too)
{
	cr_assert_eq(parse("status -o"), -EINVAL);
	cr_expect_stderr_eq_str("agentctl: -o wants a value: --output FORMAT\n");
}

Test(options, name_the_formats)
{
	cr_assert_eq(parse("status -o jsn"), -EINVAL);
	cr_expect_stderr_eq_str("agentctl: -o jsn: there is no such format: table, plain, json or "
				"csv (did you mean 'json'?)\n");
}

Test(options, bound_the_interval)
{
	cr_expect_eq(parse("watch --interval 24h"), 0);
	cr_expect_eq(parse("watch --interval 9ms"), -EINVAL);
	cr_expect_eq(parse("watch --interval 9223372036854775807us"), -EINVAL);
	cr_expect_stderr_eq_str("agentctl: --interval 9ms: 10ms to 24h\n"
				"agentctl: --interval 9223372036854775807us: 10ms to 24h\n");
}

Test(options, refuse_a_socket_without_a_path)
{
	cr_assert_eq(parse("status --socket="), -EINVAL);
	cr_expect_stderr_eq_str("agentctl: --socket '': the path of a socket is wanted\n");
}

Test(options, refuse_what_is_none)
{
	cr_expect_eq(parse("status -x"), -EINVAL);
	cr_expect_eq(parse("status --help=yes"), -EINVAL);
	cr_expect_eq(parse("nonsense"), -EINVAL);
}

Test(options, are_explained_for_a_verb)
{
	struct buffer out = {0};

	options_format_help(OPTIONS_SINCE, &out);
	cr_expect(strstr(buffer_text(&out), "--since TIME"));
	cr_expect(strstr(buffer_text(&out), "-h, --help"));
	cr_expect_not(strstr(buffer_text(&out), "--host"));
	buffer_done(&out);
}

Test(options, of_export_and_import_have_formats_of_their_own)
{
	cr_assert_eq(parse("export"), 0);
	cr_expect_eq(options.export_format, &export_csv);
	cr_assert_eq(parse("-o openmetrics export --host web*"), 0);
	cr_expect_eq(options.export_format, &export_openmetrics);
	cr_expect_eq(parse("export -o json"), -EINVAL);
	cr_expect_eq(parse("query a -o jsonl"), -EINVAL);
	cr_expect_eq(parse("export --all"), -EINVAL);

	cr_assert_eq(parse("import - -i prometheus --host h --skip 17"), 0);
	cr_expect_eq(options.import_format, &import_prometheus);
	cr_expect_str_eq(options.host, "h");
	cr_expect_eq(options.skip, 17);
	cr_expect_eq(parse("import - -i xml"), -EINVAL);
	cr_expect_eq(parse("import - --skip -1"), -EINVAL);
	cr_expect_eq(parse("import - -o csv"), -EINVAL);
	cr_expect_eq(parse("import"), -EINVAL);
	cr_expect_eq(parse("query a --skip 1"), -EINVAL);
}
