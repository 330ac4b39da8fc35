/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/board.c. */

#include "agent/ctl/board.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"

#define COLUMNS                                                                                    \
	"columns\trows\thost:text\tseries:text\tkind:text\tunit:text\tvalue:number\ttime:time\n"

static struct board board;

static void teardown(void)
{
	board_done(&board);
}

TestSuite(board, .fini = teardown);

/* One answer; each line as `series kind value seconds`, or host/series. */
static void feed(const char *lines)
{
	struct buffer text = {0};
	struct answer answer;
	char host[64];
	char series[128];
	char kind[16];
	char value[40];
	char seconds[40];
	int n;

	buffer_append_text(&text, COLUMNS);
	for (; sscanf(lines, " %63[^/]/%127s %15s %39s %39s%n", host, series, kind, value, seconds,
		      &n) == 5;
	     lines += n) {
		bool has_time = strcmp(seconds, "-") != 0;

		buffer_printf(&text, "row\t%s\t%s\t%s\t\t%s\t%s%s\n", host, series, kind,
			      strcmp(value, "-") == 0 ? "\\N" : value, has_time ? seconds : "\\N",
			      has_time ? "000000" : "");
	}
	buffer_append_text(&text, "end\tok\n");
	board_begin(&board);
	answer_init(&answer, &board_handler, &board);
	cr_assert_eq(answer_feed(&answer, text.data, text.length), 1);
	answer_done(&answer);
	buffer_done(&text);
	board_end(&board);
}

/* The series shown, in their order. */
static void expect_shown(const char *filter, const char *column, bool is_descending,
			 const char *expected)
{
	struct board_order order = {column, is_descending};
	struct buffer names = {0};

	cr_assert_eq(board_arrange(&board, filter, &order), 0);
	for (size_t i = 0; i < board.n_shown; i++)
		buffer_printf(&names, "%s%s", i > 0 ? " " : "", board_words(&board, i)[1]);
	cr_expect_str_eq(buffer_text(&names), expected, "%s by %s%s: %s", filter ? filter : "all",
			 is_descending ? "-" : "", column ? column : "nothing",
			 buffer_text(&names));
	buffer_done(&names);
}

/* @return the rate of the only row, "-" = none */
static const char *rate(void)
{
	cr_assert_eq(board_arrange(&board, NULL, &(struct board_order){0}), 0);
	cr_assert_eq(board.n_shown, 1);
	cr_assert_str_eq(board.rows.columns.at[5].name, "rate");
	return board_words(&board, 0)[5] ? board_words(&board, 0)[5] : "-";
}

Test(board, keeps_the_order_of_the_answer)
{
	feed("h/b gauge 1 1\nh/a gauge 2 1\nh/c gauge 3 1\n");
	expect_shown(NULL, NULL, false, "b a c");
}

Test(board, sorts_by_any_column_in_both_directions)
{
	feed("h/b gauge 10 3\ng/a counter 9 1\ni/c unknown -1e3 2\n");
	expect_shown(NULL, "series", false, "a b c");
	expect_shown(NULL, "series", true, "c b a");
	expect_shown(NULL, "host", false, "a b c");
	expect_shown(NULL, "kind", false, "a b c");
	expect_shown(NULL, "value", false, "c a b");
	expect_shown(NULL, "value", true, "b a c");
	expect_shown(NULL, "age", false, "b c a");
	expect_shown(NULL, "age", true, "a c b");
}

Test(board, puts_what_has_no_value_last_in_both_directions)
{
	feed("h/a gauge - -\nh/b gauge NaN 1\nh/c gauge 1 1\nh/d gauge +Inf 1\nh/e gauge -Inf 1\n");
	expect_shown(NULL, "value", false, "e c d a b");
	expect_shown(NULL, "value", true, "d c e a b");
	expect_shown(NULL, "rate", true, "a b c d e");
}

Test(board, keeps_the_order_of_equals)
{
	feed("h/c gauge 1 1\nh/a gauge 1 1\nh/b gauge 1 1\n");
	expect_shown(NULL, "value", false, "c a b");
	expect_shown(NULL, "value", true, "c a b");
	expect_shown(NULL, "rate", false, "c a b");
}

Test(board, filters_by_a_piece_of_the_name_or_a_glob)
{
	feed("web/node_load1 gauge 1 1\nweb/node_cpu{mode=\"idle\"} gauge 1 1\ndb/up gauge 1 1\n");
	expect_shown("", NULL, false, "node_load1 node_cpu{mode=\"idle\"} up");
	expect_shown("load", NULL, false, "node_load1");
	expect_shown("LOAD", NULL, false, "node_load1");
	expect_shown("mode=\"i", NULL, false, "node_cpu{mode=\"idle\"}");
	expect_shown("db", NULL, false, "up");
	expect_shown("node_*", NULL, false, "node_load1 node_cpu{mode=\"idle\"}");
	expect_shown("d?", NULL, false, "up");
	expect_shown("*{*idle*}", NULL, false, "node_cpu{mode=\"idle\"}");
	expect_shown("load*", NULL, false, "");
	expect_shown("[", NULL, false, "");
}

Test(board, tells_the_rate_of_a_counter_between_two_samples)
{
	feed("h/x counter 100 10\n");
	cr_expect_str_eq(rate(), "-", "of one sample");
	feed("h/x counter 130 12\n");
	cr_expect_str_eq(rate(), "15");
	feed("h/x counter 130 12\n");
	cr_expect_str_eq(rate(), "15", "no new sample");
	feed("h/x counter 130 13\n");
	cr_expect_str_eq(rate(), "0", "it stands still");
}

Test(board, tells_no_rate_of_a_counter_that_began_again)
{
	feed("h/x counter 100 10\n");
	feed("h/x counter 3 11\n");
	cr_expect_str_eq(rate(), "-");
	feed("h/x counter 5 12\n");
	cr_expect_str_eq(rate(), "2");
	feed("h/x counter 9 11\n");
	cr_expect_str_eq(rate(), "-", "its clock went back");
	feed("h/x counter NaN 13\n");
	cr_expect_str_eq(rate(), "-");
	feed("h/x counter +Inf 14\n");
	cr_expect_str_eq(rate(), "-");
	feed("h/x counter - -\n");
	cr_expect_str_eq(rate(), "-");
	feed("h/x counter 1 15\n");
	cr_expect_str_eq(rate(), "-");
}

Test(board, tells_no_rate_of_what_is_no_counter)
{
	feed("h/x gauge 100 10\n");
	feed("h/x gauge 130 12\n");
	cr_expect_str_eq(rate(), "-");
	feed("h/x_total{a=\"b\"} unknown 100 10\n");
	feed("h/x_total{a=\"b\"} unknown 130 12\n");
	cr_expect_str_eq(rate(), "15", "a name that says it");
	feed("h/total unknown 100 10\n");
	feed("h/total unknown 130 12\n");
	cr_expect_str_eq(rate(), "-");
}

Test(board, finds_a_series_again_whatever_came_or_went)
{
	feed("h/a counter 0 1\nh/c counter 0 1\ng/c counter 5 1\n");
	feed("h/c counter 2 2\nh/b counter 7 2\ng/c counter 9 2\nh/d counter 1 2\n");
	cr_assert_eq(board_arrange(&board, NULL, &(struct board_order){"rate", true}), 0);
	cr_assert_eq(board.n_shown, 4);
	cr_expect_str_eq(board_words(&board, 0)[5], "4");
	cr_expect_str_eq(board_words(&board, 0)[0], "g");
	cr_expect_str_eq(board_words(&board, 1)[5], "2");
	cr_expect_null(board_words(&board, 2)[5]);
	cr_expect_null(board_words(&board, 3)[5]);
}

Test(board, keeps_the_last_answer_while_another_is_not_whole)
{
	static const char part[] = "columns\trows\tother:text\nrow\tx\n";
	struct answer answer;

	feed("h/a gauge 1 1\n");
	board_begin(&board);
	answer_init(&answer, &board_handler, &board);
	cr_assert_eq(answer_feed(&answer, part, strlen(part)), 0);
	answer_done(&answer);
	expect_shown(NULL, "value", true, "a");
	feed("h/b gauge 1 1\n");
	expect_shown(NULL, NULL, false, "b");
}

Test(board, knows_the_only_host)
{
	cr_expect_null(board_only_host(&board));
	feed("h/a gauge 1 1\nh/b gauge 1 1\n");
	cr_expect_str_eq(board_only_host(&board), "h");
	feed("h/a gauge 1 1\ng/b gauge 1 1\n");
	cr_expect_null(board_only_host(&board));
}

Test(board, takes_an_answer_with_other_columns)
{
	static const char text[] = "columns\trows\tother:text\nrow\tx\nend\tok\n";
	struct answer answer;

	board_begin(&board);
	answer_init(&answer, &board_handler, &board);
	cr_assert_eq(answer_feed(&answer, text, strlen(text)), 1);
	answer_done(&answer);
	board_end(&board);
	cr_assert_eq(board_arrange(&board, NULL, &(struct board_order){"value", true}), 0);
	cr_assert_eq(board.n_shown, 1);
	cr_expect_str_eq(board_words(&board, 0)[0], "x");
	cr_expect_null(board_words(&board, 0)[1], "its rate");
}
