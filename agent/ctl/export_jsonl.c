/* SPDX-License-Identifier: MIT */
/* export -o jsonl: an object a line, each whole by itself. What is empty is left out. */

#include <string.h>

#include "agent/ctl/export_format.h"
#include "common/series.h"
#include "common/timestamp.h"

static void jsonl_nothing(struct buffer *out)
{
	(void)out;
}

static void append_string(struct buffer *out, const char *text, size_t length)
{
	buffer_append_byte(out, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte == '"' || byte == '\\')
			buffer_append_byte(out, '\\');
		if (byte == '\n')
			buffer_append_text(out, "\\n");
		else if (byte < 0x20)
			buffer_printf(out, "\\u%04x", (unsigned int)byte);
		else
			buffer_append_byte(out, text[i]);
	}
	buffer_append_byte(out, '"');
}

static void append_member(struct buffer *out, const char *name, const char *text)
{
	if (*text == '\0')
		return;
	buffer_printf(out, ",\"%s\":", name);
	append_string(out, text, strlen(text));
}

static void append_labels(struct buffer *out, const struct export_sample *sample)
{
	struct buffer text = {0};
	struct series series;
	size_t used;

	buffer_append_text(&text, sample->metric);
	buffer_append_text(&text, sample->labels);
	/* What a store has as a series' name can be parsed; a daemon that says otherwise is refused. */
	if (buffer_failed(&text) ||
	    series_parse(&series, text.data, text.length, &used) != HM_REASON_NONE ||
	    used != text.length) {
		out->failed = true;
	} else {
		buffer_append_text(out, ",\"labels\":{");
		for (size_t i = 0; i < series.n_labels; i++) {
			const struct series_label *label = &series.labels[i];

			if (i > 0)
				buffer_append_byte(out, ',');
			append_string(out, label->name.start, label->name.length);
			buffer_append_byte(out, ':');
			append_string(out, label->value.start, label->value.length);
		}
		buffer_append_byte(out, '}');
	}
	buffer_done(&text);
}

/* What stands between time and value is the same for all samples of a series. */
static void format_series(const struct export_sample *sample, struct buffer *out)
{
	buffer_clear(out);
	append_member(out, "host", sample->host);
	append_member(out, "metric", sample->metric);
	if (*sample->labels)
		append_labels(out, sample);
	append_member(out, "kind", sample->kind);
	append_member(out, "unit", sample->unit);
	buffer_append_text(out, ",\"value\":");
}

static void append_value(struct buffer *out, const struct export_sample *sample)
{
	/* JSON has no word for a number that is not finite; and takes -0 for the integer 0. */
	bool is_text = sample->bits || !strpbrk(sample->value, "0123456789");

	if (is_text)
		buffer_append_byte(out, '"');
	export_append_value(out, sample);
	if (is_text)
		buffer_append_byte(out, '"');
	else if (strcmp(sample->value, "-0") == 0)
		buffer_append_text(out, ".0");
}

static void jsonl_sample(struct export_state *state, const struct export_sample *sample,
			 struct buffer *out)
{
	char time[TIMESTAMP_TEXT_MAX_BYTES];

	if (!sample->value)
		return;
	if (sample->is_new_series)
		format_series(sample, &state->series);
	buffer_append_text(out, "{\"time\":");
	buffer_append(out, time, timestamp_format(sample->time_us, time));
	buffer_append(out, state->series.data, state->series.length);
	out->failed |= buffer_failed(&state->series);
	append_value(out, sample);
	buffer_append_text(out, "}\n");
}

const struct export_format export_jsonl = {
	.name = "jsonl",
	.begin = jsonl_nothing,
	.sample = jsonl_sample,
	.end = jsonl_nothing,
};
