/* SPDX-License-Identifier: MIT */
/* Tests of common/match.c. */

#include "common/match.h"

#include <bsd/string.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define SERIES "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}"

TestSuite(match);

Test(match, takes_everything_without_a_pattern)
{
	cr_expect(match_series(NULL, SERIES));
	cr_expect(match_series("", SERIES));
	cr_expect(match_series("*", SERIES));
	cr_expect(match_host(NULL, "web01"));
	cr_expect(match_host("", "web01"));
}

Test(match, compares_a_glob_with_the_metric_only)
{
	cr_expect(match_series("node_cpu_seconds_total", SERIES));
	cr_expect(match_series("node_cpu*", SERIES));
	cr_expect(match_series("*_total", SERIES));
	cr_expect(match_series("node_[a-d]pu_seconds_tota?", SERIES));
	cr_expect(match_series("a/b*", "a/b/c"));
	cr_expect_not(match_series("node_cpu", SERIES));
	cr_expect_not(match_series("*idle*", SERIES));
	cr_expect_not(match_series("node_cpu_seconds_total\"", SERIES));
}

Test(match, takes_labels_in_any_order)
{
	cr_expect(match_series(SERIES, SERIES));
	cr_expect(match_series("node_cpu_seconds_total{mode=\"idle\",cpu=\"0\"}", SERIES));
	cr_expect(match_series("node_cpu_seconds_total{ mode=\"idle\", cpu=\"0\" }", SERIES));
	cr_expect(match_series("node_load1{}", "node_load1"));
	cr_expect(match_series("node_cpu_seconds_total{mode=\"idle\"}", SERIES));
	cr_expect(match_series("{mode!=\"user\"}", SERIES));
	cr_expect(match_series("node_*{cpu=~\"[0-9]+\"}", SERIES));
	cr_expect_not(match_series("node_load*{mode=\"idle\"}", SERIES));
	cr_expect_not(match_series("node_cpu_seconds_total{cpu=\"0\",mode=\"user\"}", SERIES));
	cr_expect_not(match_series("node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} ", SERIES));
}

Test(match, takes_a_name_that_reads_like_a_glob)
{
	cr_expect(match_series("a[1]\\", "a[1]\\"));
	cr_expect(match_host("web[01]", "web[01]"));
	cr_expect(match_series("m{a=\"[x]*\"}", "m{a=\"[x]*\"}"));
	cr_expect(match_series("m{b=\"1\",a=\"\\\\\"}", "m{a=\"\\\\\",b=\"1\"}"));
}

Test(match, takes_a_series_by_its_text_whatever_its_labels_are_called)
{
	cr_expect(match_series("m{!=\"2\",a=\"1\"}", "m{!=\"2\",a=\"1\"}"));
	cr_expect_not(match_series("m{!=\"2\",a=\"1\"}", "m{!=\"2\",a=\"2\"}"));
}

Test(match, compares_a_glob_with_braces_with_the_whole_text)
{
	cr_expect(match_series("*{*mode=\"idle\"*}", SERIES));
	cr_expect(match_series("node_cpu*{cpu=\"0\",*", SERIES));
	cr_expect_not(match_series("*{*mode=\"user\"*}", SERIES));
	cr_expect_not(match_series("*{*", "node_load1"));
}

Test(match, takes_a_glob_with_braces_whatever_it_ends_with)
{
	cr_expect(match_series("*{*idl[a-e]\"}", SERIES));
	cr_expect(match_series("*{*idl[]e]\"}", SERIES));
	cr_expect(match_series("*{*idl?\"}", SERIES));
	cr_expect(match_series("*{*\\i\\dle\\\"}", SERIES));
	cr_expect(match_series("*{*[", "m{a=\"b["));
	cr_expect_not(match_series("*{*idl[f-z]\"}", SERIES));
	cr_expect_not(match_series("*{*dle\"}}", SERIES));
	cr_expect_not(match_series("*{*mode=\"idle\"}", "m{}"));
}

static void assert_refuses(const char *pattern, const char *expected)
{
	char problem[MATCHER_PROBLEM_BYTES];
	struct match *match;

	cr_assert_eq(match_new(pattern, &match, problem), -EINVAL, "%s", pattern);
	cr_assert_not_null(strstr(problem, expected), "%s: %s", pattern, problem);
	cr_assert_not(match_series(pattern, SERIES));
}

Test(match, says_what_is_neither_glob_nor_matchers)
{
	assert_refuses("m{a=1}", "between double quotes");
	assert_refuses("m{a=~\"[\"}", "regular expression '['");
	assert_refuses("m*{a=~\"\\d*\"}", "a digit is [0-9]");
}

Test(match, says_where_a_pattern_is_wrong)
{
	assert_refuses("nope{", "'nope{': a label's name is missing, at character 6");
	assert_refuses("m{a=1}",
		       "'m{a=1}': a label's value stands between double quotes, at character 5");
	assert_refuses("m{\u00e4\u00f6=\"1\"x}",
		       "'m{\u00e4\u00f6=\"1\"x}': behind a label's value belongs a comma or }, at "
		       "character 9");
}

Test(match, shows_no_more_of_a_wrong_pattern_than_can_be_read)
{
	char pattern[1000] = "m{a=\"";
	char problem[MATCHER_PROBLEM_BYTES];
	struct match *match;

	while (strlen(pattern) < 900)
		(void)strlcat(pattern, "\u00e4", sizeof(pattern));
	cr_assert_eq(match_new(pattern, &match, problem), -EINVAL);
	cr_expect(strlen(problem) < 200);
	cr_expect_not_null(
		strstr(problem, "\u00e4'...: a label's value has no closing quote, at character "),
		"%s", problem);
}

Test(match, knows_the_host)
{
	char problem[MATCHER_PROBLEM_BYTES];
	struct match *match;

	cr_assert_eq(match_new("node_cpu*{host=\"web01\"}", &match, problem), 0);
	cr_expect(match_takes(match, "web01", SERIES));
	cr_expect_not(match_takes(match, "web02", SERIES));
	match_free(match);
}

Test(match, bounds_the_metric)
{
	char series[1000];

	memset(series, 'a', sizeof(series));
	series[sizeof(series) - 1] = '\0';
	cr_expect_not(match_series("a*", series));
}

static enum match_extent extent_of(const char *pattern, const char *metric)
{
	char problem[MATCHER_PROBLEM_BYTES];
	enum match_extent extent;
	struct match *match;

	cr_assert_eq(match_new(pattern, &match, problem), 0, "%s", problem);
	extent = match_metric(match, metric);
	match_free(match);
	return extent;
}

Test(match, tells_by_the_metric_which_series_it_may_take)
{
	cr_expect_eq(extent_of(NULL, "m"), MATCH_ALL);
	cr_expect_eq(extent_of("m*", "mm"), MATCH_ALL);
	cr_expect_eq(extent_of("m", "mm"), MATCH_NONE);
	cr_expect_eq(extent_of("m{}", "m"), MATCH_ALL);
	cr_expect_eq(extent_of("m{a=\"1\"}", "m"), MATCH_SOME);
	cr_expect_eq(extent_of("m{a=\"1\"}", "mm"), MATCH_NONE);
	cr_expect_eq(extent_of("{a=\"1\"}", "mm"), MATCH_SOME);
	cr_expect_eq(extent_of("*{*x*}", "mm"), MATCH_SOME);
	cr_expect_eq(extent_of("m*{*x*}", "nm"), MATCH_NONE);
	cr_expect_eq(extent_of("m{*x*}", "m"), MATCH_SOME);
	cr_expect_eq(extent_of("m{*x*}", "mm"), MATCH_NONE);
}

Test(match, knows_the_one_metric_that_a_pattern_names)
{
	static const struct {
		const char *pattern;
		const char *metric;
	} cases[] = {{"m", "m"},     {"m{*}", "m"},        {"m{a=\"*\"}", "m"},
		     {"m*", NULL},   {"{a=\"1\"}", NULL},  {NULL, NULL},
		     {"a[1]", NULL}, {"m?{a=\"1\"}", NULL}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char problem[MATCHER_PROBLEM_BYTES];
		struct match *match;

		cr_assert_eq(match_new(cases[i].pattern, &match, problem), 0, "%s", problem);
		if (cases[i].metric)
			cr_expect_str_eq(match_only_metric(match), cases[i].metric);
		else
			cr_expect_null(match_only_metric(match));
		match_free(match);
	}
}

Test(match, compares_hosts)
{
	cr_expect(match_host("web*", "web01"));
	cr_expect(match_host("web01", "web01"));
	cr_expect_not(match_host("web", "web01"));
	cr_expect_not(match_host("db*", "web01"));
}
