/* SPDX-License-Identifier: MIT */
/* Tests of what the ids of an epoch mean. */

#include "tests/support/wire_dictionary.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/support/native.h"

static struct buffer out;
static struct wire_dictionary dictionary;

static void teardown(void)
{
	buffer_done(&out);
	wire_dictionary_done(&dictionary);
}

TestSuite(wire_dictionary, .fini = teardown);

static void begin(uint32_t first_id)
{
	struct wire_stamp stamp = native_stamp(1);

	buffer_clear(&out);
	wire_declare_put(&out, &stamp, first_id);
}

static void add(enum hm_stored_kind kind, const char *unit, const char *name)
{
	struct wire_series series = {
		.kind = kind, .unit = {unit, strlen(unit)}, .name = {name, strlen(name)}};

	wire_declare_put_series(&out, &series);
}

static enum hm_reason take(void)
{
	return wire_dictionary_add(&dictionary, (const uint8_t *)out.data, out.length);
}

static void expect(uint32_t id, enum hm_stored_kind kind, const char *metric, const char *labels)
{
	struct wire_series series;

	cr_assert_eq(wire_dictionary_get(&dictionary, id, &series), 0, "%u", id);
	cr_expect_eq(series.kind, kind);
	cr_expect_eq(series.metric.length, strlen(metric));
	cr_expect_eq(memcmp(series.metric.start, metric, strlen(metric)), 0);
	cr_expect_eq(series.labels.length, strlen(labels));
	cr_expect_eq(memcmp(series.labels.start, labels, strlen(labels)), 0);
}

static void take_three(void)
{
	begin(0);
	add(HM_STORED_GAUGE, "bytes", "a");
	add(HM_STORED_COUNTER, "", "b{l=\"1\"}");
	cr_assert_eq(take(), HM_REASON_NONE);
	begin(2);
	add(HM_STORED_COUNTER, "", "b{l=\"2\"}");
	cr_assert_eq(take(), HM_REASON_NONE);
}

Test(wire_dictionary, gives_what_was_declared)
{
	struct wire_series series;

	take_three();

	cr_expect_eq(dictionary.n_series, 3);
	expect(0, HM_STORED_GAUGE, "a", "");
	expect(1, HM_STORED_COUNTER, "b", "{l=\"1\"}");
	expect(2, HM_STORED_COUNTER, "b", "{l=\"2\"}");
	cr_expect_eq(wire_dictionary_get(&dictionary, 3, &series), -ENOENT);
	cr_expect_eq(wire_dictionary_get(&dictionary, UINT32_MAX, &series), -ENOENT);
}

Test(wire_dictionary, the_same_may_come_again)
{
	take_three();
	cr_expect_eq(take(), HM_REASON_NONE);
	begin(1);
	add(HM_STORED_COUNTER, "", "b{l=\"1\"}");
	add(HM_STORED_COUNTER, "", "b{l=\"2\"}");
	add(HM_STORED_GAUGE, "", "c");
	cr_expect_eq(take(), HM_REASON_NONE, "and go on behind it");
	cr_expect_eq(dictionary.n_series, 4);
	expect(3, HM_STORED_GAUGE, "c", "");
}

Test(wire_dictionary, nothing_is_declared_otherwise)
{
	take_three();
	begin(0);
	add(HM_STORED_COUNTER, "bytes", "a");
	cr_expect_eq(take(), HM_REASON_DECLARED_OTHERWISE, "kind");
	begin(0);
	add(HM_STORED_GAUGE, "seconds", "a");
	cr_expect_eq(take(), HM_REASON_DECLARED_OTHERWISE, "unit");
	begin(2);
	add(HM_STORED_COUNTER, "", "b{l=\"3\"}");
	cr_expect_eq(take(), HM_REASON_DECLARED_OTHERWISE, "labels");
	begin(2);
	add(HM_STORED_COUNTER, "", "b{l=\"2\",m=\"3\"}");
	cr_expect_eq(take(), HM_REASON_DECLARED_OTHERWISE, "a name that goes on");
}

Test(wire_dictionary, no_id_is_left_out)
{
	begin(1);
	add(HM_STORED_GAUGE, "", "a");
	cr_expect_eq(take(), HM_REASON_NOT_DECLARED);
	take_three();
	begin(4);
	add(HM_STORED_GAUGE, "", "a");
	cr_expect_eq(take(), HM_REASON_NOT_DECLARED);
}

Test(wire_dictionary, takes_all_series_of_a_message_or_none)
{
	take_three();
	begin(3);
	add(HM_STORED_GAUGE, "", "good");
	add(HM_STORED_GAUGE, "", "bad{");
	cr_expect_eq(take(), HM_REASON_BAD_LABELS);
	cr_expect_eq(dictionary.n_series, 3);
	begin(3);
	add(HM_STORED_GAUGE, "", "other");
	cr_expect_eq(take(), HM_REASON_NONE);
	expect(3, HM_STORED_GAUGE, "other", "");
	expect(2, HM_STORED_COUNTER, "b", "{l=\"2\"}");
}
