/* SPDX-License-Identifier: MIT */
/* Fuzz target: common/series.c, common/match.c and common/file_name.c on any name. */

#include "common/series.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/file_name.h"
#include "common/match.h"
#include "common/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

/* Parse the canonical text again: the same text must come out. */
static void check_round_trip(const struct series *series, struct buffer *canonical)
{
	struct series again;
	struct buffer text = {0};
	size_t used;

	series_format(series, canonical);
	if (series_parse(&again, canonical->data, canonical->length, &used) != HM_REASON_NONE ||
	    used != canonical->length || again.n_labels != series->n_labels)
		abort();
	series_format(&again, &text);
	if (strcmp(buffer_text(&text), buffer_text(canonical)) != 0)
		abort();
	if (!match_series(buffer_text(canonical), buffer_text(&text)))
		abort();
	buffer_done(&text);
}

static void check_limits(const struct series *series)
{
	size_t n_bytes = 0;

	if (series->metric.length == 0 || series->metric.length > HM_METRIC_NAME_MAX_BYTES ||
	    !text_is_clean(series->metric.start, series->metric.length) ||
	    series->n_labels > HM_LABELS_MAX)
		abort();
	for (size_t i = 0; i < series->n_labels; i++) {
		n_bytes += series->labels[i].name.length + series->labels[i].value.length;
		if (series->labels[i].value.length == 0)
			abort();
	}
	if (n_bytes > HM_LABEL_SET_MAX_BYTES)
		abort();
}

static void check_file_name(const char *name, size_t length)
{
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:.-%~";
	char escaped[FILE_NAME_MAX_BYTES];

	file_name_escape(name, length, escaped);
	if (*escaped == '.' || *escaped == '\0' || strlen(escaped) >= FILE_NAME_MAX_BYTES ||
	    escaped[strspn(escaped, safe)])
		abort();
}

/* Bytes as the name of a metric's file: what it says gives the name again. */
static void check_parts(const uint8_t *data, size_t n_bytes)
{
	char name[FILE_NAME_METRIC_BYTES] = "";
	char again[FILE_NAME_METRIC_BYTES];
	struct file_name says;

	memcpy(name, data, n_bytes < sizeof(name) - 1 ? n_bytes : sizeof(name) - 1);
	if (file_name_parse(name, &says) < 0)
		return;
	if (says.metric_length == 0 || says.part > FILE_NAME_PART_MAX ||
	    (says.part == 0 && says.continues_bytes != 0))
		abort();
	file_name_format(&says, again);
	if (strcmp(again, name) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	const char *text = (const char *)data;
	struct buffer canonical = {0};
	struct series series;
	size_t used;

	check_file_name(text, n_bytes);
	check_parts(data, n_bytes);
	if (series_parse(&series, text, n_bytes, &used) != HM_REASON_NONE)
		return 0;
	if (used > n_bytes)
		abort();
	check_limits(&series);
	check_round_trip(&series, &canonical);

	(void)series_take_label(&series, "host");
	if (series_add_label(&series, "host", "web01") == HM_REASON_NONE &&
	    series_take_label(&series, "host").length != strlen("web01"))
		abort();
	buffer_done(&canonical);
	return 0;
}
