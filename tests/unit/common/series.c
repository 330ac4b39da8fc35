/* SPDX-License-Identifier: MIT */
/* Tests of common/series.c. */

#include "common/series.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct series series;
static struct buffer text;

static void teardown(void)
{
	buffer_done(&text);
}

static enum hm_reason parse(const char *name)
{
	size_t used = 0;
	enum hm_reason reason = series_parse(&series, name, strlen(name), &used);

	if (reason == HM_REASON_NONE) {
		cr_expect_eq(used, strlen(name), "%zu bytes of '%s' are used", used, name);
	} else {
		cr_expect_eq(used, 0, "'%s' wrote its length", name);
	}
	return reason;
}

/* The canonical text of a name. */
static const char *canonical(const char *name)
{
	cr_assert_eq(parse(name), HM_REASON_NONE, "'%s' is refused", name);
	buffer_clear(&text);
	series_format(&series, &text);
	return buffer_text(&text);
}

/* `metric{l0="v",l1="v",...}` of so many labels. */
static const char *name_of_labels(size_t n_labels)
{
	buffer_clear(&text);
	buffer_append_text(&text, "m{");
	for (size_t i = 0; i < n_labels; i++)
		buffer_printf(&text, "%sl%zu=\"v\"", i == 0 ? "" : ",", i);
	buffer_append_byte(&text, '}');
	return buffer_text(&text);
}

/* `m{l="xxx..."}` of so many bytes of name and value. */
static const char *name_of_bytes(size_t n_bytes, const char *unit)
{
	buffer_clear(&text);
	buffer_append_text(&text, "m{l=\"");
	for (size_t i = 1; i < n_bytes; i++)
		buffer_append_text(&text, unit);
	buffer_append_text(&text, "\"}");
	return buffer_text(&text);
}

TestSuite(series, .fini = teardown);

Test(series, takes_a_metric_alone)
{
	cr_expect_str_eq(canonical("node_load1"), "node_load1");
	cr_expect_str_eq(canonical("a.b-c/d:e%f,g=h"), "a.b-c/d:e%f,g=h");
	cr_expect_str_eq(canonical("temp\xc3\xa9rature"), "temp\xc3\xa9rature");
	cr_expect_str_eq(canonical("x{}"), "x");
}

Test(series, sorts_labels_by_their_bytes)
{
	cr_expect_str_eq(canonical("m{b=\"2\",a=\"1\",B=\"0\",ab=\"3\"}"),
			 "m{B=\"0\",a=\"1\",ab=\"3\",b=\"2\"}");
	cr_expect_str_eq(canonical("m;b=2;a=1"), "m{a=\"1\",b=\"2\"}");
}

Test(series, takes_braces_and_tags_together)
{
	cr_expect_str_eq(canonical("m{b=\"2\"};a=1"), "m{a=\"1\",b=\"2\"}");
	cr_expect_str_eq(canonical("m;a=x{y=\"1\"}"), "m{a=\"x{y=\\\"1\\\"}\"}");
	cr_expect_str_eq(canonical("m;a=b=c,d"), "m{a=\"b=c,d\"}");
}

Test(series, takes_blanks_between_labels_and_a_last_comma)
{
	cr_expect_str_eq(canonical("m{ a = \"1\" ,\tb=\"2\", }"), "m{a=\"1\",b=\"2\"}");
}

Test(series, resolves_and_writes_escapes)
{
	cr_expect_str_eq(canonical("m{a=\"q\\\"b\\\\n\\n.\",b=\"x y\",c=\"\\n\"}"),
			 "m{a=\"q\\\"b\\\\n\\n.\",b=\"x y\",c=\"\\n\"}");
	cr_assert_eq(series.n_labels, 3);
	cr_expect_eq(series.labels[0].value.length, 7);
	cr_expect_eq(memcmp(series.labels[0].value.start, "q\"b\\n\n.", 7), 0);
}

Test(series, leaves_out_labels_without_value)
{
	cr_expect_str_eq(canonical("m{a=\"\",b=\"2\"}"), "m{b=\"2\"}");
	cr_expect_str_eq(canonical("m;a=;b=2;c="), "m{b=\"2\"}");
	cr_expect_str_eq(canonical("m{a=\"\"}"), "m");
}

Test(series, ends_at_a_blank_outside_of_braces)
{
	static const char line[] = "m{a=\"x y\"}\t5 6";
	size_t used;

	cr_assert_eq(series_parse(&series, line, strlen(line), &used), HM_REASON_NONE);

	cr_expect_eq(used, strlen("m{a=\"x y\"}"));
	cr_assert_eq(series_parse(&series, "m;a=b c", 7, &used), HM_REASON_NONE);
	cr_expect_eq(used, strlen("m;a=b"));
}

Test(series, refuses_bad_names)
{
	static const char *const names[] = {"",     " ",         "{a=\"1\"}", ";a=1",
					    "a\"b", "a}b",       "a\x01",     "a\nb",
					    "\xff", "a\xc0\xaf", "\x7f",      "a\xc2\x85"};
	size_t used;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_eq(parse(names[i]), HM_REASON_BAD_NAME, "'%s'", names[i]);
	cr_expect_eq(series_parse(&series, "a\0b", 3, &used), HM_REASON_BAD_NAME);
}

Test(series, limits_the_length_of_a_metric)
{
	char name[HM_METRIC_NAME_MAX_BYTES + 2];

	memset(name, 'a', sizeof(name));
	name[HM_METRIC_NAME_MAX_BYTES + 1] = '\0';
	cr_expect_eq(parse(name), HM_REASON_BAD_NAME);
	name[HM_METRIC_NAME_MAX_BYTES] = '\0';
	cr_expect_eq(parse(name), HM_REASON_NONE);
}

Test(series, refuses_labels_that_are_not_well_formed)
{
	static const char *const names[] = {
		"m{",
		"m{a",
		"m{a=",
		"m{a=\"",
		"m{a=\"1",
		"m{a=\"1\"",
		"m{a=\"1\",",
		"m{a=\"1\"}x",
		"m{a=1}",
		"m{=\"1\"}",
		"m{a\"1\"}",
		"m{a==\"1\"}",
		"m{,}",
		"m{a=\"1\" b=\"2\"}",
		"m{a=\"1\"b=\"2\"}",
		"m{a=\"\\x\"}",
		"m{a=\"\\",
		"m{a=\"\\\"}",
		"m{a=\"1\"}{b=\"2\"}",
		"m{a=\"1\",a=\"2\"}",
		"m{a=\"\",a=\"2\"}",
		"m{a=\"1\"};a=2",
		"m;",
		"m;a",
		"m;=1",
		"m;;a=1",
		"m;a=1;",
		"m;a b=1",
		"m;a,b=1",
		"m{a=\"\t\"}",
		"m{a=\"\x01\"}",
		"m{a=\"\xff\"}",
		"m{a=\"\xc3\\n\xa4\"}",
		"m{a\x01=\"1\"}",
		"m{\xff=\"1\"}",
		"m;a=\x01",
		"m;a=\xff",
		"m{a=\"x\ny\"}",
		"m{a{=\"1\"}",
		"m{\"a\"=\"1\"}",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_eq(parse(names[i]), HM_REASON_BAD_LABELS, "'%s'", names[i]);
}

Test(series, limits_the_number_of_labels)
{
	cr_expect_eq(parse(name_of_labels(HM_LABELS_MAX)), HM_REASON_NONE);
	cr_expect_eq(series.n_labels, HM_LABELS_MAX);
	cr_expect_eq(series_add_label(&series, "one_more", "1"), HM_REASON_TOO_MANY_LABELS);
	cr_expect_eq(parse(name_of_labels(HM_LABELS_MAX + 1)), HM_REASON_TOO_MANY_LABELS);
}

Test(series, limits_the_bytes_of_all_labels)
{
	cr_expect_eq(parse(name_of_bytes(HM_LABEL_SET_MAX_BYTES, "x")), HM_REASON_NONE);
	cr_expect_eq(series_add_label(&series, "a", "1"), HM_REASON_TOO_MANY_LABELS);
	cr_expect_eq(parse(name_of_bytes(HM_LABEL_SET_MAX_BYTES, "\\n")), HM_REASON_NONE);
	cr_expect_eq(parse(name_of_bytes(HM_LABEL_SET_MAX_BYTES + 1, "x")),
		     HM_REASON_TOO_MANY_LABELS);
	cr_expect_eq(parse(name_of_bytes(HM_LABEL_SET_MAX_BYTES + 2, "\\n")),
		     HM_REASON_TOO_MANY_LABELS);
}

Test(series, takes_a_label_off)
{
	struct series_text value;

	cr_assert_eq(parse("m{a=\"1\",host=\"web01\",z=\"2\"}"), HM_REASON_NONE);
	value = series_take_label(&series, "host");

	cr_assert_eq(value.length, 5);
	cr_expect_eq(memcmp(value.start, "web01", 5), 0);
	cr_expect_null(series_take_label(&series, "host").start);
	cr_expect_null(series_take_label(&series, "hos").start);
	series_format(&series, &text);
	cr_expect_str_eq(buffer_text(&text), "m{a=\"1\",z=\"2\"}");
}

Test(series, adds_labels_in_their_order)
{
	cr_assert_eq(parse("m{b=\"1\"}"), HM_REASON_NONE);

	cr_expect_eq(series_add_label(&series, "c", "x\ny \"z\""), HM_REASON_NONE);
	cr_expect_eq(series_add_label(&series, "a", "\xc3\xa4"), HM_REASON_NONE);
	cr_expect_eq(series_add_label(&series, "empty", ""), HM_REASON_NONE);

	series_format(&series, &text);
	cr_expect_str_eq(buffer_text(&text), "m{a=\"\xc3\xa4\",b=\"1\",c=\"x\\ny \\\"z\\\"\"}");
}

Test(series, adds_no_bad_label)
{
	cr_assert_eq(parse("m{b=\"1\"}"), HM_REASON_NONE);

	cr_expect_eq(series_add_label(&series, "b", "2"), HM_REASON_BAD_LABELS);
	cr_expect_eq(series_add_label(&series, "", "2"), HM_REASON_BAD_LABELS);
	cr_expect_eq(series_add_label(&series, "a b", "2"), HM_REASON_BAD_LABELS);
	cr_expect_eq(series_add_label(&series, "a\"", "2"), HM_REASON_BAD_LABELS);
	cr_expect_eq(series_add_label(&series, "a", "\x1b[m"), HM_REASON_BAD_LABELS);
	cr_expect_eq(series_add_label(&series, "a", "x\n\xff"), HM_REASON_BAD_LABELS);
	cr_expect_eq(series.n_labels, 1);
}

Test(series, writes_only_the_labels_when_asked)
{
	cr_assert_eq(parse("m{b=\"1\"}"), HM_REASON_NONE);
	series_format_labels(&series, &text);
	cr_expect_str_eq(buffer_text(&text), "{b=\"1\"}");

	buffer_clear(&text);
	cr_assert_eq(parse("m"), HM_REASON_NONE);
	series_format_labels(&series, &text);
	cr_expect_str_eq(buffer_text(&text), "");
}
