/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/table.c. */

#include "agent/ctl/table.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "agent/ctl/utf8.h"

static struct table table;
static struct buffer out;

static void setup(void)
{
	cr_assert(setlocale(LC_CTYPE, "C.UTF-8"));
	table_add_column(&table, "NAME")->can_give = true;
	table_add_column(&table, "VALUE")->is_right = true;
	table_add_column(&table, "UNIT");
}

static void teardown(void)
{
	table_done(&table);
	buffer_done(&out);
}

TestSuite(table, .init = setup, .fini = teardown);

static void add_row(const char *name, const char *value, const char *unit)
{
	table_add_cell(&table, name);
	table_add_cell(&table, value);
	table_add_cell(&table, unit);
}

static const char *written(size_t max_width)
{
	buffer_clear(&out);
	table_write_headings(&table, max_width, "\n", &out);
	table_write_rows(&table, max_width, "\n", &out);
	return buffer_text(&out);
}

Test(table, aligns_columns)
{
	add_row("a", "1", "seconds");
	add_row("longer", "123456", "");
	cr_expect_eq(table_n_rows(&table), 2);
	cr_expect_str_eq(written(TABLE_ANY_WIDTH), "NAME     VALUE  UNIT\n"
						   "a            1  seconds\n"
						   "longer  123456\n");
	cr_expect_eq(table_n_rows(&table), 0, "written rows are forgotten");
}

Test(table, aligns_wide_characters)
{
	add_row("\xe6\xb8\xa9\xe5\xba\xa6", "1", "x");
	add_row("\xc3\xa4", "1", "x");
	cr_expect_str_eq(written(TABLE_ANY_WIDTH), "NAME  VALUE  UNIT\n"
						   "\xe6\xb8\xa9\xe5\xba\xa6      1  x\n"
						   "\xc3\xa4         1  x\n");
}

Test(table, keeps_its_widths)
{
	add_row("long_name", "1", "");
	(void)written(TABLE_ANY_WIDTH);
	add_row("b", "2", "x");
	cr_expect_str_eq(written(TABLE_ANY_WIDTH), "NAME       VALUE  UNIT\n"
						   "b              2  x\n");
}

Test(table, leaves_out_hidden_columns)
{
	table.columns[1].is_hidden = true;
	add_row("a", "1", "x");
	cr_expect_str_eq(written(TABLE_ANY_WIDTH), "NAME  UNIT\na     x\n");
}

Test(table, cuts_the_column_that_gives_way)
{
	add_row("a_name_of_thirty_letters_in_all", "1", "seconds");
	add_row("short", "2", "");
	cr_expect_str_eq(written(32), "NAME              VALUE  UNIT\n"
				      "a_name_of_thirt\xe2\x80\xa6      1  seconds\n"
				      "short                 2\n");
}

Test(table, cuts_the_line_where_that_is_not_enough)
{
	add_row("a_name_of_thirty_letters_in_all", "1", "seconds");
	cr_expect_str_eq(written(23), "NAME          VALUE  U\xe2\x80\xa6\n"
				      "a_name_of_t\xe2\x80\xa6      1  s\xe2\x80\xa6\n");
	add_row("a_name_of_thirty_letters_in_all", "1", "seconds");
	cr_expect_str_eq(written(4), "NAME\na_n\xe2\x80\xa6\n");
	add_row("a", "1", "");
	cr_expect_str_eq(written(1), "\xe2\x80\xa6\na\n");
}

Test(table, never_writes_a_longer_line_than_allowed)
{
	for (size_t width = 1; width < 60; width++) {
		const char *line;

		add_row("a_name_of_thirty_letters_in_all", "123456789", "seconds");
		add_row("", "", "\xe6\xb8\xa9\xe5\xba\xa6");
		line = written(width);
		while (*line) {
			size_t length = strcspn(line, "\n");

			cr_assert(utf8_columns(line, length) <= width, "width %zu", width);
			line += length + 1;
		}
	}
}

Test(table, takes_new_columns)
{
	add_row("a", "1", "x");
	table_clear(&table);
	cr_expect_eq(table_n_rows(&table), 0);
	table_add_column(&table, "X");
	table_add_cell(&table, "y");
	cr_expect_str_eq(written(TABLE_ANY_WIDTH), "X\ny\n");
}
