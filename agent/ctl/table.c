/* SPDX-License-Identifier: MIT */
/* Cells in aligned columns. */

#include "agent/ctl/table.h"

#include <assert.h>
#include <bsd/string.h>
#include <string.h>

#include "agent/ctl/utf8.h"

#define GAP_COLUMNS 2

/* A column that gives way keeps at least this much. */
#define KEPT_COLUMNS 12

/* What stands in place of the end of a cell that was cut: one column. */
#define CUT_MARK "\xe2\x80\xa6"

void table_clear(struct table *table)
{
	table->n_columns = 0;
	table->n_cells = 0;
	buffer_clear(&table->cells);
}

void table_done(struct table *table)
{
	buffer_done(&table->cells);
	table->n_columns = 0;
	table->n_cells = 0;
}

struct table_column *table_add_column(struct table *table, const char *heading)
{
	struct table_column *column = &table->columns[table->n_columns];

	assert(table->n_columns < CONTROL_WORDS_MAX);
	memset(column, 0, sizeof(*column));
	(void)strlcpy(column->heading, heading, sizeof(column->heading));
	column->width = utf8_columns(column->heading, strlen(column->heading));
	table->n_columns++;
	return column;
}

void table_add_cell(struct table *table, const char *text)
{
	struct table_column *column = &table->columns[table->n_cells % table->n_columns];
	size_t length = strlen(text);
	size_t width = utf8_columns(text, length);

	if (width > column->width)
		column->width = width;
	buffer_append(&table->cells, text, length + 1);
	table->n_cells++;
}

size_t table_n_rows(const struct table *table)
{
	return table->n_columns > 0 ? table->n_cells / table->n_columns : 0;
}

static void append_blanks(struct buffer *out, size_t n)
{
	while (n-- > 0)
		buffer_append_byte(out, ' ');
}

/* Append a cell, cut to `width` columns. @return the columns it took */
static size_t append_cut(struct buffer *out, const char *text, size_t width)
{
	size_t length = strlen(text);
	size_t n_columns = utf8_columns(text, length);

	if (n_columns <= width) {
		buffer_append(out, text, length);
		return n_columns;
	}
	if (width == 0)
		return 0;
	length = utf8_fit(text, length, width - 1);
	buffer_append(out, text, length);
	buffer_append_text(out, CUT_MARK);
	return utf8_columns(text, length) + 1;
}

/* Columns by which the lines are too long. */
static size_t table_excess(const struct table *table, size_t max_width)
{
	size_t width = 0;

	for (size_t i = 0; i < table->n_columns; i++) {
		if (!table->columns[i].is_hidden)
			width += table->columns[i].width + GAP_COLUMNS;
	}
	width -= width > 0 ? GAP_COLUMNS : 0;
	return max_width == TABLE_ANY_WIDTH || width <= max_width ? 0 : width - max_width;
}

static size_t column_width(const struct table_column *column, size_t excess)
{
	if (!column->can_give || column->width <= KEPT_COLUMNS)
		return column->width;
	return column->width - KEPT_COLUMNS > excess ? column->width - excess : KEPT_COLUMNS;
}

/* A line being written. */
struct table_line {
	struct buffer *out;
	size_t blanks; /* owed before the next cell; none are written at the end of a line */
	size_t room;   /* columns that are left */
	size_t excess;
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void line_add(struct table_line *line, const struct table_column *column, const char *text)
{
	size_t width = column_width(column, line->excess);
	size_t text_width = smaller(utf8_columns(text, strlen(text)), width);
	size_t padding = width - text_width;

	if (column->is_hidden)
		return;
	if (column->is_right)
		line->blanks += padding;
	if (line->blanks >= line->room) {
		line->room = 0;
	} else if (text_width > 0) {
		append_blanks(line->out, line->blanks);
		line->room -= line->blanks;
		line->room -= append_cut(line->out, text, smaller(text_width, line->room));
		line->blanks = 0;
	}
	line->blanks += GAP_COLUMNS + (column->is_right ? 0 : padding);
}

static struct table_line begin_line(const struct table *table, size_t max_width, struct buffer *out)
{
	return (struct table_line){
		.out = out,
		.room = max_width == TABLE_ANY_WIDTH ? (size_t)-1 : max_width,
		.excess = table_excess(table, max_width),
	};
}

void table_write_headings(const struct table *table, size_t max_width, const char *line_end,
			  struct buffer *out)
{
	struct table_line line = begin_line(table, max_width, out);

	for (size_t i = 0; i < table->n_columns; i++)
		line_add(&line, &table->columns[i], table->columns[i].heading);
	buffer_append_text(out, line_end);
}

void table_write_rows(struct table *table, size_t max_width, const char *line_end,
		      struct buffer *out)
{
	const char *cell = table->cells.data;
	size_t n_rows = buffer_failed(&table->cells) ? 0 : table_n_rows(table);

	if (buffer_failed(&table->cells))
		out->failed = true;
	for (size_t row = 0; row < n_rows; row++) {
		struct table_line line = begin_line(table, max_width, out);

		for (size_t i = 0; i < table->n_columns; i++) {
			line_add(&line, &table->columns[i], cell);
			cell += strlen(cell) + 1;
		}
		buffer_append_text(out, line_end);
	}
	table->n_cells = 0;
	buffer_clear(&table->cells);
}
