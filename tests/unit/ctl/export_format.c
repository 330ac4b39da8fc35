/* SPDX-License-Identifier: MIT */
/* Tests of the formats of agentctl export. */

#include "agent/ctl/export_format.h"

#include <criterion/criterion.h>
#include <string.h>

static struct export_state state;
static struct buffer text;

static void teardown(void)
{
	export_state_done(&state);
	buffer_done(&text);
}

TestSuite(export_format, .fini = teardown);

static struct export_sample sample_of(const char *metric, const char *labels)
{
	return (struct export_sample){
		.host = "h",
		.metric = metric,
		.labels = labels,
		.kind = "",
		.unit = "",
		.is_shared = true,
		.is_new_series = true,
		.time_us = 1500000,
		.value = "1",
	};
}

/* @return what is appended */
static const char *write(const struct export_format *format, const struct export_sample *sample)
{
	buffer_clear(&text);
	format->sample(&state, sample, &text);
	cr_expect(!buffer_failed(&text));
	return buffer_text(&text);
}

Test(export_format, csv_quotes_and_guards)
{
	struct export_sample sample = sample_of("=a", "{b=\"c\"}");

	export_csv.begin(&text);
	cr_expect_str_eq(buffer_text(&text), "time,host,series,kind,unit,value\r\n");
	sample.host = "a, b";
	sample.unit = "'";
	cr_expect_str_eq(write(&export_csv, &sample),
			 "1.5,\"a, b\",\"'=a{b=\"\"c\"\"}\",,'',1\r\n");
	sample.is_new_series = false;
	sample.value = "NaN";
	sample.bits = "fff8000000000000";
	cr_expect_str_eq(write(&export_csv, &sample),
			 "1.5,\"a, b\",\"'=a{b=\"\"c\"\"}\",,'',NaN(0xfff8000000000000)\r\n");
}

Test(export_format, jsonl_is_an_object_a_line)
{
	struct export_sample sample = sample_of("a", "{b=\"\\\"\\n\\\\\"}");

	sample.kind = "gauge";
	sample.unit = "s";
	sample.value = "-0";
	cr_expect_str_eq(
		write(&export_jsonl, &sample),
		"{\"time\":1.5,\"host\":\"h\",\"metric\":\"a\",\"labels\":{\"b\":\"\\\"\\n\\\\\"},"
		"\"kind\":\"gauge\",\"unit\":\"s\",\"value\":-0.0}\n");
	sample = sample_of("a", "");
	sample.value = "+Inf";
	cr_expect_str_eq(write(&export_jsonl, &sample),
			 "{\"time\":1.5,\"host\":\"h\",\"metric\":\"a\",\"value\":\"+Inf\"}\n");
}

Test(export_format, openmetrics_declares_a_family_once)
{
	struct export_sample sample = sample_of("a_seconds_total", "{b=\"c\",z=\"\"\"}");

	sample.labels = "{b=\"c\",z=\"d\"}";
	sample.kind = "counter";
	sample.unit = "seconds";
	cr_expect_str_eq(write(&export_openmetrics, &sample),
			 "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n"
			 "a_seconds_total{b=\"c\",host=\"h\",z=\"d\"} 1 1.500000\n");
	sample.host = "i";
	cr_expect_str_eq(write(&export_openmetrics, &sample),
			 "a_seconds_total{b=\"c\",host=\"i\",z=\"d\"} 1 1.500000\n");
	buffer_clear(&text);
	export_openmetrics.end(&text);
	cr_expect_str_eq(buffer_text(&text), "# EOF\n");
}

Test(export_format, openmetrics_tells_first_what_its_declarations_cannot)
{
	struct export_sample sample = sample_of("temp", "");

	sample.value = NULL;
	sample.kind = "gauge";
	cr_expect_str_eq(write(&export_openmetrics, &sample), "");
	sample.unit = "celsius";
	cr_expect_str_eq(write(&export_openmetrics, &sample),
			 "# TYPE hostmetrics_metric info\nhostmetrics_metric_info{host=\"h\","
			 "kind=\"gauge\",metric=\"temp\",unit=\"celsius\"} 1\n");
	sample.is_shared = false;
	sample.unit = "";
	cr_expect_str_eq(write(&export_openmetrics, &sample),
			 "hostmetrics_metric_info{host=\"h\",kind=\"gauge\",metric=\"temp\",unit="
			 "\"\"} 1\n");
	sample.value = "1";
	cr_expect_str_eq(write(&export_openmetrics, &sample),
			 "# TYPE temp unknown\ntemp{host=\"h\"} 1 1.500000\n");
}

Test(export_format, openmetrics_quotes_names_that_it_does_not_have)
{
	struct export_sample sample = sample_of("room.temp", "{a-b=\"c\"}");

	cr_expect_str_eq(write(&export_openmetrics, &sample),
			 "# TYPE \"room.temp\" unknown\n"
			 "{\"room.temp\",\"a-b\"=\"c\",host=\"h\"} 1 1.500000\n");
}

Test(export_format, openmetrics_sets_samples_of_one_time_apart)
{
	struct export_sample sample = sample_of("a", "");

	(void)write(&export_openmetrics, &sample);
	sample.is_new_series = false;
	cr_expect_str_eq(write(&export_openmetrics, &sample),
			 "a{host=\"h\"} 1 1.5000000000000001\n");
	sample.value = "NaN";
	sample.bits = "7ff8000000000001";
	cr_expect_str_eq(write(&export_openmetrics, &sample),
			 "a{host=\"h\"} NaN 1.500000000000000209221120237041090561\n");
	sample = sample_of("a", "");
	sample.is_new_series = false;
	sample.time_us = -1;
	cr_expect_str_eq(write(&export_openmetrics, &sample), "a{host=\"h\"} 1 -0.000001\n");
}
