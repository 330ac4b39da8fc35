/* SPDX-License-Identifier: MIT */
/*
 * export -o openmetrics: OpenMetrics 1.0, the host as a label. Names that it does not have, such as
 * "room.temp", stand in quotes within the braces, as Prometheus 3 reads them. What its words for kind
 * and unit cannot say is told first, in samples of the info metric hostmetrics_metric. Decimals beyond the
 * microsecond set samples of one time apart (ten digits), and hold the bits of a NaN that is not the usual
 * one (twenty more): others lose nothing by them.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/export_format.h"
#include "agent/ctl/openmetrics.h"
#include "common/series.h"
#include "common/timestamp.h"

static void openmetrics_begin(struct buffer *out)
{
	(void)out;
}

/* A text between quotes. */
static void append_quoted(struct buffer *out, const char *text, size_t length)
{
	buffer_append_byte(out, '"');
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"' || text[i] == '\\')
			buffer_append_byte(out, '\\');
		if (text[i] == '\n')
			buffer_append_text(out, "\\n");
		else
			buffer_append_byte(out, text[i]);
	}
	buffer_append_byte(out, '"');
}

static void append_name(struct buffer *out, const char *name, size_t length, bool is_plain)
{
	if (is_plain)
		buffer_append(out, name, length);
	else
		append_quoted(out, name, length);
}

static void append_label(struct buffer *out, struct series_text name, const char *value,
			 size_t length)
{
	append_name(out, name.start, name.length,
		    openmetrics_is_label_name(name.start, name.length));
	buffer_append_byte(out, '=');
	append_quoted(out, value, length);
}

static void append_text_label(struct buffer *out, const char *name, const char *value)
{
	append_label(out, (struct series_text){name, strlen(name)}, value, strlen(value));
}

/* -- families -------------------------------------------------------------------------------------- */

/* What its family is called, and whether TYPE and UNIT say all. */
struct family {
	const char *type;
	size_t name_length; /* of the metric's */
	bool has_unit;
	bool is_exact;
};

static struct family find_family(const struct export_sample *sample)
{
	size_t length = strlen(sample->metric);
	struct family family = {.type = "unknown", .name_length = length};
	bool is_counter = strcmp(sample->kind, "counter") == 0;

	if (!sample->is_shared)
		return family;
	family.is_exact = true;
	if (is_counter && openmetrics_is_total(sample->metric, length)) {
		family.type = "counter";
		family.name_length = length - OPENMETRICS_TOTAL_BYTES;
	} else if (is_counter) {
		family.is_exact = false;
	} else if (*sample->kind) {
		family.type = sample->kind;
	}
	if (*sample->unit) {
		family.has_unit =
			openmetrics_is_unit_of(sample->metric, family.name_length, sample->unit);
		family.is_exact &= family.has_unit;
	}
	return family;
}

static void append_declaration(struct buffer *out, const char *keyword, const char *name,
			       size_t length, const char *word)
{
	buffer_printf(out, "# %s ", keyword);
	append_name(out, name, length, openmetrics_is_metric_name(name, length));
	buffer_printf(out, " %s\n", word);
}

static void declare(struct export_state *state, const struct export_sample *sample,
		    struct buffer *out)
{
	struct family family = find_family(sample);

	buffer_clear(&state->family);
	buffer_append_text(&state->family, sample->metric);
	append_declaration(out, "TYPE", sample->metric, family.name_length, family.type);
	if (family.has_unit)
		append_declaration(out, "UNIT", sample->metric, family.name_length, sample->unit);
}

/* What is said of a metric of a host, where the declarations of its family will not say it. */
static void describe(struct export_state *state, const struct export_sample *sample,
		     struct buffer *out)
{
	if (find_family(sample).is_exact)
		return;
	if (!*sample->kind && !*sample->unit)
		return;
	if (!state->has_metrics_head)
		append_declaration(out, "TYPE", OPENMETRICS_METRIC, strlen(OPENMETRICS_METRIC),
				   "info");
	state->has_metrics_head = true;
	buffer_append_text(out, OPENMETRICS_METRIC "_info{");
	append_text_label(out, "host", sample->host);
	buffer_append_byte(out, ',');
	append_text_label(out, "kind", sample->kind);
	buffer_append_byte(out, ',');
	append_text_label(out, "metric", sample->metric);
	buffer_append_byte(out, ',');
	append_text_label(out, "unit", sample->unit);
	buffer_append_text(out, "} 1\n");
}

/* -- samples --------------------------------------------------------------------------------------- */

/* The host's label has its place among the others. */
static void append_labels(struct buffer *out, const struct export_sample *sample,
			  const struct series *series, bool is_plain)
{
	static const struct series_text host = {"host", 4};
	bool has_host = false;
	size_t i = 0;

	buffer_append_byte(out, '{');
	if (!is_plain) {
		append_quoted(out, sample->metric, strlen(sample->metric));
		buffer_append_byte(out, ',');
	}
	while (i < series->n_labels || !has_host) {
		const struct series_label *label = &series->labels[i];
		bool is_host = !has_host &&
			       (i == series->n_labels || strncmp(label->name.start, "host", 4) > 0);

		if (is_host)
			append_label(out, host, sample->host, strlen(sample->host));
		else
			append_label(out, label->name, label->value.start, label->value.length);
		has_host |= is_host;
		i += !is_host;
		if (i < series->n_labels || !has_host)
			buffer_append_byte(out, ',');
	}
	buffer_append_byte(out, '}');
}

static void format_series(const struct export_sample *sample, struct buffer *out)
{
	bool is_plain = openmetrics_is_metric_name(sample->metric, strlen(sample->metric));
	struct buffer text = {0};
	struct series series;
	size_t used;

	buffer_clear(out);
	buffer_append_text(&text, sample->metric);
	buffer_append_text(&text, sample->labels);
	if (buffer_failed(&text) ||
	    series_parse(&series, text.data, text.length, &used) != HM_REASON_NONE ||
	    used != text.length) {
		out->failed = true;
	} else {
		if (is_plain)
			buffer_append_text(out, sample->metric);
		append_labels(out, sample, &series, is_plain);
		buffer_append_byte(out, ' ');
	}
	buffer_done(&text);
}

static void append_time(struct export_state *state, const struct export_sample *sample,
			struct buffer *out)
{
	int64_t time_us = sample->time_us;
	uint64_t magnitude = time_us < 0 ? -(uint64_t)time_us : (uint64_t)time_us;

	state->n_same_time = !sample->is_new_series && time_us == state->last_time_us
				     ? state->n_same_time + 1
				     : 0;
	state->last_time_us = time_us;
	buffer_printf(out, "%s%" PRIu64 ".%06" PRIu64, time_us < 0 ? "-" : "",
		      magnitude / (uint64_t)TIMESTAMP_SECOND_US,
		      magnitude % (uint64_t)TIMESTAMP_SECOND_US);
	if (state->n_same_time > 0 || sample->bits)
		buffer_printf(out, "%010" PRIu32, state->n_same_time);
	if (sample->bits)
		buffer_printf(out, "%020" PRIuMAX, strtoumax(sample->bits, NULL, 16));
}

static void openmetrics_sample(struct export_state *state, const struct export_sample *sample,
			       struct buffer *out)
{
	if (!sample->value) {
		describe(state, sample, out);
		return;
	}
	if (sample->is_new_series) {
		if (strcmp(buffer_text(&state->family), sample->metric) != 0)
			declare(state, sample, out);
		format_series(sample, &state->series);
	}
	buffer_append(out, state->series.data, state->series.length);
	out->failed |= buffer_failed(&state->series) || buffer_failed(&state->family);
	buffer_append_text(out, sample->value);
	buffer_append_byte(out, ' ');
	append_time(state, sample, out);
	buffer_append_byte(out, '\n');
}

static void openmetrics_end(struct buffer *out)
{
	buffer_append_text(out, "# EOF\n");
}

const struct export_format export_openmetrics = {
	.name = "openmetrics",
	.by_metric = true,
	.begin = openmetrics_begin,
	.sample = openmetrics_sample,
	.end = openmetrics_end,
};
