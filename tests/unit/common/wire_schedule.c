/* SPDX-License-Identifier: MIT */
/* Tests of SCHEDULE. */

#include "common/wire_schedule.h"

#include <criterion/criterion.h>
#include <string.h>

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

TestSuite(wire_schedule, .init = setup, .fini = teardown);

static void begin(int64_t since_us)
{
	struct wire_stamp stamp = native_stamp(9);

	buffer_clear(&out);
	wire_schedule_put_begin(&out, &stamp, since_us);
}

static void add_text(uint64_t interval_us, const char *start, size_t length)
{
	const struct wire_schedule_entry entry = {interval_us, {start, length}};

	wire_schedule_put_entry(&out, &entry);
}

static void add(uint64_t interval_us, const char *metric)
{
	add_text(interval_us, metric, strlen(metric));
}

static enum hm_reason read_schedule(const uint8_t *payload, size_t length)
{
	struct wire_schedule got;

	return wire_schedule_get(payload, length, &got);
}

static enum hm_reason read_again(void)
{
	return read_schedule((const uint8_t *)out.data, out.length);
}

static enum hm_reason read_interval(uint64_t interval_us)
{
	begin(0);
	add(interval_us, "m");
	return read_again();
}

static enum hm_reason read_metric(const char *start, size_t length)
{
	begin(0);
	add_text(1, start, length);
	return read_again();
}

static enum hm_reason read_two(const char *first, const char *second)
{
	begin(0);
	add(1, first);
	add(1, second);
	return read_again();
}

static bool is_entry(const struct wire_schedule_entry *entry, uint64_t interval_us,
		     const char *metric)
{
	return entry->interval_us == interval_us && entry->metric.length == strlen(metric) &&
	       memcmp(entry->metric.start, metric, entry->metric.length) == 0;
}

Test(wire_schedule, is_read_as_it_was_written)
{
	struct wire_schedule got;
	struct wire_schedule_entry entry;

	begin(-7);
	add(1000000, "node_load1");
	add(HM_INTERVAL_MAX_US, "node_load15");
	add(1, "\xc3\xa9t\xc3\xa9");

	cr_assert_eq(wire_schedule_get((const uint8_t *)out.data, out.length, &got),
		     HM_REASON_NONE);
	cr_expect_eq(got.stamp.sequence, 9);
	cr_expect_eq(got.since_us, -7);
	cr_assert(wire_schedule_next(&got, &entry));
	cr_expect(is_entry(&entry, 1000000, "node_load1"));
	cr_assert(wire_schedule_next(&got, &entry));
	cr_expect(is_entry(&entry, HM_INTERVAL_MAX_US, "node_load15"));
	cr_assert(wire_schedule_next(&got, &entry));
	cr_expect(is_entry(&entry, 1, "\xc3\xa9t\xc3\xa9"));
	cr_expect_not(wire_schedule_next(&got, &entry));
	cr_expect_not(wire_schedule_next(&got, &entry));
}

Test(wire_schedule, says_how_often_it_is_sent)
{
	struct wire_schedule got;
	struct wire_schedule_entry entry;

	begin(0);
	wire_schedule_put_ship(&out, 60000000);
	add(1000000, "node_load1");

	cr_assert_eq(wire_schedule_get((const uint8_t *)out.data, out.length, &got),
		     HM_REASON_NONE);
	cr_expect_eq(got.ship_interval_us, 60000000);
	cr_assert(wire_schedule_next(&got, &entry));
	cr_expect(is_entry(&entry, 1000000, "node_load1"));
	cr_expect_not(wire_schedule_next(&got, &entry));
}

Test(wire_schedule, says_how_often_it_is_sent_once_and_in_front)
{
	begin(0);
	wire_schedule_put_ship(&out, 1);
	wire_schedule_put_ship(&out, 1);
	cr_expect_neq(read_again(), HM_REASON_NONE);
	begin(0);
	add(1, "m");
	wire_schedule_put_ship(&out, 1);
	cr_expect_neq(read_again(), HM_REASON_NONE);
	begin(0);
	wire_schedule_put_ship(&out, 0);
	cr_expect_eq(read_again(), HM_REASON_BAD_MESSAGE);
}

Test(wire_schedule, may_be_of_nothing)
{
	struct wire_schedule got;
	struct wire_schedule_entry entry;

	begin(INT64_MAX);

	cr_assert_eq(wire_schedule_get((const uint8_t *)out.data, out.length, &got),
		     HM_REASON_NONE);
	cr_expect_eq(got.since_us, INT64_MAX);
	cr_expect_eq(got.ship_interval_us, 0);
	cr_expect_not(wire_schedule_next(&got, &entry));
	cr_expect_eq(native_count_accepted(&out, read_schedule), 0);
}

Test(wire_schedule, cut_anywhere_it_is_damage_but_between_metrics)
{
	begin(0);
	add(1000000, "node_load1");
	cr_expect_eq(native_count_accepted(&out, read_schedule), 1, "only without it");
	add(1000000, "node_load15");
	cr_expect_eq(native_count_accepted(&out, read_schedule), 2);
}

Test(wire_schedule, has_a_time)
{
	begin(INT64_MIN);
	cr_expect_eq(read_again(), HM_REASON_BAD_TIME);
}

Test(wire_schedule, an_interval_has_limits)
{
	cr_expect_eq(read_interval(1), HM_REASON_NONE);
	cr_expect_eq(read_interval(0), HM_REASON_BAD_MESSAGE);
	cr_expect_eq(read_interval(HM_INTERVAL_MAX_US), HM_REASON_NONE);
	cr_expect_eq(read_interval(HM_INTERVAL_MAX_US + 1), HM_REASON_BAD_MESSAGE);
	cr_expect_eq(read_interval(UINT64_MAX), HM_REASON_BAD_MESSAGE);
}

Test(wire_schedule, a_metric_is_clean_and_no_more_than_that)
{
	static const char *const bad[] = {"a\nb", "\x1b[2J",    "\xc0\xaf", "a}b", "a\"b", "m{}",
					  "m ",   "m{a=\"b\"}", "m;a=b",    " m",  "a b"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(read_metric(bad[i], strlen(bad[i])), HM_REASON_BAD_NAME, "%zu", i);
	cr_expect_eq(read_metric("a\0b", 3), HM_REASON_BAD_NAME);
	cr_expect_eq(read_metric(long_text, HM_METRIC_NAME_MAX_BYTES), HM_REASON_NONE);
	cr_expect_eq(read_metric(long_text, HM_METRIC_NAME_MAX_BYTES + 1), HM_REASON_BAD_NAME);
	cr_expect_eq(read_metric(long_text, UINT16_MAX), HM_REASON_BAD_NAME);
}

Test(wire_schedule, metrics_grow)
{
	cr_expect_eq(read_two("a", "b"), HM_REASON_NONE);
	cr_expect_eq(read_two("a", "ab"), HM_REASON_NONE);
	cr_expect_eq(read_two("Z", "a"), HM_REASON_NONE, "by their bytes");
	cr_expect_eq(read_two("z", "\xc3\xa9"), HM_REASON_NONE, "which have no sign");
	cr_expect_eq(read_two("b", "a"), HM_REASON_BAD_MESSAGE);
	cr_expect_eq(read_two("ab", "a"), HM_REASON_BAD_MESSAGE);
	cr_expect_eq(read_two("a", "a"), HM_REASON_BAD_MESSAGE, "twice");
}
