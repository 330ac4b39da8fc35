/* SPDX-License-Identifier: MIT */
/*
 * export -o csv: RFC 4180 with a header, each line whole by itself. As everywhere no spreadsheet may take
 * a name from the network for a formula: what begins like one gets a ' in front, and so does a text that
 * begins with ', so that import can take it off again.
 */

#include <string.h>

#include "agent/ctl/export_format.h"
#include "common/timestamp.h"

static void csv_begin(struct buffer *out)
{
	buffer_append_text(out, "time,host,series,kind,unit,value\r\n");
}

static void append_escaped(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buffer_append_byte(out, '"');
		buffer_append_byte(out, *text);
	}
}

/* Append a field, which may have two parts. */
static void append_field(struct buffer *out, const char *text, const char *more)
{
	bool is_guarded = *text != '\0' && strchr("=+-@'", *text);
	bool is_quoted = strpbrk(text, ",\" ") || strpbrk(more, ",\" ");

	if (is_quoted)
		buffer_append_byte(out, '"');
	if (is_guarded)
		buffer_append_byte(out, '\'');
	append_escaped(out, text);
	append_escaped(out, more);
	if (is_quoted)
		buffer_append_byte(out, '"');
}

/* What stands between time and value is the same for all samples of a series. */
static void format_series(const struct export_sample *sample, struct buffer *out)
{
	buffer_clear(out);
	buffer_append_byte(out, ',');
	append_field(out, sample->host, "");
	buffer_append_byte(out, ',');
	append_field(out, sample->metric, sample->labels);
	buffer_append_byte(out, ',');
	append_field(out, sample->kind, "");
	buffer_append_byte(out, ',');
	append_field(out, sample->unit, "");
	buffer_append_byte(out, ',');
}

static void csv_sample(struct export_state *state, const struct export_sample *sample,
		       struct buffer *out)
{
	char time[TIMESTAMP_TEXT_MAX_BYTES];

	if (!sample->value)
		return;
	if (sample->is_new_series)
		format_series(sample, &state->series);
	buffer_append(out, time, timestamp_format(sample->time_us, time));
	buffer_append(out, state->series.data, state->series.length);
	out->failed |= buffer_failed(&state->series);
	export_append_value(out, sample);
	buffer_append_text(out, "\r\n");
}

static void csv_end(struct buffer *out)
{
	(void)out;
}

const struct export_format export_csv = {
	.name = "csv",
	.begin = csv_begin,
	.sample = csv_sample,
	.end = csv_end,
};
