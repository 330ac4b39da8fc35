/* SPDX-License-Identifier: MIT */
/* A batch that keeps what a plugin emitted for a test to look at. */

#include "tests/support/fake_batch.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool is_kept, const char *rule, const char *metric)
{
	if (is_kept)
		return;
	(void)fprintf(stderr, "fake_batch: %s (%s)\n", rule, metric);
	abort();
}

static char *format_series(const struct hm_metric *metric, const char *const labels[])
{
	static const char *const none[] = {NULL};
	const char *const *names = metric->labels ? metric->labels : none;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	size_t i;

	require(out, "no memory", metric->name);
	(void)fputs(metric->name, out);
	for (i = 0; labels[i]; i++) {
		require(names[i], "more values than the metric has labels", metric->name);
		(void)fprintf(out, "%s%s=\"%s\"", i == 0 ? "{" : ",", names[i], labels[i]);
	}
	require(!names[i], "fewer values than the metric has labels", metric->name);
	if (i > 0)
		(void)fputs("}", out);
	require(fclose(out) == 0, "no memory", metric->name);
	return text;
}

static void add_sample(struct hm_batch *batch, struct fake_sample sample)
{
	if (batch->n_samples == batch->capacity) {
		batch->capacity = batch->capacity ? 2 * batch->capacity : 64;
		batch->samples =
			reallocarray(batch->samples, batch->capacity, sizeof(*batch->samples));
		require(batch->samples, "no memory", sample.metric->name);
	}
	batch->samples[batch->n_samples++] = sample;
}

void hm_emit_labels(struct hm_batch *out, const struct hm_metric *metric, double value,
		    const char *const labels[])
{
	require(isfinite(value), "not a finite value", metric->name);
	add_sample(out, (struct fake_sample){
				.metric = metric,
				.series = format_series(metric, labels),
				.value = value,
			});
}

void hm_emit_missing_labels(struct hm_batch *out, const struct hm_metric *metric, int error,
			    const char *const labels[])
{
	require(error < 0, "a missing value without a reason", metric->name);
	add_sample(out, (struct fake_sample){
				.metric = metric,
				.series = format_series(metric, labels),
				.error = error,
			});
}

void fake_batch_done(struct hm_batch *batch)
{
	for (size_t i = 0; i < batch->n_samples; i++)
		free(batch->samples[i].series);
	free(batch->samples);
	*batch = (struct hm_batch){0};
}

const struct fake_sample *fake_batch_find(const struct hm_batch *batch, const char *series)
{
	for (size_t i = 0; i < batch->n_samples; i++) {
		if (strcmp(batch->samples[i].series, series) == 0)
			return &batch->samples[i];
	}
	return NULL;
}

size_t fake_batch_n_values(const struct hm_batch *batch)
{
	size_t n_values = 0;

	for (size_t i = 0; i < batch->n_samples; i++)
		n_values += batch->samples[i].error == 0;
	return n_values;
}
