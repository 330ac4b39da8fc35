/* SPDX-License-Identifier: MIT */
/* Tests of DECLARE. */

#include "common/wire_declare.h"

#include <criterion/criterion.h>
#include <string.h>

#include "hostmetrics/wire.h"
#include "tests/support/native.h"

static struct buffer out;
static char long_text[UINT16_MAX];

static void setup(void)
{
	memset(long_text, 'n', sizeof(long_text));
}

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(wire_declare, .init = setup, .fini = teardown);

static struct series_text text(const char *start)
{
	return (struct series_text){start, strlen(start)};
}

static bool is_text(const struct series_text *got, const char *wanted)
{
	return got->length == strlen(wanted) && memcmp(got->start, wanted, got->length) == 0;
}

static void begin(uint32_t first_id)
{
	struct wire_stamp stamp = native_stamp(9);

	buffer_clear(&out);
	wire_declare_put(&out, &stamp, first_id);
}

static void add(enum hm_stored_kind kind, struct series_text unit, struct series_text name)
{
	struct wire_series series = {.kind = kind, .unit = unit, .name = name};

	wire_declare_put_series(&out, &series);
}

/* Read all of it. */
static enum hm_reason read_declare(const uint8_t *payload, size_t length)
{
	struct wire_declare declare;
	struct wire_series series;
	enum hm_reason reason = wire_declare_open(&declare, payload, length);

	while (wire_declare_next(&declare, &series))
		cr_expect_eq(series.name.length, series.metric.length + series.labels.length);
	cr_expect(reason == HM_REASON_NONE || declare.reason == reason);
	reason = declare.reason;
	wire_declare_done(&declare);
	return reason;
}

static enum hm_reason read_name_of(struct series_text name)
{
	begin(0);
	add(HM_STORED_GAUGE, text(""), name);
	return read_declare((const uint8_t *)out.data, out.length);
}

static enum hm_reason read_name(const char *name)
{
	return read_name_of(text(name));
}

Test(wire_declare, is_read_as_it_was_written)
{
	struct wire_declare declare;
	struct wire_series series;

	begin(700);
	add(HM_STORED_COUNTER, text("seconds"),
	    text("node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}"));
	add(HM_STORED_UNKNOWN, text(""), text("x"));

	cr_assert_eq(wire_declare_open(&declare, (const uint8_t *)out.data, out.length),
		     HM_REASON_NONE);
	cr_expect_eq(declare.stamp.sequence, 9);
	cr_expect_eq(declare.first_id, 700);
	cr_assert(wire_declare_next(&declare, &series));
	cr_expect_eq(declare.n_series, 1);
	cr_expect_eq(series.kind, HM_STORED_COUNTER);
	cr_expect(is_text(&series.unit, "seconds"));
	cr_expect(is_text(&series.name, "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}"));
	cr_expect(is_text(&series.metric, "node_cpu_seconds_total"));
	cr_expect(is_text(&series.labels, "{cpu=\"0\",mode=\"idle\"}"));
	cr_assert(wire_declare_next(&declare, &series));
	cr_expect_eq(declare.n_series, 2);
	cr_expect_eq(series.kind, HM_STORED_UNKNOWN);
	cr_expect(is_text(&series.metric, "x"));
	cr_expect_eq(series.labels.length, 0);
	cr_expect_not(wire_declare_next(&declare, &series));
	cr_expect_eq(declare.reason, HM_REASON_NONE);
	wire_declare_done(&declare);
}

Test(wire_declare, cut_anywhere_it_is_damage_but_between_series)
{
	begin(0);
	add(HM_STORED_GAUGE, text("bytes"), text("m{a=\"b\"}"));
	cr_expect_eq(native_count_accepted(&out, read_declare), 0);
	add(HM_STORED_GAUGE, text("bytes"), text("m{a=\"c\"}"));
	cr_expect_eq(native_count_accepted(&out, read_declare), 1);
}

Test(wire_declare, without_a_series_it_is_empty)
{
	begin(0);
	cr_expect_eq(read_declare((const uint8_t *)out.data, out.length), HM_REASON_EMPTY);
}

Test(wire_declare, a_series_has_one_name)
{
	static const char *const good[] = {"m", "m{a=\"b\"}", "m{a=\"b\",c=\"d\"}",
					   "\xc3\xa9t\xc3\xa9", "m{a=\"\\\\ \\\" \\n\"}"};
	static const char *const other_form[] = {
		"m{}",
		"m{a=\"\"}",
		"m{c=\"d\",a=\"b\"}",
		"m{a=\"b\",}",
		"m{ a=\"b\"}",
		"m{a = \"b\"}",
		"m;a=b",
		"m ",
		"m{a=\"b\"} ",
		"m{a=\"b\"} m{a=\"b\"}",
	};
	static const char *const bad[] = {"m{a=\"b\"",   "m{a=\"b\",a=\"c\"}", "m{a=b}",
					  "m{a=\"\n\"}", "m{a=\"\x1b\"}",      "m{a=\"\xff\"}"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect_eq(read_name(good[i]), HM_REASON_NONE, "%s", good[i]);
	for (size_t i = 0; i < sizeof(other_form) / sizeof(other_form[0]); i++)
		cr_expect_eq(read_name(other_form[i]), HM_REASON_BAD_LABELS, "%s", other_form[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(read_name(bad[i]), HM_REASON_BAD_LABELS, "%zu", i);
}

Test(wire_declare, a_metric_is_clean_and_has_a_limit)
{
	static const char *const bad[] = {"", "{a=\"b\"}", "a\nb", "\x1b[2J", "\xc0\xaf", "a}b"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(read_name(bad[i]), HM_REASON_BAD_NAME, "%zu", i);
	cr_expect_eq(read_name_of((struct series_text){"a\0b", 3}), HM_REASON_BAD_NAME);
	cr_expect_eq(read_name_of((struct series_text){long_text, HM_METRIC_NAME_MAX_BYTES}),
		     HM_REASON_NONE);
	cr_expect_eq(read_name_of((struct series_text){long_text, HM_METRIC_NAME_MAX_BYTES + 1}),
		     HM_REASON_BAD_NAME);
	cr_expect_eq(read_name_of((struct series_text){long_text, UINT16_MAX}), HM_REASON_BAD_NAME);
}

Test(wire_declare, labels_have_limits)
{
	struct buffer name = {0};

	for (int n = HM_LABELS_MAX; n <= HM_LABELS_MAX + 1; n++) {
		buffer_clear(&name);
		buffer_append_byte(&name, 'm');
		for (int i = 0; i < n; i++)
			buffer_printf(&name, "%cl%02d=\"v\"", i == 0 ? '{' : ',', i);
		buffer_append_byte(&name, '}');
		cr_expect_eq(read_name(buffer_text(&name)),
			     n == HM_LABELS_MAX ? HM_REASON_NONE : HM_REASON_TOO_MANY_LABELS);
	}
	for (int n = HM_LABEL_SET_MAX_BYTES; n <= HM_LABEL_SET_MAX_BYTES + 1; n++) {
		buffer_clear(&name);
		buffer_printf(&name, "m{l=\"%.*s\"}", n - 1, long_text);
		cr_expect_eq(read_name(buffer_text(&name)), n == HM_LABEL_SET_MAX_BYTES
								    ? HM_REASON_NONE
								    : HM_REASON_TOO_MANY_LABELS);
	}
	buffer_done(&name);
}

Test(wire_declare, kind_and_unit_have_limits)
{
	begin(0);
	add((enum hm_stored_kind)(HM_STORED_COUNTER + 1), text(""), text("m"));
	cr_expect_eq(read_declare((const uint8_t *)out.data, out.length), HM_REASON_BAD_MESSAGE);
	begin(0);
	add(HM_STORED_GAUGE, (struct series_text){long_text, HM_UNIT_MAX_BYTES}, text("m"));
	cr_expect_eq(read_declare((const uint8_t *)out.data, out.length), HM_REASON_NONE);
	begin(0);
	add(HM_STORED_GAUGE, (struct series_text){long_text, HM_UNIT_MAX_BYTES + 1}, text("m"));
	cr_expect_eq(read_declare((const uint8_t *)out.data, out.length), HM_REASON_BAD_MESSAGE);
	begin(0);
	add(HM_STORED_GAUGE, text("a\tb"), text("m"));
	cr_expect_eq(read_declare((const uint8_t *)out.data, out.length), HM_REASON_BAD_MESSAGE);
}

Test(wire_declare, ids_have_a_limit)
{
	begin(HM_EPOCH_SERIES_MAX - 1);
	add(HM_STORED_GAUGE, text(""), text("m"));
	cr_expect_eq(read_declare((const uint8_t *)out.data, out.length), HM_REASON_NONE);
	add(HM_STORED_GAUGE, text(""), text("n"));
	cr_expect_eq(read_declare((const uint8_t *)out.data, out.length),
		     HM_REASON_TOO_MANY_SERIES);
	begin(HM_EPOCH_SERIES_MAX);
	add(HM_STORED_GAUGE, text(""), text("m"));
	cr_expect_eq(read_declare((const uint8_t *)out.data, out.length),
		     HM_REASON_TOO_MANY_SERIES);
	begin(UINT32_MAX);
	add(HM_STORED_GAUGE, text(""), text("m"));
	cr_expect_eq(read_declare((const uint8_t *)out.data, out.length),
		     HM_REASON_TOO_MANY_SERIES);
}
