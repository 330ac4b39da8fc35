/* SPDX-License-Identifier: MIT */
/* Tests of agent/batch.c. */

#include "agent/batch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/round.h"
#include "common/reason.h"
#include "hostmetrics/wire.h"

enum metric {
	TEMPERATURE,
	PRESSES,
	LOAD,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[TEMPERATURE] = {.name = "t", .kind = HM_GAUGE, .labels = HM_LABELS("zone", "type")},
	[PRESSES] = {.name = "presses_total", .kind = HM_EVENTS, .labels = HM_LABELS("key")},
	[LOAD] = {.name = "load", .kind = HM_GAUGE},
};

static const struct hm_metric foreign = {.name = "foreign", .kind = HM_GAUGE};

/* What is said of all their series. */
#define RESTS(word) "rest of t: " word "\nrest of presses_total: " word "\nrest of load: " word "\n"

static const struct hm_plugin plugin = {.metrics = metrics, .n_metrics = N_METRICS};

static struct hm_batch batch;
static struct buffer lines;

static void setup(void)
{
	batch_init(&batch, &plugin);
}

static void teardown(void)
{
	batch_done(&batch);
	buffer_done(&lines);
}

TestSuite(batch, .init = setup, .fini = teardown);

static const char *format(void)
{
	buffer_clear(&lines);
	batch_format(&batch, 10500000, &lines);
	return buffer_text(&lines);
}

/* What a round packs, a line for each series: its value, or why it has none. */
static const char *unpack(const struct buffer *packed)
{
	const char *at = packed->data;
	struct round_sample sample;

	buffer_clear(&lines);
	while (packed->length > 0 && round_next(&at, packed->data + packed->length, &sample)) {
		if (round_is_of_rest(&sample))
			buffer_printf(&lines, "rest of %s", sample.metric->name);
		buffer_append(&lines, sample.name.start, sample.name.length);
		if (sample.reason == HM_REASON_NONE)
			buffer_printf(&lines, " %g\n", sample.value);
		else
			buffer_printf(&lines, ": %s\n", reason_key(sample.reason));
	}
	return buffer_text(&lines);
}

static const char *pack(void)
{
	struct buffer packed = {0};
	const char *text;

	batch_pack(&batch, 10500000, &packed);
	text = unpack(&packed);
	buffer_done(&packed);
	return text;
}

static void commit(void)
{
	batch_commit(&batch, 10500000);
}

static void take_zone(const char *zone)
{
	hm_emit(&batch, &metrics[TEMPERATURE], 1, zone, "x");
}

static void take_zones(const char *const zones[], size_t n_zones)
{
	batch_begin(&batch);
	for (size_t i = 0; i < n_zones; i++)
		take_zone(zones[i]);
	commit();
}

Test(batch, formats_lines_with_sorted_labels)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[TEMPERATURE], 45.5, "0", "acpitz");
	hm_emit(&batch, &metrics[LOAD], 0.1);

	cr_assert_str_eq(format(), "10.5 t{type=\"acpitz\",zone=\"0\"} 45.5\n"
				   "10.5 load 0.1\n");
}

Test(batch, escapes_label_values)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[PRESSES], 1, "a \"b\" \\");

	cr_assert_str_eq(format(), "10.5 presses_total{key=\"a \\\"b\\\" \\\\\"} 1\n");
}

Test(batch, ships_only_what_this_round_has)
{
	batch_begin(&batch);
	take_zone("0");
	take_zone("1");
	commit();
	batch_begin(&batch);
	take_zone("1");

	cr_assert_str_eq(format(), "10.5 t{type=\"x\",zone=\"1\"} 1\n");
}

Test(batch, looks_nothing_up_while_a_round_is_like_the_last_one)
{
	static const char *const zones[] = {"0", "1", "2"};

	take_zones(zones, 3);
	batch_begin(&batch);
	for (size_t i = 0; i < 3; i++) {
		const struct batch_series *expected = batch.cursor;

		take_zone(zones[i]);
		cr_assert_not_null(expected);
		cr_assert_eq(expected->round, batch.round);
		cr_assert_eq(batch.cursor, TAILQ_NEXT(expected, entry));
	}
	cr_assert_null(batch.cursor);
	cr_assert_eq(batch.n_series, 3);
}

Test(batch, takes_the_order_of_a_round_that_differs)
{
	static const char *const first[] = {"0", "1", "2", "3"};
	static const char *const second[] = {"3", "9", "1", "0", "2"};
	const struct batch_series *series;
	size_t i = 0;

	take_zones(first, 4);
	take_zones(second, 5);

	cr_assert_eq(batch.n_series, 5);
	TAILQ_FOREACH(series, &batch.series, entry)
		cr_assert_str_eq(series->labels, second[i++]);
}

Test(batch, tells_label_values_apart_that_join_to_the_same_text)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[TEMPERATURE], 1, "ab", "c");
	hm_emit(&batch, &metrics[TEMPERATURE], 2, "a", "bc");

	cr_assert_eq(batch.n_series, 2);
	cr_assert_eq(batch.n_problems, 0);
}

/* Labels that begin as those that should come next, or end before them, are others. */
Test(batch, takes_no_labels_for_those_of_the_last_round_that_only_begin_like_them)
{
	static const char *const values[][3] = {
		{"a", "b"}, {"ab", "c"}, {"ab", "cd"}, {"abx", "c"},
		{"", "ab"}, {"", ""},    {"ab", ""},
	};
	const size_t n_values = sizeof(values) / sizeof(values[0]);

	for (size_t i = 0; i < n_values; i++) {
		batch_begin(&batch);
		hm_emit(&batch, &metrics[TEMPERATURE], 1, "ab", "c");
		commit();
		batch_begin(&batch);
		hm_emit(&batch, &metrics[TEMPERATURE], 2, values[i][0], values[i][1]);
		cr_expect_eq(batch.n_problems, 0);
		cr_expect_eq(batch.n_series, i == 1 ? 1 : 2, "%zu", i);
		for (size_t j = 0; j <= BATCH_ROUNDS_KEPT; j++) {
			commit();
			batch_begin(&batch);
		}
		commit();
	}
	batch_begin(&batch);
	hm_emit(&batch, &metrics[TEMPERATURE], 1, "ab", "c");
	commit();
	batch_begin(&batch);
	hm_emit(&batch, &metrics[TEMPERATURE], 1, "ab", "c", "d");
	cr_expect_eq(batch.n_problems, 1);
	hm_emit(&batch, &metrics[TEMPERATURE], 1, "ab");
	cr_expect_eq(batch.n_problems, 2);
	hm_emit(&batch, &metrics[TEMPERATURE], 1, "ab", "c");
	cr_expect_eq(batch.n_problems, 2);
	cr_expect_eq(batch.n_series, 1);
}

Test(batch, forgets_series_that_were_not_seen_for_three_rounds)
{
	static const char *const both[] = {"0", "1"};

	take_zones(both, 2);
	take_zones(both, 1);
	take_zones(both, 1);
	cr_assert_eq(batch.n_series, 2);
	cr_assert_eq(batch.n_shown, 2);
	take_zones(both, 1);
	cr_assert_eq(batch.n_series, 1);
	cr_assert_eq(batch.n_shown, 1);

	take_zones(both, 2);
	cr_assert_eq(batch.n_shown, 2);
}

Test(batch, does_not_grow_with_devices_that_come_and_go)
{
	for (int i = 0; i < 1000; i++) {
		char zone[16];

		(void)snprintf(zone, sizeof(zone), "%d", i);
		batch_begin(&batch);
		take_zone(zone);
		commit();
		cr_assert_leq(batch.n_series, BATCH_ROUNDS_KEPT);
	}
}

static const char *press(double n_presses)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[PRESSES], n_presses, "f12");
	return format();
}

static void expect_presses(const char *text, double total)
{
	char expected[100];

	(void)snprintf(expected, sizeof(expected), "10.5 presses_total{key=\"f12\"} %g\n", total);
	cr_assert_str_eq(text, expected);
}

Test(batch, adds_counted_events_up_when_a_round_is_safe)
{
	expect_presses(press(2), 2);
	commit();
	expect_presses(press(3), 5);
	commit();
	expect_presses(press(0), 5);
}

Test(batch, gives_the_same_total_twice_when_a_round_was_not_safe)
{
	press(2);
	commit();

	expect_presses(press(3), 5);
	expect_presses(press(3), 5);
	expect_presses(press(4), 6);
}

Test(batch, keeps_a_total_of_a_series_that_is_gone_for_long)
{
	press(7);
	commit();
	for (int i = 0; i < 100; i++) {
		batch_begin(&batch);
		commit();
	}
	cr_assert_eq(batch.n_shown, 0);

	expect_presses(press(1), 8);
}

Test(batch, ships_what_was_counted_before_a_restart_with_the_next_round)
{
	press(2);
	commit();
	batch_begin(&batch);
	hm_emit(&batch, &metrics[PRESSES], 5, "f12");
	batch_settle(&batch);

	/* The device is gone: the plugin says nothing of it any more. */
	batch_begin(&batch);
	expect_presses(format(), 7);
	/* Not safe: it is shipped again. */
	batch_begin(&batch);
	expect_presses(format(), 7);
	commit();
	batch_begin(&batch);
	cr_assert_str_eq(format(), "");
}

Test(batch, counts_events_before_and_after_a_restart_once_each)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[PRESSES], 5, "f12");
	batch_settle(&batch);

	expect_presses(press(1), 6);
	commit();
	expect_presses(press(0), 6);
}

Test(batch, gives_nothing_of_a_round_that_is_discarded)
{
	batch_begin(&batch);
	take_zone("0");
	hm_emit(&batch, &metrics[PRESSES], 5, "f12");
	batch_discard(&batch, HM_REASON_SOURCE_FAILED);
	cr_assert_str_eq(format(), "");
	commit();
	cr_assert_eq(batch.n_shown, 0);

	expect_presses(press(1), 1);
}

Test(batch, does_not_let_a_total_fall)
{
	press(2);
	commit();
	batch_begin(&batch);
	hm_emit(&batch, &metrics[PRESSES], -1, "f12");

	cr_assert_str_eq(format(), "");
	cr_assert_eq(batch.n_problems, 1);
}

Test(batch, does_not_ship_what_is_not_finite)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[LOAD], NAN);
	hm_emit(&batch, &metrics[TEMPERATURE], INFINITY, "0", "x");
	hm_emit(&batch, &metrics[PRESSES], -INFINITY, "f12");

	cr_assert_str_eq(format(), "");
	cr_assert_eq(batch.n_problems, 3);
	cr_assert_str_eq(pack(), "load: source_failed\n"
				 "t{type=\"x\",zone=\"0\"}: source_failed\n"
				 "presses_total{key=\"f12\"}: source_failed\n");
}

static void expect_problem(const char *reason)
{
	cr_assert_str_eq(format(), "");
	cr_assert_eq(batch.n_problems, 1);
	cr_assert_not_null(strstr(buffer_text(&batch.reasons), reason), "%s",
			   buffer_text(&batch.reasons));
}

Test(batch, keeps_the_reason_of_a_missing_value)
{
	batch_begin(&batch);
	hm_emit_missing(&batch, &metrics[TEMPERATURE], -EIO, "0", "acpitz");

	expect_problem("t{zone=\"0\",type=\"acpitz\"}: Input/output error\n");
	batch_begin(&batch);
	cr_assert_eq(batch.reasons.length, 0);
}

Test(batch, says_of_each_value_that_is_missing_why)
{
	batch_begin(&batch);
	hm_emit_missing(&batch, &metrics[LOAD], -EIO);
	hm_emit_missing(&batch, &metrics[TEMPERATURE], -ETIMEDOUT, "0", "x");
	take_zone("1");
	cr_assert_str_eq(pack(), "load: source_failed\n"
				 "t{type=\"x\",zone=\"0\"}: source_stuck\n"
				 "t{type=\"x\",zone=\"1\"} 1\n");
	commit();
	cr_assert_eq(batch.n_shown, 1, "a series without any value is not shown");

	/* Also of one that is missing for long. */
	for (int i = 0; i < 5; i++) {
		batch_begin(&batch);
		hm_emit_missing(&batch, &metrics[LOAD], -EIO);
		commit();
	}
	cr_assert_str_eq(pack(), "load: source_failed\n");
	cr_assert_eq(batch.n_series, 1);
}

Test(batch, says_once_that_a_series_is_gone)
{
	static const char *const both[] = {"0", "1"};

	take_zones(both, 2);
	take_zones(both, 1);
	batch_begin(&batch);
	take_zone("0");
	cr_assert_str_eq(pack(), "t{type=\"x\",zone=\"0\"} 1\n");

	/* One that was missing, too. */
	hm_emit_missing(&batch, &metrics[TEMPERATURE], -EIO, "1", "x");
	commit();
	batch_begin(&batch);
	take_zone("0");
	cr_assert_str_eq(pack(), "t{type=\"x\",zone=\"0\"} 1\n"
				 "t{type=\"x\",zone=\"1\"}: source_gone\n");
	/* That round is not safe, so it is said once more. */
	batch_begin(&batch);
	cr_assert_str_eq(pack(), "t{type=\"x\",zone=\"0\"}: source_gone\n"
				 "t{type=\"x\",zone=\"1\"}: source_gone\n");
	commit();
	batch_begin(&batch);
	cr_assert_str_eq(pack(), "");
}

Test(batch, says_of_all_series_in_each_round_that_fails_that_they_are_missing)
{
	static const char *const both[] = {"0", "1"};

	take_zones(both, 2);
	for (int i = 0; i < 10; i++) {
		batch_begin(&batch);
		take_zone("0");
		take_zone("9");
		batch_discard(&batch, HM_REASON_SOURCE_FAILED);
		cr_assert_str_eq(pack(), "t{type=\"x\",zone=\"0\"}: source_failed\n"
					 "t{type=\"x\",zone=\"1\"}: source_failed\n");
		commit();
	}
	cr_assert_eq(batch.n_shown, 0, "their values are old");
	batch_begin(&batch);
	take_zone("1");
	cr_assert_str_eq(pack(), "t{type=\"x\",zone=\"1\"} 1\n"
				 "t{type=\"x\",zone=\"0\"}: source_gone\n");
}

Test(batch, says_once_that_the_source_of_all_is_gone)
{
	static const char *const one[] = {"0"};

	take_zones(one, 1);
	for (int i = 0; i < 2; i++) {
		batch_begin(&batch);
		batch_discard(&batch, HM_REASON_SOURCE_GONE);
		cr_assert_str_eq(pack(), i == 0 ? "t{type=\"x\",zone=\"0\"}: source_gone\n" : "");
		commit();
	}
}

Test(batch, says_of_a_time_without_a_round_what_is_missing)
{
	static const char *const both[] = {"0", "1"};
	struct buffer packed = {0};

	take_zones(both, 2);
	take_zones(both, 1);
	batch_pack_missing(&batch, 1, HM_REASON_SOURCE_STUCK, &packed);
	cr_assert_str_eq(unpack(&packed), "t{type=\"x\",zone=\"0\"}: source_stuck\n");
	buffer_done(&packed);
}

Test(batch, ships_a_total_that_it_owes_though_the_round_fails)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[PRESSES], 5, "f12");
	batch_settle(&batch);
	batch_begin(&batch);
	batch_discard(&batch, HM_REASON_SOURCE_FAILED);

	cr_assert_str_eq(pack(), "presses_total{key=\"f12\"} 5\n" RESTS("source_failed"));
}

/* An agent before may have had series that this one does not know. */
Test(batch, says_of_all_series_why_they_are_missing_until_it_knows_them)
{
	batch_begin(&batch);
	batch_discard(&batch, HM_REASON_SOURCE_FAILED);
	cr_expect_str_eq(pack(), RESTS("source_failed"));
	commit();
	batch_begin(&batch);
	hm_emit(&batch, &metrics[LOAD], 1);
	cr_expect_str_eq(pack(), "load 1\n" RESTS("source_gone"));
	cr_expect_str_eq(pack(), "load 1\n" RESTS("source_gone"), "it was not safe");
	commit();
	batch_begin(&batch);
	cr_expect_str_eq(pack(), "load: source_gone\n");
	commit();
	batch_begin(&batch);
	batch_discard(&batch, HM_REASON_SOURCE_FAILED);
	cr_expect_str_eq(pack(), "", "all are known");
}

Test(batch, says_nothing_of_all_series_where_its_first_round_has_them)
{
	batch_begin(&batch);
	batch_discard(&batch, HM_REASON_SOURCE_GONE);
	cr_expect_str_eq(pack(), "");
}

Test(batch, takes_a_value_with_too_few_labels_for_missing)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[TEMPERATURE], 1, "0");

	expect_problem("number of labels");
}

Test(batch, takes_a_value_with_too_many_labels_for_missing)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[LOAD], 1, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9");

	expect_problem("number of labels");
}

Test(batch, takes_a_foreign_metric_for_missing)
{
	batch_begin(&batch);
	hm_emit(&batch, &foreign, 1);

	expect_problem("not its own");
}

Test(batch, takes_a_value_with_an_unclean_label_for_missing)
{
	static const char *const unclean[] = {"\xff", "a\x1b[31m", "\xc0\xaf", "a\nb", "\x7f"};

	for (size_t i = 0; i < sizeof(unclean) / sizeof(unclean[0]); i++) {
		batch_begin(&batch);
		hm_emit(&batch, &metrics[PRESSES], 1, unclean[i]);
		expect_problem("not UTF-8");
		cr_assert_null(strchr(buffer_text(&batch.reasons), '\x1b'));
	}
}

Test(batch, takes_labels_that_are_too_long_for_missing)
{
	static char label[HM_LABEL_SET_MAX_BYTES + 1];

	memset(label, 'x', HM_LABEL_SET_MAX_BYTES);
	batch_begin(&batch);
	hm_emit(&batch, &metrics[PRESSES], 1, label);

	expect_problem("too long");
	/* A line of the log stays one that a person can read. */
	cr_assert_leq(batch.reasons.length, 300);
}

Test(batch, takes_events_that_no_total_can_hold_for_missing)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[PRESSES], 1e308, "f12");
	commit();
	batch_begin(&batch);
	hm_emit(&batch, &metrics[PRESSES], 1e308, "f12");

	cr_assert_str_eq(format(), "");
	expect_problem("too large");
}

Test(batch, takes_the_first_value_of_a_series_that_comes_twice)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[LOAD], 1);
	hm_emit(&batch, &metrics[LOAD], 2);

	cr_assert_str_eq(format(), "10.5 load 1\n");
	cr_assert_eq(batch.n_problems, 1);
}

Test(batch, keeps_a_bounded_number_of_reasons)
{
	batch_begin(&batch);
	for (int i = 0; i < 100000; i++)
		hm_emit_missing(&batch, &metrics[LOAD], -EIO);

	cr_assert_eq(batch.n_problems, 100000);
	cr_assert_leq(batch.reasons.length, BATCH_REASONS_MAX_BYTES + 100);
}

Test(batch, shows_the_last_safe_value)
{
	batch_begin(&batch);
	hm_emit(&batch, &metrics[LOAD], 1);
	commit();
	batch_begin(&batch);
	hm_emit(&batch, &metrics[LOAD], 2);

	cr_assert_eq(batch.n_shown, 1);
	cr_assert_str_eq(batch.shown[0]->text, "load");
	cr_assert_eq(batch.shown[0]->shown_value, 1);
	cr_assert_eq(batch.shown[0]->shown_time_us, 10500000);
}

Test(batch, takes_one_that_was_never_used)
{
	struct hm_batch zeroed = {0};

	batch_done(&zeroed);
}
