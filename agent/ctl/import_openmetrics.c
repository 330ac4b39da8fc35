/* SPDX-License-Identifier: MIT */
/*
 * OpenMetrics, and the text format of Prometheus and node_exporter, with times: seconds in the one,
 * milliseconds in the other. Where nobody said which it is the first time tells: milliseconds are a whole
 * number from 1e11 on (as seconds that would be after the year 5138).
 */

#include <errno.h>
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/import_parser.h"
#include "agent/ctl/openmetrics.h"
#include "common/decimal.h"
#include "common/reason.h"
#include "common/timestamp.h"

#define MILLISECONDS_FROM_US (INT64_C(100000000000) * TIMESTAMP_SECOND_US)

/* What is left of a line. */
struct rest {
	const char *at;
	const char *end;
};

/* What was told of a metric of a host. */
struct import_metric {
	struct import_metric *next; /* of the parser's */
	enum hm_stored_kind kind;
	char unit[HM_UNIT_MAX_BYTES + 1];
	char key[]; /* the host, a newline, the metric: no name holds one */
};

void import_metrics_free(struct import_metric *metric)
{
	while (metric) {
		struct import_metric *next = metric->next;

		free(metric);
		metric = next;
	}
}

static int compare_metrics(const void *a, const void *b)
{
	return strcmp(((const struct import_metric *)a)->key,
		      ((const struct import_metric *)b)->key);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct series_text take_word(struct rest *rest)
{
	struct series_text word;

	while (rest->at < rest->end && is_blank(*rest->at))
		rest->at++;
	word.start = rest->at;
	while (rest->at < rest->end && !is_blank(*rest->at))
		rest->at++;
	word.length = (size_t)(rest->at - word.start);
	return word;
}

static bool word_is(struct series_text word, const char *text)
{
	return word.length == strlen(text) && memcmp(word.start, text, word.length) == 0;
}

/* -- names ----------------------------------------------------------------------------------------- */

/* Append what stands between quotes. @return behind the closing quote, or NULL */
static const char *unquote(struct buffer *out, const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++) {
		bool is_escaped = *at == '\\';

		if (is_escaped && ++at == end)
			return NULL;
		/* With a newline it is no name that is taken. */
		if (is_escaped && *at == 'n')
			buffer_append_byte(out, '\n');
		else
			buffer_append_byte(out, *at);
	}
	return at < end ? at + 1 : NULL;
}

/* Append a quoted value as it is. @return behind its closing quote, or NULL */
static const char *copy_value(struct buffer *out, const char *at, const char *end)
{
	const char *start = at++;

	while (at < end && *at != '"')
		at += *at == '\\' ? 2 : 1;
	if (at >= end)
		return NULL;
	buffer_append(out, start, (size_t)(at + 1 - start));
	return at + 1;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

/* Append a name, which ends at its closing quote or before a =. @return behind it, or NULL */
static const char *copy_name(struct buffer *out, const char *at, const char *end)
{
	const char *equals;

	if (*at == '"')
		return unquote(out, at, end);
	equals = memchr(at, '=', (size_t)(end - at));
	if (equals)
		buffer_append(out, at, (size_t)(equals - at));
	return equals;
}

/* Take a label, or the name of the metric, which comes once. @return behind it, or NULL */
static const char *copy_item(struct buffer *metric, struct buffer *labels, const char *at,
			     const char *end)
{
	size_t start = labels->length;

	at = copy_name(labels, at, end);
	if (!at)
		return NULL;
	at = skip_blanks(at, end);
	if (at < end && *at == '=') {
		at = skip_blanks(at + 1, end);
		buffer_append_byte(labels, '=');
		at = at < end && *at == '"' ? copy_value(labels, at, end) : NULL;
		buffer_append_byte(labels, ',');
		return at;
	}
	if (metric->length > 0 || labels->length == start)
		return NULL;
	buffer_append(metric, labels->data + start, labels->length - start);
	labels->length = start;
	return at;
}

/* Take all that stands between the braces. @return where they close, or NULL */
static const char *copy_items(struct buffer *metric, struct buffer *labels, const char *at,
			      const char *end)
{
	for (;;) {
		at = skip_blanks(at, end);
		if (at == end || *at == '}')
			return at == end ? NULL : at;
		at = copy_item(metric, labels, at, end);
		if (!at)
			return NULL;
		at = skip_blanks(at, end);
		if (at < end && *at == ',')
			at++;
		else if (at == end || *at != '}')
			return NULL;
	}
}

/*
 * Write {"name",label="value","label"="value"} as name{label="value",...}.
 * @return behind the closing brace; NULL: that is none
 */
static const char *write_plain(struct buffer *out, const char *at, const char *end)
{
	const char *brace = memchr(at, '{', (size_t)(end - at));
	struct buffer labels = {0};

	buffer_clear(out);
	if (!brace)
		return NULL;
	buffer_append(out, at, (size_t)(brace - at));
	at = copy_items(out, &labels, brace + 1, end);
	/* Without a name there is nothing to be parsed. */
	if (out->length == 0)
		at = NULL;
	buffer_append_byte(out, '{');
	if (labels.length > 0)
		buffer_append(out, labels.data, labels.length);
	buffer_append_byte(out, '}');
	out->failed |= buffer_failed(&labels);
	buffer_done(&labels);
	return at ? at + 1 : NULL;
}

/* Take the name of a series off, in either notation. */
static enum hm_reason take_series(struct import_parser *parser, struct rest *rest)
{
	size_t length = (size_t)(rest->end - rest->at);
	enum hm_reason reason;
	const char *behind;
	size_t used;

	reason = series_parse(&parser->series, rest->at, length, &used);
	if (reason == HM_REASON_NONE) {
		rest->at += used;
		return reason;
	}
	behind = write_plain(&parser->text, rest->at, rest->end);
	if (!behind || !parser->text.data)
		return reason;
	reason = series_parse(&parser->series, parser->text.data, parser->text.length, &used);
	if (reason == HM_REASON_NONE && used != parser->text.length)
		reason = HM_REASON_BAD_NAME;
	rest->at = behind;
	return reason;
}

/* -- comments -------------------------------------------------------------------------------------- */

/* The name of a family, in quotes perhaps. */
static bool take_family(struct rest *rest, struct buffer *out)
{
	struct series_text word;

	rest->at = skip_blanks(rest->at, rest->end);
	buffer_clear(out);
	if (rest->at < rest->end && *rest->at == '"') {
		rest->at = unquote(out, rest->at, rest->end);
		return rest->at;
	}
	word = take_word(rest);
	buffer_append(out, word.start, word.length);
	return word.length > 0;
}

static bool is_family(const struct import_parser *parser, const struct buffer *name)
{
	return name->length == parser->family.length &&
	       (name->length == 0 || memcmp(name->data, parser->family.data, name->length) == 0);
}

/* What is said of another family begins anew. */
static void change_family(struct import_parser *parser, const struct buffer *name)
{
	if (is_family(parser, name))
		return;
	buffer_clear(&parser->family);
	buffer_append(&parser->family, name->data, name->length);
	buffer_clear(&parser->unit);
	parser->kind = HM_STORED_UNKNOWN;
}

/* A comment is never wrong. */
static enum import_verdict take_comment(struct import_parser *parser, struct rest rest)
{
	struct series_text keyword;
	struct series_text word;
	bool is_type;

	rest.at++;
	keyword = take_word(&rest);
	if (word_is(keyword, "EOF"))
		parser->has_ended = true;
	is_type = word_is(keyword, "TYPE");
	if ((!is_type && !word_is(keyword, "UNIT")) || !take_family(&rest, &parser->text) ||
	    !parser->text.data)
		return IMPORT_NOTHING;
	change_family(parser, &parser->text);
	word = take_word(&rest);
	if (is_type) {
		parser->kind = import_parse_kind(word.start, word.length);
	} else {
		buffer_clear(&parser->unit);
		buffer_append(&parser->unit, word.start, word.length);
	}
	return IMPORT_NOTHING;
}

/* -- kind and unit --------------------------------------------------------------------------------- */

static struct import_metric *metric_new(struct series_text host, struct series_text name)
{
	struct import_metric *metric = calloc(1, sizeof(*metric) + host.length + name.length + 2);

	if (!metric)
		return NULL;
	if (host.length > 0)
		memcpy(metric->key, host.start, host.length);
	metric->key[host.length] = '\n';
	if (name.length > 0)
		memcpy(metric->key + host.length + 1, name.start, name.length);
	return metric;
}

/* The sample of hostmetrics_metric_info that stands in the parser's series. */
static enum import_verdict take_metric(struct import_parser *parser)
{
	struct series *series = &parser->series;
	struct series_text unit = series_take_label(series, "unit");
	struct series_text kind = series_take_label(series, "kind");
	struct series_text name = series_take_label(series, "metric");
	struct import_metric *metric = metric_new(series_take_label(series, "host"), name);
	struct import_metric **place;

	if (!metric)
		return IMPORT_FAILED;
	if (!name.start || unit.length > HM_UNIT_MAX_BYTES) {
		free(metric);
		return import_refuse(parser, "it names no metric, or too long a unit");
	}
	metric->kind = import_parse_kind(kind.start ? kind.start : "", kind.length);
	if (unit.length > 0)
		memcpy(metric->unit, unit.start, unit.length);
	place = tsearch(metric, &parser->metrics, compare_metrics);
	if (place && *place == metric) {
		metric->next = parser->all_metrics;
		parser->all_metrics = metric;
	} else {
		free(metric);
	}
	return place ? IMPORT_NOTHING : IMPORT_FAILED;
}

/* Is a metric one of the family that was declared last? */
static bool is_of_family(const struct import_parser *parser, struct series_text metric)
{
	size_t length = parser->family.length;

	if (length == 0 || metric.length < length ||
	    memcmp(metric.start, parser->family.data, length) != 0)
		return false;
	return metric.length == length || (parser->kind == HM_STORED_COUNTER &&
					   metric.length == length + OPENMETRICS_TOTAL_BYTES &&
					   openmetrics_is_total(metric.start, metric.length));
}

/* What is known of the metric of the sample. */
static enum import_verdict describe(struct import_parser *parser, struct series_text host)
{
	struct import_sample *sample = &parser->sample;
	struct series_text name = parser->series.metric;
	struct import_metric **place;
	struct import_metric *key;

	if (is_of_family(parser, name)) {
		sample->kind = parser->kind;
		if (parser->unit.length > 0)
			buffer_append(&sample->unit, parser->unit.data, parser->unit.length);
	}
	if (!parser->metrics)
		return IMPORT_SAMPLE;
	key = metric_new(host, name);
	if (!key)
		return IMPORT_FAILED;
	place = tfind(key, &parser->metrics, compare_metrics);
	free(key);
	if (place) {
		sample->kind = (*place)->kind;
		buffer_clear(&sample->unit);
		buffer_append_text(&sample->unit, (*place)->unit);
	}
	return IMPORT_SAMPLE;
}

/* -- samples --------------------------------------------------------------------------------------- */

/* The bits that our export hides behind the time of a NaN. */
static void take_bits(struct series_text time, double *value)
{
	const char *end = time.start + time.length;
	const char *point = memchr(time.start, '.', time.length);
	char digits[OPENMETRICS_BITS_DIGITS + 1] = "";
	double hidden;

	if (!isnan(*value) || !point ||
	    end - point - 1 !=
		    OPENMETRICS_TIME_DECIMALS + OPENMETRICS_SAME_DIGITS + OPENMETRICS_BITS_DIGITS)
		return;
	memcpy(digits, end - OPENMETRICS_BITS_DIGITS, OPENMETRICS_BITS_DIGITS);
	errno = 0;
	hidden = decimal_from_bits(strtoull(digits, NULL, 10));
	if (errno == 0 && strspn(digits, "0123456789") == OPENMETRICS_BITS_DIGITS && isnan(hidden))
		*value = hidden;
}

static int take_time(struct import_parser *parser, struct series_text word, int64_t *ret_time_us)
{
	int result = timestamp_parse(word.start, word.length, ret_time_us);
	bool is_whole = !memchr(word.start, '.', word.length);

	if (result < 0)
		return result;
	if (!parser->knows_unit) {
		parser->knows_unit = true;
		parser->is_in_ms = is_whole && *ret_time_us >= MILLISECONDS_FROM_US;
	}
	if (parser->is_in_ms)
		*ret_time_us /= 1000;
	return 0;
}

static enum import_verdict take_sample(struct import_parser *parser, struct rest rest)
{
	struct import_sample *sample = &parser->sample;
	enum hm_reason reason = take_series(parser, &rest);
	struct series_text value = take_word(&rest);
	struct series_text time = take_word(&rest);
	struct series_text host;
	enum import_verdict verdict;

	if (reason != HM_REASON_NONE)
		return import_refuse(parser, reason_text(reason));
	if (word_is(parser->series.metric, OPENMETRICS_METRIC "_info") && time.length == 0)
		return take_metric(parser);
	if (import_parse_value(value.start, value.length, &sample->value) < 0)
		return import_refuse(parser, reason_text(HM_REASON_BAD_VALUE));
	if (time.length == 0 || *time.start == '#')
		return import_refuse(parser, "it has no time");
	if (take_time(parser, time, &sample->time_us) < 0)
		return import_refuse(parser, reason_text(HM_REASON_BAD_TIME));
	take_bits(time, &sample->value);
	/* What may follow is an exemplar. */
	value = take_word(&rest);
	if (value.length > 0 && *value.start != '#')
		return import_refuse(parser, "something follows its time");
	host = series_take_label(&parser->series, "host");
	verdict = describe(parser, host);
	if (host.length > 0)
		buffer_append(&sample->host, host.start, host.length);
	series_format(&parser->series, &sample->series);
	return verdict;
}

static enum import_verdict take(struct import_parser *parser, const char *line, size_t length)
{
	struct rest rest = {skip_blanks(line, line + length), line + length};

	if (rest.at == rest.end)
		return IMPORT_NOTHING;
	return *rest.at == '#' ? take_comment(parser, rest) : take_sample(parser, rest);
}

static enum import_verdict prometheus_take(struct import_parser *parser, const char *line,
					   size_t length)
{
	parser->knows_unit = true;
	parser->is_in_ms = true;
	return take(parser, line, length);
}

const struct import_format import_openmetrics = {.name = "openmetrics", .take = take};
const struct import_format import_prometheus = {.name = "prometheus", .take = prometheus_take};
