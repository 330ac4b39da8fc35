/* SPDX-License-Identifier: MIT */
/* Tests of common/control.c. */

#include "common/control.h"

#include <bsd/string.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static struct control_reply reply;

static void teardown(void)
{
	control_reply_done(&reply);
}

TestSuite(control, .fini = teardown);

Test(control, splits_a_line_at_its_tabs)
{
	char line[] = "row\tweb01\t\ta b\t";
	struct control_words words;

	cr_assert_eq(control_split(line, &words), 0);
	cr_assert_eq(words.n, 5);
	cr_assert_str_eq(words.at[0], "row");
	cr_assert_str_eq(words.at[1], "web01");
	cr_assert_str_eq(words.at[2], "");
	cr_assert_str_eq(words.at[3], "a b");
	cr_assert_str_eq(words.at[4], "");
}

Test(control, empty_line_is_one_empty_word)
{
	char line[] = "";
	struct control_words words;

	cr_assert_eq(control_split(line, &words), 0);
	cr_assert_eq(words.n, 1);
	cr_assert_str_eq(words.at[0], "");
}

Test(control, resolves_escapes_and_knows_no_value)
{
	char line[] = "\\t\\n\\r\\\\\t\\N\t\\\\N\t\\\\\\\\t";
	struct control_words words;

	cr_assert_eq(control_split(line, &words), 0);
	cr_assert_eq(words.n, 4);
	cr_assert_str_eq(words.at[0], "\t\n\r\\");
	cr_assert_null(words.at[1]);
	cr_assert_str_eq(words.at[2], "\\N");
	cr_assert_str_eq(words.at[3], "\\\\t");
}

Test(control, refuses_escapes_that_it_does_not_know)
{
	static const char *const lines[] = {"\\",   "a\tb\\", "\\x",     "\\Nx",
					    "x\\N", "\\0",    "a\t\\\tb"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct control_words words = {.n = 77};
		char line[16];

		(void)snprintf(line, sizeof(line), "%s", lines[i]);
		cr_assert_eq(control_split(line, &words), -EINVAL, "%s", lines[i]);
		cr_assert_eq(words.n, 77);
	}
}

Test(control, refuses_more_words_than_it_has_room_for)
{
	char line[CONTROL_WORDS_MAX + 1];
	struct control_words words;

	memset(line, '\t', sizeof(line));
	line[CONTROL_WORDS_MAX] = '\0';
	cr_assert_eq(control_split(line, &words), -EINVAL);

	memset(line, '\t', sizeof(line));
	line[CONTROL_WORDS_MAX - 1] = '\0';
	cr_assert_eq(control_split(line, &words), 0);
	cr_assert_eq(words.n, CONTROL_WORDS_MAX);
}

Test(control, any_text_comes_back_from_a_word)
{
	struct buffer out = {0};
	struct control_words words;
	char text[256];

	for (int i = 0; i < 255; i++)
		text[i] = (char)(i + 1);
	text[255] = '\0';
	control_append_word(&out, text);
	buffer_append_byte(&out, '\t');
	control_append_word(&out, "\\N");
	buffer_append_byte(&out, '\t');
	control_append_word(&out, NULL);
	buffer_append_byte(&out, '\t');
	control_append_word(&out, "");

	cr_assert_null(memchr(out.data, '\n', out.length));
	cr_assert_null(memchr(out.data, '\r', out.length));
	cr_assert_not_null(buffer_text(&out));
	cr_assert_eq(control_split(out.data, &words), 0);
	cr_assert_eq(words.n, 4);
	cr_assert_str_eq(words.at[0], text);
	cr_assert_str_eq(words.at[1], "\\N");
	cr_assert_null(words.at[2]);
	cr_assert_str_eq(words.at[3], "");

	buffer_done(&out);
}

Test(control, request_has_a_verb_and_arguments)
{
	char line[] = "query\tseries=a{b=\"c\\td\"}\tsince=5\thost=";
	struct control_request request;

	cr_assert_eq(control_request_parse(line, &request), 0);
	cr_assert_str_eq(request.verb, "query");
	cr_assert_eq(request.n_arguments, 3);
	cr_assert_str_eq(control_argument(&request, "series"), "a{b=\"c\td\"}");
	cr_assert_str_eq(control_argument(&request, "since"), "5");
	cr_assert_str_eq(control_argument(&request, "host"), "");
	cr_assert_null(control_argument(&request, "until"));
	cr_assert_null(control_argument(&request, ""));
}

Test(control, request_without_arguments_is_one)
{
	char line[] = "status";
	struct control_request request;

	cr_assert_eq(control_request_parse(line, &request), 0);
	cr_assert_str_eq(request.verb, "status");
	cr_assert_eq(request.n_arguments, 0);
	cr_assert_null(control_argument(&request, "host"));
}

Test(control, refuses_what_is_no_request)
{
	static const char *const lines[] = {
		"",          "\t",      "\\N",    "\thost=a",   "status\t", "status\thost",
		"status\t=", "a\t=b=c", "a\t\\N", "a\tb=c\t\\", "a\\x",     "a\tb=1\tc",
		"\\N\ta=b",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct control_request request = {.n_arguments = 77};
		char line[32];

		(void)snprintf(line, sizeof(line), "%s", lines[i]);
		cr_assert_eq(control_request_parse(line, &request), -EINVAL, "%s", lines[i]);
		cr_assert_eq(request.n_arguments, 77);
	}
}

Test(control, request_has_sixteen_arguments_at_most)
{
	char line[200] = "verb";
	char longer[200];
	struct control_request request;

	for (int i = 0; i < CONTROL_ARGUMENTS_MAX; i++)
		(void)strlcat(line, "\ta=b", sizeof(line));
	(void)snprintf(longer, sizeof(longer), "%s\ta=b", line);
	cr_assert_eq(control_request_parse(line, &request), 0);
	cr_assert_eq(request.n_arguments, CONTROL_ARGUMENTS_MAX);
	cr_assert_eq(control_request_parse(longer, &request), -EINVAL);
}

Test(control, reply_is_columns_rows_notes_and_an_end)
{
	static const char *const columns[] = {"host:text", "value:number", "time:time"};

	control_columns(&reply, "rows", columns, 3);
	control_text(&reply, "we\tb");
	control_number(&reply, 0.1);
	control_integer(&reply, 1795416401000000);
	control_row_end(&reply);
	control_text(&reply, NULL);
	control_nothing(&reply);
	control_integer(&reply, INT64_MIN);
	control_row_end(&reply);
	control_note(&reply, "two\nlines");
	control_end(&reply, HM_CONTROL_OK, NULL);

	cr_assert(reply.ended);
	cr_assert_str_eq(buffer_text(&reply.out),
			 "columns\trows\thost:text\tvalue:number\ttime:time\n"
			 "row\twe\\tb\t0.1\t1795416401000000\n"
			 "row\t\\N\t\\N\t-9223372036854775808\n"
			 "note\ttwo\\nlines\n"
			 "end\tok\n");
}

Test(control, end_may_carry_a_text)
{
	control_end(&reply, HM_CONTROL_NONE, "nothing matched 'a\tb'");

	cr_assert_str_eq(buffer_text(&reply.out), "end\tnone\tnothing matched 'a\\tb'\n");
}

Test(control, numbers_have_every_digit)
{
	control_number(&reply, 1.0 / 3);
	control_number(&reply, 1e300);
	control_number(&reply, -0.0);
	control_number(&reply, 5);
	control_number(&reply, (double)NAN);
	control_row_end(&reply);

	cr_assert_str_eq(buffer_text(&reply.out), "row\t0.3333333333333333\t1e+300\t-0\t5\tNaN\n");
}

Test(control, row_without_words_is_one)
{
	control_row_end(&reply);

	cr_assert_str_eq(buffer_text(&reply.out), "row\n");
}

static int n_freed;

static void count_free(void *state)
{
	cr_assert_eq(state, &n_freed);
	n_freed++;
}

static int produce_nothing(void *state, struct control_reply *out)
{
	(void)state;
	(void)out;
	return 0;
}

Test(control, producers_state_is_freed_once)
{
	control_stream(&reply, produce_nothing, count_free, &n_freed);
	cr_assert_eq(n_freed, 0);
	cr_assert_eq(reply.produce, produce_nothing);

	control_reply_done(&reply);
	control_reply_done(&reply);

	cr_assert_eq(n_freed, 1);
}

Test(control, producer_may_have_no_state_to_free)
{
	control_stream(&reply, produce_nothing, NULL, NULL);
	control_reply_done(&reply);

	cr_assert_null(reply.produce);
}
