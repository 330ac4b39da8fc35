/* SPDX-License-Identifier: MIT */
/* What the formats of an import have in common. */

#include "agent/ctl/import_parser.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "common/decimal.h"
#include "common/number.h"

#define NAN_BEGIN  "NaN(0x"
#define NAN_DIGITS 16

static const struct import_format *const formats[] = {
	&import_csv,
	&import_jsonl,
	&import_openmetrics,
	&import_prometheus,
};

#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

const char *const import_names[] = {"csv", "jsonl", "openmetrics", "prometheus", NULL};

const struct import_format *import_find_format(const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++) {
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	}
	return NULL;
}

void import_parser_init(struct import_parser *parser, const struct import_format *format)
{
	memset(parser, 0, sizeof(*parser));
	parser->format = format;
	parser->knows_unit = format;
}

/* The tree only finds them. */
static void leave(void *metric)
{
	(void)metric;
}

void import_parser_done(struct import_parser *parser)
{
	buffer_done(&parser->sample.host);
	buffer_done(&parser->sample.unit);
	buffer_done(&parser->sample.series);
	buffer_done(&parser->text);
	buffer_done(&parser->family);
	buffer_done(&parser->unit);
	tdestroy(parser->metrics, leave);
	import_metrics_free(parser->all_metrics);
	parser->metrics = NULL;
	parser->all_metrics = NULL;
}

/*
 * Which format begins like that? An object's name is followed by a colon; in braces Prometheus has a
 * metric's name, followed by a comma or the end.
 */
static const struct import_format *recognise(const char *line, size_t length)
{
	if (length > 1 && line[0] == '{' && (line[1] == '"' || line[1] == ' ')) {
		const char *quote = memchr(line + 2, '"', length - 2);
		if (quote && line[1] == ' ')
			quote = memchr(quote + 1, '"', (size_t)(line + length - quote - 1));
		while (quote && quote + 1 < line + length && quote[1] == ' ')
			quote++;
		return quote && quote + 1 < line + length && quote[1] == ':' ? &import_jsonl
									     : &import_openmetrics;
	}
	/* The header of a CSV is words and commas; a line of the others has a blank or a brace. */
	if (memchr(line, ',', length) && !memchr(line, '{', length) && !memchr(line, ' ', length))
		return &import_csv;
	return &import_openmetrics;
}

static void clear(struct import_sample *sample)
{
	buffer_clear(&sample->host);
	buffer_clear(&sample->unit);
	buffer_clear(&sample->series);
	sample->kind = HM_STORED_UNKNOWN;
}

enum import_verdict import_parser_take(struct import_parser *parser, const char *line,
				       size_t length)
{
	enum import_verdict verdict;

	if (length > 0 && line[length - 1] == '\r')
		length--;
	if (length == 0)
		return IMPORT_NOTHING;
	if (length > IMPORT_LINE_MAX_BYTES)
		return import_refuse(parser, "the line is too long");
	if (memchr(line, '\0', length))
		return import_refuse(parser, "it holds a NUL byte");
	if (!parser->format)
		parser->format = recognise(line, length);
	clear(&parser->sample);
	verdict = parser->format->take(parser, line, length);
	if (buffer_failed(&parser->sample.host) || buffer_failed(&parser->sample.unit) ||
	    buffer_failed(&parser->sample.series) || buffer_failed(&parser->text) ||
	    buffer_failed(&parser->family) || buffer_failed(&parser->unit))
		return IMPORT_FAILED;
	return verdict;
}

enum import_verdict import_refuse(struct import_parser *parser, const char *problem)
{
	parser->problem = problem;
	return IMPORT_REFUSED;
}

/* The bits of a NaN, as export writes them. */
static int parse_bits(const char *text, size_t length, double *ret_value)
{
	size_t begin = strlen(NAN_BEGIN);
	char digits[NAN_DIGITS + 1];

	if (length != begin + NAN_DIGITS + 1 || memcmp(text, NAN_BEGIN, begin) != 0 ||
	    text[length - 1] != ')')
		return -EINVAL;
	memcpy(digits, text + begin, NAN_DIGITS);
	digits[NAN_DIGITS] = '\0';
	if (strspn(digits, "0123456789abcdef") != NAN_DIGITS)
		return -EINVAL;
	*ret_value = decimal_from_bits(strtoull(digits, NULL, 16));
	return *ret_value != *ret_value ? 0 : -EINVAL;
}

int import_parse_value(const char *text, size_t length, double *ret_value)
{
	if (number_parse(text, length, ret_value) == 0)
		return 0;
	return parse_bits(text, length, ret_value);
}

static bool is_word(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(text, word, length) == 0;
}

enum hm_stored_kind import_parse_kind(const char *text, size_t length)
{
	if (is_word(text, length, "gauge"))
		return HM_STORED_GAUGE;
	return is_word(text, length, "counter") ? HM_STORED_COUNTER : HM_STORED_UNKNOWN;
}

enum import_verdict import_take_series(struct import_parser *parser)
{
	if (series_take_label(&parser->series, "host").start)
		return import_refuse(parser, "the host is no label here, but stands by itself");
	series_format(&parser->series, &parser->sample.series);
	return IMPORT_SAMPLE;
}
