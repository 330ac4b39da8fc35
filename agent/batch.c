/* SPDX-License-Identifier: MIT */
/* What one plugin emits: its series, the round being taken, the running totals. */

#include "agent/batch.h"

#include <errno.h>
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "agent/round.h"
#include "common/number.h"
#include "common/series.h"
#include "common/text.h"
#include "common/timestamp.h"

/* Of a label that is not as it should be, people are shown this much. */
#define LABEL_SHOWN_MAX_BYTES 200

/* All label values of a series, each with its NUL. */
#define LABELS_MAX_BYTES (HM_LABEL_SET_MAX_BYTES + HM_METRIC_LABELS_MAX)

/* What tsearch(3) compares: the metric, then the label values as bytes. */
static int compare_series(const void *left, const void *right)
{
	const struct batch_series *a = left;
	const struct batch_series *b = right;

	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	if (a->labels_bytes != b->labels_bytes)
		return a->labels_bytes < b->labels_bytes ? -1 : 1;
	return memcmp(a->labels, b->labels, a->labels_bytes);
}

void batch_init(struct hm_batch *batch, const struct hm_plugin *plugin)
{
	*batch = (struct hm_batch){.plugin = plugin};
	TAILQ_INIT(&batch->series);
}

static void series_free(struct batch_series *series)
{
	if (!series)
		return;
	free((char *)series->labels);
	free((char *)series->text);
	free(series);
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
		series_free(series);
	buffer_done(&batch->reasons);
	buffer_done(&batch->scratch);
	free((void *)batch->shown);
	*batch = (struct hm_batch){0};
}

void batch_begin(struct hm_batch *batch)
{
	batch->round++;
	batch->is_discarded = false;
	batch->cursor = TAILQ_FIRST(&batch->series);
	batch->n_problems = 0;
	buffer_clear(&batch->reasons);
}

void batch_discard(struct hm_batch *batch)
{
	batch->is_discarded = true;
}

static bool is_fresh(const struct hm_batch *batch, const struct batch_series *series)
{
	return series->round == batch->round && !batch->is_discarded;
}

/* What is shipped for a series of this round. */
static double shipped_value(const struct hm_batch *batch, const struct batch_series *series)
{
	double counted = is_fresh(batch, series) ? series->value : 0;

	return series->metric->kind == HM_EVENTS ? series->total + counted : series->value;
}

/* A name for people, whatever the plugin gave as labels. */
static void append_name(struct buffer *out, const struct hm_metric *metric,
			const char *const labels[])
{
	buffer_append_text(out, metric->name);
	for (size_t i = 0; labels[i]; i++) {
		bool is_declared = i < HM_METRIC_LABELS_MAX && metric->labels[i];

		buffer_printf(out, "%s%s=\"", i == 0 ? "{" : ",",
			      is_declared ? metric->labels[i] : "?");
		text_append_printable(out, labels[i], strnlen(labels[i], LABEL_SHOWN_MAX_BYTES));
		buffer_append_byte(out, '"');
	}
	if (labels[0])
		buffer_append_byte(out, '}');
}

static void add_problem(struct hm_batch *batch, const struct hm_metric *metric,
			const char *const labels[], const char *reason)
{
	batch->n_problems++;
	if (batch->reasons.length > BATCH_REASONS_MAX_BYTES)
		return;
	append_name(&batch->reasons, metric, labels);
	buffer_printf(&batch->reasons, ": %s\n", reason);
}

static bool is_own_metric(const struct hm_batch *batch, const struct hm_metric *metric)
{
	uintptr_t begin = (uintptr_t)batch->plugin->metrics;
	uintptr_t offset = (uintptr_t)metric - begin;

	return (uintptr_t)metric >= begin && offset % sizeof(*metric) == 0 &&
	       offset / sizeof(*metric) < batch->plugin->n_metrics;
}

/*
 * Write the label values one behind the other.
 * @return their bytes, or -errno
 */
static ssize_t pack_labels(const struct hm_metric *metric, const char *const labels[],
			   char out[static LABELS_MAX_BYTES])
{
	size_t n_bytes = 0;
	size_t i;

	for (i = 0; labels[i]; i++) {
		size_t length = strlen(labels[i]) + 1;

		if (i == HM_METRIC_LABELS_MAX || !metric->labels[i])
			return -EINVAL;
		if (length > LABELS_MAX_BYTES - n_bytes)
			return -EMSGSIZE;
		memcpy(out + n_bytes, labels[i], length);
		n_bytes += length;
	}
	if (i < HM_METRIC_LABELS_MAX && metric->labels[i])
		return -EINVAL;
	return (ssize_t)n_bytes;
}

/* Format a name into a text of its own; NULL when there is no memory. */
static char *format_text(struct hm_batch *batch, const struct series *name)
{
	buffer_clear(&batch->scratch);
	series_format(name, &batch->scratch);
	buffer_append_byte(&batch->scratch, '\0');
	return buffer_failed(&batch->scratch) ? NULL : strdup(batch->scratch.data);
}

/*
 * Take the packed labels of a series apart.
 * @return 0, -EILSEQ, -EMSGSIZE
 */
static int unpack_name(const struct batch_series *series, struct series *name)
{
	const struct hm_metric *metric = series->metric;
	const char *value = series->labels;

	*name = (struct series){.metric = {metric->name, strlen(metric->name)}};
	for (size_t i = 0; value < series->labels + series->labels_bytes; i++) {
		size_t length = strlen(value);

		if (!text_is_clean(value, length))
			return -EILSEQ;
		if (series_add_label(name, metric->labels[i], value) != HM_REASON_NONE)
			return -EMSGSIZE;
		value += length + 1;
	}
	return 0;
}

/*
 * Give a series its text.
 * @return 0, -EILSEQ, -EMSGSIZE, -ENOMEM
 */
static int name_series(struct hm_batch *batch, struct batch_series *series)
{
	struct series name;
	int result = unpack_name(series, &name);

	if (result < 0)
		return result;
	series->text = format_text(batch, &name);
	if (!series->text)
		return -ENOMEM;
	series->text_bytes = strlen(series->text);
	return 0;
}

/* Make the series that `probe` looks for, and put it before the cursor. */
static int add_series(struct hm_batch *batch, const struct batch_series *probe,
		      struct batch_series **ret_series)
{
	struct batch_series *series = NULL;
	int result = -ENOMEM;

	if (batch->n_series == BATCH_SERIES_MAX)
		return -ENOSPC;
	series = calloc(1, sizeof(*series));
	if (!series)
		goto out;
	series->metric = probe->metric;
	/* One more than needed: a series without labels has no bytes. */
	series->labels = calloc(1, probe->labels_bytes + 1);
	series->labels_bytes = probe->labels_bytes;
	if (!series->labels)
		goto out;
	memcpy((char *)series->labels, probe->labels, probe->labels_bytes);
	result = name_series(batch, series);
	if (result == 0 && !tsearch(series, &batch->tree, compare_series))
		result = -ENOMEM;
out:
	if (result < 0) {
		series_free(series);
		return result;
	}
	if (batch->cursor)
		TAILQ_INSERT_BEFORE(batch->cursor, series, entry);
	else
		TAILQ_INSERT_TAIL(&batch->series, series, entry);
	batch->n_series++;
	*ret_series = series;
	return 0;
}

/*
 * The series of a metric with these labels; a new one where it is not known.
 * Those that come out of order are moved before the cursor: the list takes the round's order.
 */
static int find_series(struct hm_batch *batch, const struct hm_metric *metric,
		       const char *const labels[], struct batch_series **ret_series)
{
	char packed[LABELS_MAX_BYTES];
	ssize_t n_bytes =
		is_own_metric(batch, metric) ? pack_labels(metric, labels, packed) : -EINVAL;
	struct batch_series probe = {.metric = metric, .labels = packed};
	struct batch_series **node;

	if (n_bytes < 0)
		return (int)n_bytes;
	probe.labels_bytes = (size_t)n_bytes;
	if (batch->cursor && compare_series(&probe, batch->cursor) == 0) {
		*ret_series = batch->cursor;
		batch->cursor = TAILQ_NEXT(batch->cursor, entry);
		return 0;
	}
	node = tfind(&probe, &batch->tree, compare_series);
	if (!node)
		return add_series(batch, &probe, ret_series);
	*ret_series = *node;
	if ((*node)->round == batch->round)
		return 0; /* already in its place */
	TAILQ_REMOVE(&batch->series, *node, entry);
	if (batch->cursor)
		TAILQ_INSERT_BEFORE(batch->cursor, *node, entry);
	else
		TAILQ_INSERT_TAIL(&batch->series, *node, entry);
	return 0;
}

static const char *problem_text(int error)
{
	switch (error) {
	case -EINVAL:
		return "the plugin gave another number of labels than its metric has, or a metric "
		       "that is not its own";
	case -EMSGSIZE:
		return "its labels are too long";
	case -EILSEQ:
		return "a label is not UTF-8 or holds control bytes";
	case -ENOSPC:
		return "the plugin has too many series";
	default:
		return strerror(-error);
	}
}

void hm_emit_labels(struct hm_batch *out, const struct hm_metric *metric, double value,
		    const char *const labels[])
{
	struct batch_series *series;
	int result;

	if (!isfinite(value)) {
		add_problem(out, metric, labels, "not a finite number");
		return;
	}
	if (metric->kind == HM_EVENTS && value < 0) {
		add_problem(out, metric, labels, "less than no events");
		return;
	}
	result = find_series(out, metric, labels, &series);
	if (result < 0) {
		add_problem(out, metric, labels, problem_text(result));
		return;
	}
	if (series->round == out->round) {
		add_problem(out, metric, labels, "emitted twice in a round");
		return;
	}
	if (!isfinite(series->total + value)) {
		add_problem(out, metric, labels, "its total is too large");
		return;
	}
	series->value = value;
	series->round = out->round;
}

void hm_emit_missing_labels(struct hm_batch *out, const struct hm_metric *metric, int error,
			    const char *const labels[])
{
	add_problem(out, metric, labels, strerror(-error));
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
		if (!is_fresh(batch, series) && !series->is_owed)
			continue;
		format_line(batch, series, time_text, time_length, lines);
		n_lines++;
	}
	return n_lines;
}

size_t batch_pack(const struct hm_batch *batch, int64_t time_us, struct buffer *out)
{
	const struct batch_series *series;
	size_t n_samples = 0;

	TAILQ_FOREACH(series, &batch->series, entry) {
		const struct round_sample sample = {
			.time_us = time_us,
			.value = shipped_value(batch, series),
			.metric = series->metric,
			.name = {series->text, series->text_bytes},
		};

		if (!is_fresh(batch, series) && !series->is_owed)
			continue;
		round_put(out, &sample);
		n_samples++;
	}
	return n_samples;
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
	TAILQ_REMOVE(&batch->series, series, entry);
	batch->n_series--;
	tdelete(series, &batch->tree, compare_series);
	series_free(series);
}

static void commit_series(const struct hm_batch *batch, struct batch_series *series,
			  int64_t time_us)
{
	double shipped = shipped_value(batch, series);

	if (!is_fresh(batch, series) && !series->is_owed)
		return;
	if (series->metric->kind == HM_EVENTS)
		series->total = shipped;
	series->is_owed = false;
	series->is_shown = true;
	series->shown_value = shipped;
	series->shown_time_us = time_us;
}

void batch_commit(struct hm_batch *batch, int64_t time_us)
{
	bool can_show = reserve_shown(batch);
	struct batch_series *series;
	struct batch_series *next;

	batch->n_shown = 0;
	TAILQ_FOREACH_SAFE(series, &batch->series, entry, next) {
		commit_series(batch, series, time_us);
		if (batch->round - series->round < BATCH_ROUNDS_KEPT) {
			if (can_show && series->is_shown)
				batch->shown[batch->n_shown++] = series;
		} else if (series->metric->kind != HM_EVENTS) {
			forget_series(batch, series);
		}
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
	batch_discard(batch);
}
