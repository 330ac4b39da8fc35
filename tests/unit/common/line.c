/* SPDX-License-Identifier: MIT */
/* Tests of common/line.c. */

#include "common/line.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NOW_US  INT64_C(1795416999000007)
#define TIME_US INT64_C(1795416401000000)

static struct line line;
static struct buffer text;

static void teardown(void)
{
	buffer_done(&text);
}

static enum hm_reason parse(const char *line_text)
{
	return line_parse(&line, line_text, strlen(line_text), NOW_US);
}

static const char *series_text(void)
{
	buffer_clear(&text);
	series_format(&line.series, &text);
	return buffer_text(&text);
}

/* Check that a line gives this sample. */
static void expect_sample(const char *line_text, int64_t time_us, const char *series, double value)
{
	enum hm_reason reason = parse(line_text);

	cr_assert_eq(reason, HM_REASON_NONE, "'%s' is refused for %d", line_text, (int)reason);
	cr_expect_eq(line.type, LINE_SAMPLE, "%s", line_text);
	cr_expect_eq(line.time_us, time_us, "%s: time %lld", line_text, (long long)line.time_us);
	cr_expect_str_eq(series_text(), series, "%s", line_text);
	cr_expect_eq(line.value, value, "%s: value %g", line_text, line.value);
}

static void expect_refused(const char *line_text, enum hm_reason reason)
{
	enum hm_reason found = parse(line_text);

	cr_expect_eq(found, reason, "'%s': reason %d, not %d", line_text, (int)found, (int)reason);
	cr_expect_eq(line.type, LINE_NOTHING, "%s", line_text);
}

static bool is_text(struct series_text found, const char *expected)
{
	return found.start && found.length == strlen(expected) &&
	       memcmp(found.start, expected, found.length) == 0;
}

TestSuite(line, .fini = teardown);

Test(line, takes_time_name_value)
{
	expect_sample("1795416401 x 1", TIME_US, "x", 1);
	expect_sample("1795416401.25 node_load1 0.42", TIME_US + 250000, "node_load1", 0.42);
	expect_sample("1795416401 m{b=\"2\",a=\"x y\"} -1e3", TIME_US, "m{a=\"x y\",b=\"2\"}",
		      -1000);
	expect_sample("1795416401 m;b=2;a=1 5", TIME_US, "m{a=\"1\",b=\"2\"}", 5);
	expect_sample("1795416401 m{b=\"2\"};a=1 5", TIME_US, "m{a=\"1\",b=\"2\"}", 5);
	expect_sample("5 6 7", 5000000, "6", 7);
}

Test(line, takes_name_value_time)
{
	expect_sample("x 1 1795416401", TIME_US, "x", 1);
	expect_sample("m{a=\"x y\"} 5 1795416401", TIME_US, "m{a=\"x y\"}", 5);
	expect_sample("m;b=2;a=1 5 1795416401", TIME_US, "m{a=\"1\",b=\"2\"}", 5);
	expect_sample("a.b 1e3 1795416401.75", TIME_US + 750000, "a.b", 1000);
}

Test(line, takes_now_for_a_time_that_is_not_told)
{
	expect_sample("x 1", NOW_US, "x", 1);
	expect_sample("x 1 -1", NOW_US, "x", 1);
	expect_sample("x 1 -1.0", NOW_US, "x", 1);
	expect_sample("x 1 N", NOW_US, "x", 1);
	expect_sample("-1 x 1", NOW_US, "x", 1);
	expect_sample("5 6", NOW_US, "5", 6);
	expect_sample("-1 5", NOW_US, "-1", 5);
	expect_sample("m{a=\"x y\"} 5", NOW_US, "m{a=\"x y\"}", 5);
}

Test(line, takes_what_real_senders_send)
{
	expect_sample("collectd.web_example_org.load.load.shortterm 3.53076171875 1795416401\r",
		      TIME_US, "collectd.web_example_org.load.load.shortterm", 3.53076171875);
	expect_sample(
		"load.load.shortterm;plugin=load;type=load;ds_name=shortterm 3.53 1795416401\r",
		TIME_US, "load.load.shortterm{ds_name=\"shortterm\",plugin=\"load\",type=\"load\"}",
		3.53);
	expect_sample("netdata.ndhost.system.idlejitter.min;_is_ephemeral=false;"
		      "_has_unstable_connection=false 84 1795416401",
		      TIME_US,
		      "netdata.ndhost.system.idlejitter.min{_has_unstable_connection=\"false\","
		      "_is_ephemeral=\"false\"}",
		      84);
	expect_sample("notime 5", NOW_US, "notime", 5);
	expect_sample("neg 6 -1", NOW_US, "neg", 6);
	expect_sample("nan 7 1795416401", TIME_US, "nan", 7);
	expect_refused("collectd.web.interface-lo.if_octets.rx nan 1795416401\r",
		       HM_REASON_NOT_FINITE);
	expect_refused("nan nan 1795416401", HM_REASON_NOT_FINITE);
	expect_refused("bad name with spaces 5 1795416401", HM_REASON_LINE_FIELDS);
}

Test(line, splits_at_blanks_and_tabs_repeated_ones_too)
{
	expect_sample("\tx \t 1\t\t1795416401  ", TIME_US, "x", 1);
	expect_sample("  1795416401\tx\t1 \r", TIME_US, "x", 1);
	expect_sample("5 6 ", NOW_US, "5", 6);
}

Test(line, takes_the_host_off)
{
	expect_sample("1795416401 m{a=\"1\",host=\"web01\"} 5", TIME_US, "m{a=\"1\"}", 5);
	cr_expect(is_text(line.host, "web01"));
	expect_sample("load;host=web.example.org 5", NOW_US, "load", 5);
	cr_expect(is_text(line.host, "web.example.org"));
	expect_sample("m 5", NOW_US, "m", 5);
	cr_expect_null(line.host.start);
	expect_sample("m;host= 5", NOW_US, "m", 5);
	cr_expect_null(line.host.start);
	expect_sample("m{host=\"../../etc/passwd\"} 5", NOW_US, "m", 5);
	cr_expect(is_text(line.host, "../../etc/passwd"));
}

Test(line, refuses_a_bad_host)
{
	char long_host[HM_HOST_NAME_MAX_BYTES + 2];

	memset(long_host, 'h', sizeof(long_host));
	long_host[HM_HOST_NAME_MAX_BYTES + 1] = '\0';
	buffer_printf(&text, "m;host=%s 5", long_host);
	expect_refused(buffer_text(&text), HM_REASON_BAD_NAME);
	expect_refused("m{host=\"a\\nb\"} 5", HM_REASON_BAD_NAME);

	long_host[HM_HOST_NAME_MAX_BYTES] = '\0';
	buffer_clear(&text);
	buffer_printf(&text, "m;host=%s 5", long_host);
	cr_expect_eq(parse(buffer_text(&text)), HM_REASON_NONE);
	cr_expect(is_text(line.host, long_host));
}

Test(line, passes_over_comments_and_empty_lines)
{
	static const char *const lines[] = {
		"",
		"\r",
		"  \t ",
		"#",
		"# ",
		"#x",
		"# HELP x what it is",
		"# TYPE",
		"# TYPE x",
		"# TYPE x gauge more",
		"# UNIT x bytes more",
		"# EOF",
		"# TYPE \"x\" gauge",
		"# TYPE x{a=\"1\"} gauge",
		"# TYPE x\x01 gauge",
		"# UNIT x \xff",
		"# type x gauge",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		cr_expect_eq(parse(lines[i]), HM_REASON_NONE, "'%s'", lines[i]);
		cr_expect_eq(line.type, LINE_NOTHING, "'%s'", lines[i]);
	}
}

Test(line, takes_declarations)
{
	cr_assert_eq(parse("# TYPE node_load1 gauge"), HM_REASON_NONE);
	cr_expect_eq(line.type, LINE_TYPE);
	cr_expect_eq(line.kind, HM_STORED_GAUGE);
	cr_expect(is_text(line.series.metric, "node_load1"));

	cr_assert_eq(parse("#\tTYPE  x_total counter \r"), HM_REASON_NONE);
	cr_expect_eq(line.type, LINE_TYPE);
	cr_expect_eq(line.kind, HM_STORED_COUNTER);
	cr_expect(is_text(line.series.metric, "x_total"));

	cr_assert_eq(parse("# TYPE x histogram"), HM_REASON_NONE);
	cr_expect_eq(line.type, LINE_TYPE);
	cr_expect_eq(line.kind, HM_STORED_UNKNOWN);

	cr_assert_eq(parse("# UNIT node_thermal_zone_temp celsius"), HM_REASON_NONE);
	cr_expect_eq(line.type, LINE_UNIT);
	cr_expect(is_text(line.unit, "celsius"));
	cr_expect(is_text(line.series.metric, "node_thermal_zone_temp"));

	cr_assert_eq(parse("# UNIT node_load1 "), HM_REASON_NONE);
	cr_expect_eq(line.type, LINE_UNIT);
	cr_expect(is_text(line.unit, ""));
}

Test(line, refuses_lines_of_too_few_or_too_many_words)
{
	expect_refused("x", HM_REASON_LINE_FIELDS);
	expect_refused("5", HM_REASON_LINE_FIELDS);
	expect_refused("x 1 2 3", HM_REASON_LINE_FIELDS);
	expect_refused("1795416401 x 1 2", HM_REASON_LINE_FIELDS);
	expect_refused("1795416401 m{a=\"x y\"}", HM_REASON_LINE_FIELDS);
	expect_refused("m{a=\"x y\"}", HM_REASON_LINE_FIELDS);
}

Test(line, refuses_bad_values)
{
	expect_refused("x y", HM_REASON_BAD_VALUE);
	expect_refused("GET / HTTP/1.1", HM_REASON_BAD_VALUE);
	expect_refused("1795416401 x 0x10", HM_REASON_BAD_VALUE);
	expect_refused("x 1,5", HM_REASON_BAD_VALUE);
	expect_refused("x NaN", HM_REASON_NOT_FINITE);
	expect_refused("1795416401 x +Inf", HM_REASON_NOT_FINITE);
	expect_refused("x 1e999", HM_REASON_NOT_FINITE);
}

Test(line, refuses_bad_times)
{
	expect_refused("x 1 nan", HM_REASON_BAD_TIME);
	expect_refused("x 1 12:30", HM_REASON_BAD_TIME);
	expect_refused("x 1 1e30", HM_REASON_BAD_TIME);
	expect_refused("1e30 x 1", HM_REASON_BAD_TIME);
	expect_refused("9223372036855 x 1", HM_REASON_BAD_TIME);
	expect_sample("9223372036854.775807 x 1", INT64_MAX, "x", 1);
	expect_sample("-86400 x 1", INT64_C(-86400000000), "x", 1);
}

Test(line, refuses_bad_names_and_labels)
{
	expect_refused("a\x01 5", HM_REASON_BAD_NAME);
	expect_refused("\x1b[31mred 5", HM_REASON_BAD_NAME);
	expect_refused("\xc0\xaf 5", HM_REASON_BAD_NAME);
	expect_refused("1795416401 {a=\"1\"} 5", HM_REASON_BAD_NAME);
	expect_refused("m{a=\"1} 5", HM_REASON_BAD_LABELS);
	expect_refused("m{a=\"1\",a=\"2\"} 5", HM_REASON_BAD_LABELS);
	expect_refused("m; 5", HM_REASON_BAD_LABELS);
	expect_refused("m{a=\"1\"}\r 5", HM_REASON_BAD_LABELS);
	cr_expect_eq(line_parse(&line, "a\0b 5", 5, NOW_US), HM_REASON_BAD_NAME);
	cr_expect_eq(line_parse(&line, "a 5\0", 4, NOW_US), HM_REASON_BAD_VALUE);
	cr_expect_eq(line_parse(&line, "\0\0\0\0", 4, NOW_US), HM_REASON_BAD_NAME);
}

Test(line, limits_the_length)
{
	static char bytes[HM_LINE_MAX_BYTES + 2];

	memset(bytes, ' ', sizeof(bytes));
	bytes[0] = 'x';
	bytes[2] = '1';
	cr_expect_eq(line_parse(&line, bytes, HM_LINE_MAX_BYTES, NOW_US), HM_REASON_NONE);
	cr_expect_eq(line_parse(&line, bytes, HM_LINE_MAX_BYTES + 1, NOW_US),
		     HM_REASON_LINE_TOO_LONG);
	bytes[HM_LINE_MAX_BYTES] = '\r';
	cr_expect_eq(line_parse(&line, bytes, HM_LINE_MAX_BYTES + 1, NOW_US), HM_REASON_NONE);
}

Test(line, looks_at_no_byte_behind_the_length)
{
	cr_assert_eq(line_parse(&line, "x 12", 3, NOW_US), HM_REASON_NONE);
	cr_expect_eq(line.value, 1);
	cr_assert_eq(line_parse(&line, "x 1 5", 3, NOW_US), HM_REASON_NONE);
	cr_expect_eq(line.time_us, NOW_US);
	cr_expect_eq(line_parse(&line, "m{a=\"1\"} 5", 7, NOW_US), HM_REASON_BAD_LABELS);
}

static void expect_skimmed(const char *line_text, const char *name, int64_t time_us, double value)
{
	struct line_skimmed skimmed = {.time_length = 0};

	cr_assert(line_skim(&skimmed, line_text, strlen(line_text), NOW_US), "%s", line_text);
	cr_expect(is_text(skimmed.name, name), "%s", line_text);
	cr_expect_eq(skimmed.time_us, time_us, "%s", line_text);
	cr_expect_eq(skimmed.value, value, "%s", line_text);
}

Test(line, is_skimmed_without_a_look_at_its_name)
{
	expect_skimmed("1795416401 node_load1 0.5", "node_load1", TIME_US, 0.5);
	expect_skimmed("1795416401 x{a=\"b c\"} 5\r", "x{a=\"b c\"}", TIME_US, 5);
	expect_skimmed("a.b.c 3.5 1795416401", "a.b.c", TIME_US, 3.5);
	expect_skimmed("a.b.c -3.5 -1", "a.b.c", NOW_US, -3.5);
	expect_skimmed("a.b.c 3.5 N", "a.b.c", NOW_US, 3.5);
	expect_skimmed("a{b=\"c d\"} 7", "a{b=\"c d\"}", NOW_US, 7);
}

Test(line, is_left_to_the_parser_where_it_is_unusual)
{
	static const char *const unusual[] = {
		"",      "\r",  "a",   "5",     " a 5",           "a ",
		"a nan", "a x", "5 a", "a 5 x", "# TYPE a gauge", "-1 a 5",
	};
	struct line_skimmed skimmed = {.time_length = 0};

	for (size_t i = 0; i < sizeof(unusual) / sizeof(unusual[0]); i++) {
		cr_expect_not(line_skim(&skimmed, unusual[i], strlen(unusual[i]), NOW_US), "%s",
			      unusual[i]);
	}
}

/* Of a text that is expected to begin with a line of series `a{b="c d"}`, after one of TIME_US. */
static size_t skim_expected(const char *lines, struct line_skimmed *skimmed)
{
	static const struct series_text name = {"a{b=\"c d\"}", 10};

	*skimmed = (struct line_skimmed){.time_length = 0};
	cr_assert(line_skim(skimmed, "1795416401 x 1", 14, NOW_US));
	skimmed->time_us = 0;
	return line_skim_expected(skimmed, lines, strlen(lines), name);
}

Test(line, is_skimmed_at_once_where_name_and_time_are_expected)
{
	static const char *const lines[] = {"1795416401 a{b=\"c d\"} 12.5\n",
					    "a{b=\"c d\"} 12.5 1795416401\r\n"};
	struct line_skimmed skimmed;
	char more[80];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		(void)snprintf(more, sizeof(more), "%s\nx", lines[i]);
		cr_assert_eq(skim_expected(more, &skimmed), strlen(lines[i]), "%s", lines[i]);
		cr_expect(is_text(skimmed.name, "a{b=\"c d\"}"), "%s", lines[i]);
		cr_expect_eq(skimmed.time_us, TIME_US, "%s", lines[i]);
		cr_expect_eq(skimmed.value, 12.5, "%s", lines[i]);
	}
}

Test(line, is_looked_at_again_where_anything_is_not_expected)
{
	static const char *const others[] = {
		"",
		"\r\n",
		"\n",
		"1795416401",
		"1795416401 ",
		"1795416401\n",
		"1795416401 a\n",
		"1795416401 a{b=\"c d\"}",
		"1795416401 a{b=\"c d\"} ",
		"1795416401 a{b=\"c d\"} 5",
		"1795416401 a{b=\"c d\"} 5\r",
		"1795416401 a{b=\"c d\"} 5 \n",
		"1795416401 a{b=\"c d\"} 5\r\r\n",
		"1795416401 a{b=\"c d\"} 5 5\n",
		"1795416401 a{b=\"c d\"} 5e\n",
		"1795416401 a{b=\"c d\"} -5\n",
		"1795416401 a{b=\"c d\"}  5\n",
		"1795416401 a{b=\"c d\"}x 5\n",
		"1795416401 a{b=\"c e\"} 5\n",
		"1795416402 a{b=\"c d\"} 5\n",
		"179541640 a{b=\"c d\"} 5\n",
		"17954164011 a{b=\"c d\"} 5\n",
		"a{b=\"c d\"} 5\n",
		"a{b=\"c d\"} 5 \n",
		"a{b=\"c d\"} 5 1795416401",
		"a{b=\"c d\"} 5 179541640\n",
		"a{b=\"c d\"} 5 1795416402\n",
		"a{b=\"c d\"} 5 17954164011\n",
		"a{b=\"c d\"} 5 1795416401 \n",
	};
	struct line_skimmed skimmed;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_expect_eq(skim_expected(others[i], &skimmed), 0, "%s", others[i]);
}

Test(line, of_now_does_not_repeat_the_time_of_the_one_before)
{
	struct line_skimmed skimmed = {.time_length = 0};

	cr_assert(line_skim(&skimmed, "x 1 -1", 6, NOW_US));
	cr_assert(line_skim(&skimmed, "x 1 -1", 6, NOW_US + 1));
	cr_expect_eq(skimmed.time_us, NOW_US + 1);
	cr_assert(line_skim(&skimmed, "x 1", 3, NOW_US + 2));
	cr_expect_eq(skimmed.time_us, NOW_US + 2);
}
