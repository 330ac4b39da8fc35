/* SPDX-License-Identifier: MIT */
/* A round in the formats of Prometheus. */

#include "agent/exposition.h"

#include <stdlib.h>
#include <string.h>

#include "agent/metric_labels.h"
#include "agent/plugin.h"
#include "agent/round.h"
#include "common/number.h"

#define TOTAL "_total"

/* Both formats keep these ends of names for other types than gauges. */
static const char *const reserved[] = {TOTAL, "_count", "_sum", "_bucket"};

struct rows {
	struct round_sample *list;
	size_t n;
};

static int read_rows(const char *samples, size_t length, struct rows *rows)
{
	const char *end = samples + length;
	struct round_sample sample;
	size_t n = 0;

	for (const char *at = samples; round_next(&at, end, &sample);)
		n++;
	*rows = (struct rows){.list = calloc(n + 1, sizeof(sample))};
	if (!rows->list)
		return -1;
	for (const char *at = samples; round_next(&at, end, &sample);) {
		if (sample.reason == HM_REASON_NONE)
			rows->list[rows->n++] = sample;
	}
	return 0;
}

/* Those of a metric stand together; of it, in the order of the round. */
static int compare_rows(const void *left, const void *right)
{
	const struct round_sample *a = left;
	const struct round_sample *b = right;
	int order = strcmp(a->metric->name, b->metric->name);

	if (order != 0)
		return order;
	return a->name.start < b->name.start ? -1 : a->name.start > b->name.start;
}

static bool ends_in(const char *name, const char *end)
{
	size_t length = strlen(name);

	return length > strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

static bool is_gauge(const struct hm_metric *metric)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		if (ends_in(metric->name, reserved[i]))
			return false;
	}
	return metric->kind == HM_GAUGE;
}

static void append_number(struct buffer *out, double value)
{
	char text[NUMBER_TEXT_MAX_BYTES];

	buffer_append(out, text, number_format(value, text));
}

static void append_help(struct buffer *out, const char *help)
{
	for (; *help; help++) {
		if (*help == '\\')
			buffer_append_text(out, "\\\\");
		else if (*help == '\n')
			buffer_append_text(out, "\\n");
		else
			buffer_append_byte(out, *help);
	}
}

/* OpenMetrics calls a family without _total, and takes a unit only where the name ends in it. */
static void declare(enum exposition_format format, const struct hm_metric *metric,
		    struct buffer *out)
{
	const bool is_open = format == EXPOSITION_OPENMETRICS;
	const bool is_counter = metric->kind != HM_GAUGE && ends_in(metric->name, TOTAL);
	const char *other = is_open ? "unknown" : "untyped";
	const char *type = is_gauge(metric) ? "gauge" : other;
	size_t length = strlen(metric->name) - (is_open && is_counter ? strlen(TOTAL) : 0);
	size_t unit_length = strlen(metric->unit);

	buffer_printf(out, "# HELP %.*s ", (int)length, metric->name);
	append_help(out, metric->help);
	buffer_printf(out, "\n# TYPE %.*s %s\n", (int)length, metric->name,
		      is_counter ? "counter" : type);
	if (is_open && unit_length > 0 && unit_length < length &&
	    metric->name[length - unit_length - 1] == '_' &&
	    memcmp(metric->name + length - unit_length, metric->unit, unit_length) == 0)
		buffer_printf(out, "# UNIT %.*s %s\n", (int)length, metric->name, metric->unit);
}

size_t exposition_format(enum exposition_format format, const char *samples, size_t length,
			 struct buffer *out)
{
	struct rows rows;
	size_t n;

	if (read_rows(samples, length, &rows) < 0) {
		out->failed = true;
		return 0;
	}
	qsort(rows.list, rows.n, sizeof(*rows.list), compare_rows);
	for (size_t i = 0; i < rows.n; i++) {
		const struct round_sample *row = &rows.list[i];

		if (i == 0 || strcmp(row[-1].metric->name, row->metric->name) != 0)
			declare(format, row->metric, out);
		buffer_append(out, row->name.start, row->name.length);
		buffer_append_byte(out, ' ');
		append_number(out, row->value);
		buffer_append_byte(out, '\n');
	}
	if (format == EXPOSITION_OPENMETRICS)
		buffer_append_text(out, "# EOF\n");
	n = rows.n;
	free(rows.list);
	return n;
}

void exposition_list(const struct hm_plugin *plugin, struct buffer *out)
{
	for (size_t i = 0; i < plugin->n_metrics; i++) {
		const struct hm_metric *metric = &plugin->metrics[i];
		const char *const *labels = metric_labels(metric);

		buffer_printf(out, "%s\t%s\t%s\t%s\t", plugin->name, metric->name,
			      plugin_kind_word(metric->kind), metric->unit);
		for (size_t k = 0; labels[k]; k++)
			buffer_printf(out, "%s%s", k > 0 ? "," : "", labels[k]);
		buffer_printf(out, "\t%s\t%s\n", metric->source, metric->help);
	}
}
