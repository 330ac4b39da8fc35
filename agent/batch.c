/* SPDX-License-Identifier: MIT */
/* What one plugin emits: its series, the round being taken, the running totals. */

#include "agent/batch.h"

#include <errno.h>
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "agent/batch_admission.h"
#include "agent/batch_problem.h"
#include "agent/metric_registry.h"
#include "agent/round.h"
#include "common/number.h"
#include "common/text.h"
#include "common/timestamp.h"

void batch_init(struct hm_batch *batch, const struct hm_plugin *plugin)
{
	*batch = (struct hm_batch){.plugin = plugin};
	TAILQ_INIT(&batch->series);
}

/* The tree's nodes are its own; what they point to is in the list as well. */
static void keep_series(void *series)
{
	(void)series;
}

void batch_done(struct hm_batch *batch)
{
	struct batch_series *series;
	struct batch_series *next;

	if (!batch->plugin)
		return;
	tdestroy(batch->tree, keep_series);
	TAILQ_FOREACH_SAFE(series, &batch->series, entry, next)
		batch_series_free(series);
	buffer_done(&batch->reasons);
	buffer_done(&batch->scratch);
	free((void *)batch->shown);
	free(batch->left_out);
	*batch = (struct hm_batch){0};
}

void batch_begin(struct hm_batch *batch)
{
	batch->round++;
	batch->discard_reason = HM_REASON_NONE;
	batch->cursor = TAILQ_FIRST(&batch->series);
	batch->n_problems = 0;
	batch->n_left_out = 0;
	if (batch->left_out)
		memset(batch->left_out, 0, batch->plugin->n_metrics * sizeof(*batch->left_out));
	buffer_clear(&batch->reasons);
}

void batch_discard(struct hm_batch *batch, enum hm_reason reason)
{
	batch->discard_reason = reason;
}

/* Has this round said anything of a series yet? */
static bool is_seen(const struct hm_batch *batch, const struct batch_series *series)
{
	return batch_series_last_round(series) == batch->round;
}

/* Has this round a value for it? */
static bool is_fresh(const struct hm_batch *batch, const struct batch_series *series)
{
	return series->round == batch->round && batch->discard_reason == HM_REASON_NONE;
}

/* Is there anything to be shipped as its value? */
static bool has_value(const struct hm_batch *batch, const struct batch_series *series)
{
	return !batch_series_is_out(series) && (is_fresh(batch, series) || series->is_owed);
}

/* Why a series without a value has none. @return HM_REASON_NONE: nobody expects one */
static enum hm_reason missing_reason(const struct hm_batch *batch,
				     const struct batch_series *series)
{
	bool is_missing = series->missing_round == batch->round;

	if (batch_series_is_out(series))
		return batch_out_reason(batch, series);
	if (batch->discard_reason == HM_REASON_NONE && is_missing)
		return (enum hm_reason)series->reason;
	if (!series->is_expected)
		return HM_REASON_NONE;
	return batch->discard_reason == HM_REASON_NONE ? HM_REASON_SOURCE_GONE
						       : batch->discard_reason;
}

/* What is shipped for a series of this round. */
static double shipped_value(const struct hm_batch *batch, const struct batch_series *series)
{
	double counted = is_fresh(batch, series) ? series->value : 0;

	return series->metric->kind == HM_EVENTS ? series->total + counted : series->value;
}

static bool is_own_metric(const struct hm_batch *batch, const struct hm_metric *metric)
{
	return batch_find_metric(batch, metric) < batch->plugin->n_metrics ||
	       metric_registry_has(batch->registry, batch->plugin, metric);
}

/* The list takes the order in which the round has its series. */
static void place_series(struct hm_batch *batch, struct batch_series *series)
{
	if (batch->cursor)
		TAILQ_INSERT_BEFORE(batch->cursor, series, entry);
	else
		TAILQ_INSERT_TAIL(&batch->series, series, entry);
}

/*
 * Make the series that `probe` looks for, and put it before the cursor.
 * @return -ECANCELED: it is not taken, nor remembered
 */
static int add_series(struct hm_batch *batch, const struct batch_series *probe,
		      struct batch_series **ret_series)
{
	const enum batch_standing standing = batch_judge(batch, probe);
	struct batch_series *series;
	int result;

	if (!batch_may_keep(batch, standing))
		return -ECANCELED;
	result = batch_series_new(probe->metric, probe->labels, probe->labels_bytes,
				  &batch->scratch, &series);
	/* Nobody wants it, so nothing is wrong with it. */
	if (result < 0)
		return standing == BATCH_PLACED ? result : -ECANCELED;
	if (!tsearch(series, &batch->tree, batch_series_compare)) {
		batch_series_free(series);
		return -ENOMEM;
	}
	batch_enter(batch, series, standing);
	place_series(batch, series);
	batch->n_series++;
	*ret_series = series;
	return 0;
}

/*
 * A series that is not where it was in the last round: it is moved before the cursor, so that the list takes the round's
 * order; or it is new.
 */
static int search_series(struct hm_batch *batch, const struct hm_metric *metric,
			 const char *const labels[], struct batch_series **ret_series)
{
	char packed[BATCH_SERIES_LABELS_MAX_BYTES];
	ssize_t n_bytes = is_own_metric(batch, metric)
				  ? batch_series_pack_labels(metric, labels, packed)
				  : -EINVAL;
	struct batch_series probe = {.metric = metric, .labels = packed};
	struct batch_series **node;

	if (n_bytes < 0)
		return (int)n_bytes;
	probe.labels_bytes = (uint32_t)n_bytes;
	node = tfind(&probe, &batch->tree, batch_series_compare);
	if (!node)
		return add_series(batch, &probe, ret_series);
	*ret_series = *node;
	if (is_seen(batch, *node))
		return 0; /* already in its place */
	TAILQ_REMOVE(&batch->series, *node, entry);
	place_series(batch, *node);
	batch_admit(batch, *node);
	return 0;
}

/* The series of a metric with these labels; a new one where it is not known. */
static int find_series(struct hm_batch *batch, const struct hm_metric *metric,
		       const char *const labels[], struct batch_series **ret_series)
{
	if (!batch->cursor || !batch_series_is(batch->cursor, metric, labels))
		return search_series(batch, metric, labels, ret_series);
	*ret_series = batch->cursor;
	batch->cursor = TAILQ_NEXT(batch->cursor, entry);
	batch_admit(batch, *ret_series);
	return 0;
}

/* A series gets no value in this round; of one that is out nobody wants to know why. */
static void set_missing(struct hm_batch *batch, struct batch_series *series, enum hm_reason reason,
			const char *const labels[], const char *problem)
{
	if (!batch_series_is_out(series))
		batch_add_problem(batch, series->metric, labels, problem);
	series->missing_round = batch->round;
	series->reason = (uint8_t)reason;
}

/* What is wrong with a value, for people; NULL = nothing. */
static const char *value_problem(const struct batch_series *series, double value)
{
	if (!isfinite(value))
		return "not a finite number";
	if (series->metric->kind == HM_EVENTS && value < 0)
		return "less than no events";
	if (!isfinite(series->total + value))
		return "its total is too large";
	return NULL;
}

/* Find a series that this round has said nothing of yet. @return NULL: there is no such; its problem is noted */
static struct batch_series *find_unseen(struct hm_batch *batch, const struct hm_metric *metric,
					const char *const labels[])
{
	struct batch_series *series = NULL;
	int result = find_series(batch, metric, labels, &series);

	if (result == -ECANCELED)
		return NULL;
	if (result < 0) {
		batch_add_problem(batch, metric, labels, batch_problem_text(result));
		return NULL;
	}
	if (is_seen(batch, series)) {
		batch_add_problem(batch, metric, labels, "emitted twice in a round");
		return NULL;
	}
	return series;
}

void hm_emit_labels(struct hm_batch *out, const struct hm_metric *metric, double value,
		    const char *const labels[])
{
	struct batch_series *series = find_unseen(out, metric, labels);
	const char *problem;

	if (!series)
		return;
	problem = value_problem(series, value);
	if (problem) {
		set_missing(out, series, HM_REASON_SOURCE_FAILED, labels, problem);
		return;
	}
	series->value = value;
	series->round = out->round;
}

enum hm_reason batch_reason(int error)
{
	return error == -ETIMEDOUT ? HM_REASON_SOURCE_STUCK : HM_REASON_SOURCE_FAILED;
}

void hm_emit_missing_labels(struct hm_batch *out, const struct hm_metric *metric, int error,
			    const char *const labels[])
{
	struct batch_series *series = find_unseen(out, metric, labels);

	if (series)
		set_missing(out, series, batch_reason(error), labels, strerror(-error));
}

static void format_line(const struct hm_batch *batch, const struct batch_series *series,
			const char *time_text, size_t time_length, struct buffer *lines)
{
	char number[NUMBER_TEXT_MAX_BYTES];

	buffer_append(lines, time_text, time_length);
	buffer_append_byte(lines, ' ');
	buffer_append(lines, series->text, series->text_bytes);
	buffer_append_byte(lines, ' ');
	buffer_append(lines, number, number_format(shipped_value(batch, series), number));
	buffer_append_byte(lines, '\n');
}

size_t batch_format(const struct hm_batch *batch, int64_t time_us, struct buffer *lines)
{
	char time_text[TIMESTAMP_TEXT_MAX_BYTES];
	size_t time_length = timestamp_format(time_us, time_text);
	const struct batch_series *series;
	size_t n_lines = 0;

	TAILQ_FOREACH(series, &batch->series, entry) {
		if (!has_value(batch, series))
			continue;
		format_line(batch, series, time_text, time_length, lines);
		n_lines++;
	}
	return n_lines;
}

static void pack_series(const struct batch_series *series, int64_t time_us, double value,
			enum hm_reason reason, struct buffer *out)
{
	const struct round_sample sample = {
		.time_us = time_us,
		.value = value,
		.reason = reason,
		.metric = series->metric,
		.order = series->order,
		.name = {series->text, series->text_bytes},
	};

	round_put(out, &sample);
}

/* Can this round say which series there are? */
static bool knows_series(const struct hm_batch *batch)
{
	return batch->discard_reason == HM_REASON_NONE ||
	       batch->discard_reason == HM_REASON_SOURCE_GONE;
}

/* An agent that has begun anew does not know the series that it had before: why they are missing. */
static void pack_rest(struct hm_batch *batch, int64_t time_us, struct buffer *out)
{
	struct round_sample rest = {
		.time_us = time_us,
		.reason = knows_series(batch) ? HM_REASON_SOURCE_GONE : batch->discard_reason,
		.name = {"", 0},
	};

	if (batch->has_begun || (knows_series(batch) && !batch->owes_rest))
		return;
	batch->owes_rest = true;
	for (size_t i = 0; i < batch->plugin->n_metrics; i++) {
		rest.metric = &batch->plugin->metrics[i];
		round_put(out, &rest);
	}
}

size_t batch_pack(struct hm_batch *batch, int64_t time_us, struct buffer *out)
{
	const struct batch_series *series;
	size_t n_samples = 0;

	TAILQ_FOREACH(series, &batch->series, entry) {
		enum hm_reason reason = HM_REASON_NONE;

		if (has_value(batch, series)) {
			pack_series(series, time_us, shipped_value(batch, series), reason, out);
			n_samples++;
			continue;
		}
		reason = missing_reason(batch, series);
		if (reason != HM_REASON_NONE)
			pack_series(series, time_us, 0, reason, out);
	}
	pack_rest(batch, time_us, out);
	return n_samples;
}

void batch_pack_missing(const struct hm_batch *batch, int64_t time_us, enum hm_reason reason,
			struct buffer *out)
{
	const struct batch_series *series;

	TAILQ_FOREACH(series, &batch->series, entry)
		if (series->is_expected)
			pack_series(series, time_us, 0, reason, out);
}

/* Room for all series, so that showing them cannot fail half-way. @return false without memory */
static bool reserve_shown(struct hm_batch *batch)
{
	size_t capacity = batch->n_series + batch->n_series / 2;
	struct batch_series **shown;

	if (batch->n_series <= batch->shown_capacity)
		return true;
	shown = reallocarray((void *)batch->shown, capacity, sizeof(struct batch_series *));
	if (!shown)
		return false;
	batch->shown = shown;
	batch->shown_capacity = capacity;
	return true;
}

static void forget_series(struct hm_batch *batch, struct batch_series *series)
{
	batch_leave(batch, series);
	TAILQ_REMOVE(&batch->series, series, entry);
	batch->n_series--;
	tdelete(series, &batch->tree, batch_series_compare);
	batch_series_free(series);
}

/* One that is out goes on counting, so that its total tells of all when it is back. */
static void commit_out(const struct hm_batch *batch, struct batch_series *series)
{
	enum hm_reason reason = batch_out_reason(batch, series);

	if (reason != HM_REASON_NONE)
		series->told = (uint8_t)reason;
	series->is_expected = false;
	if (series->metric->kind == HM_EVENTS && is_fresh(batch, series))
		series->total += series->value;
}

static void commit_series(const struct hm_batch *batch, struct batch_series *series,
			  int64_t time_us)
{
	double shipped = shipped_value(batch, series);

	if (batch_series_is_out(series)) {
		commit_out(batch, series);
		return;
	}
	/* What a round that failed has missed is expected of the next one as well, and so is what has just had a value. */
	if (has_value(batch, series))
		series->is_expected = true;
	else if (batch->discard_reason == HM_REASON_NONE)
		series->is_expected = is_seen(batch, series);
	else if (batch->discard_reason == HM_REASON_SOURCE_GONE)
		series->is_expected = false;
	if (!has_value(batch, series))
		return;
	if (series->metric->kind == HM_EVENTS)
		series->total = shipped;
	series->is_owed = false;
	series->is_shown = true;
	series->shown_round = batch->round;
	series->shown_value = shipped;
	series->shown_time_us = time_us;
}

/* Is it one of the last few? */
static bool is_recent(const struct hm_batch *batch, uint64_t round)
{
	return batch->round - round < BATCH_ROUNDS_KEPT;
}

/* Does it stand in list-metrics? */
static bool is_to_be_shown(const struct hm_batch *batch, const struct batch_series *series)
{
	return series->is_shown && !batch_series_is_out(series) &&
	       is_recent(batch, series->shown_round);
}

/* Nothing has been heard of it for a while. A total that was told of must never fall. */
static void put_away(struct hm_batch *batch, struct batch_series *series)
{
	if (series->metric->kind == HM_EVENTS && (series->is_shown || series->is_owed))
		batch_retire(batch, series);
	else
		forget_series(batch, series);
}

void batch_commit(struct hm_batch *batch, int64_t time_us)
{
	bool can_show = reserve_shown(batch);
	struct batch_series *series;
	struct batch_series *next;

	batch->has_begun |= knows_series(batch);
	batch->n_shown = 0;
	TAILQ_FOREACH_SAFE(series, &batch->series, entry, next) {
		commit_series(batch, series, time_us);
		if (can_show && is_to_be_shown(batch, series))
			batch->shown[batch->n_shown++] = series;
		else if (!series->is_expected && !is_recent(batch, batch_series_last_round(series)))
			put_away(batch, series);
	}
	/* The cursor may point to what is gone. */
	batch->cursor = NULL;
}

void batch_settle(struct hm_batch *batch)
{
	struct batch_series *series;

	TAILQ_FOREACH(series, &batch->series, entry) {
		if (series->metric->kind != HM_EVENTS || !is_fresh(batch, series) ||
		    series->value == 0)
			continue;
		series->total += series->value;
		series->is_owed = true;
	}
	/* Counted: this round must not count it once more. */
	batch_discard(batch, HM_REASON_AGENT_STOPPED);
}
