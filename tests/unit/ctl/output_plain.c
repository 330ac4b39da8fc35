/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/output_plain.c. */

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/printed.h"

static void expect(const char *answer, const char *printed)
{
	char *got = printed_answer(&output_plain, answer, PRINTED_NO_AGE);

	cr_expect_str_eq(got, printed);
	free(got);
}

Test(output_plain, prints_a_sample_as_time_host_series_value)
{
	expect("columns\trows\thost:text\tseries:text\tkind:text\tunit:text\tvalue:number\ttime:time\n"
	       "row\tweb01\tx{a=\"b c\"}\tgauge\t\t0.14285714285714285\t1795416401250000\n"
	       "end\tok\n",
	       "1795416401.25\tweb01\tx{a=\"b c\"}\t0.14285714285714285\n");
}

Test(output_plain, keeps_the_series_as_it_is_written_elsewhere)
{
	expect("columns\trows\ttime:time\thost:text\tseries:text\tvalue:number\n"
	       "row\t0\th\tx{a=\"b\\\\\"\\\\\\\\\\\\n\"}\t5\nend\tok\n",
	       "0\th\tx{a=\"b\\\"\\\\\\n\"}\t5\n");
}

Test(output_plain, prints_times_first_and_the_rest_in_its_order)
{
	expect("columns\trows\thost:text\tseries:number\tsamples:number\tlast_time:time\n"
	       "row\tweb01\t12\t345\t1000000\nend\tok\n",
	       "1\tweb01\t12\t345\n");
}

Test(output_plain, has_no_empty_field)
{
	expect("columns\trows\tname:text\tlast_error:text\terrors:number\trest:text\n"
	       "row\tcpu\t\t\\N\t\\N\nend\tok\n",
	       "cpu\t-\t-\t-\n");
}

Test(output_plain, prints_a_record_as_names_and_values)
{
	expect("columns\trecord\tprogram:text\tuptime:duration\tsamples_stored:number\n"
	       "row\tcollector\t1500000\t5\nend\tok\n",
	       "program\tcollector\nuptime\t1.5\nsamples_stored\t5\n");
}

Test(output_plain, keeps_one_record_a_line_whatever_it_holds)
{
	expect("columns\trows\ta:text\tb:text\nrow\tx\\ny\\tz\t\033[2J\nend\tok\n",
	       "x\\x0ay\\x09z\t\\x1b[2J\n");
}

Test(output_plain, prints_nothing_for_nothing)
{
	expect("end\tnone\n", "");
	expect("columns\trows\ta:text\nend\tnone\n", "");
}
