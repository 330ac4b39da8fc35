/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/cell.c. */

#include "agent/ctl/cell.h"

#include <bsd/string.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct buffer out;

static void setup(void)
{
	cr_assert_eq(setenv("TZ", "UTC", 1), 0);
	tzset();
}

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(cell, .init = setup, .fini = teardown);

static struct answer_column column(enum answer_type type, const char *name)
{
	struct answer_column made = {.type = type};

	(void)strlcpy(made.name, name, sizeof(made.name));
	return made;
}

static const char *exact(enum answer_type type, const char *name, const char *word)
{
	struct answer_column made = column(type, name);

	buffer_clear(&out);
	cell_append_exact(&out, &made, word);
	return buffer_text(&out);
}

static const char *readable(enum answer_type type, const char *word)
{
	struct answer_column made = column(type, "x");

	buffer_clear(&out);
	cell_append_readable(&out, &made, word);
	return buffer_text(&out);
}

static const char *age(const char *word, int64_t now_us)
{
	buffer_clear(&out);
	cell_append_age(&out, word, now_us);
	return buffer_text(&out);
}

Test(cell, gives_programs_every_digit)
{
	cr_expect_str_eq(exact(ANSWER_NUMBER, "x", "0.14285714285714285"), "0.14285714285714285");
	cr_expect_str_eq(exact(ANSWER_NUMBER, "x", "-0"), "-0");
	cr_expect_str_eq(exact(ANSWER_TIME, "x", "1795416401250000"), "1795416401.25");
	cr_expect_str_eq(exact(ANSWER_TIME, "x", "-1"), "-0.000001");
	cr_expect_str_eq(exact(ANSWER_DURATION, "uptime", "2500000"), "2.5");
	cr_expect_str_eq(exact(ANSWER_TEXT, "x", "a\tb"), "a\tb");
}

Test(cell, keeps_the_unit_that_a_name_tells)
{
	cr_expect_str_eq(exact(ANSWER_DURATION, "round_us", "2500000"), "2500000");
	cr_expect_str_eq(exact(ANSWER_DURATION, "_us", "2500000"), "2.5", "no name before it");
}

Test(cell, rounds_numbers_for_people)
{
	cr_expect_str_eq(readable(ANSWER_NUMBER, "5"), "5");
	cr_expect_str_eq(readable(ANSWER_NUMBER, "0.125"), "0.125");
	cr_expect_str_eq(readable(ANSWER_NUMBER, "0.14285714285714285"), "0.142857");
	cr_expect_str_eq(readable(ANSWER_NUMBER, "1795416401.25000001"), "1795416401.25");
	cr_expect_str_eq(readable(ANSWER_NUMBER, "-12.000000001"), "-12");
	cr_expect_str_eq(readable(ANSWER_NUMBER, "0.00012345678912"), "0.000123457");
	cr_expect_str_eq(readable(ANSWER_NUMBER, "1.7976931348623157e+308"), "1.79769e+308");
	cr_expect_str_eq(readable(ANSWER_NUMBER, "NaN"), "NaN");
}

Test(cell, shows_integers_whole)
{
	cr_expect_str_eq(readable(ANSWER_NUMBER, "12345678901234567890"), "12345678901234567890");
}

Test(cell, shows_times_and_durations_for_people)
{
	cr_expect_str_eq(readable(ANSWER_TIME, "1795486437250000"), "2026-11-24 02:13:57");
	cr_expect_str_eq(readable(ANSWER_DURATION, "12000000"), "12s");
	cr_expect_str_eq(readable(ANSWER_DURATION, "153"), "153us");
}

Test(cell, shows_a_missing_value)
{
	for (int type = ANSWER_TEXT; type <= ANSWER_DURATION; type++)
		cr_expect_str_eq(readable((enum answer_type)type, NULL), "-");
}

Test(cell, lets_no_text_control_a_terminal)
{
	cr_expect_str_eq(readable(ANSWER_TEXT, "\033[2J\r\n\x7f"), "\\x1b[2J\\x0d\\x0a\\x7f");
	cr_expect_str_eq(readable(ANSWER_TEXT, "\xc2\x9b"
					       "2J"),
			 "\\xc2\\x9b2J", "a C1 control");
	cr_expect_str_eq(readable(ANSWER_TEXT, "\xff\xc0\xaf"), "\\xff\\xc0\\xaf");
	cr_expect_str_eq(readable(ANSWER_TEXT, "gr\xc3\xb6\xc3\x9f"
					       "e"),
			 "gr\xc3\xb6\xc3\x9f"
			 "e");
}

Test(cell, lets_no_text_turn_the_direction)
{
	cr_expect_str_eq(readable(ANSWER_TEXT, "web\xe2\x80\xae"
					       "10\xe2\x81\xa6"),
			 "web\\u202e10\\u2066");
}

Test(cell, tells_ages)
{
	cr_expect_str_eq(age("1000000", 13500000), "12s");
	cr_expect_str_eq(age("1000000", 1999999), "0s");
	cr_expect_str_eq(age("1000000", 151000000), "2m30s");
	cr_expect_str_eq(age("1000000", 500000), "0s", "this clock was read before the sample");
	cr_expect_str_eq(age("9000000", 2000000), "-7s", "a sender's clock is ahead");
	cr_expect_str_eq(age(NULL, 5), "-");
	cr_expect_str_eq(age("-9223372036854775808", 5), "-", "beyond what counts");
}
