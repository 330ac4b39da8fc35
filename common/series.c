/* SPDX-License-Identifier: MIT */
/* The name of a series: a metric and its labels. */

#include "common/series.h"

#include <stdint.h>
#include <string.h>

#include "common/text.h"

/* What a byte means in a name. A byte with none of these belongs to any word. */
enum byte_class {
	BYTE_ENDS_METRIC = 1,    /* blank, tab, { ; */
	BYTE_ENDS_TAG_VALUE = 2, /* blank, tab, ; */
	BYTE_NOT_LABEL = 4,      /* not in the name of a label: blank, tab, = ; , { } " */
	BYTE_NOT_METRIC = 8,     /* not in the name of a metric: } " */
	BYTE_IN_QUOTES = 16,     /* means something between quotes: " \ */
};

static const uint8_t byte_classes[256] = {
	[' '] = BYTE_ENDS_METRIC | BYTE_ENDS_TAG_VALUE | BYTE_NOT_LABEL,
	['\t'] = BYTE_ENDS_METRIC | BYTE_ENDS_TAG_VALUE | BYTE_NOT_LABEL,
	['{'] = BYTE_ENDS_METRIC | BYTE_NOT_LABEL,
	[';'] = BYTE_ENDS_METRIC | BYTE_ENDS_TAG_VALUE | BYTE_NOT_LABEL,
	['='] = BYTE_NOT_LABEL,
	[','] = BYTE_NOT_LABEL,
	['}'] = BYTE_NOT_LABEL | BYTE_NOT_METRIC,
	['"'] = BYTE_NOT_LABEL | BYTE_NOT_METRIC | BYTE_IN_QUOTES,
	['\\'] = BYTE_IN_QUOTES,
};

/* The text that is being parsed. */
struct cursor {
	const char *at;
	const char *end;
};

/* Take everything off up to the first byte of one of these classes. */
static struct series_text take_until(struct cursor *cursor, unsigned int classes)
{
	struct series_text taken = {.start = cursor->at};

	while (cursor->at < cursor->end && !(byte_classes[(uint8_t)*cursor->at] & classes))
		cursor->at++;
	taken.length = (size_t)(cursor->at - taken.start);
	return taken;
}

/* @return whether the next byte was this one, which is then taken off */
static bool take_byte(struct cursor *cursor, char byte)
{
	if (cursor->at == cursor->end || *cursor->at != byte)
		return false;
	cursor->at++;
	return true;
}

static void skip_blanks(struct cursor *cursor)
{
	while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
		cursor->at++;
}

/* Take the name of a label off. @return false when there is none, or an unclean one */
static bool take_label_name(struct cursor *cursor, struct series_text *ret_name)
{
	*ret_name = take_until(cursor, BYTE_NOT_LABEL);
	return ret_name->length > 0 && text_is_clean(ret_name->start, ret_name->length);
}

static bool is_label_name(struct series_text name)
{
	struct cursor cursor = {name.start, name.start + name.length};
	struct series_text taken;

	return take_label_name(&cursor, &taken) && taken.length == name.length;
}

/* A value is clean text, but may have several lines. */
static bool is_label_value(struct series_text value)
{
	const char *end = value.start + value.length;

	for (const char *line = value.start; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *line_end = newline ? newline : end;

		if (!text_is_clean(line, (size_t)(line_end - line)))
			return false;
		line = line_end + 1;
	}
	return true;
}

static int compare_texts(struct series_text a, struct series_text b)
{
	size_t length = a.length < b.length ? a.length : b.length;
	int order = memcmp(a.start, b.start, length);

	if (order != 0)
		return order;
	return (a.length > b.length) - (a.length < b.length);
}

/* Put a label in its place. The names are sorted already, most often. */
static enum hm_reason insert_label(struct series *series, const struct series_label *label)
{
	size_t i = series->n_labels;

	if (i == HM_LABELS_MAX)
		return HM_REASON_TOO_MANY_LABELS;
	for (; i > 0; i--) {
		int order = compare_texts(series->labels[i - 1].name, label->name);

		if (order == 0)
			return HM_REASON_BAD_LABELS;
		if (order < 0)
			break;
	}
	memmove(&series->labels[i + 1], &series->labels[i],
		(series->n_labels - i) * sizeof(series->labels[0]));
	series->labels[i] = *label;
	series->n_labels++;
	return HM_REASON_NONE;
}

/* Bytes of all names and values together: what HM_LABEL_SET_MAX_BYTES limits. */
static size_t label_set_bytes(const struct series *series)
{
	size_t n_bytes = 0;

	for (size_t i = 0; i < series->n_labels; i++)
		n_bytes += series->labels[i].name.length + series->labels[i].value.length;
	return n_bytes;
}

/* The byte that \c stands for, or 0. */
static char unescape(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case '"':
	case '\\':
		return c;
	default:
		return '\0';
	}
}

/* Put bytes behind the values that had escapes. */
static bool append_value(struct series *series, const char *bytes, size_t length)
{
	if (length > sizeof(series->values) - series->values_length)
		return false;
	memcpy(series->values + series->values_length, bytes, length);
	series->values_length += length;
	return true;
}

/* Take the rest of a quoted value that has escapes, up to the closing quote. */
static enum hm_reason take_escaped_value(struct series *series, struct cursor *cursor,
					 struct series_text *ret_value)
{
	size_t begin = series->values_length;

	for (;;) {
		struct series_text plain = take_until(cursor, BYTE_IN_QUOTES);
		char byte;

		if (!text_is_clean(plain.start, plain.length))
			return HM_REASON_BAD_LABELS;
		if (!append_value(series, plain.start, plain.length))
			return HM_REASON_TOO_MANY_LABELS;
		if (!take_byte(cursor, '\\'))
			break;
		if (cursor->at == cursor->end)
			return HM_REASON_BAD_LABELS;
		byte = unescape(*cursor->at++);
		if (!byte)
			return HM_REASON_BAD_LABELS;
		if (!append_value(series, &byte, 1))
			return HM_REASON_TOO_MANY_LABELS;
	}
	ret_value->start = series->values + begin;
	ret_value->length = series->values_length - begin;
	return HM_REASON_NONE;
}

/* Take "value" with its quotes. */
static enum hm_reason take_quoted_value(struct series *series, struct cursor *cursor,
					struct series_text *ret_value)
{
	enum hm_reason reason = HM_REASON_NONE;
	struct series_text value;
	const char *start;

	if (!take_byte(cursor, '"'))
		return HM_REASON_BAD_LABELS;
	start = cursor->at;
	value = take_until(cursor, BYTE_IN_QUOTES);
	if (cursor->at < cursor->end && *cursor->at == '\\') {
		cursor->at = start;
		reason = take_escaped_value(series, cursor, &value);
	} else if (!text_is_clean(value.start, value.length)) {
		reason = HM_REASON_BAD_LABELS;
	}
	if (reason == HM_REASON_NONE && !take_byte(cursor, '"'))
		reason = HM_REASON_BAD_LABELS;
	if (reason == HM_REASON_NONE)
		*ret_value = value;
	return reason;
}

/* Parse `label="value",...}` behind the opening brace. As in Prometheus, a last comma may stand. */
static enum hm_reason parse_braces(struct series *series, struct cursor *cursor)
{
	for (;;) {
		struct series_label label;
		enum hm_reason reason;

		skip_blanks(cursor);
		if (take_byte(cursor, '}'))
			return HM_REASON_NONE;
		if (!take_label_name(cursor, &label.name))
			return HM_REASON_BAD_LABELS;
		skip_blanks(cursor);
		if (!take_byte(cursor, '='))
			return HM_REASON_BAD_LABELS;
		skip_blanks(cursor);
		reason = take_quoted_value(series, cursor, &label.value);
		if (reason == HM_REASON_NONE)
			reason = insert_label(series, &label);
		if (reason != HM_REASON_NONE)
			return reason;
		skip_blanks(cursor);
		if (!take_byte(cursor, ',') && (cursor->at == cursor->end || *cursor->at != '}'))
			return HM_REASON_BAD_LABELS;
	}
}

/* Parse `;label=value...` */
static enum hm_reason parse_tags(struct series *series, struct cursor *cursor)
{
	while (take_byte(cursor, ';')) {
		struct series_label label;
		enum hm_reason reason;

		if (!take_label_name(cursor, &label.name) || !take_byte(cursor, '='))
			return HM_REASON_BAD_LABELS;
		label.value = take_until(cursor, BYTE_ENDS_TAG_VALUE);
		if (!text_is_clean(label.value.start, label.value.length))
			return HM_REASON_BAD_LABELS;
		reason = insert_label(series, &label);
		if (reason != HM_REASON_NONE)
			return reason;
	}
	return HM_REASON_NONE;
}

/* No value and no label are the same. */
static void remove_empty_labels(struct series *series)
{
	size_t n = 0;

	for (size_t i = 0; i < series->n_labels; i++) {
		if (series->labels[i].value.length > 0)
			series->labels[n++] = series->labels[i];
	}
	series->n_labels = n;
}

static bool is_metric_name(struct series_text metric)
{
	struct cursor rest = {metric.start, metric.start + metric.length};

	return metric.length > 0 && metric.length <= HM_METRIC_NAME_MAX_BYTES &&
	       take_until(&rest, BYTE_NOT_METRIC).length == metric.length &&
	       text_is_clean(metric.start, metric.length);
}

static enum hm_reason parse_labels(struct series *series, struct cursor *cursor)
{
	enum hm_reason reason = HM_REASON_NONE;

	if (take_byte(cursor, '{'))
		reason = parse_braces(series, cursor);
	if (reason == HM_REASON_NONE)
		reason = parse_tags(series, cursor);
	if (reason != HM_REASON_NONE)
		return reason;
	if (cursor->at < cursor->end && *cursor->at != ' ' && *cursor->at != '\t')
		return HM_REASON_BAD_LABELS;
	if (label_set_bytes(series) > HM_LABEL_SET_MAX_BYTES)
		return HM_REASON_TOO_MANY_LABELS;
	remove_empty_labels(series);
	return HM_REASON_NONE;
}

enum hm_reason series_parse(struct series *series, const char *text, size_t length,
			    size_t *ret_used)
{
	struct cursor cursor = {text, text + length};
	enum hm_reason reason;

	/* Not zeroed as a whole: it is large, and this runs for every line. */
	series->n_labels = 0;
	series->values_length = 0;
	series->metric = take_until(&cursor, BYTE_ENDS_METRIC);
	if (!is_metric_name(series->metric))
		return HM_REASON_BAD_NAME;
	reason = parse_labels(series, &cursor);
	if (reason == HM_REASON_NONE)
		*ret_used = (size_t)(cursor.at - text);
	return reason;
}

struct series_text series_take_label(struct series *series, const char *name)
{
	struct series_text wanted = {name, strlen(name)};
	struct series_text none = {0};

	for (size_t i = 0; i < series->n_labels; i++) {
		struct series_label label = series->labels[i];

		if (compare_texts(label.name, wanted) != 0)
			continue;
		series->n_labels--;
		memmove(&series->labels[i], &series->labels[i + 1],
			(series->n_labels - i) * sizeof(series->labels[0]));
		return label.value;
	}
	return none;
}

enum hm_reason series_add_label(struct series *series, const char *name, const char *value)
{
	struct series_label label = {{name, strlen(name)}, {value, strlen(value)}};
	size_t n_bytes;

	if (!is_label_name(label.name) || !is_label_value(label.value))
		return HM_REASON_BAD_LABELS;
	if (__builtin_add_overflow(label.name.length, label.value.length, &n_bytes) ||
	    __builtin_add_overflow(n_bytes, label_set_bytes(series), &n_bytes) ||
	    n_bytes > HM_LABEL_SET_MAX_BYTES)
		return HM_REASON_TOO_MANY_LABELS;
	if (label.value.length == 0)
		return HM_REASON_NONE;
	return insert_label(series, &label);
}

/* Append a value between quotes, with escapes where it needs them. */
static void format_value(struct series_text value, struct buffer *out)
{
	const char *end = value.start + value.length;
	const char *plain = value.start;

	buffer_append_byte(out, '"');
	for (const char *at = plain; at < end; at++) {
		char byte = *at;

		if (byte != '\n' && !(byte_classes[(uint8_t)byte] & BYTE_IN_QUOTES))
			continue;
		if (byte == '\n')
			byte = 'n';
		buffer_append(out, plain, (size_t)(at - plain));
		buffer_append_byte(out, '\\');
		buffer_append_byte(out, byte);
		plain = at + 1;
	}
	buffer_append(out, plain, (size_t)(end - plain));
	buffer_append_byte(out, '"');
}

void series_format_labels(const struct series *series, struct buffer *out)
{
	if (series->n_labels == 0)
		return;
	for (size_t i = 0; i < series->n_labels; i++) {
		const struct series_label *label = &series->labels[i];

		buffer_append_byte(out, i == 0 ? '{' : ',');
		buffer_append(out, label->name.start, label->name.length);
		buffer_append_byte(out, '=');
		format_value(label->value, out);
	}
	buffer_append_byte(out, '}');
}

void series_format(const struct series *series, struct buffer *out)
{
	buffer_append(out, series->metric.start, series->metric.length);
	series_format_labels(series, out);
}
