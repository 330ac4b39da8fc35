/* SPDX-License-Identifier: MIT */
/* Tests of agent/batch_admission.c: which series of plugins have a place, and what is said of the others. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/batch.h"
#include "agent/host.h"
#include "agent/metric_registry.h"
#include "agent/round.h"
#include "common/reason.h"

#define N_BATCHES 2

enum metric {
	VALUE,
	EVENTS,
	OTHER,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[VALUE] = {.name = "v", .kind = HM_GAUGE, .labels = HM_LABELS("n")},
	[EVENTS] = {.name = "events_total", .kind = HM_EVENTS, .labels = HM_LABELS("n")},
	[OTHER] = {.name = "other", .kind = HM_GAUGE, .labels = HM_LABELS("n")},
};

static const struct hm_plugin plugin = {.metrics = metrics, .n_metrics = N_METRICS};

static struct hm_batch batches[N_BATCHES];
static struct hm_batch *const batch = &batches[0];
static struct series_limit limit;
static struct filter *filter;
static struct buffer lines;

static void setup(void)
{
	limit = (struct series_limit){.max = 3};
	for (size_t i = 0; i < N_BATCHES; i++) {
		batch_init(&batches[i], &plugin);
		batches[i].limit = &limit;
	}
}

static void teardown(void)
{
	for (size_t i = 0; i < N_BATCHES; i++)
		batch_done(&batches[i]);
	filter_free(filter);
	buffer_done(&lines);
}

TestSuite(batch_admission, .init = setup, .fini = teardown);

/* What of a round is packed: " 1 2:quota", labels of series, with the reason of those that have no value. */
static const char *pack(void)
{
	struct buffer packed = {0};
	struct round_sample sample;
	const char *at;

	buffer_clear(&lines);
	batch_pack(batch, 1, &packed);
	at = packed.data;
	while (packed.length > 0 && round_next(&at, packed.data + packed.length, &sample)) {
		const char *label = strchr(sample.name.start, '"') + 1;

		buffer_printf(&lines, " %.*s", (int)strcspn(label, "\""), label);
		if (sample.reason != HM_REASON_NONE)
			buffer_printf(&lines, ":%s", reason_key(sample.reason));
	}
	buffer_done(&packed);
	return buffer_text(&lines);
}

/* Take a safe round of one metric, with a series for each letter. */
static void take(struct hm_batch *of, enum metric metric, const char *letters)
{
	batch_begin(of);
	for (; *letters; letters++)
		hm_emit(of, &metrics[metric], 1, ((const char[]){*letters, '\0'}));
}

static void take_safely(struct hm_batch *of, enum metric metric, const char *letters)
{
	take(of, metric, letters);
	batch_commit(of, 1);
}

/* Take a round of the first batch, and check what is packed. */
static void expect(const char *letters, const char *packed)
{
	take(batch, VALUE, letters);
	cr_expect_str_eq(pack(), packed);
	batch_commit(batch, 1);
}

static void use_exclude(const char *globs)
{
	const char *const values[] = {NULL, NULL, NULL, globs};
	struct filter *next = NULL;

	cr_assert_eq(filter_new(&plugin, values, &next), 0);
	batch_use_filter(batch, next);
	filter_free(filter);
	filter = next;
}

Test(batch_admission, keeps_those_that_came_first)
{
	expect("abcde", " a b c d:quota e:quota");
	expect("abcde", " a b c");
	/* In whatever order they come. */
	expect("edcba", " c b a");
	cr_assert_eq(limit.n_placed, 3);
	cr_assert_eq(batch->n_problems, 0);
	cr_assert_eq(batch->n_shown, 3);
}

Test(batch_admission, is_one_limit_for_all_plugins)
{
	take_safely(&batches[1], VALUE, "xy");
	expect("abc", " a b:quota c:quota");
}

Test(batch_admission, counts_what_is_left_out_and_of_which_metric)
{
	struct batch_left_out left_out;

	take(batch, VALUE, "abcd");
	batch_count_left_out(batch, &left_out);
	cr_assert_eq(left_out.n, 1);
	cr_assert_eq(left_out.most, &metrics[VALUE]);
	hm_emit(batch, &metrics[OTHER], 1, "x");
	hm_emit(batch, &metrics[OTHER], 1, "y");
	batch_commit(batch, 1);
	batch_count_left_out(batch, &left_out);
	cr_assert_eq(left_out.n, 3);
	cr_assert_eq(left_out.n_most, 2);
	cr_assert_eq(left_out.most, &metrics[OTHER]);

	/* Those that are known and those that are not count alike. */
	take(batch, VALUE, "abcdefghijkl");
	batch_count_left_out(batch, &left_out);
	cr_assert_eq(left_out.n, 9);
	take(batch, VALUE, "abc");
	batch_count_left_out(batch, &left_out);
	cr_assert_eq(left_out.n, 0);
	cr_assert_null(left_out.most);
}

/* Which are in no table, where each metric has its count. */
Test(batch_admission, leaves_series_of_made_metrics_out)
{
	static const char *const names[] = {"n", NULL};
	static const struct hm_metric wanted = {.name = "made",
						.unit = "",
						.help = "Made.",
						.source = "test",
						.kind = HM_GAUGE,
						.labels = names};
	struct metric_registry registry;
	const struct hm_host host = {.plugin = &plugin, .registry = &registry};
	const struct hm_metric *made;
	struct batch_left_out left_out;

	cr_assert_eq(metric_registry_init(&registry, 0), 0);
	cr_assert_eq(hm_metric_new(&host, &wanted, &made), 0);
	batch->registry = &registry;
	take(batch, VALUE, "abcd");
	hm_emit(batch, made, 1, "x");
	hm_emit(batch, made, 1, "y");
	batch_count_left_out(batch, &left_out);
	cr_expect_eq(left_out.n, 3);
	cr_expect_eq(left_out.n_most, 1);
	cr_expect_eq(left_out.most, &metrics[VALUE]);
	cr_expect_str_eq(pack(), " a b c d:quota x:quota y:quota");
	batch->registry = NULL;
	metric_registry_done(&registry);
}

Test(batch_admission, gives_the_place_of_one_that_is_gone_to_another)
{
	expect("abcd", " a b c d:quota");
	expect("bcd", " b c a:source_gone");
	for (int i = 1; i < BATCH_ROUNDS_KEPT; i++)
		expect("bcd", " b c");
	expect("bcd", " b c d");
	/* Back, but there is no place any more; it may have samples. */
	expect("abcd", " a:quota b c d");
	expect("abcd", " b c d");
}

Test(batch_admission, takes_no_place_from_a_plugin_that_fails)
{
	take_safely(batch, VALUE, "abc");
	for (int i = 0; i < 10; i++) {
		batch_begin(batch);
		batch_discard(batch, HM_REASON_SOURCE_FAILED);
		batch_commit(batch, 1);
		take_safely(&batches[1], VALUE, "x");
	}
	cr_assert_eq(batches[1].n_shown, 0);
	expect("abc", " a b c");
}

Test(batch_admission, leaves_out_those_that_came_last_when_the_limit_falls)
{
	take_safely(batch, VALUE, "b");
	take_safely(&batches[1], VALUE, "x");
	take_safely(batch, VALUE, "ab");
	limit.max = 2;
	cr_assert_eq(batch_count_placed(batch, 3) + batch_count_placed(&batches[1], 3), 2);
	batch_leave_out(batch, 3);
	batch_leave_out(&batches[1], 3);
	cr_assert_eq(limit.n_placed, 2);

	/* Until a round is safe. */
	take(batch, VALUE, "ab");
	cr_expect_str_eq(pack(), " a:quota b");
	expect("ab", " a:quota b");
	cr_assert_eq(batch->n_shown, 1);
	expect("ab", " b");
	limit.max = 3;
	expect("ab", " a b");
	/* Once more, and gone at the same time. */
	limit.max = 2;
	batch_leave_out(batch, 3);
	expect("b", " b a:quota");
	expect("b", " b");
}

Test(batch_admission, remembers_no_more_that_are_left_out_than_have_a_place)
{
	char n[16];

	batch_begin(batch);
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(n, sizeof(n), "%d", i);
		hm_emit(batch, &metrics[VALUE], 1, n);
	}
	cr_assert_eq(batch->n_left_out, 9997);
	cr_assert_leq(batch->n_series, 6);
	cr_assert_eq(limit.n_kept, 3);

	/* Nor do those that come and go. */
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(n, sizeof(n), "%d", i);
		batch_begin(batch);
		hm_emit(batch, &metrics[i % 2 ? VALUE : EVENTS], 1, n);
		batch_commit(batch, 1);
		cr_assert_leq(batch->n_series, 6);
	}
}

Test(batch_admission, keeps_totals_of_what_is_gone_without_their_places)
{
	limit.max = 2;
	take_safely(batch, EVENTS, "ab");
	for (int i = 0; i < 5; i++)
		take_safely(batch, VALUE, "");
	cr_assert_eq(limit.n_placed, 0);
	take_safely(&batches[1], VALUE, "x");

	/* One of them finds a place again; the other one counts on without. */
	take(batch, EVENTS, "ab");
	cr_expect_str_eq(pack(), " a b:quota");
	batch_commit(batch, 1);
	take_safely(batch, EVENTS, "ab");
	cr_expect_str_eq(pack(), " a");
	limit.max = 3;
	take(batch, EVENTS, "ab");
	buffer_clear(&lines);
	batch_format(batch, 1000000, &lines);
	cr_expect_str_eq(buffer_text(&lines),
			 "1 events_total{n=\"a\"} 4\n1 events_total{n=\"b\"} 4\n");
}

Test(batch_admission, gives_no_place_back_whose_total_nobody_would_remember)
{
	limit.max = 1;
	take_safely(batch, EVENTS, "a");
	take_safely(&batches[1], VALUE, "x");
	cr_assert_eq(limit.n_kept, 1);
	for (int i = 0; i < 5; i++) {
		take_safely(batch, VALUE, "");
		take_safely(&batches[1], VALUE, "x");
	}
	cr_assert_eq(limit.n_placed, 1);
	cr_assert_eq(batch_count_placed(batch, UINT64_MAX), 1);
}

Test(batch_admission, decides_once_about_what_is_excluded)
{
	use_exclude("b c*");
	expect("abcd", " a b:not_sampled c:not_sampled d");
	/* It has no place. */
	cr_assert_eq(limit.n_placed, 2);
	expect("abcd", " a d");
	cr_assert_eq(batch->n_left_out, 0);
	cr_assert_eq(batch->n_shown, 2);
	/* Found where it was, so nothing is compared with a glob. */
	batch->filter = NULL;
	expect("abcd", " a d");
}

Test(batch_admission, does_not_want_to_know_what_is_wrong_with_what_is_excluded)
{
	use_exclude("b *\xff");
	batch_begin(batch);
	hm_emit_missing(batch, &metrics[VALUE], -EIO, "b");
	hm_emit(batch, &metrics[VALUE], 1, "x\xff");
	cr_assert_eq(batch->n_problems, 0);
	hm_emit_missing(batch, &metrics[VALUE], -EIO, "c");
	cr_assert_eq(batch->n_problems, 1);
}

Test(batch_admission, says_once_that_another_filter_excludes_it)
{
	expect("ab", " a b");
	use_exclude("a");
	expect("ab", " a:not_sampled b");
	expect("ab", " b");
	expect("b", " b");
	expect("ab", " b");
	/* It may come back. */
	use_exclude("b");
	expect("ab", " a b:not_sampled");
	use_exclude("");
	expect("ab", " a b");
	cr_assert_eq(limit.n_placed, 2);
	cr_assert_eq(limit.n_kept, 0);
}

Test(batch_admission, says_that_it_is_excluded_though_the_round_fails)
{
	take_safely(batch, VALUE, "ab");
	use_exclude("a");
	batch_begin(batch);
	batch_discard(batch, HM_REASON_SOURCE_FAILED);
	cr_expect_str_eq(pack(), " a:not_sampled b:source_failed");
}

Test(batch_admission, gives_all_places_back_when_its_plugin_is_disabled)
{
	take_safely(batch, VALUE, "abc");
	batch_give_back(batch);
	cr_assert_eq(limit.n_placed, 0);
	take_safely(&batches[1], VALUE, "xy");
	/* Enabled again: what is not there any more was not left out. */
	expect("bc", " b c:quota a:source_gone");
	expect("bc", " b");
}

Test(batch_admission, counts_every_series_either_as_placed_or_as_kept)
{
	static const char *const rounds[] = {"abcdef", "fed", "", "xyzab", "", "", "", "bafxq"};

	for (size_t i = 0; i < 100; i++) {
		take_safely(&batches[i % N_BATCHES], i % 3 == 0 ? EVENTS : VALUE,
			    rounds[i * 7 % 8]);
		if (i % 10 == 9)
			use_exclude(i % 20 == 9 ? "a" : "");
		if (i % 25 == 24)
			batch_give_back(batch);
		cr_assert_eq(limit.n_placed, batch_count_placed(&batches[0], UINT64_MAX) +
						     batch_count_placed(&batches[1], UINT64_MAX));
		cr_assert_eq(limit.n_placed + limit.n_kept,
			     batches[0].n_series + batches[1].n_series);
		cr_assert_leq(limit.n_placed, limit.max);
	}
}
