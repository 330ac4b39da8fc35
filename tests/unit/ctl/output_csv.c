/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/output_csv.c. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/printed.h"

static void setup(void)
{
	cr_assert_eq(setenv("TZ", "UTC0", 1), 0);
	tzset();
}

TestSuite(output_csv, .init = setup);

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
	       "2026-11-23T06:46:41.250000,web01,0.14285714285714285\r\n"
	       "1970-01-01T00:00:00,web02,-0\r\n");
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

Test(output_csv, makes_no_formula_of_a_text)
{
	expect("columns\trows\ta:text\tb:text\tc:text\td:text\te:text\tf:text\n"
	       "row\t=1+1\t+1\t-1\t@x,y\ta=1\t\\t=1\nend\tok\n",
	       "a,b,c,d,e,f\r\n'=1+1,'+1,'-1,\"'@x,y\",a=1,\\x09=1\r\n");
}

Test(output_csv, leaves_numbers_as_they_are)
{
	expect("columns\trows\ta:number\tb:number\tc:number\td:number\n"
	       "row\t-0.5\t1.7976931348623157e+308\t+Inf\t-Inf\nend\tok\n",
	       "a,b,c,d\r\n-0.5,1.7976931348623157e+308,Inf,-Inf\r\n");
}

Test(output_csv, prints_nothing_for_nothing)
{
	expect("end\tnone\n", "");
	expect("columns\trows\ta:text\nend\tnone\n", "a\r\n");
}
