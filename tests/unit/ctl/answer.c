/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/answer.c. */

#include "agent/ctl/answer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct answer answer;
static struct buffer seen; /* what the handler was given */
static int handler_result;

static int take_columns(void *context, const struct answer_columns *columns)
{
	cr_expect_eq(context, &seen);
	buffer_append_text(&seen, columns->is_record ? "record" : "rows");
	for (size_t i = 0; i < columns->n; i++)
		buffer_printf(&seen, " %s/%d", columns->at[i].name, columns->at[i].type);
	buffer_append_byte(&seen, '\n');
	return handler_result;
}

static int take_row(void *context, char *const words[])
{
	(void)context;
	for (size_t i = 0; i < answer.columns.n; i++)
		buffer_printf(&seen, "[%s]", words[i] ? words[i] : "(none)");
	buffer_append_byte(&seen, '\n');
	return handler_result;
}

static int take_note(void *context, const char *text)
{
	(void)context;
	buffer_printf(&seen, "note %s\n", text);
	return handler_result;
}

static const struct answer_handler handler = {
	.columns = take_columns,
	.row = take_row,
	.note = take_note,
};

static void setup(void)
{
	answer_init(&answer, &handler, &seen);
}

static void teardown(void)
{
	answer_done(&answer);
	buffer_done(&seen);
}

TestSuite(answer, .init = setup, .fini = teardown);

static int feed(const char *text)
{
	return answer_feed(&answer, text, strlen(text));
}

/* Feed a new answer that must be refused for a reason in which the word occurs. */
static void expect_refused(const char *text, const char *word)
{
	teardown();
	setup();
	cr_expect_eq(feed(text), -EPROTO, "%s", text);
	cr_assert_not_null(answer.problem, "%s", text);
	cr_expect(strstr(answer.problem, word), "%s: %s", text, answer.problem);
}

#define SAMPLES "columns\trows\thost:text\tvalue:number\ttime:time\tage:duration\n"

static const char whole[] = SAMPLES "row\ta\\tb\t-0.5\t-7\t1\n"
				    "note\tthat was one\n"
				    "row\t\t1e+300\t\\N\t\\N\n"
				    "end\tok\tfine\n";

static const char whole_seen[] = "rows host/0 value/1 time/2 age/3\n"
				 "[a\tb][-0.5][-7][1]\n"
				 "note that was one\n"
				 "[][1e+300][(none)][(none)]\n";

Test(answer, hands_over_columns_rows_and_notes)
{
	cr_assert_eq(feed(whole), 1);
	cr_expect_str_eq(buffer_text(&seen), whole_seen);
	cr_expect_eq(answer.status, ANSWER_OK);
	cr_expect_str_eq(answer.text, "fine");
	cr_expect_eq(answer.n_rows, 2);
}

Test(answer, does_not_care_how_its_bytes_come)
{
	size_t length = sizeof(whole) - 1;

	for (size_t i = 0; i < length; i++)
		cr_assert_eq(answer_feed(&answer, whole + i, 1), i == length - 1, "byte %zu", i);
	cr_expect_str_eq(buffer_text(&seen), whole_seen);
}

Test(answer, ends_with_each_status)
{
	static const char *const ends[] = {"end\tok\n", "end\tnone\n", "end\tusage\tno\n",
					   "end\tfailed\tno\n"};

	for (size_t i = 0; i < 4; i++) {
		teardown();
		setup();
		cr_expect_eq(feed(ends[i]), 1);
		cr_expect_eq(answer.status, i);
	}
}

Test(answer, treats_a_type_it_does_not_know_as_text)
{
	cr_assert_eq(feed("columns\trecord\ta:colour\nrow\tred\nend\tok\n"), 1);
	cr_expect_str_eq(buffer_text(&seen), "record a/0\n[red]\n");
}

Test(answer, takes_numbers_that_json_knows_and_those_that_are_none)
{
	cr_assert_eq(feed("columns\trows\tv:number\nrow\t0\nrow\t-12.50\nrow\t1E5\nrow\tNaN\n"
			  "row\t+Inf\nrow\t-Inf\nend\tok\n"),
		     1);
}

Test(answer, refuses_numbers_of_any_other_form)
{
	static const char *const words[] = {"",    "x",   "1x",  "01",  "+1",  ".5",
					    "5.",  "1e",  "1e+", "0x1", "--1", "-",
					    "inf", "nan", "1,5", "1 ",  " 1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "columns\trows\tv:number\nrow\t%s\n", words[i]);
		expect_refused(text, "number");
	}
}

Test(answer, refuses_times_that_are_no_integers)
{
	static const char *const words[] = {"",   "1.5", "x", "-", "99999999999999999999",
					    "1x", "+1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "columns\trows\tt:time\nrow\t%s\n", words[i]);
		expect_refused(text, "number");
	}
}

Test(answer, refuses_lines_out_of_place)
{
	expect_refused("row\t1\n", "before the columns");
	expect_refused(SAMPLES SAMPLES, "twice");
	expect_refused("columns\trecord\ta:text\nrow\t1\nrow\t2\n", "two rows");
	expect_refused("end\tok\nrow\t1\n", "follows its end");
}

Test(answer, refuses_lines_that_are_not_well_formed)
{
	expect_refused("\n", "none of");
	expect_refused("hello\n", "none of");
	expect_refused("\\N\n", "no first word");
	expect_refused("columns\n", "no columns");
	expect_refused("columns\trows\n", "no columns");
	expect_refused("columns\theap\ta:text\n", "shape");
	expect_refused("columns\t\\N\ta:text\n", "no columns");
	expect_refused("columns\trows\ta\n", "proper name");
	expect_refused("columns\trows\t:text\n", "proper name");
	expect_refused("columns\trows\tA\"B:text\n", "proper name");
	expect_refused("columns\trows\t\\N\n", "proper name");
	expect_refused("note\n", "note");
	expect_refused("note\t\\N\n", "note");
	expect_refused("end\n", "end");
	expect_refused("end\tmaybe\n", "end");
	expect_refused("end\t\\N\n", "end");
	expect_refused("end\tok\ta\tb\n", "end");
	expect_refused("row\t\\x\n", "escape");
	expect_refused(SAMPLES "row\ta\t1\t1\n", "as many words");
	expect_refused(SAMPLES "row\ta\t1\t1\t1\t1\n", "as many words");
	expect_refused(SAMPLES "row\n", "as many words");
}

Test(answer, refuses_a_line_with_too_many_words)
{
	struct buffer text = {0};

	buffer_append_text(&text, "row");
	for (size_t i = 0; i < CONTROL_WORDS_MAX; i++)
		buffer_append_text(&text, "\t1");
	buffer_append_byte(&text, '\n');
	expect_refused(buffer_text(&text), "too many words");
	buffer_done(&text);
}

Test(answer, refuses_a_nul_byte)
{
	cr_expect_eq(answer_feed(&answer, "end\tok\0\n", 8), -EPROTO);
	cr_expect(strstr(answer.problem, "NUL"));
}

Test(answer, refuses_a_name_that_is_too_long)
{
	char text[256];

	(void)snprintf(
		text, sizeof(text), "columns\trows\t%.*s:text\n", ANSWER_NAME_MAX_BYTES - 1,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	cr_expect_eq(feed(text), 0);
	(void)snprintf(
		text, sizeof(text), "columns\trows\t%.*s:text\n", ANSWER_NAME_MAX_BYTES,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	expect_refused(text, "proper name");
}

Test(answer, never_holds_more_than_a_line)
{
	char bytes[1024];
	size_t n_bytes = 0;
	int result = 0;

	memset(bytes, 'x', sizeof(bytes));
	while (result == 0 && n_bytes < 10 * (size_t)ANSWER_LINE_MAX_BYTES) {
		result = answer_feed(&answer, bytes, sizeof(bytes));
		n_bytes += sizeof(bytes);
	}
	cr_expect_eq(result, -EPROTO);
	cr_expect(strstr(answer.problem, "too long"));
	cr_expect_eq(n_bytes, ANSWER_LINE_MAX_BYTES);
	cr_expect(answer.line.capacity <= (size_t)2 * ANSWER_LINE_MAX_BYTES);
}

Test(answer, takes_a_line_as_long_as_allowed)
{
	struct buffer line = {0};

	buffer_append_text(&line, "note\t");
	while (line.length < ANSWER_LINE_MAX_BYTES - 1)
		buffer_append_byte(&line, 'x');
	buffer_append_byte(&line, '\n');
	cr_expect_eq(answer_feed(&answer, line.data, line.length), 0);
	buffer_done(&line);
}

Test(answer, stops_when_its_handler_has_enough)
{
	handler_result = -ENOSPC;
	cr_expect_eq(feed(whole), -ENOSPC);
	cr_expect_str_eq(buffer_text(&seen), "rows host/0 value/1 time/2 age/3\n");
}

Test(answer, finds_columns_by_name)
{
	cr_assert_eq(feed(SAMPLES), 0);
	cr_expect_eq(answer_find(&answer.columns, "time"), 2);
	cr_expect_eq(answer_find(&answer.columns, "kind"), answer.columns.n);
}
