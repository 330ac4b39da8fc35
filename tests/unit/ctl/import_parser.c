/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/import_parser.c and the formats that it reads. */

#include "agent/ctl/import_parser.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/decimal.h"

static struct import_parser parser;

static void begin(const char *format)
{
	import_parser_done(&parser);
	import_parser_init(&parser, format ? import_find_format(format) : NULL);
}

static void teardown(void)
{
	import_parser_done(&parser);
}

TestSuite(import_parser, .fini = teardown);

static enum import_verdict take(const char *line)
{
	return import_parser_take(&parser, line, strlen(line));
}

static void expect(const char *line, int64_t time_us, const char *host, const char *series,
		   double value)
{
	cr_assert_eq(take(line), IMPORT_SAMPLE, "%s: %s", line, parser.problem);
	cr_expect_eq(parser.sample.time_us, time_us, "%s", line);
	cr_expect_str_eq(buffer_text(&parser.sample.host), host);
	cr_expect_str_eq(buffer_text(&parser.sample.series), series);
	cr_expect_eq(decimal_double_bits(parser.sample.value), decimal_double_bits(value), "%s",
		     line);
}

static void expect_meta(enum hm_stored_kind kind, const char *unit)
{
	cr_expect_eq(parser.sample.kind, kind);
	cr_expect_str_eq(buffer_text(&parser.sample.unit), unit);
}

Test(import_parser, reads_csv_whatever_the_order_of_its_columns)
{
	begin(NULL);
	cr_assert_eq(take("value,unit,other,series,host,time,kind\r"), IMPORT_NOTHING);
	expect("0.1,s,,\"a{c=\"\"d\"\",b=\"\"x\\\"\"y\"\"}\",h,1.000001,counter", 1000001, "h",
	       "a{b=\"x\\\"y\",c=\"d\"}", 0.1);
	expect_meta(HM_STORED_COUNTER, "s");
	expect("-0,,,a,,-5,\r", -5000000, "", "a", -0.0);
	expect_meta(HM_STORED_UNKNOWN, "");
}

Test(import_parser, takes_off_what_keeps_csv_from_being_a_formula)
{
	begin("csv");
	(void)take("time,host,series,kind,unit,value");
	expect("1,'=cmd,'-a,,'',1", 1000000, "=cmd", "-a", 1);
	expect_meta(HM_STORED_UNKNOWN, "'");
}

Test(import_parser, reads_every_bit_of_a_nan)
{
	begin("csv");
	(void)take("time,series,value");
	expect("1,a,NaN", 1000000, "", "a", decimal_from_bits(UINT64_C(0x7ff8000000000000)));
	expect("1,a,NaN(0xfff0000000000001)", 1000000, "", "a",
	       decimal_from_bits(UINT64_C(0xfff0000000000001)));
	cr_expect_eq(take("1,a,NaN(0x3ff0000000000000)"), IMPORT_REFUSED);
	cr_expect_eq(take("1,a,NaN(0x7ff800000000001)"), IMPORT_REFUSED);
}

Test(import_parser, refuses_csv_that_is_not_whole)
{
	begin("csv");
	cr_expect_eq(take("time,value"), IMPORT_REFUSED);
	cr_expect_eq(take("time,host,series,value"), IMPORT_NOTHING);
	cr_expect_eq(take("1,h,a"), IMPORT_REFUSED);
	cr_expect_eq(take("1,h,a,1,1"), IMPORT_REFUSED);
	cr_expect_eq(take("1,h,\"a,1"), IMPORT_REFUSED);
	cr_expect_eq(take("1,h,\"a\"b,1"), IMPORT_REFUSED);
	cr_expect_eq(take("1,h,a b,1"), IMPORT_REFUSED);
	cr_expect_eq(take("1,h,\"a{host=\"\"x\"\"}\",1"), IMPORT_REFUSED);
	cr_expect_eq(import_parser_take(&parser, "1,h,a\0,1", 8), IMPORT_REFUSED);
}

Test(import_parser, reads_objects)
{
	begin(NULL);
	expect("{ \"time\" : 1.5, \"metric\":\"a\",\"value\":-0.0,\"x\":null }", 1500000, "", "a",
	       -0.0);
	expect("{\"value\":\"+Inf\",\"labels\":{\"b\":\"\\u00e4\\ud83d\\ude00\\n\\\\\",\"a\":\"\"},"
	       "\"kind\":\"gauge\",\"unit\":\"s\",\"host\":\"h\",\"metric\":\"m\",\"time\":\"2\"}",
	       2000000, "h", "m{b=\"\xc3\xa4\xf0\x9f\x98\x80\\n\\\\\"}", INFINITY);
	expect_meta(HM_STORED_GAUGE, "s");
}

Test(import_parser, refuses_objects_that_are_none)
{
	static const char *const lines[] = {
		"{\"time\":1,\"metric\":\"a\",\"value\":1",
		"{\"time\":1,\"metric\":\"a\",\"value\":1}}",
		"{\"time\":1,\"metric\":\"a\"}",
		"{\"time\":1,\"time\":1,\"metric\":\"a\",\"value\":1}",
		"{\"time\":1,\"metric\":\"a{b=\\\"c\\\"}\",\"value\":1}",
		"{\"time\":1,\"metric\":\"a\\udc00\",\"value\":1}",
		"{\"time\":1,\"metric\":\"a\\ud800\\u0041\",\"value\":1}",
		"{\"time\":1,\"metric\":\"a\\u0000\",\"value\":1}",
		"{\"time\":1,\"metric\":\"a\",\"value\":1,\"labels\":{\"b\":{}}}",
		"{\"time\":1,\"metric\":\"a\",\"value\":[1]}",
		"{\"time\":1,\"metric\":\"a\",\"value\":1,\"labels\":{\"host\":\"x\"}}",
	};

	begin("jsonl");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_expect_eq(take(lines[i]), IMPORT_REFUSED, "%s", lines[i]);
}

Test(import_parser, takes_kind_and_unit_from_the_declarations_of_a_family)
{
	begin(NULL);
	cr_assert_eq(take("# TYPE a_seconds counter"), IMPORT_NOTHING);
	cr_assert_eq(take("# UNIT a_seconds seconds"), IMPORT_NOTHING);
	cr_assert_eq(take("# HELP a_seconds what"), IMPORT_NOTHING);
	expect("a_seconds_total{host=\"h\",b=\"c\"} 1 1795416401.5", 1795416401500000, "h",
	       "a_seconds_total{b=\"c\"}", 1);
	expect_meta(HM_STORED_COUNTER, "seconds");
	expect("other 1 1795416401.5", 1795416401500000, "", "other", 1);
	expect_meta(HM_STORED_UNKNOWN, "");
	cr_assert_eq(take("# TYPE other gauge"), IMPORT_NOTHING);
	expect("other 1 1795416401.5 # {trace=\"x\"} 1", 1795416401500000, "", "other", 1);
	expect_meta(HM_STORED_GAUGE, "");
	cr_expect_eq(take("# EOF"), IMPORT_NOTHING);
	cr_expect(parser.has_ended);
}

Test(import_parser, takes_what_the_info_metric_says_of_one_host)
{
	begin("openmetrics");
	cr_assert_eq(
		take("hostmetrics_metric_info{host=\"h\",kind=\"counter\",metric=\"a\",unit=\"x "
		     "y\"} 1"),
		IMPORT_NOTHING);
	expect("a{host=\"h\"} 1 1.5", 1500000, "h", "a", 1);
	expect_meta(HM_STORED_COUNTER, "x y");
	expect("a{host=\"i\"} 1 1.5", 1500000, "i", "a", 1);
	expect_meta(HM_STORED_UNKNOWN, "");
}

Test(import_parser, reads_names_in_quotes)
{
	begin("openmetrics");
	expect("{\"room.temp\",\"odd-name\"=\"1\",host=\"h\"} 1 1.5", 1500000, "h",
	       "room.temp{odd-name=\"1\"}", 1);
	expect("{ \"b\" , c = \"}\\\"\" } 1 1.5", 1500000, "", "b{c=\"}\\\"\"}", 1);
	expect("c{\"d\"=\"e\"} 1 1.5", 1500000, "", "c{d=\"e\"}", 1);
	expect("{\"d\\\\\",\"e\\\\f\"=\"g\"} 1 1.5", 1500000, "", "d\\{e\\f=\"g\"}", 1);
	cr_expect_eq(take("{\"a\",\"b\"} 1 1.5"), IMPORT_REFUSED);
	cr_expect_eq(take("{b=\"c\"} 1 1.5"), IMPORT_REFUSED);
	cr_expect_eq(take("{\"a\\n\"} 1 1.5"), IMPORT_REFUSED);
	cr_expect_eq(take("{\"a\",b=\"c\" 1 1.5"), IMPORT_REFUSED);
}

Test(import_parser, tells_milliseconds_by_the_first_time)
{
	begin(NULL);
	expect("a 1 1795416401123", 1795416401123000, "", "a", 1);
	expect("a 1 5", 5000, "", "a", 1);
	begin(NULL);
	expect("a 1 1795416401", 1795416401000000, "", "a", 1);
	expect("a 1 1795416401123", INT64_C(1795416401123000000), "", "a", 1);
	begin("openmetrics");
	expect("a 1 1795416401123", INT64_C(1795416401123000000), "", "a", 1);
	begin("prometheus");
	expect("a 1 5", 5000, "", "a", 1);
}

Test(import_parser, reads_what_stands_behind_the_microseconds)
{
	begin("openmetrics");
	expect("a 1 1.0000010000000003", 1000001, "", "a", 1);
	expect("a NaN 1.000001000000000018444492273895866369", 1000001, "", "a",
	       decimal_from_bits(UINT64_C(18444492273895866369)));
	/* The bits of what is no NaN. */
	expect("a NaN 1.000001000000000000000000000000000001", 1000001, "", "a",
	       decimal_from_bits(UINT64_C(0x7ff8000000000000)));
}

Test(import_parser, refuses_samples_without_a_time)
{
	begin("prometheus");
	cr_expect_eq(take("a 1"), IMPORT_REFUSED);
	cr_expect_eq(take("a 1 # {b=\"c\"} 1"), IMPORT_REFUSED);
	cr_expect_eq(take("a"), IMPORT_REFUSED);
	cr_expect_eq(take("a 1 2 3"), IMPORT_REFUSED);
	cr_expect_eq(take("a x 1"), IMPORT_REFUSED);
	cr_expect_eq(take("  "), IMPORT_NOTHING);
	cr_expect_eq(take(""), IMPORT_NOTHING);
}
