/* SPDX-License-Identifier: MIT */
/* -o json: an array of objects, one a line; one object for a record. */

#include <string.h>

#include "agent/ctl/cell.h"
#include "agent/ctl/output.h"
#include "agent/ctl/utf8.h"
#include "common/text.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* Append the character that begins at `text`, or as many as stand for themselves. @return their
 * bytes */
static size_t append_characters(struct buffer *out, const char *text, size_t length)
{
	uint32_t code = 0;
	size_t n_bytes = text_count_plain(text, strcspn(text, "\"\\"));

	if (n_bytes > 0) {
		buffer_append(out, text, n_bytes);
		return n_bytes;
	}
	n_bytes = utf8_decode(text, length, &code);

	if (n_bytes == 0) {
		buffer_append_text(out, REPLACEMENT);
		return 1;
	}
	if (code == '"' || code == '\\')
		buffer_printf(out, "\\%c", (char)code);
	else if (code == '\n')
		buffer_append_text(out, "\\n");
	else if (code == '\t')
		buffer_append_text(out, "\\t");
	else if (code < 0x20 || (code >= 0x7f && code <= 0x9f) || utf8_is_deceptive(code))
		buffer_printf(out, "\\u%04x", (unsigned int)code);
	else
		buffer_append(out, text, n_bytes);
	return n_bytes;
}

static void append_string(struct buffer *out, const char *text)
{
	size_t length = strlen(text);

	buffer_append_byte(out, '"');
	for (size_t at = 0; at < length;)
		at += append_characters(out, text + at, length - at);
	buffer_append_byte(out, '"');
}

static void append_value(struct buffer *out, const struct answer_column *column, const char *word)
{
	bool is_number = word && column->type != ANSWER_TEXT;

	/* JSON has no word for a number that is not finite. */
	if (!word || (is_number && !strpbrk(word, "0123456789")))
		buffer_append_text(out, "null");
	else if (!is_number)
		append_string(out, word);
	else if (strcmp(word, "-0") == 0)
		buffer_append_text(out, "-0.0"); /* as an integer it would lose its sign */
	else
		cell_append_exact(out, column, word);
}

static void append_object(struct output *output, char *const words[])
{
	buffer_append_byte(&output->text, '{');
	for (size_t i = 0; i < output->columns.n; i++) {
		buffer_printf(&output->text, "%s\"%s\": ", i > 0 ? ", " : "",
			      output->columns.at[i].name);
		append_value(&output->text, &output->columns.at[i], words[i]);
	}
	buffer_append_byte(&output->text, '}');
}

static void json_begin(struct output *output)
{
	if (!output->columns.is_record)
		buffer_append_byte(&output->text, '[');
}

static void json_row(struct output *output, char *const words[])
{
	if (!output->columns.is_record)
		buffer_append_text(&output->text, output->n_rows > 0 ? ",\n" : "\n");
	append_object(output, words);
}

static void json_end(struct output *output)
{
	if (!output->columns.is_record)
		buffer_append_text(&output->text, output->n_rows > 0 ? "\n]\n" : "]\n");
	else
		buffer_append_text(&output->text, output->n_rows > 0 ? "\n" : "{}\n");
}

const struct output_format output_json = {
	.name = "json",
	.begin = json_begin,
	.row = json_row,
	.end = json_end,
	.nothing = "[]\n",
};
