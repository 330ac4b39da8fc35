/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_TABLE_H
#define AGENT_CTL_TABLE_H

/*
 * Cells in aligned columns. Cells are gathered so that a column becomes as wide as its widest; once
 * written, the widths stay.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"
#include "common/control.h"

#define TABLE_HEADING_MAX_BYTES 64

/* For table_write_rows() and table_write_heading(): no limit. */
#define TABLE_ANY_WIDTH 0

struct table_column {
	char heading[TABLE_HEADING_MAX_BYTES];
	bool is_right;  /* aligned at its right: a number */
	bool can_give;  /* is cut when the window is too narrow */
	bool is_hidden; /* not written */
	size_t width;   /* of the widest cell so far, columns of the terminal */
};

/* Zeroed = without columns. */
struct table {
	size_t n_columns;
	struct table_column columns[CONTROL_WORDS_MAX];
	struct buffer cells; /* each ended by a NUL */
	size_t n_cells;
};

/* Forget columns and cells, keep the memory. */
void table_clear(struct table *table);

/* Release the memory. */
void table_done(struct table *table);

/* Add a column at the right. @return it, to set its flags; borrowed */
struct table_column *table_add_column(struct table *table, const char *heading);

/* Add the next cell, row by row. @param text  printable; copied */
void table_add_cell(struct table *table, const char *text);

/* Rows that are gathered. */
size_t table_n_rows(const struct table *table);

/*
 * Append the headings, or the gathered rows, as lines. The rows are forgotten.
 * @param max_width  no line is longer
 * @param line_end   what ends a line: "\n"
 */
void table_write_headings(const struct table *table, size_t max_width, const char *line_end,
			  struct buffer *out);
void table_write_rows(struct table *table, size_t max_width, const char *line_end,
		      struct buffer *out);

#endif
