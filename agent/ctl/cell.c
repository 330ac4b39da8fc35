/* SPDX-License-Identifier: MIT */
/* One value of an answer as text. */

#include "agent/ctl/cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/utf8.h"
#include "agent/ctl/zone.h"
#include "common/number.h"
#include "common/text.h"
#include "common/timestamp.h"

/* A number of so many characters is shown whole. */
#define SHORT_NUMBER_BYTES 12

static bool counts_microseconds(const struct answer_column *column)
{
	size_t length = strlen(column->name);

	return length > 3 && strcmp(column->name + length - 3, "_us") == 0;
}

bool cell_is_age(const struct answer_column *column)
{
	return column->type == ANSWER_TIME && strcmp(column->name, "time") == 0;
}

void cell_format_heading(const struct answer_column *column, char out[static ANSWER_NAME_MAX_BYTES])
{
	size_t length = strlen(column->name);

	if (column->type == ANSWER_DURATION && counts_microseconds(column))
		length -= strlen("_us");
	for (size_t i = 0; i < length; i++) {
		bool is_small = column->name[i] >= 'a' && column->name[i] <= 'z';

		out[i] = (char)(column->name[i] - (is_small ? 'a' - 'A' : 0));
	}
	out[length] = '\0';
}

void cell_append_exact(struct buffer *out, const struct answer_column *column, const char *word)
{
	char text[TIMESTAMP_TEXT_MAX_BYTES];

	if (column->type == ANSWER_TIME ||
	    (column->type == ANSWER_DURATION && !counts_microseconds(column))) {
		timestamp_format(strtoll(word, NULL, 10), text);
		word = text;
	}
	buffer_append_text(out, word);
}

/* Cut off the zeros behind the point, and the point. */
static void trim_zeros(char *text)
{
	size_t length = strlen(text);

	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	text[length] = '\0';
}

static void append_rounded(struct buffer *out, const char *word)
{
	char text[NUMBER_TEXT_MAX_BYTES];
	double value;

	if (strlen(word) <= SHORT_NUMBER_BYTES || number_parse(word, strlen(word), &value) < 0 ||
	    !strpbrk(word, ".e")) {
		buffer_append_text(out, word);
		return;
	}
	if (fabs(value) < 0.001 || fabs(value) >= 1e15) {
		(void)snprintf(text, sizeof(text), "%.6g", value);
	} else {
		(void)snprintf(text, sizeof(text), "%.6f", value);
		trim_zeros(text);
	}
	buffer_append_text(out, text);
}

void cell_append_safe(struct buffer *out, const char *text)
{
	size_t length = strlen(text);
	size_t from = 0;
	size_t at = text_count_plain(text, length);

	while (at < length) {
		uint32_t code = 0;
		size_t n_bytes = utf8_decode(text + at, length - at, &code);

		if (n_bytes > 0 && utf8_is_deceptive(code)) {
			text_append_printable(out, text + from, at - from);
			buffer_printf(out, "\\u%04x", (unsigned int)code);
			from = at + n_bytes;
		}
		at += n_bytes > 0 ? n_bytes : 1;
	}
	text_append_printable(out, text + from, length - from);
}

void cell_append_readable(struct buffer *out, const struct answer_column *column, const char *word)
{
	char text[TIMESTAMP_TEXT_MAX_BYTES] = "";

	if (!word) {
		buffer_append_text(out, "-");
		return;
	}
	switch (column->type) {
	case ANSWER_TEXT:
		cell_append_safe(out, word);
		return;
	case ANSWER_NUMBER:
		append_rounded(out, word);
		return;
	case ANSWER_TIME:
		zone_append_readable(out, strtoll(word, NULL, 10));
		return;
	case ANSWER_DURATION:
		duration_format(strtoll(word, NULL, 10), text);
		break;
	}
	buffer_append_text(out, text);
}

void cell_append_age(struct buffer *out, const char *word, int64_t now_us)
{
	char text[TIMESTAMP_TEXT_MAX_BYTES];
	int64_t age_us;

	if (!word || __builtin_sub_overflow(now_us, strtoll(word, NULL, 10), &age_us)) {
		buffer_append_text(out, "-");
		return;
	}
	/* Ahead of this clock, if only by the time that the answer took. */
	if (age_us < 0 && age_us > -TIMESTAMP_SECOND_US)
		age_us = 0;
	if (age_us < 0) {
		buffer_append_byte(out, '-');
		age_us = age_us == INT64_MIN ? INT64_MAX : -age_us;
	}
	duration_format(age_us - age_us % TIMESTAMP_SECOND_US, text);
	buffer_append_text(out, text);
}
