/* SPDX-License-Identifier: MIT */
/* Which series of a plugin have a place. */

#include "agent/batch_admission.h"

#include <stdlib.h>

/* Each is counted either as placed or as kept. */
static void set_standing(struct hm_batch *batch, struct batch_series *series,
			 enum batch_standing standing)
{
	if (series->standing == BATCH_PLACED && standing != BATCH_PLACED) {
		series_limit_give_back(batch->limit);
		series_limit_keep(batch->limit);
	} else if (series->standing != BATCH_PLACED && standing == BATCH_PLACED) {
		series_limit_forget(batch->limit);
		series->order = series_limit_take(batch->limit);
		series->told = HM_REASON_NONE;
	}
	series->standing = (uint8_t)standing;
}

size_t batch_find_metric(const struct hm_batch *batch, const struct hm_metric *metric)
{
	const size_t n_metrics = batch->plugin->n_metrics;
	const uintptr_t begin = (uintptr_t)batch->plugin->metrics;
	const uintptr_t offset = (uintptr_t)metric - begin;

	if ((uintptr_t)metric < begin || offset % sizeof(*metric) != 0 ||
	    offset / sizeof(*metric) >= n_metrics)
		return n_metrics;
	return offset / sizeof(*metric);
}

/* Without memory, and of metrics that were made, they are counted all together. */
static void count_left_out(struct hm_batch *batch, const struct hm_metric *metric)
{
	const size_t i = batch_find_metric(batch, metric);

	batch->n_left_out++;
	if (i == batch->plugin->n_metrics)
		return;
	if (!batch->left_out)
		batch->left_out = calloc(batch->plugin->n_metrics, sizeof(*batch->left_out));
	if (batch->left_out)
		batch->left_out[i]++;
}

enum batch_standing batch_judge(struct hm_batch *batch, const struct batch_series *probe)
{
	if (!filter_takes(batch->filter, probe->metric, probe->labels, probe->labels_bytes))
		return BATCH_EXCLUDED;
	if (series_limit_has_place(batch->limit))
		return BATCH_PLACED;
	count_left_out(batch, probe->metric);
	return BATCH_LEFT_OUT;
}

bool batch_may_keep(const struct hm_batch *batch, enum batch_standing standing)
{
	return standing == BATCH_PLACED || series_limit_may_keep(batch->limit);
}

void batch_enter(struct hm_batch *batch, struct batch_series *series, enum batch_standing standing)
{
	series->standing = BATCH_PLACELESS;
	series_limit_keep(batch->limit);
	set_standing(batch, series, standing);
}

void batch_leave(struct hm_batch *batch, struct batch_series *series)
{
	set_standing(batch, series, BATCH_PLACELESS);
	series_limit_forget(batch->limit);
}

void batch_admit(struct hm_batch *batch, struct batch_series *series)
{
	if (series->standing == BATCH_PLACED || series->standing == BATCH_EXCLUDED)
		return;
	if (series_limit_has_place(batch->limit)) {
		set_standing(batch, series, BATCH_PLACED);
		return;
	}
	count_left_out(batch, series->metric);
	set_standing(batch, series, BATCH_LEFT_OUT);
}

void batch_retire(struct hm_batch *batch, struct batch_series *series)
{
	if (series->standing == BATCH_PLACED && series_limit_may_keep(batch->limit))
		set_standing(batch, series, BATCH_PLACELESS);
}

enum hm_reason batch_out_reason(const struct hm_batch *batch, const struct batch_series *series)
{
	enum hm_reason reason =
		series->standing == BATCH_LEFT_OUT ? HM_REASON_QUOTA : HM_REASON_NOT_SAMPLED;
	bool is_there = series->is_expected || batch_series_last_round(series) == batch->round;

	return is_there && series->told != reason ? reason : HM_REASON_NONE;
}

void batch_count_left_out(const struct hm_batch *batch, struct batch_left_out *ret_left_out)
{
	*ret_left_out = (struct batch_left_out){.n = batch->n_left_out};
	for (size_t i = 0; batch->left_out && i < batch->plugin->n_metrics; i++) {
		if (batch->left_out[i] <= ret_left_out->n_most)
			continue;
		ret_left_out->n_most = batch->left_out[i];
		ret_left_out->most = &batch->plugin->metrics[i];
	}
}

void batch_use_filter(struct hm_batch *batch, const struct filter *filter)
{
	struct batch_series *series;

	batch->filter = filter;
	TAILQ_FOREACH(series, &batch->series, entry) {
		if (!filter_takes(filter, series->metric, series->labels, series->labels_bytes))
			set_standing(batch, series, BATCH_EXCLUDED);
		else if (series->standing == BATCH_EXCLUDED)
			set_standing(batch, series, BATCH_PLACELESS);
	}
}

size_t batch_count_placed(const struct hm_batch *batch, uint64_t order)
{
	const struct batch_series *series;
	size_t n_placed = 0;

	TAILQ_FOREACH(series, &batch->series, entry)
		n_placed += series->standing == BATCH_PLACED && series->order < order;
	return n_placed;
}

void batch_leave_out(struct hm_batch *batch, uint64_t order)
{
	struct batch_series *series;

	TAILQ_FOREACH(series, &batch->series, entry) {
		if (series->standing == BATCH_PLACED && series->order >= order)
			set_standing(batch, series, BATCH_LEFT_OUT);
	}
}

void batch_give_back(struct hm_batch *batch)
{
	struct batch_series *series;

	TAILQ_FOREACH(series, &batch->series, entry) {
		if (series->standing != BATCH_EXCLUDED)
			set_standing(batch, series, BATCH_PLACELESS);
	}
}
