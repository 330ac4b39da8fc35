/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/output_table.c. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buffer.h"
#include "tests/support/printed.h"

static void setup(void)
{
	cr_assert_eq(setenv("TZ", "UTC", 1), 0);
	tzset();
}

TestSuite(output_table, .init = setup);

static void expect(const char *answer, int64_t now_us, const char *printed)
{
	char *got = printed_answer(&output_table, answer, now_us);

	cr_expect_str_eq(got, printed);
	free(got);
}

#define METRICS                                                                                    \
	"columns\trows\thost:text\tseries:text\tkind:text\tunit:text\tvalue:number\ttime:time\n"

Test(output_table, aligns_and_tells_ages)
{
	expect(METRICS "row\tweb01\tx{a=\"b\"}\tgauge\tcelsius\t21.5\t1795416401000000\n"
		       "row\tweb01\ty\tcounter\t\t12345\t1795416400000000\n"
		       "end\tok\n",
	       INT64_C(1795416413000000),
	       "HOST   SERIES    KIND     UNIT     VALUE  AGE\n"
	       "web01  x{a=\"b\"}  gauge    celsius   21.5  12s\n"
	       "web01  y         counter           12345  13s\n");
}

Test(output_table, shows_local_times)
{
	expect("columns\trows\ttime:time\thost:text\tvalue:number\n"
	       "row\t1795486437250000\tweb01\t0.14285714285714285\nend\tok\n",
	       PRINTED_NO_AGE,
	       "TIME                 HOST      VALUE\n"
	       "2026-11-24 02:13:57  web01  0.142857\n");
}

Test(output_table, shows_a_record_as_two_columns)
{
	expect("columns\trecord\tprogram:text\tuptime:duration\tlast_error:text\n"
	       "row\tcollector\t150000000\t\\N\nend\tok\n",
	       PRINTED_NO_AGE,
	       "NAME        VALUE\nprogram     collector\nuptime      2m30s\nlast_error  -\n");
}

Test(output_table, heads_a_duration_without_its_unit)
{
	expect("columns\trows\tround_us:duration\tn_us:number\nrow\t153\t1\nend\tok\n",
	       PRINTED_NO_AGE, "ROUND  N_US\n153us     1\n");
}

Test(output_table, never_cuts_a_series)
{
	char name[4097];
	char answer[4400];
	char *got;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(answer, sizeof(answer), METRICS "row\th\t%s\tgauge\t\t1\t0\nend\tok\n",
		       name);
	got = printed_answer(&output_table, answer, PRINTED_NO_AGE);
	cr_expect(strstr(got, name));
	free(got);
}

Test(output_table, prints_nothing_for_nothing)
{
	expect("end\tnone\n", PRINTED_NO_AGE, "");
	expect(METRICS "end\tnone\n", PRINTED_NO_AGE, "");
}

Test(output_table, goes_on_after_ten_thousand_rows_as_they_come)
{
	struct buffer answer = {0};
	size_t n_lines = 0;
	char *got;

	buffer_append_text(&answer, "columns\trows\ta:text\tb:number\n");
	for (int i = 0; i < 12000; i++)
		buffer_printf(&answer, "row\tn%d\t%d\n", i, i);
	buffer_append_text(&answer, "row\ta_much_longer_name\t5\nend\tok\n");
	got = printed_answer(&output_table, buffer_text(&answer), PRINTED_NO_AGE);
	for (const char *at = got; (at = strchr(at, '\n')); at++)
		n_lines++;
	cr_expect_eq(n_lines, 1 + 12000 + 1);
	cr_expect(strstr(got, "\nn11999  11999\n"), "as wide as the first ones");
	cr_expect(strstr(got, "\na_much_longer_name      5\n"), "not cut");
	free(got);
	buffer_done(&answer);
}
