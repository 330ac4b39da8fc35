/* SPDX-License-Identifier: MIT */
/* -o table: aligned columns under headings, for people. */

#include <string.h>

#include "agent/ctl/cell.h"
#include "agent/ctl/output.h"

/* So much is gathered to find how wide the columns must be; what follows is written as it comes. */
#define GATHERED_ROWS  10000
#define GATHERED_BYTES ((size_t)8 << 20)

static bool is_age(const struct output *output, const struct answer_column *column)
{
	return output->wants_age && cell_is_age(column);
}

static void add_column(struct output *output, const struct answer_column *column)
{
	char heading[ANSWER_NAME_MAX_BYTES];
	struct table_column *shown;

	cell_format_heading(column, heading);
	shown = table_add_column(&output->table, is_age(output, column) ? "AGE" : heading);
	shown->is_right = column->type == ANSWER_NUMBER || column->type == ANSWER_DURATION ||
			  is_age(output, column);
}

static void table_begin(struct output *output)
{
	if (output->columns.is_record) {
		table_add_column(&output->table, "NAME");
		table_add_column(&output->table, "VALUE");
		return;
	}
	for (size_t i = 0; i < output->columns.n; i++)
		add_column(output, &output->columns.at[i]);
}

static void add_cell(struct output *output, const struct answer_column *column, const char *word)
{
	struct buffer cell = {0};

	if (is_age(output, column))
		cell_append_age(&cell, word, output->now_us);
	else
		cell_append_readable(&cell, column, word);
	table_add_cell(&output->table, buffer_text(&cell));
	if (buffer_failed(&cell))
		output->text.failed = true;
	buffer_done(&cell);
}

static void write_gathered(struct output *output)
{
	if (!output->is_flowing)
		table_write_headings(&output->table, TABLE_ANY_WIDTH, "\n", &output->text);
	table_write_rows(&output->table, TABLE_ANY_WIDTH, "\n", &output->text);
}

static void table_row(struct output *output, char *const words[])
{
	for (size_t i = 0; i < output->columns.n; i++) {
		if (output->columns.is_record)
			table_add_cell(&output->table, output->columns.at[i].name);
		add_cell(output, &output->columns.at[i], words[i]);
	}
	if (!output->is_flowing && table_n_rows(&output->table) < GATHERED_ROWS &&
	    output->table.cells.length < GATHERED_BYTES)
		return;
	write_gathered(output);
	output->is_flowing = true;
}

static void table_end(struct output *output)
{
	/* Headings over nothing say less than the message that follows. */
	if (output->n_rows > 0)
		write_gathered(output);
}

const struct output_format output_table = {
	.name = "table",
	.begin = table_begin,
	.row = table_row,
	.end = table_end,
	.nothing = "",
};
