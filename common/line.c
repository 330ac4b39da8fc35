/* SPDX-License-Identifier: MIT */
/* One text line as it comes in at a collector. */

#include "common/line.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "common/number.h"
#include "common/text.h"
#include "common/timestamp.h"

/* What is left of the line. */
struct rest {
	const char *at;
	const char *end;
};

static void skip_blanks(struct rest *rest)
{
	while (rest->at < rest->end && (*rest->at == ' ' || *rest->at == '\t'))
		rest->at++;
}

/* Take the next word off. @return false when there is none */
static bool take_word(struct rest *rest, struct series_text *ret_word)
{
	struct series_text word;

	skip_blanks(rest);
	word.start = rest->at;
	while (rest->at < rest->end && *rest->at != ' ' && *rest->at != '\t')
		rest->at++;
	word.length = (size_t)(rest->at - word.start);
	if (word.length == 0)
		return false;
	*ret_word = word;
	return true;
}

static bool is_at_end(struct rest *rest)
{
	skip_blanks(rest);
	return rest->at == rest->end;
}

static bool word_is(struct series_text word, const char *text)
{
	return word.length == strlen(text) && memcmp(word.start, text, word.length) == 0;
}

/* Clean text of at most so many bytes. */
static bool is_name(struct series_text name, size_t max_bytes)
{
	return name.length <= max_bytes && text_is_clean(name.start, name.length);
}

/*
 * Parse "# TYPE metric kind" or "# UNIT metric unit" behind the '#'. Anything else is a comment,
 * and a comment is never wrong.
 */
static void parse_comment(struct line *line, struct rest rest)
{
	struct series_text keyword;
	struct series_text metric;
	struct series_text word = {.start = rest.end};
	enum line_type type = LINE_NOTHING;
	size_t used;

	if (!take_word(&rest, &keyword) || !take_word(&rest, &metric))
		return;
	if (word_is(keyword, "TYPE") && take_word(&rest, &word))
		type = LINE_TYPE;
	/* A plain number has the empty unit. */
	if (word_is(keyword, "UNIT") && (take_word(&rest, &word) || is_at_end(&rest)))
		type = LINE_UNIT;
	if (type == LINE_NOTHING || !is_at_end(&rest) || !is_name(word, HM_METRIC_NAME_MAX_BYTES))
		return;
	if (series_parse(&line->series, metric.start, metric.length, &used) != HM_REASON_NONE ||
	    line->series.metric.length != metric.length)
		return;

	line->type = type;
	if (type == LINE_UNIT) {
		line->unit = word;
	} else if (word_is(word, "gauge")) {
		line->kind = HM_STORED_GAUGE;
	} else if (word_is(word, "counter")) {
		line->kind = HM_STORED_COUNTER;
	}
}

/* A time as Graphite's senders write it: -1 and N are "now". */
static enum hm_reason parse_time(struct series_text word, int64_t now_us, int64_t *ret_time_us)
{
	bool is_now = word_is(word, "N");
	int64_t time_us = now_us;

	if (!is_now && timestamp_parse(word.start, word.length, &time_us) < 0)
		return HM_REASON_BAD_TIME;
	*ret_time_us = time_us == -TIMESTAMP_SECOND_US ? now_us : time_us;
	return HM_REASON_NONE;
}

static enum hm_reason parse_value(struct series_text word, double *ret_value)
{
	double value;

	if (number_parse(word.start, word.length, &value) < 0)
		return HM_REASON_BAD_VALUE;
	if (!isfinite(value))
		return HM_REASON_NOT_FINITE;
	*ret_value = value;
	return HM_REASON_NONE;
}

/* Take the name of a series off, and the label `host` off the series. */
static enum hm_reason take_series(struct line *line, struct rest *rest)
{
	enum hm_reason reason;
	size_t used;

	skip_blanks(rest);
	reason = series_parse(&line->series, rest->at, (size_t)(rest->end - rest->at), &used);
	if (reason != HM_REASON_NONE)
		return reason;
	line->name = (struct series_text){rest->at, used};
	rest->at += used;
	line->host = series_take_label(&line->series, "host");
	if (line->host.start && !is_name(line->host, HM_HOST_NAME_MAX_BYTES))
		return HM_REASON_BAD_NAME;
	return HM_REASON_NONE;
}

/* Parse `NAME VALUE [TIME]`. */
static enum hm_reason parse_name_first(struct line *line, struct rest rest, int64_t now_us)
{
	struct series_text value;
	struct series_text time = {.start = "N", .length = 1};
	enum hm_reason reason = take_series(line, &rest);

	if (reason != HM_REASON_NONE)
		return reason;
	if (!take_word(&rest, &value))
		return HM_REASON_LINE_FIELDS;
	(void)take_word(&rest, &time); /* stays "now" where there is none */
	if (!is_at_end(&rest))
		return HM_REASON_LINE_FIELDS;
	reason = parse_value(value, &line->value);
	if (reason != HM_REASON_NONE)
		return reason;
	return parse_time(time, now_us, &line->time_us);
}

/* Parse `NAME VALUE` behind the time. */
static enum hm_reason parse_time_first(struct line *line, struct rest rest)
{
	struct series_text value;
	enum hm_reason reason = take_series(line, &rest);

	if (reason != HM_REASON_NONE)
		return reason;
	if (!take_word(&rest, &value) || !is_at_end(&rest))
		return HM_REASON_LINE_FIELDS;
	return parse_value(value, &line->value);
}

/*
 * Does the line begin with a time: a number, and at least two words behind it? nan and inf, which
 * are numbers too, are no times: `nan 5 1795416401` is a metric of that name.
 */
static bool take_time(struct rest *rest, int64_t now_us, int64_t *ret_time_us,
		      enum hm_reason *ret_reason)
{
	struct rest behind = *rest;
	struct rest words;
	struct series_text word;
	double number;

	/* Names begin with letters, nearly all. */
	if (*rest->at > '9' || !take_word(&behind, &word))
		return false;
	*ret_reason = parse_time(word, now_us, ret_time_us);
	if (*ret_reason != HM_REASON_NONE &&
	    (number_parse(word.start, word.length, &number) < 0 || !isfinite(number)))
		return false;
	words = behind;
	if (!take_word(&words, &word) || is_at_end(&words))
		return false;
	*rest = behind;
	return true;
}

enum hm_reason line_parse(struct line *line, const char *text, size_t length, int64_t now_us)
{
	struct rest rest = {text, text + length};
	enum hm_reason reason = HM_REASON_NONE;

	line->type = LINE_NOTHING;
	line->host = (struct series_text){0};
	line->unit = (struct series_text){0};
	line->kind = HM_STORED_UNKNOWN;
	if (length > 0 && rest.end[-1] == '\r')
		rest.end--;
	if ((size_t)(rest.end - rest.at) > HM_LINE_MAX_BYTES)
		return HM_REASON_LINE_TOO_LONG;
	if (is_at_end(&rest))
		return HM_REASON_NONE;
	if (*rest.at == '#') {
		rest.at++;
		parse_comment(line, rest);
		return HM_REASON_NONE;
	}

	if (!take_time(&rest, now_us, &line->time_us, &reason)) {
		reason = parse_name_first(line, rest, now_us);
	} else if (reason == HM_REASON_NONE) {
		reason = parse_time_first(line, rest);
	}
	if (reason == HM_REASON_NONE)
		line->type = LINE_SAMPLE;
	return reason;
}

/* Take the last word off, and the blank before it. @return false: there is no blank, or nothing behind
 * it */
static bool take_last_word(struct series_text *rest, struct series_text *ret_word)
{
	const char *end = rest->start + rest->length;
	const char *at = end;

	while (at > rest->start && at[-1] != ' ')
		at--;
	if (at == rest->start || at == end)
		return false;
	*ret_word = (struct series_text){at, (size_t)(end - at)};
	rest->length = (size_t)(at - 1 - rest->start);
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Cut `TIME NAME VALUE` or `NAME VALUE TIME` into words; the time stays where there is none. */
static bool cut_words(struct series_text *name, struct series_text *value, struct series_text *time)
{
	const char *blank;

	if (!take_last_word(name, value))
		return false;
	if (is_digit(*name->start)) {
		blank = memchr(name->start, ' ', name->length);
		if (!blank)
			return false;
		*time = (struct series_text){name->start, (size_t)(blank - name->start)};
		name->length -= time->length + 1;
		name->start = blank + 1;
	} else if (*name->start <= '9') {
		return false;
	} else {
		struct series_text rest = *name;
		struct series_text word;

		if (take_last_word(&rest, &word) && (is_digit(*word.start) || *word.start == '-')) {
			*time = *value;
			*value = word;
			*name = rest;
		}
	}
	return name->length > 0;
}

/* Is it the time that was read last? */
static bool is_known_time(const struct line_skimmed *skimmed, const char *text, size_t length)
{
	return length == skimmed->time_length && length > 0 &&
	       memcmp(text, skimmed->time_text, length) == 0;
}

static bool skim_time(struct line_skimmed *skimmed, struct series_text time, int64_t now_us)
{
	if (is_known_time(skimmed, time.start, time.length)) {
		skimmed->time_us = skimmed->time_text_us;
		return true;
	}
	if (parse_time(time, now_us, &skimmed->time_us) != HM_REASON_NONE)
		return false;
	/* The others are another one each time. */
	if (is_digit(*time.start) && time.length <= LINE_TIME_MAX_BYTES) {
		memcpy(skimmed->time_text, time.start, time.length);
		skimmed->time_length = time.length;
		skimmed->time_text_us = skimmed->time_us;
	}
	return true;
}

bool line_skim(struct line_skimmed *skimmed, const char *text, size_t length, int64_t now_us)
{
	struct series_text name = {text, length};
	struct series_text value;
	struct series_text time = {.start = "N", .length = 1};

	if (length > 0 && text[length - 1] == '\r')
		name.length--;
	if (name.length == 0 || name.length > HM_LINE_MAX_BYTES || !cut_words(&name, &value, &time))
		return false;
	skimmed->name = name;
	return parse_value(value, &skimmed->value) == HM_REASON_NONE &&
	       skim_time(skimmed, time, now_us);
}

/* Take a byte off. */
static bool take_byte(struct rest *rest, char byte)
{
	if (rest->at == rest->end || *rest->at != byte)
		return false;
	rest->at++;
	return true;
}

/* Take these bytes off. */
static bool take_bytes(struct rest *rest, const char *bytes, size_t length)
{
	if ((size_t)(rest->end - rest->at) < length || memcmp(rest->at, bytes, length) != 0)
		return false;
	rest->at += length;
	return true;
}

static bool take_known_time(struct rest *rest, const struct line_skimmed *skimmed)
{
	return take_bytes(rest, skimmed->time_text, skimmed->time_length);
}

size_t line_skim_expected(struct line_skimmed *skimmed, const char *text, size_t length,
			  struct series_text name)
{
	struct rest rest = {text, text + length};
	bool has_time = length > 0 && is_digit(*text);

	if (skimmed->time_length == 0)
		return 0;
	if (has_time && (!take_known_time(&rest, skimmed) || !take_byte(&rest, ' ')))
		return 0;
	skimmed->name = (struct series_text){rest.at, name.length};
	/* What begins like a number may be one. */
	if (rest.at == rest.end || *rest.at <= '9' || !take_bytes(&rest, name.start, name.length) ||
	    !take_byte(&rest, ' ') || !number_take_plain(&rest.at, rest.end, &skimmed->value))
		return 0;
	if (!has_time && (!take_byte(&rest, ' ') || !take_known_time(&rest, skimmed)))
		return 0;
	(void)take_byte(&rest, '\r');
	skimmed->time_us = skimmed->time_text_us;
	return take_byte(&rest, '\n') ? (size_t)(rest.at - text) : 0;
}
