/* SPDX-License-Identifier: MIT */
/* -o plain: for scripts. One record a line, fields separated by one TAB, no headings. */

#include "agent/ctl/cell.h"
#include "agent/ctl/output.h"

/* A field is never empty, so that a line has the same number of words for everybody. */
static void append_field(struct output *output, const struct answer_column *column,
			 const char *word)
{
	if (!word || *word == '\0')
		buffer_append_byte(&output->text, '-');
	else if (column->type == ANSWER_TEXT)
		cell_append_safe(&output->text, word);
	else
		cell_append_exact(&output->text, column, word);
}

/* What every sample is: time host series value; behind that, only where it has none, why. @return false when the row is something else */
static bool append_sample(struct output *output, char *const words[])
{
	static const char *const names[] = {"time", "host", "series", "value"};
	const struct answer_columns *columns = &output->columns;
	size_t missing = answer_find(columns, "missing");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (answer_find(columns, names[i]) == columns->n)
			return false;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t at = answer_find(columns, names[i]);

		if (i > 0)
			buffer_append_byte(&output->text, '\t');
		append_field(output, &columns->at[at], words[at]);
	}
	if (missing < columns->n && words[missing]) {
		buffer_append_byte(&output->text, '\t');
		append_field(output, &columns->at[missing], words[missing]);
	}
	buffer_append_byte(&output->text, '\n');
	return true;
}

/* Times first, the others in their order. */
static void append_fields(struct output *output, char *const words[])
{
	const struct answer_columns *columns = &output->columns;
	const char *separator = "";

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < columns->n; i++) {
			if ((columns->at[i].type == ANSWER_TIME) != (round == 0))
				continue;
			buffer_append_text(&output->text, separator);
			append_field(output, &columns->at[i], words[i]);
			separator = "\t";
		}
	}
	buffer_append_byte(&output->text, '\n');
}

static void append_record(struct output *output, char *const words[])
{
	for (size_t i = 0; i < output->columns.n; i++) {
		buffer_append_text(&output->text, output->columns.at[i].name);
		buffer_append_byte(&output->text, '\t');
		append_field(output, &output->columns.at[i], words[i]);
		buffer_append_byte(&output->text, '\n');
	}
}

static void plain_begin(struct output *output)
{
	(void)output;
}

static void plain_row(struct output *output, char *const words[])
{
	if (output->columns.is_record)
		append_record(output, words);
	else if (!append_sample(output, words))
		append_fields(output, words);
}

static void plain_end(struct output *output)
{
	(void)output;
}

const struct output_format output_plain = {
	.name = "plain",
	.begin = plain_begin,
	.row = plain_row,
	.end = plain_end,
	.nothing = "",
};
