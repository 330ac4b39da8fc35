/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/output_json.c. */

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/printed.h"

static void expect(const char *answer, const char *printed)
{
	char *got = printed_answer(&output_json, answer, PRINTED_NO_AGE);

	cr_expect_str_eq(got, printed);
	free(got);
}

Test(output_json, prints_rows_as_an_array_of_objects)
{
	expect("columns\trows\ttime:time\tseries:text\tvalue:number\n"
	       "row\t1795416401250000\tx{a=\"b\"}\t0.5\nrow\t0\ty\t1e+300\nend\tok\n",
	       "[\n"
	       "{\"time\": 1795416401.25, \"series\": \"x{a=\\\"b\\\"}\", \"value\": 0.5},\n"
	       "{\"time\": 0, \"series\": \"y\", \"value\": 1e+300}\n"
	       "]\n");
}

Test(output_json, prints_a_record_as_an_object)
{
	expect("columns\trecord\tprogram:text\tsamples_stored:number\tuptime:duration\n"
	       "row\tcollector\t5\t1500000\nend\tok\n",
	       "{\"program\": \"collector\", \"samples_stored\": 5, \"uptime\": 1.5}\n");
}

Test(output_json, is_a_document_without_rows_too)
{
	expect("end\tnone\n", "[]\n");
	expect("columns\trows\ta:text\nend\tnone\n", "[]\n");
	expect("columns\trecord\ta:text\nend\tnone\n", "{}\n");
}

Test(output_json, prints_what_is_no_value_as_null)
{
	expect("columns\trecord\ta:text\tb:number\tc:number\td:number\te:number\tf:time\n"
	       "row\t\\N\t\\N\tNaN\t+Inf\t-Inf\t\\N\nend\tok\n",
	       "{\"a\": null, \"b\": null, \"c\": null, \"d\": null, \"e\": null, \"f\": null}\n");
}

Test(output_json, keeps_the_sign_of_zero)
{
	expect("columns\trecord\ta:number\nrow\t-0\nend\tok\n", "{\"a\": -0.0}\n");
}

Test(output_json, escapes_what_a_string_must_not_hold)
{
	expect("columns\trecord\ta:text\nrow\t\"\\\\/\\t\\n\\r\033\x7f\xc2\x9b\nend\tok\n",
	       "{\"a\": \"\\\"\\\\/\\t\\n\\u000d\\u001b\\u007f\\u009b\"}\n");
	expect("columns\trecord\ta:text\nrow\tgr\xc3\xb6\xc3\x9f\xe2\x80\xae\nend\tok\n",
	       "{\"a\": \"gr\xc3\xb6\xc3\x9f\\u202e\"}\n");
}

Test(output_json, replaces_bytes_that_are_not_utf8)
{
	expect("columns\trecord\ta:text\nrow\tx\xff\xc0\xaf\xe2\x82\nend\tok\n",
	       "{\"a\": \"x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}\n");
}
