/* SPDX-License-Identifier: MIT */
/* A series of a plugin. */

#include "agent/batch_series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/series.h"
#include "common/text.h"

int batch_series_compare(const void *left, const void *right)
{
	const struct batch_series *a = left;
	const struct batch_series *b = right;

	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	if (a->labels_bytes != b->labels_bytes)
		return a->labels_bytes < b->labels_bytes ? -1 : 1;
	return memcmp(a->labels, b->labels, a->labels_bytes);
}

void batch_series_free(struct batch_series *series)
{
	if (!series)
		return;
	free((char *)series->labels);
	free((char *)series->text);
	free(series);
}

ssize_t batch_series_pack_labels(const struct hm_metric *metric, const char *const labels[],
				 char out[static BATCH_SERIES_LABELS_MAX_BYTES])
{
	size_t n_bytes = 0;
	size_t i;

	for (i = 0; labels[i]; i++) {
		size_t length = strlen(labels[i]) + 1;

		if (i == HM_METRIC_LABELS_MAX || !metric->labels[i])
			return -EINVAL;
		if (length > BATCH_SERIES_LABELS_MAX_BYTES - n_bytes)
			return -EMSGSIZE;
		memcpy(out + n_bytes, labels[i], length);
		n_bytes += length;
	}
	if (i < HM_METRIC_LABELS_MAX && metric->labels[i])
		return -EINVAL;
	return (ssize_t)n_bytes;
}

bool batch_series_is(const struct batch_series *series, const struct hm_metric *metric,
		     const char *const labels[])
{
	const char *at = series->labels;
	const char *end = at + series->labels_bytes;

	if (series->metric != metric)
		return false;
	for (; *labels; labels++) {
		const char *value = *labels;

		/* What is left ends with a NUL, so this stops in time. */
		while (at < end && *at == *value && *at != '\0') {
			at++;
			value++;
		}
		if (at == end || *at++ != *value)
			return false;
	}
	return at == end;
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
static int name_series(struct batch_series *series, struct buffer *scratch)
{
	struct series name;
	int result = unpack_name(series, &name);

	if (result < 0)
		return result;
	buffer_clear(scratch);
	series_format(&name, scratch);
	buffer_append_byte(scratch, '\0');
	if (buffer_failed(scratch))
		return -ENOMEM;
	series->text = strdup(scratch->data);
	if (!series->text)
		return -ENOMEM;
	series->text_bytes = strlen(series->text);
	return 0;
}

int batch_series_new(const struct hm_metric *metric, const char *labels, size_t labels_bytes,
		     struct buffer *scratch, struct batch_series **ret_series)
{
	struct batch_series *series = calloc(1, sizeof(*series));
	int result = -ENOMEM;

	if (!series)
		return result;
	series->metric = metric;
	/* One more than needed: a series without labels has no bytes. */
	series->labels = calloc(1, labels_bytes + 1);
	series->labels_bytes = labels_bytes;
	if (series->labels) {
		memcpy((char *)series->labels, labels, labels_bytes);
		result = name_series(series, scratch);
	}
	if (result < 0)
		batch_series_free(series);
	else
		*ret_series = series;
	return result;
}

bool batch_series_is_out(const struct batch_series *series)
{
	return series->standing == BATCH_LEFT_OUT || series->standing == BATCH_EXCLUDED;
}

uint64_t batch_series_last_round(const struct batch_series *series)
{
	return series->round > series->missing_round ? series->round : series->missing_round;
}
