/* SPDX-License-Identifier: MIT */
/* An object a line: time, metric and value, and perhaps host, labels, kind and unit. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/import_parser.h"
#include "agent/ctl/json_text.h"
#include "common/reason.h"
#include "common/timestamp.h"

enum member { TIME, HOST, METRIC, LABELS, KIND, UNIT, VALUE, OTHER };

static const char *const names[] = {
	[TIME] = "time", [HOST] = "host", [METRIC] = "metric", [LABELS] = "labels",
	[KIND] = "kind", [UNIT] = "unit", [VALUE] = "value",
};

/* Where the texts of a line lie in the parser's text. */
struct members {
	bool has[OTHER + 1];
	struct series_text time; /* of the line */
	struct series_text value;
	size_t metric;
	size_t labels[HM_LABELS_MAX][2];
	size_t n_labels;
};

static enum member find_member(const char *name)
{
	for (enum member member = TIME; member < OTHER; member++) {
		if (strcmp(names[member], name) == 0)
			return member;
	}
	return OTHER;
}

/* Read a string into the parser's text, ended by a NUL. @return where it begins; SIZE_MAX: there is
 * none, or it holds a NUL */
static size_t take_string(struct import_parser *parser, struct json_text *json)
{
	size_t start = parser->text.length;

	if (!json_text_string(json, &parser->text) || !parser->text.data ||
	    memchr(parser->text.data + start, '\0', parser->text.length - start))
		return SIZE_MAX;
	buffer_append_byte(&parser->text, '\0');
	return buffer_failed(&parser->text) ? SIZE_MAX : start;
}

/* A number, or a string with what JSON has no number for. */
static bool take_number(struct import_parser *parser, struct json_text *json,
			struct series_text *ret_text)
{
	size_t start;

	if (json_text_peek(json) != '"')
		return json_text_number(json, &ret_text->start, &ret_text->length);
	/* No number has an escape: it stands there as it is. */
	ret_text->start = json->at + 1;
	start = take_string(parser, json);
	if (start == SIZE_MAX)
		return false;
	ret_text->length = (size_t)(json->at - 1 - ret_text->start);
	return true;
}

static bool take_labels(struct import_parser *parser, struct json_text *json,
			struct members *members)
{
	if (!json_text_byte(json, '{'))
		return false;
	if (json_text_byte(json, '}'))
		return true;
	do {
		size_t *label;

		if (members->n_labels == HM_LABELS_MAX)
			return false;
		label = members->labels[members->n_labels];
		label[0] = take_string(parser, json);
		if (label[0] == SIZE_MAX || !json_text_byte(json, ':'))
			return false;
		label[1] = take_string(parser, json);
		if (label[1] == SIZE_MAX)
			return false;
		members->n_labels++;
	} while (json_text_byte(json, ','));
	return json_text_byte(json, '}');
}

static bool take_text(struct import_parser *parser, struct json_text *json, struct buffer *out)
{
	size_t start = take_string(parser, json);

	if (start == SIZE_MAX)
		return false;
	buffer_append_text(out, parser->text.data + start);
	return true;
}

static bool take_member(struct import_parser *parser, struct json_text *json, enum member member,
			struct members *members)
{
	struct import_sample *sample = &parser->sample;
	size_t start;

	switch (member) {
	case TIME:
		return take_number(parser, json, &members->time);
	case VALUE:
		return take_number(parser, json, &members->value);
	case HOST:
		return take_text(parser, json, &sample->host);
	case UNIT:
		return take_text(parser, json, &sample->unit);
	case METRIC:
		members->metric = take_string(parser, json);
		return members->metric != SIZE_MAX;
	case KIND:
		start = take_string(parser, json);
		if (start == SIZE_MAX)
			return false;
		sample->kind = import_parse_kind(parser->text.data + start,
						 strlen(parser->text.data + start));
		return true;
	case LABELS:
		return take_labels(parser, json, members);
	case OTHER:
		break;
	}
	return json_text_skip(json);
}

static bool take_object(struct import_parser *parser, struct json_text *json,
			struct members *members)
{
	if (!json_text_byte(json, '{'))
		return false;
	if (json_text_byte(json, '}'))
		return json_text_is_at_end(json);
	do {
		size_t start = take_string(parser, json);
		enum member member;

		if (start == SIZE_MAX || !json_text_byte(json, ':'))
			return false;
		member = find_member(parser->text.data + start);
		/* Which of two would count? */
		if (member != OTHER && members->has[member])
			return false;
		members->has[member] = true;
		if (!take_member(parser, json, member, members))
			return false;
	} while (json_text_byte(json, ','));
	return json_text_byte(json, '}') && json_text_is_at_end(json);
}

/* Put the series together from metric and labels. */
static enum import_verdict take_series(struct import_parser *parser, const struct members *members)
{
	const char *text = parser->text.data;
	size_t length = strlen(text + members->metric);
	enum hm_reason reason;
	size_t used;

	reason = series_parse(&parser->series, text + members->metric, length, &used);
	if (reason == HM_REASON_NONE && (used != length || parser->series.metric.length != length))
		reason = HM_REASON_BAD_NAME;
	for (size_t i = 0; i < members->n_labels && reason == HM_REASON_NONE; i++) {
		/* No value and no label are the same. */
		if (text[members->labels[i][1]] != '\0')
			reason = series_add_label(&parser->series, text + members->labels[i][0],
						  text + members->labels[i][1]);
	}
	if (reason != HM_REASON_NONE)
		return import_refuse(parser, reason_text(reason));
	return import_take_series(parser);
}

static enum import_verdict jsonl_take(struct import_parser *parser, const char *line, size_t length)
{
	struct import_sample *sample = &parser->sample;
	struct json_text json = {line, line + length};
	struct members members = {0};

	buffer_clear(&parser->text);
	if (!take_object(parser, &json, &members)) {
		return buffer_failed(&parser->text)
			       ? IMPORT_FAILED
			       : import_refuse(parser, "it is not one JSON object of such members");
	}
	if (!members.has[TIME] || !members.has[METRIC] || !members.has[VALUE])
		return import_refuse(parser, "time, metric or value is missing");
	if (timestamp_parse(members.time.start, members.time.length, &sample->time_us) < 0)
		return import_refuse(parser, reason_text(HM_REASON_BAD_TIME));
	if (import_parse_value(members.value.start, members.value.length, &sample->value) < 0)
		return import_refuse(parser, reason_text(HM_REASON_BAD_VALUE));
	return take_series(parser, &members);
}

const struct import_format import_jsonl = {.name = "jsonl", .take = jsonl_take};
