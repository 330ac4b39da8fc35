/* SPDX-License-Identifier: MIT */
/* A series of a plugin. */

#include "agent/batch_series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metric_labels.h"
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
	free(series);
}

ssize_t batch_series_pack_labels(const struct hm_metric *metric, const char *const labels[],
				 char out[static BATCH_SERIES_LABELS_MAX_BYTES])
{
	const char *const *names = metric_labels(metric);
	size_t n_bytes = 0;
	size_t i;

	for (i = 0; labels[i]; i++) {
		size_t length = strlen(labels[i]) + 1;

		if (!names[i])
			return -EINVAL;
		if (length > BATCH_SERIES_LABELS_MAX_BYTES - n_bytes)
			return -EMSGSIZE;
		memcpy(out + n_bytes, labels[i], length);
		n_bytes += length;
	}
	return names[i] ? -EINVAL : (ssize_t)n_bytes;
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

/* Write the text of a series, and a NUL behind it. @return 0, -EILSEQ, -EMSGSIZE, -ENOMEM */
static int format_name(const struct batch_series *series, struct buffer *out)
{
	struct series name;
	int result = unpack_name(series, &name);

	if (result < 0)
		return result;
	buffer_clear(out);
	series_format(&name, out);
	buffer_append_byte(out, '\0');
	return buffer_failed(out) ? -ENOMEM : 0;
}

int batch_series_new(const struct hm_metric *metric, const char *labels, size_t labels_bytes,
		     struct buffer *scratch, struct batch_series **ret_series)
{
	const struct batch_series draft = {
		.metric = metric,
		.labels = labels,
		.labels_bytes = (uint32_t)labels_bytes,
	};
	struct batch_series *series;
	int result = format_name(&draft, scratch);
	char *at;

	if (result < 0)
		return result;
	series = malloc(sizeof(*series) + labels_bytes + scratch->length);
	if (!series)
		return -ENOMEM;
	*series = draft;
	at = (char *)(series + 1);
	series->labels = memcpy(at, labels, labels_bytes);
	series->text = memcpy(at + labels_bytes, scratch->data, scratch->length);
	series->text_bytes = (uint32_t)strlen(series->text);
	*ret_series = series;
	return 0;
}

bool batch_series_is_out(const struct batch_series *series)
{
	return series->standing == BATCH_LEFT_OUT || series->standing == BATCH_EXCLUDED;
}

uint64_t batch_series_last_round(const struct batch_series *series)
{
	return series->round > series->missing_round ? series->round : series->missing_round;
}
