/* SPDX-License-Identifier: MIT */
/* Tests of the sentences that say why there is a hole. */

#include "agent/ctl/why.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/printed.h"

/* 2026-11-23 06:46:41 UTC */
#define NOW_US INT64_C(1795416401000000)

#define COLUMNS                                                                                    \
	"columns\trows\tfrom:time\tto:time\treason:text\ttext:text\thost:text\tseries:text\t"      \
	"n_series:number\tof_series:number\n"

static void setup(void)
{
	cr_assert_eq(setenv("TZ", "UTC0", 1), 0);
	tzset();
}

TestSuite(why_sentences, .init = setup);

static void expect(const char *answer, const char *printed)
{
	char *got = printed_answer(&why_sentences, answer, NOW_US);

	cr_expect_str_eq(got, printed, "%s", got);
	free(got);
}

Test(why_sentences, tell_when_why_and_of_what)
{
	expect(COLUMNS
	       "row\t1795416190000000\t1795416380000000\thost_slept\tthe host was suspended\tweb01\t"
	       "m{a=\"b\"}\t1\t5\nend\tok\n",
	       "06:43:10 to 06:46:20: the host was suspended (web01, m{a=\"b\"})\n");
}

Test(why_sentences, tell_of_how_many_series)
{
	expect(COLUMNS "row\t1795416190000000\t1795416380000000\tx\tX\tweb01\t\\N\t5\t5\n"
		       "row\t1795416190000000\t1795416380000000\tx\tX\tweb01\t\\N\t3\t5\nend\tok\n",
	       "06:43:10 to 06:46:20: X (web01, all 5 series)\n"
	       "06:43:10 to 06:46:20: X (web01, 3 of 5 series)\n");
}

Test(why_sentences, tell_the_day_where_it_is_not_today)
{
	expect(COLUMNS "row\t1795300000000000\t1795300060000000\tx\tX\ta\tm\t1\t1\n"
		       "row\t1795300000000000\t1795416380000000\tx\tX\ta\tm\t1\t1\n"
		       "row\t1795300000000000\t1795390000000000\tx\tX\ta\tm\t1\t1\nend\tok\n",
	       "2026-11-21 22:26:40 to 22:27:40: X (a, m)\n"
	       "2026-11-21 22:26:40 to 2026-11-23 06:46:20: X (a, m)\n"
	       "2026-11-21 22:26:40 to 2026-11-22 23:26:40: X (a, m)\n");
}

Test(why_sentences, tell_what_goes_on_and_what_has_no_beginning)
{
	expect(COLUMNS "row\t1795416190000000\t\\N\tx\tX\ta\tm\t1\t1\n"
		       "row\t\\N\t1795416380000000\tx\tX\ta\tm\t1\t1\n"
		       "row\t\\N\t\\N\tx\tX\ta\tm\t1\t1\nend\tok\n",
	       "06:43:10 to now: X (a, m)\nup to 06:46:20: X (a, m)\nX (a, m)\n");
}

Test(why_sentences, tell_of_one_moment)
{
	expect(COLUMNS
	       "row\t1795416190000000\t1795416190000000\tsample\tthere is a sample\ta\tm\t1\t1\n"
	       "end\tok\n",
	       "06:43:10: there is a sample (a, m)\n");
}

Test(why_sentences, tell_that_there_is_no_hole)
{
	expect(COLUMNS "end\tok\n", "no holes: every sample that was due is there\n");
}

Test(why_sentences, tell_nothing_of_nothing)
{
	expect("end\tnone\tno series matches\n", "");
}

Test(why_sentences, cannot_be_controlled_by_names)
{
	expect(COLUMNS "row\t\\N\t\\N\tx\tX\033[2J\ta\033\tm\xe2\x80\xae\t1\t1\nend\tok\n",
	       "X\\x1b[2J (a\\x1b, m\\u202e)\n");
}

Test(why_sentences, are_told_also_where_the_answer_lacks_something)
{
	expect("columns\trows\ttext:text\nrow\tX\nend\tok\n", "X (, some of all series)\n");
}
