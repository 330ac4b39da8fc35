/* SPDX-License-Identifier: MIT */
/*
 * -o csv: RFC 4180, with a header and CRLF, for spreadsheets. None of them may take a name from the
 * network for a formula.
 */

#include <stdlib.h>
#include <string.h>

#include "agent/ctl/cell.h"
#include "agent/ctl/output.h"
#include "agent/ctl/zone.h"

static void append_quoted(struct buffer *out, const char *text)
{
	buffer_append_byte(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buffer_append_byte(out, '"');
		buffer_append_byte(out, *text);
	}
	buffer_append_byte(out, '"');
}

static void append_text(struct buffer *out, const char *word)
{
	struct buffer safe = {0};
	const char *text;

	/* Quotes do not help: they are gone when the field is looked at. */
	if (strchr("=+-@", word[0]) && word[0] != '\0')
		buffer_append_byte(&safe, '\'');
	cell_append_safe(&safe, word);
	text = buffer_text(&safe);
	if (buffer_failed(&safe))
		out->failed = true;
	if (strpbrk(text, ",\" "))
		append_quoted(out, text);
	else
		buffer_append_text(out, text);
	buffer_done(&safe);
}

static void append_field(struct buffer *out, const struct answer_column *column, const char *word)
{
	if (!word)
		return;
	if (column->type == ANSWER_TEXT)
		append_text(out, word);
	else if (column->type == ANSWER_TIME)
		zone_append_exact(out, strtoll(word, NULL, 10));
	else
		cell_append_exact(out, column, word + (*word == '+')); /* +Inf */
}

static void csv_begin(struct output *output)
{
	for (size_t i = 0; i < output->columns.n; i++) {
		if (i > 0)
			buffer_append_byte(&output->text, ',');
		buffer_append_text(&output->text, output->columns.at[i].name);
	}
	buffer_append_text(&output->text, "\r\n");
}

static void csv_row(struct output *output, char *const words[])
{
	for (size_t i = 0; i < output->columns.n; i++) {
		if (i > 0)
			buffer_append_byte(&output->text, ',');
		append_field(&output->text, &output->columns.at[i], words[i]);
	}
	buffer_append_text(&output->text, "\r\n");
}

static void csv_end(struct output *output)
{
	(void)output;
}

const struct output_format output_csv = {
	.name = "csv",
	.begin = csv_begin,
	.row = csv_row,
	.end = csv_end,
	.nothing = "",
};
