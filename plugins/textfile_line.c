/* SPDX-License-Identifier: MIT */
/* Lines of Prometheus' text format. */

#include "plugins/textfile_line.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static bool is_name_byte(char byte, bool is_first, bool may_have_colon)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
	       (byte == ':' && may_have_colon) || (byte >= '0' && byte <= '9' && !is_first);
}

static void skip_blanks(struct hm_span *rest)
{
	while (rest->length > 0 && (*rest->start == ' ' || *rest->start == '\t'))
		*rest = (struct hm_span){rest->start + 1, rest->length - 1};
}

/* Take a byte that has to be next. */
static bool take_byte(struct hm_span *rest, char byte)
{
	skip_blanks(rest);
	if (rest->length == 0 || *rest->start != byte)
		return false;
	*rest = (struct hm_span){rest->start + 1, rest->length - 1};
	return true;
}

/* @return an empty one where there is no name */
static struct hm_span take_name(struct hm_span *rest, bool may_have_colon)
{
	struct hm_span name;
	size_t n = 0;

	skip_blanks(rest);
	while (n < rest->length && is_name_byte(rest->start[n], n == 0, may_have_colon))
		n++;
	name = (struct hm_span){rest->start, n};
	*rest = (struct hm_span){rest->start + n, rest->length - n};
	return name;
}

static int copy_name(struct hm_span name, char out[TEXTFILE_NAME_MAX_BYTES])
{
	if (name.length == 0 || name.length >= TEXTFILE_NAME_MAX_BYTES)
		return -EINVAL;
	memcpy(out, name.start, name.length);
	out[name.length] = '\0';
	return 0;
}

/* "TYPE family type"; other comments may say anything. */
static int parse_comment(struct textfile_line *line, struct hm_span rest)
{
	static const char *const types[] = {
		[TEXTFILE_UNTYPED] = "untyped",     [TEXTFILE_GAUGE] = "gauge",
		[TEXTFILE_COUNTER] = "counter",     [TEXTFILE_SUMMARY] = "summary",
		[TEXTFILE_HISTOGRAM] = "histogram",
	};
	struct hm_span word;
	struct hm_span name;
	int result;

	if (!hm_next_word(&rest, &word) || !hm_span_equals(word, "TYPE"))
		return 0;
	name = take_name(&rest, true);
	result = copy_name(name, line->family);
	if (result < 0 || !hm_next_word(&rest, &word))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (word.length == strlen(types[i]) &&
		    strncasecmp(word.start, types[i], word.length) == 0) {
			line->type = (enum textfile_type)i;
			return hm_next_word(&rest, &word) ? -EINVAL : 0;
		}
	}
	return -EINVAL;
}

static int append_byte(struct textfile_line *line, char byte)
{
	if (line->n_text_bytes == sizeof(line->texts))
		return -E2BIG;
	line->texts[line->n_text_bytes++] = byte;
	return 0;
}

static int append_text(struct textfile_line *line, struct hm_span text)
{
	int result = 0;

	for (size_t i = 0; i < text.length && result == 0; i++)
		result = append_byte(line, text.start[i]);
	return result == 0 ? append_byte(line, '\0') : result;
}

/* What stands between quotes: \\, \" and \n are one byte each. */
static int take_value(struct textfile_line *line, struct hm_span *rest)
{
	const char *end = rest->start + rest->length;
	const char *at = rest->start;
	int result = 0;

	for (; result == 0 && at < end && *at != '"'; at++) {
		char byte = *at;

		if (byte == '\\') {
			at++;
			if (at == end || !strchr("\\\"n", *at))
				return -EINVAL;
			byte = *at;
			if (byte == 'n')
				byte = '\n';
		}
		result = append_byte(line, byte);
	}
	if (result == 0 && at == end)
		result = -EINVAL;
	if (result == 0)
		result = append_byte(line, '\0');
	*rest = (struct hm_span){at + 1, result == 0 ? (size_t)(end - at - 1) : 0};
	return result;
}

/* Put a label in its place. */
static int insert_label(struct textfile_line *line, const char *name, const char *value)
{
	size_t i = line->n_labels;

	if (i == HM_METRIC_LABELS_MAX)
		return -E2BIG;
	for (; i > 0; i--) {
		int order = strcmp(line->labels[i - 1], name);

		if (order == 0)
			return -EINVAL;
		if (order < 0)
			break;
		line->labels[i] = line->labels[i - 1];
		line->values[i] = line->values[i - 1];
	}
	line->labels[i] = name;
	line->values[i] = value;
	line->n_labels++;
	return 0;
}

static int take_label(struct textfile_line *line, struct hm_span *rest)
{
	static const char renamed[] = "exported_host";
	struct hm_span name = take_name(rest, false);
	const char *label = line->texts + line->n_text_bytes;
	const char *value;
	int result;

	if (name.length == 0 || name.length >= TEXTFILE_NAME_MAX_BYTES || !take_byte(rest, '=') ||
	    !take_byte(rest, '"'))
		return -EINVAL;
	if (hm_span_equals(name, "host"))
		name = (struct hm_span){renamed, sizeof(renamed) - 1};
	result = append_text(line, name);
	value = line->texts + line->n_text_bytes;
	if (result == 0)
		result = take_value(line, rest);
	return result == 0 ? insert_label(line, label, value) : result;
}

/* "{a="b",c="d"}", with a comma at the end or not */
static int take_labels(struct textfile_line *line, struct hm_span *rest)
{
	int result = 0;

	if (!take_byte(rest, '{'))
		return 0;
	while (result == 0 && !take_byte(rest, '}')) {
		result = take_label(line, rest);
		skip_blanks(rest);
		if (result == 0 && (rest->length == 0 || *rest->start != '}') &&
		    !take_byte(rest, ','))
			result = -EINVAL;
	}
	return result;
}

static int parse_number(struct hm_span word, double *ret_value)
{
	bool is_negative = word.length > 0 && word.start[0] == '-';
	bool has_sign = is_negative || (word.length > 0 && word.start[0] == '+');
	struct hm_span digits = {word.start + has_sign, word.length - has_sign};

	if (word.length == 3 && strncasecmp(word.start, "nan", 3) == 0)
		*ret_value = NAN;
	else if ((digits.length == 3 && strncasecmp(digits.start, "inf", 3) == 0) ||
		 (digits.length == 8 && strncasecmp(digits.start, "infinity", 8) == 0))
		*ret_value = is_negative ? -INFINITY : INFINITY;
	else
		return hm_span_double(word, ret_value) < 0 ? -EINVAL : 0;
	return 0;
}

/* Buckets, counts and sums of the family only grow; what has no type is told by its name. */
static enum hm_kind kind_of(const struct textfile_line *line)
{
	size_t length = strlen(line->family);
	const char *ending = line->name + length;
	bool is_whole = strncmp(line->name, line->family, length) == 0 && length > 0;
	bool is_parts = line->type == TEXTFILE_SUMMARY || line->type == TEXTFILE_HISTOGRAM;

	if (is_whole && is_parts &&
	    (strcmp(ending, "_bucket") == 0 || strcmp(ending, "_count") == 0 ||
	     strcmp(ending, "_sum") == 0))
		return HM_COUNTER;
	if (is_whole && *ending == '\0' && line->type != TEXTFILE_UNTYPED)
		return line->type == TEXTFILE_COUNTER ? HM_COUNTER : HM_GAUGE;
	length = strlen(line->name);
	return length > 6 && strcmp(line->name + length - 6, "_total") == 0 ? HM_COUNTER : HM_GAUGE;
}

int textfile_line_parse(struct textfile_line *line, struct hm_span text)
{
	struct hm_span word;
	int result;

	line->is_sample = false;
	skip_blanks(&text);
	if (text.length == 0)
		return 0;
	if (take_byte(&text, '#'))
		return parse_comment(line, text);
	line->n_labels = 0;
	line->n_text_bytes = 0;
	result = copy_name(take_name(&text, true), line->name);
	if (result == 0)
		result = take_labels(line, &text);
	if (result < 0)
		return result;
	line->labels[line->n_labels] = NULL;
	line->values[line->n_labels] = NULL;
	if (!hm_next_word(&text, &word) || parse_number(word, &line->value) < 0 ||
	    hm_next_word(&text, &word))
		return -EINVAL;
	line->kind = kind_of(line);
	line->is_sample = true;
	return 0;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	/* FNV-1a, with the NUL, which tells "ab" "c" from "a" "bc". */
	do {
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	} while (*text++ != '\0');
	return hash;
}

uint64_t textfile_line_hash(const struct textfile_line *line)
{
	uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), line->name);

	for (size_t i = 0; i < line->n_labels; i++)
		hash = hash_text(hash_text(hash, line->labels[i]), line->values[i]);
	return hash ? hash : 1;
}
