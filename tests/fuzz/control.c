/* SPDX-License-Identifier: MIT */
/* Fuzz target: the messages of common/control.c, read and written again. */

#include "common/control.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

/* A copy on the heap without room behind it, so that every byte read too far is seen. */
static char *copy_line(const char *line, size_t length)
{
	char *copy = malloc(length + 1);

	if (!copy)
		abort();
	memcpy(copy, line, length);
	copy[length] = '\0';
	return copy;
}

static bool is_same(const char *word, const char *other)
{
	return word && other ? strcmp(word, other) == 0 : word == other;
}

/* What was split is written as a line again; splitting that gives the same words. */
static void check_words(const char *line, size_t length)
{
	char *copy = copy_line(line, length);
	struct buffer out = {0};
	struct control_words words;
	struct control_words again;

	if (control_split(copy, &words) == 0) {
		for (size_t i = 0; i < words.n; i++) {
			if (i > 0)
				buffer_append_byte(&out, '\t');
			control_append_word(&out, words.at[i]);
		}
		if (strlen(buffer_text(&out)) != out.length)
			abort();
		if (control_split(out.data, &again) < 0 || again.n != words.n)
			abort();
		for (size_t i = 0; i < words.n; i++) {
			if (!is_same(words.at[i], again.at[i]))
				abort();
		}
	}
	buffer_done(&out);
	free(copy);
}

static void check_request(const char *line, size_t length)
{
	char *copy = copy_line(line, length);
	struct control_request request;

	if (control_request_parse(copy, &request) == 0) {
		if (!*request.verb || request.n_arguments > CONTROL_ARGUMENTS_MAX)
			abort();
		for (size_t i = 0; i < request.n_arguments; i++) {
			/* Its first argument of that name, which may stand before this one. */
			if (!control_argument(&request, request.arguments[i].name))
				abort();
			if (strchr(request.arguments[i].name, '=') || !request.arguments[i].value)
				abort();
		}
	}
	free(copy);
}

/* Whatever a text holds, it is one line and one word of a row. */
static void check_reply(const char *line, size_t length)
{
	char *copy = copy_line(line, length);
	struct control_reply reply = {.ended = false};
	struct control_words words;

	control_text(&reply, copy);
	control_row_end(&reply);
	reply.out.data[reply.out.length - 1] = '\0';
	if (strlen(reply.out.data) != reply.out.length - 1 || strchr(reply.out.data, '\n'))
		abort();
	if (control_split(reply.out.data, &words) < 0 || words.n != 2 ||
	    strcmp(words.at[1], copy) != 0)
		abort();
	control_reply_done(&reply);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	const char *line = (const char *)data;
	size_t n_left = n_bytes;

	while (n_left > 0) {
		const char *newline = memchr(line, '\n', n_left);
		size_t length = newline ? (size_t)(newline - line) : n_left;

		check_words(line, length);
		check_request(line, length);
		check_reply(line, length);
		n_left -= newline ? length + 1 : length;
		line += newline ? length + 1 : length;
	}
	return 0;
}
