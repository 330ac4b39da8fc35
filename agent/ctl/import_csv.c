/* SPDX-License-Identifier: MIT */
/* CSV with a header, whose columns may stand in any order; others than ours are passed over. */

#include <errno.h>
#include <string.h>

#include "agent/ctl/import_parser.h"
#include "common/reason.h"
#include "common/timestamp.h"

enum column { TIME, HOST, SERIES, KIND, UNIT, VALUE };

/* More fields in a line are not looked at, and refused. */
#define FIELDS_MAX 64

#define NO_FIELD FIELDS_MAX

static const char *const names[IMPORT_CSV_COLUMNS] = {
	[TIME] = "time", [HOST] = "host", [SERIES] = "series",
	[KIND] = "kind", [UNIT] = "unit", [VALUE] = "value",
};

struct fields {
	unsigned int n;
	size_t start[FIELDS_MAX + 1]; /* in the parser's text; each ends where the next begins */
};

/* Take a field between quotes off. @return behind its closing quote; NULL: there is none */
static const char *take_quoted(struct buffer *text, const char *at, const char *end)
{
	for (at++; at < end; at++) {
		if (*at == '"' && (at + 1 == end || at[1] != '"'))
			return at + 1;
		if (*at == '"')
			at++;
		buffer_append_byte(text, *at);
	}
	return NULL;
}

static const char *take_plain(struct buffer *text, const char *at, const char *end)
{
	const char *comma = memchr(at, ',', (size_t)(end - at));

	if (!comma)
		comma = end;
	buffer_append(text, at, (size_t)(comma - at));
	return comma;
}

/* Cut a line. @return false: it is no CSV, or has too many fields */
static bool cut(struct import_parser *parser, const char *at, const char *end,
		struct fields *fields)
{
	struct buffer *text = &parser->text;

	buffer_clear(text);
	fields->n = 0;
	for (;;) {
		if (fields->n == FIELDS_MAX)
			return false;
		fields->start[fields->n++] = text->length;
		at = at < end && *at == '"' ? take_quoted(text, at, end)
					    : take_plain(text, at, end);
		if (!at)
			return false;
		fields->start[fields->n] = text->length;
		if (at == end)
			return true;
		if (*at++ != ',')
			return false;
	}
}

static struct series_text field(const struct import_parser *parser, const struct fields *fields,
				unsigned int i)
{
	if (i >= fields->n || !parser->text.data)
		return (struct series_text){.start = ""};
	return (struct series_text){parser->text.data + fields->start[i],
				    fields->start[i + 1] - fields->start[i]};
}

static enum import_verdict take_header(struct import_parser *parser, const struct fields *fields)
{
	parser->n_fields = fields->n;
	for (unsigned int column = 0; column < IMPORT_CSV_COLUMNS; column++) {
		unsigned int i = 0;

		for (; i < fields->n; i++) {
			struct series_text name = field(parser, fields, i);

			if (name.length == strlen(names[column]) &&
			    memcmp(name.start, names[column], name.length) == 0)
				break;
		}
		parser->field_of[column] = i < fields->n ? i : NO_FIELD;
	}
	parser->has_header = parser->field_of[TIME] != NO_FIELD &&
			     parser->field_of[SERIES] != NO_FIELD &&
			     parser->field_of[VALUE] != NO_FIELD;
	if (!parser->has_header)
		return import_refuse(parser, "the header does not name time, series and value");
	return IMPORT_NOTHING;
}

/* A text without the ' that keeps spreadsheets from taking it for a formula. */
static struct series_text text_of(const struct import_parser *parser, const struct fields *fields,
				  enum column column)
{
	struct series_text text = field(parser, fields, parser->field_of[column]);

	if (text.length > 0 && text.start[0] == '\'') {
		text.start++;
		text.length--;
	}
	return text;
}

static enum import_verdict take_texts(struct import_parser *parser, const struct fields *fields)
{
	struct import_sample *sample = &parser->sample;
	struct series_text text = text_of(parser, fields, HOST);
	enum hm_reason reason;
	size_t used;

	buffer_append(&sample->host, text.start, text.length);
	text = text_of(parser, fields, UNIT);
	buffer_append(&sample->unit, text.start, text.length);
	text = text_of(parser, fields, KIND);
	sample->kind = import_parse_kind(text.start, text.length);
	text = text_of(parser, fields, SERIES);
	reason = series_parse(&parser->series, text.start, text.length, &used);
	if (reason == HM_REASON_NONE && used != text.length)
		reason = HM_REASON_BAD_NAME;
	if (reason != HM_REASON_NONE)
		return import_refuse(parser, reason_text(reason));
	return import_take_series(parser);
}

static enum import_verdict csv_take(struct import_parser *parser, const char *line, size_t length)
{
	struct import_sample *sample = &parser->sample;
	struct series_text time;
	struct series_text value;
	struct fields fields;

	if (!cut(parser, line, line + length, &fields))
		return import_refuse(parser, "it is no line of a CSV, or has over 64 fields");
	if (!parser->has_header)
		return take_header(parser, &fields);
	if (fields.n != parser->n_fields)
		return import_refuse(parser, "it has not as many fields as the header");
	time = field(parser, &fields, parser->field_of[TIME]);
	value = field(parser, &fields, parser->field_of[VALUE]);
	if (timestamp_parse(time.start, time.length, &sample->time_us) < 0)
		return import_refuse(parser, reason_text(HM_REASON_BAD_TIME));
	if (import_parse_value(value.start, value.length, &sample->value) < 0)
		return import_refuse(parser, reason_text(HM_REASON_BAD_VALUE));
	return take_texts(parser, &fields);
}

const struct import_format import_csv = {.name = "csv", .take = csv_take};
