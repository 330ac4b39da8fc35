/* SPDX-License-Identifier: MIT */
/* Messages of the control protocol: requests read, answers written. */

#include "common/control.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/number.h"

/* The byte behind a backslash and what it stands for. */
static const struct {
	char escape;
	char byte;
} escapes[] = {
	{'t', '\t'},
	{'n', '\n'},
	{'r', '\r'},
	{'\\', '\\'},
};

#define N_ESCAPES (sizeof(escapes) / sizeof(escapes[0]))

/* @return what the escape stands for; NUL: nothing */
static char find_byte(char escape)
{
	for (size_t i = 0; i < N_ESCAPES; i++) {
		if (escapes[i].escape == escape)
			return escapes[i].byte;
	}
	return '\0';
}

/* Resolve the escapes of a word in place; it only gets shorter. */
static int unescape(char *word)
{
	char *out = word;

	for (const char *in = word; *in; in++) {
		char byte = *in;

		if (byte == '\\') {
			byte = find_byte(*++in);
			if (!byte)
				return -EINVAL;
		}
		*out++ = byte;
	}
	*out = '\0';
	return 0;
}

int control_split(char *line, struct control_words *ret_words)
{
	struct control_words words = {0};
	char *word;

	while ((word = strsep(&line, "\t"))) {
		if (words.n == CONTROL_WORDS_MAX)
			return -EINVAL;
		if (strcmp(word, "\\N") == 0)
			word = NULL;
		else if (unescape(word) < 0)
			return -EINVAL;
		words.at[words.n++] = word;
	}
	*ret_words = words;
	return 0;
}

static char find_escape(char byte)
{
	for (size_t i = 0; i < N_ESCAPES; i++) {
		if (escapes[i].byte == byte)
			return escapes[i].escape;
	}
	return '\0';
}

void control_append_word(struct buffer *out, const char *word)
{
	if (!word) {
		buffer_append_text(out, "\\N");
		return;
	}
	while (*word) {
		size_t n_plain = strcspn(word, "\t\n\r\\");

		buffer_append(out, word, n_plain);
		word += n_plain;
		if (*word) {
			buffer_append_byte(out, '\\');
			buffer_append_byte(out, find_escape(*word++));
		}
	}
}

int control_request_parse(char *line, struct control_request *ret_request)
{
	struct control_request request = {0};
	struct control_words words;

	if (control_split(line, &words) < 0)
		return -EINVAL;
	request.verb = words.at[0];
	request.n_arguments = words.n - 1;
	if (!request.verb || !*request.verb || request.n_arguments > CONTROL_ARGUMENTS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < request.n_arguments; i++) {
		char *name = words.at[i + 1];
		char *equals = name ? strchr(name, '=') : NULL;

		if (!equals || equals == name)
			return -EINVAL;
		*equals = '\0';
		request.arguments[i].name = name;
		request.arguments[i].value = equals + 1;
	}
	*ret_request = request;
	return 0;
}

const char *control_argument(const struct control_request *request, const char *name)
{
	for (size_t i = 0; i < request->n_arguments; i++) {
		if (strcmp(request->arguments[i].name, name) == 0)
			return request->arguments[i].value;
	}
	return NULL;
}

/* Append a message of which the first word is ours and the others may hold anything. */
static void append_message(struct buffer *out, const char *type, const char *const words[],
			   size_t n_words)
{
	buffer_append_text(out, type);
	for (size_t i = 0; i < n_words; i++) {
		buffer_append_byte(out, '\t');
		control_append_word(out, words[i]);
	}
	buffer_append_byte(out, '\n');
}

void control_columns(struct control_reply *reply, const char *shape, const char *const columns[],
		     size_t n_columns)
{
	buffer_append_text(&reply->out, "columns\t");
	append_message(&reply->out, shape, columns, n_columns);
}

static void begin_word(struct control_reply *reply)
{
	if (reply->n_words++ == 0)
		buffer_append_text(&reply->out, "row");
	buffer_append_byte(&reply->out, '\t');
}

void control_text(struct control_reply *reply, const char *text)
{
	begin_word(reply);
	control_append_word(&reply->out, text);
}

void control_number(struct control_reply *reply, double value)
{
	char text[NUMBER_TEXT_MAX_BYTES];
	size_t length = number_format(value, text);

	begin_word(reply);
	buffer_append(&reply->out, text, length);
}

void control_integer(struct control_reply *reply, int64_t value)
{
	char text[NUMBER_TEXT_MAX_BYTES];
	size_t length = number_format_integer(value, text);

	begin_word(reply);
	buffer_append(&reply->out, text, length);
}

void control_nothing(struct control_reply *reply)
{
	control_text(reply, NULL);
}

void control_row_end(struct control_reply *reply)
{
	if (reply->n_words == 0)
		buffer_append_text(&reply->out, "row");
	buffer_append_byte(&reply->out, '\n');
	reply->n_words = 0;
}

void control_note(struct control_reply *reply, const char *text)
{
	append_message(&reply->out, "note", &text, 1);
}

void control_end(struct control_reply *reply, const char *status, const char *text)
{
	const char *const words[] = {status, text};

	assert(!reply->ended && reply->n_words == 0);
	append_message(&reply->out, "end", words, text ? 2 : 1);
	reply->ended = true;
}

void control_stream(struct control_reply *reply,
		    int (*produce)(void *state, struct control_reply *reply),
		    void (*free_state)(void *state), void *state)
{
	assert(!reply->produce && !reply->ended);
	reply->produce = produce;
	reply->free_state = free_state;
	reply->state = state;
}

void control_reply_done(struct control_reply *reply)
{
	if (reply->free_state)
		reply->free_state(reply->state);
	buffer_done(&reply->out);
	*reply = (struct control_reply){0};
}
