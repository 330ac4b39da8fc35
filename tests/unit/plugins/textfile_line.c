/* SPDX-License-Identifier: MIT */
/* Tests of plugins/textfile_line.c, after the description of Prometheus' text format 0.0.4. */

#include "plugins/textfile_line.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct textfile_line line;

static int parse(const char *text)
{
	return textfile_line_parse(&line, (struct hm_span){text, strlen(text)});
}

/* As one text: name|label=value|... */
static const char *labels(void)
{
	static char text[8192];
	int length = snprintf(text, sizeof(text), "%s", line.name);

	for (size_t i = 0; i < line.n_labels; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "|%s=%s",
				   line.labels[i], line.values[i]);
	cr_expect_null(line.values[line.n_labels]);
	return text;
}

Test(textfile_line, takes_samples_as_they_may_be_written)
{
	static const struct {
		const char *text;
		const char *labels;
		double value;
	} cases[] = {
		{"a 1", "a", 1},
		{"\ta:b_9  -1.5e3 ", "a:b_9", -1500},
		{"a{} 2", "a", 2},
		{"a { x = \"1\" , } 3", "a|x=1", 3},
		{"a{z=\"1\",b=\"2\",m=\"3\"}4", "a|b=2|m=3|z=1", 4},
		{"a{x=\"\\\\ \\\" \\n }\"} 5", "a|x=\\ \" \n }", 5},
		{"a{x=\"\"} +6", "a|x=", 6},
		{"a{host=\"h\"} 7", "a|exported_host=h", 7},
		{"a{x=\"%s \xc3\xa4\"} 8", "a|x=%s \xc3\xa4", 8},
		{"a +Inf", "a", INFINITY},
		{"a -inf", "a", -INFINITY},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(parse(cases[i].text), 0, "%s", cases[i].text);
		cr_expect(line.is_sample, "%s", cases[i].text);
		cr_expect_str_eq(labels(), cases[i].labels);
		cr_expect(line.value == cases[i].value, "%s", cases[i].text);
	}
	cr_expect_eq(parse("a NaN"), 0);
	cr_expect(isnan(line.value));
}

Test(textfile_line, refuses_what_is_no_sample)
{
	static const char *const cases[] = {
		"a",
		"1a 1",
		"a-b 1",
		"a 1 1395066363000",
		"a x",
		"a 1e999",
		"a 0x1p3g",
		"a{ 1",
		"a{x} 1",
		"a{x=1} 1",
		"a{x=\"1} 1",
		"a{x=\"\\",
		"a{x=\"\\t\"} 1",
		"a{,} 1",
		"a{x=\"1\" y=\"2\"} 1",
		"a{x=\"1\"",
		"a{1=\"\"} 1",
		"a{a:b=\"\"} 1",
		"a{x=\"\",x=\"\"} 1",
		"{x=\"1\"} 1",
		"a{x=\"1\"} ",
		"a 1\r",
		"\xff 1",
		"# TYPE a thing",
		"# TYPE",
		"# TYPE a",
		"# TYPE a gauge more",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(parse(cases[i]), -EINVAL, "%s", cases[i]);
		cr_expect_not(line.is_sample, "%s", cases[i]);
	}
}

Test(textfile_line, passes_over_comments)
{
	static const char *const cases[] = {
		"", "  ", "#", "# HELP a What it is.", "# any thing", "#TYPE a gauge"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(parse(cases[i]), 0, "%s", cases[i]);
		cr_expect_not(line.is_sample, "%s", cases[i]);
	}
}

static enum hm_kind kind_of(const char *type, const char *sample)
{
	cr_assert_eq(parse(type), 0);
	cr_assert_eq(parse(sample), 0);
	return line.kind;
}

Test(textfile_line, knows_kinds_by_type_or_name)
{
	cr_expect_eq(kind_of("# TYPE a counter", "a 1"), HM_COUNTER);
	cr_expect_eq(kind_of("# TYPE a_total gauge", "a_total 1"), HM_GAUGE);
	cr_expect_eq(kind_of("# TYPE a untyped", "a 1"), HM_GAUGE);
	cr_expect_eq(kind_of("# TYPE a untyped", "a_total 1"), HM_COUNTER);
	cr_expect_eq(kind_of("# TYPE a histogram", "a_bucket{le=\"1\"} 1"), HM_COUNTER);
	cr_expect_eq(kind_of("# TYPE a summary", "a_sum 1"), HM_COUNTER);
	cr_expect_eq(kind_of("# TYPE a summary", "a{quantile=\"0.5\"} 1"), HM_GAUGE);
	cr_expect_eq(kind_of("# TYPE a gauge", "a_count 1"), HM_GAUGE);
	cr_expect_eq(kind_of("# TYPE a counter", "ab 1"), HM_GAUGE);
}

Test(textfile_line, bounds_labels_and_names)
{
	char text[5000];
	int length = snprintf(text, sizeof(text), "a{");

	for (int i = 0; i < HM_METRIC_LABELS_MAX; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "l%d=\"\",", i);
	(void)snprintf(text + length, sizeof(text) - (size_t)length, "} 1");
	cr_expect_eq(parse(text), 0);
	(void)snprintf(text + length, sizeof(text) - (size_t)length, "more=\"\"} 1");
	cr_expect_eq(parse(text), -E2BIG);

	(void)snprintf(text, sizeof(text), "a{x=\"%04092d\"} 1", 0);
	cr_expect_eq(parse(text), 0);
	(void)snprintf(text, sizeof(text), "a{x=\"%04093d\"} 1", 0);
	cr_expect_eq(parse(text), 0);
	(void)snprintf(text, sizeof(text), "a{x=\"%04094d\"} 1", 0);
	cr_expect_eq(parse(text), -E2BIG);
	(void)snprintf(text, sizeof(text), "a%0199d 1", 0);
	cr_expect_eq(parse(text), 0);
	(void)snprintf(text, sizeof(text), "a%0200d 1", 0);
	cr_expect_eq(parse(text), -EINVAL);
}

static uint64_t hash_of(const char *text)
{
	cr_assert_eq(parse(text), 0);
	return textfile_line_hash(&line);
}

Test(textfile_line, tells_series_apart)
{
	cr_expect_eq(hash_of("a{x=\"1\",y=\"2\"} 1"), hash_of("a{y=\"2\",x=\"1\"} 7"));
	cr_expect_neq(hash_of("a{x=\"1\",y=\"2\"} 1"), hash_of("a{x=\"1y\",z=\"2\"} 1"));
	cr_expect_neq(hash_of("ab 1"), hash_of("a 1"));
}
