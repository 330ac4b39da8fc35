/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/output_csv.c. */

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/printed.h"

static void expect(const char *answer, const char *printed)
{
	char *got = printed_answer(&output_csv, answer, PRINTED_NO_AGE);

	cr_expect_str_eq(got, printed);
	free(got);
}

Test(output_csv, prints_a_header_and_rows)
{
	expect("columns\trows\ttime:time\thost:text\tvalue:number\n"
	       "row\t1795416401250000\tweb01\t0.14285714285714285\nrow\t0\tweb02\t-0\nend\tok\n",
	       "time,host,value\r\n"
	       "1795416401.25,web01,0.14285714285714285\r\n"
	       "0,web02,-0\r\n");
}

Test(output_csv, quotes_fields_that_need_it)
{
	expect("columns\trows\ta:text\tb:text\nrow\tx{a=\"b\",c=\"d\"}\t two words \nend\tok\n",
	       "a,b\r\n\"x{a=\"\"b\"\",c=\"\"d\"\"}\",\" two words \"\r\n");
}

Test(output_csv, prints_a_record_as_a_header_and_one_row)
{
	expect("columns\trecord\tprogram:text\tuptime:duration\nrow\tagent\t1500000\nend\tok\n",
	       "program,uptime\r\nagent,1.5\r\n");
}

Test(output_csv, leaves_a_missing_value_empty)
{
	expect("columns\trows\ta:text\tb:number\tc:text\nrow\t\\N\t\\N\t\nend\tok\n",
	       "a,b,c\r\n,,\r\n");
}

Test(output_csv, holds_no_control_bytes)
{
	expect("columns\trows\ta:text\nrow\t\033[2J\\r\\n\nend\tok\n",
	       "a\r\n\\x1b[2J\\x0d\\x0a\r\n");
}

Test(output_csv, prints_nothing_for_nothing)
{
	expect("end\tnone\n", "");
	expect("columns\trows\ta:text\nend\tnone\n", "a\r\n");
}
