/* SPDX-License-Identifier: MIT */
/* A daemon's answer, read line by line as its bytes come. */

#include "agent/ctl/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hostmetrics/control.h"

void answer_init(struct answer *answer, const struct answer_handler *handler, void *context)
{
	memset(answer, 0, sizeof(*answer));
	answer->handler = handler;
	answer->context = context;
}

void answer_done(struct answer *answer)
{
	buffer_done(&answer->line);
	free(answer->text);
	answer->text = NULL;
}

size_t answer_find(const struct answer_columns *columns, const char *name)
{
	size_t i = 0;

	while (i < columns->n && strcmp(columns->at[i].name, name) != 0)
		i++;
	return i;
}

static int refuse(struct answer *answer, const char *problem)
{
	answer->problem = problem;
	return -EPROTO;
}

static size_t count_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* A number as JSON writes it, so that every format can pass it on as it stands; or not a finite
 * one. */
static bool is_number(const char *word)
{
	size_t n_digits;

	if (strcmp(word, "NaN") == 0 || strcmp(word, "+Inf") == 0 || strcmp(word, "-Inf") == 0)
		return true;
	word += *word == '-';
	n_digits = count_digits(word);
	if (n_digits == 0 || (word[0] == '0' && n_digits > 1))
		return false;
	word += n_digits;
	if (*word == '.') {
		n_digits = count_digits(++word);
		if (n_digits == 0)
			return false;
		word += n_digits;
	}
	if (*word == 'e' || *word == 'E') {
		word++;
		word += *word == '-' || *word == '+';
		n_digits = count_digits(word);
		if (n_digits == 0)
			return false;
		word += n_digits;
	}
	return *word == '\0';
}

static bool is_integer(const char *word)
{
	long long number;
	char *end;

	if (count_digits(word + (*word == '-')) == 0)
		return false;
	errno = 0;
	number = strtoll(word, &end, 10);
	(void)number;
	return errno == 0 && *end == '\0';
}

static bool fits(const struct answer_column *column, const char *word)
{
	if (!word || column->type == ANSWER_TEXT)
		return true;
	return column->type == ANSWER_NUMBER ? is_number(word) : is_integer(word);
}

static enum answer_type find_type(const char *word)
{
	if (strcmp(word, HM_CONTROL_NUMBER) == 0)
		return ANSWER_NUMBER;
	if (strcmp(word, HM_CONTROL_TIME) == 0)
		return ANSWER_TIME;
	if (strcmp(word, HM_CONTROL_DURATION) == 0)
		return ANSWER_DURATION;
	return ANSWER_TEXT;
}

/* NAME:TYPE */
static bool parse_column(const char *word, struct answer_column *column)
{
	size_t length = word ? strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;

	if (length == 0 || length >= sizeof(column->name) || word[length] != ':')
		return false;
	memcpy(column->name, word, length);
	column->name[length] = '\0';
	column->type = find_type(word + length + 1);
	return true;
}

static int take_columns(struct answer *answer, const struct control_words *words)
{
	struct answer_columns *columns = &answer->columns;

	if (answer->has_columns)
		return refuse(answer, "it names its columns twice");
	if (words->n < 3 || !words->at[1])
		return refuse(answer, "it names no columns");
	columns->is_record = strcmp(words->at[1], "record") == 0;
	if (!columns->is_record && strcmp(words->at[1], "rows") != 0)
		return refuse(answer, "its shape is neither rows nor record");
	for (size_t i = 2; i < words->n; i++) {
		if (!parse_column(words->at[i], &columns->at[columns->n++]))
			return refuse(answer, "a column has no proper name");
	}
	answer->has_columns = true;
	return answer->handler->columns(answer->context, columns);
}

static int take_row(struct answer *answer, const struct control_words *words)
{
	const struct answer_columns *columns = &answer->columns;

	if (!answer->has_columns)
		return refuse(answer, "a row comes before the columns");
	if (words->n - 1 != columns->n)
		return refuse(answer, "a row has not as many words as there are columns");
	if (columns->is_record && answer->n_rows > 0)
		return refuse(answer, "a record has two rows");
	for (size_t i = 0; i < columns->n; i++) {
		if (!fits(&columns->at[i], words->at[i + 1]))
			return refuse(answer, "a number is not a number");
	}
	answer->n_rows++;
	return answer->handler->row(answer->context, words->at + 1);
}

static int take_note(struct answer *answer, const struct control_words *words)
{
	if (words->n != 2 || !words->at[1])
		return refuse(answer, "a note is not one text");
	return answer->handler->note(answer->context, words->at[1]);
}

static int find_status(const char *word, enum answer_status *ret_status)
{
	static const char *const names[] = {
		[ANSWER_OK] = HM_CONTROL_OK,
		[ANSWER_NONE] = HM_CONTROL_NONE,
		[ANSWER_USAGE] = HM_CONTROL_USAGE,
		[ANSWER_FAILED] = HM_CONTROL_FAILED,
	};

	for (size_t i = 0; word && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) == 0) {
			*ret_status = (enum answer_status)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int take_end(struct answer *answer, const struct control_words *words)
{
	if (words->n < 2 || words->n > 3 || find_status(words->at[1], &answer->status) < 0)
		return refuse(answer, "its end says nothing known");
	if (words->n == 3 && words->at[2]) {
		answer->text = strdup(words->at[2]);
		if (!answer->text)
			return -ENOMEM;
	}
	answer->has_ended = true;
	return 1;
}

static int take_line(struct answer *answer, char *line, size_t length)
{
	struct control_words words = {0};

	if (strlen(line) != length)
		return refuse(answer, "a line holds a NUL byte");
	if (control_split(line, &words) < 0)
		return refuse(answer, "a line has too many words or an unknown escape");
	if (words.n == 0 || !words.at[0])
		return refuse(answer, "a line has no first word");
	if (strcmp(words.at[0], "row") == 0)
		return take_row(answer, &words);
	if (strcmp(words.at[0], "columns") == 0)
		return take_columns(answer, &words);
	if (strcmp(words.at[0], "wait") == 0)
		return 0;
	if (strcmp(words.at[0], "note") == 0)
		return take_note(answer, &words);
	if (strcmp(words.at[0], "end") == 0)
		return take_end(answer, &words);
	return refuse(answer, "a line is none of columns, row, note, wait and end");
}

int answer_feed(struct answer *answer, const char *bytes, size_t length)
{
	while (length > 0) {
		const char *newline = memchr(bytes, '\n', length);
		size_t n_bytes = newline ? (size_t)(newline - bytes) : length;
		int result;

		answer->has_begun = true;
		if (answer->has_ended)
			return refuse(answer, "something follows its end");
		if (answer->line.length + n_bytes >= ANSWER_LINE_MAX_BYTES)
			return refuse(answer, "a line is too long");
		buffer_append(&answer->line, bytes, n_bytes);
		if (buffer_failed(&answer->line))
			return -ENOMEM;
		if (!newline)
			return 0;
		buffer_append_byte(&answer->line, '\0');
		if (buffer_failed(&answer->line))
			return -ENOMEM;
		result = take_line(answer, answer->line.data, answer->line.length - 1);
		buffer_clear(&answer->line);
		if (result < 0)
			return result;
		bytes += n_bytes + 1;
		length -= n_bytes + 1;
	}
	return answer->has_ended;
}
