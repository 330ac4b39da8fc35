/* SPDX-License-Identifier: MIT */
/* Tests of common/matcher.c. */

#include "common/matcher.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static struct matcher_list list;
static char problem[MATCHER_PROBLEM_BYTES];

static void teardown(void)
{
	matcher_list_done(&list);
}

TestSuite(matcher, .fini = teardown);

/* Does a series of host web01 fulfil the matchers? */
static bool takes(const char *text, const char *name)
{
	struct series series;
	size_t used;
	bool is_taken;

	cr_assert_eq(matcher_list_parse(&list, text, problem), 0, "%s: %s", text, problem);
	cr_assert_eq(series_parse(&series, name, strlen(name), &used), HM_REASON_NONE);
	is_taken = matcher_list_takes(&list, "web01", &series);
	matcher_list_done(&list);
	return is_taken;
}

static int parse(const char *text)
{
	return matcher_list_parse(&list, text, problem);
}

Test(matcher, compares_values)
{
	cr_expect(takes("{a=\"1\"}", "m{a=\"1\",b=\"2\"}"));
	cr_expect_not(takes("{a=\"1\"}", "m{a=\"11\"}"));
	cr_expect(takes("{a!=\"1\"}", "m{a=\"2\"}"));
	cr_expect_not(takes("{a!=\"1\"}", "m{a=\"1\"}"));
}

Test(matcher, wants_all_of_them)
{
	cr_expect(takes("{a=\"1\",b!=\"3\"}", "m{a=\"1\",b=\"2\"}"));
	cr_expect_not(takes("{a=\"1\",b!=\"2\"}", "m{a=\"1\",b=\"2\"}"));
	cr_expect(takes("{}", "m{a=\"1\"}"));
}

Test(matcher, takes_a_label_that_is_not_there_for_an_empty_one)
{
	cr_expect(takes("{a=\"\"}", "m"));
	cr_expect_not(takes("{a=\"\"}", "m{a=\"1\"}"));
	cr_expect(takes("{a!=\"1\"}", "m"));
	cr_expect(takes("{a=~\".*\"}", "m"));
	cr_expect_not(takes("{a=~\".+\"}", "m"));
}

Test(matcher, knows_the_host_and_the_metric)
{
	cr_expect(takes("{host=\"web01\"}", "m"));
	cr_expect_not(takes("{host!~\"web.*\"}", "m"));
	cr_expect(takes("{__name__=~\"node_.*\"}", "node_load1"));
	cr_expect_not(takes("{__name__=\"node_load1\"}", "m"));
}

Test(matcher, compares_an_expression_with_the_whole_value)
{
	cr_expect(takes("{a=~\"sd[a-z]\"}", "m{a=\"sda\"}"));
	cr_expect_not(takes("{a=~\"sd\"}", "m{a=\"sda\"}"));
	cr_expect_not(takes("{a=~\"d.\"}", "m{a=\"sda\"}"));
	cr_expect(takes("{a=~\"idle|user\"}", "m{a=\"user\"}"));
	cr_expect_not(takes("{a=~\"idle|user\"}", "m{a=\"users\"}"));
	cr_expect_not(takes("{a!~\"idle|user\"}", "m{a=\"idle\"}"));
	cr_expect(takes("{a=~\"x{2,3}\"}", "m{a=\"xxx\"}"));
	cr_expect(takes("{a=~\"x{2,}y{1}\"}", "m{a=\"xxxxy\"}"));
	cr_expect(takes("{a=~\"[])]+\"}", "m{a=\"])\"}"));
}

Test(matcher, takes_escapes_in_values)
{
	cr_expect(takes("{a=\"\\\"\\\\\\n\"}", "m{a=\"\\\"\\\\\\n\"}"));
	cr_expect(takes("{a=~\"1\\.5\"}", "m{a=\"1.5\"}"));
	cr_expect(takes("{a=~\"1\\\\.5\"}", "m{a=\"1.5\"}"));
	cr_expect_not(takes("{a=~\"1\\.5\"}", "m{a=\"1x5\"}"));
}

Test(matcher, passes_over_blanks_and_a_last_comma)
{
	cr_expect(takes("{ a = \"1\" ,\tb !~ \"2\" , }", "m{a=\"1\"}"));
}

Test(matcher, says_what_is_no_matcher)
{
	static const char *const texts[] = {
		"",
		"a",
		"{",
		"{a",
		"{a}",
		"{a=1}",
		"{a=\"1}",
		"{a=\"1\"",
		"{=\"1\"}",
		"{a!\"1\"}",
		"{a~\"1\"}",
		"{a==\"1\"}",
		"{a=\"1\"b=\"2\"}",
		"{a=\"1\"}x",
		"{a=\"\\x\"}",
		"{a=\"\\",
		"{a=~\"\\",
		"{,}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		problem[0] = '\0';
		cr_expect_eq(parse(texts[i]), -EINVAL, "%s", texts[i]);
		cr_expect_neq(problem[0], '\0');
	}
}

Test(matcher, refuses_expressions_that_could_take_long)
{
	static const char *const texts[] = {
		"{a=~\"(x*)\\1\"}",
		"{a=~\"\\d\"}",
		"{a=~\"x{600}\"}",
		"{a=~\"(x{23}){23}\"}",
		"{a=~\"x{1,600}\"}",
		"{a=~\"x{99999999999}\"}",
		"{a=~\"x)|(y\"}",
		"{a=~\"x)\"}",
		"{a=~\"(x\"}",
		"{a=~\"[\"}",
		"{a=~\"*\"}",
		"{a=~\"x****\"}",
		"{a=~\"x{25}{25}\"}",
		"{a=~\"x{\"}",
		"{a=~\"x{y}\"}",
		"{a=~\"((((x*y)*z)*y)*)\"}",
		"{a=~\"x++++++++++++++++++++\"}",
		"{a=~\"((((((((((x+)+)+)+)+)+)+)+)+)+\"}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_expect_eq(parse(texts[i]), -EDOM, "%s", texts[i]);
		cr_expect_not_null(strstr(problem, "the regular expression '"));
	}
}

Test(matcher, bounds_what_it_takes)
{
	char text[1000];

	(void)snprintf(text, sizeof(text), "{a=~\"%0257d\"}", 1);
	cr_expect_eq(parse(text), -EDOM);
	(void)snprintf(text, sizeof(text), "{a=~\"%0256d\"}", 1);
	cr_expect_eq(parse(text), 0);
	matcher_list_done(&list);
	text[0] = '{';
	for (int i = 0; i <= MATCHER_MAX; i++)
		(void)snprintf(text + 1 + (size_t)i * 7, 9, "a%02d=\"\",}", i);
	cr_expect_eq(parse(text), -EDOM);
	cr_expect_str_eq(problem, "there are more labels than a series can have");
}

static void draw(uint32_t *random, char *value, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		*random = *random * 1664525 + 1013904223;
		value[i] = *random >> 31 ? 'x' : 'y';
	}
}

/* A sanitizer keeps what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_MAX_KIB (4 << 20)
#else
#define MEMORY_MAX_KIB (512 << 10)
#endif

Test(matcher, does_not_take_repetitions_of_what_may_be_empty)
{
	static const char *const empty[] = {"{a=~\"(){1,3}{103}\"}", "{a=~\"()*{40}\"}",
					    "{a=~\"(x*)*\"}",        "{a=~\"(x|y?)+\"}",
					    "{a=~\"(x{0,9}){9}\"}",  "{a=~\"(|x)*\"}",
					    "{a=~\"*x\"}",           "{a=~\"x|*\"}",
					    "{a=~\"(^)*\"}",         "{a=~\"((x?)(y*))*\"}"};
	static const char *const full[] = {"{a=~\"(x*y)*\"}", "{a=~\"(x|y){0,9}\"}", "{a=~\".*?\"}",
					   "{a=~\"(x?[*]){3}\"}"};

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		cr_expect_eq(parse(empty[i]), -EDOM, "%s", empty[i]);
		cr_expect(strstr(problem, "repeats what may be empty, or nothing"), "%s: %s",
			  empty[i], problem);
	}
	for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++) {
		cr_expect_eq(parse(full[i]), 0, "%s: %s", full[i], problem);
		matcher_list_done(&list);
	}
}

/* Expressions over which some libraries never end, against the longest value there may be. */
Test(matcher, ends_soon_whatever_the_expression)
{
	static const char *const hostile[] = {
		"{a=~\"(x+x+)+z\"}",           "{a=~\"(x|xx|y)*z\"}",
		"{a=~\"(((x|y)*y)*x)*z\"}",    "{a=~\"(x?y){120}[xy][xy]z\"}",
		"{a=~\"(x|y)*y(x|y){100}z\"}", "{a=~\"(x|y)*y((x|y)(x|y)){50}z?\"}",
		"{a=~\"((xy?){4}){8}\"}",      "{a=~\"(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)z\"}",
	};
	static struct series series;
	static char value[HM_LABEL_SET_MAX_BYTES - 1];
	uint32_t random = 1;

	series.n_labels = 1;
	series.labels[0].name = (struct series_text){"a", 1};
	series.labels[0].value = (struct series_text){value, sizeof(value)};
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		clock_t begin = clock();
		struct rusage usage;
		double seconds;

		cr_assert_eq(parse(hostile[i]), 0, "%s: %s", hostile[i], problem);
		for (int j = 0; j < 20; j++) {
			draw(&random, value, sizeof(value));
			(void)matcher_list_takes(&list, NULL, &series);
		}
		matcher_list_done(&list);
		seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
		cr_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
		cr_log_info("%s: %.3f s, %ld KiB", hostile[i], seconds, usage.ru_maxrss);
		cr_expect_lt(usage.ru_maxrss, MEMORY_MAX_KIB, "%s: %ld KiB", hostile[i],
			     usage.ru_maxrss);
		cr_expect_lt(seconds, 60.0, "%s: %.3f s", hostile[i], seconds);
	}
}
