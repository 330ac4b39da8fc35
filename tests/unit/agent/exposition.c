/* SPDX-License-Identifier: MIT */
/* Tests of agent/exposition.c. */

#include "agent/exposition.h"

#include <criterion/criterion.h>
#include <string.h>

#include "agent/round.h"
#include "hostmetrics/plugin.h"

static const struct hm_metric gauge = {
	.name = "node_b_bytes",
	.unit = "bytes",
	.help = "With a \\ in it.",
	.source = "b",
	.kind = HM_GAUGE,
	.labels = HM_LABELS("device"),
};

static const struct hm_metric total = {
	.name = "node_a_seconds_total",
	.unit = "seconds",
	.help = "A.",
	.source = "a",
	.kind = HM_COUNTER,
};

static const struct hm_metric other = {
	.name = "node_vmstat_pgfault",
	.unit = "",
	.help = "C.",
	.source = "c",
	.kind = HM_COUNTER,
};

static struct buffer samples;
static struct buffer out;

static void teardown(void)
{
	buffer_done(&samples);
	buffer_done(&out);
}

TestSuite(exposition, .fini = teardown);

static void put(const struct hm_metric *metric, const char *name, double value,
		enum hm_reason reason)
{
	const struct round_sample sample = {
		.time_us = 1,
		.value = value,
		.reason = reason,
		.metric = metric,
		.name = {name, strlen(name)},
	};

	round_put(&samples, &sample);
}

static void put_some(void)
{
	put(&gauge, "node_b_bytes{device=\"a\"}", 2, HM_REASON_NONE);
	put(&other, "node_vmstat_pgfault", 3, HM_REASON_NONE);
	put(&gauge, "node_b_bytes{device=\"b\"}", 0, HM_REASON_SOURCE_FAILED);
	put(&total, "node_a_seconds_total", 0.5, HM_REASON_NONE);
	put(&gauge, "node_b_bytes{device=\"c\"}", 1e21, HM_REASON_NONE);
}

Test(exposition, in_the_text_of_prometheus_families_stand_together)
{
	put_some();
	cr_expect_eq(exposition_format(EXPOSITION_PROMETHEUS, samples.data, samples.length, &out),
		     4);
	cr_expect_str_eq(buffer_text(&out), "# HELP node_a_seconds_total A.\n"
					    "# TYPE node_a_seconds_total counter\n"
					    "node_a_seconds_total 0.5\n"
					    "# HELP node_b_bytes With a \\\\ in it.\n"
					    "# TYPE node_b_bytes gauge\n"
					    "node_b_bytes{device=\"a\"} 2\n"
					    "node_b_bytes{device=\"c\"} 1e+21\n"
					    "# HELP node_vmstat_pgfault C.\n"
					    "# TYPE node_vmstat_pgfault untyped\n"
					    "node_vmstat_pgfault 3\n");
}

Test(exposition, openmetrics_tells_units_and_ends)
{
	put_some();
	cr_expect_eq(exposition_format(EXPOSITION_OPENMETRICS, samples.data, samples.length, &out),
		     4);
	cr_expect_str_eq(buffer_text(&out), "# HELP node_a_seconds A.\n"
					    "# TYPE node_a_seconds counter\n"
					    "# UNIT node_a_seconds seconds\n"
					    "node_a_seconds_total 0.5\n"
					    "# HELP node_b_bytes With a \\\\ in it.\n"
					    "# TYPE node_b_bytes gauge\n"
					    "# UNIT node_b_bytes bytes\n"
					    "node_b_bytes{device=\"a\"} 2\n"
					    "node_b_bytes{device=\"c\"} 1e+21\n"
					    "# HELP node_vmstat_pgfault C.\n"
					    "# TYPE node_vmstat_pgfault unknown\n"
					    "node_vmstat_pgfault 3\n"
					    "# EOF\n");
}

Test(exposition, a_gauge_that_is_called_as_others_are_has_no_type)
{
	static const struct hm_metric active = {.name = "node_active_total",
						.unit = "",
						.help = "A.",
						.source = "a",
						.kind = HM_GAUGE};

	put(&active, "node_active_total", 1, HM_REASON_NONE);
	cr_expect_eq(exposition_format(EXPOSITION_PROMETHEUS, samples.data, samples.length, &out),
		     1);
	cr_expect_str_eq(buffer_text(&out), "# HELP node_active_total A.\n"
					    "# TYPE node_active_total untyped\n"
					    "node_active_total 1\n");
}

Test(exposition, nothing_is_no_sample)
{
	cr_expect_eq(exposition_format(EXPOSITION_PROMETHEUS, "", 0, &out), 0);
	cr_expect_eq(exposition_format(EXPOSITION_OPENMETRICS, "", 0, &out), 0);
	cr_expect_str_eq(buffer_text(&out), "# EOF\n");
}

Test(exposition, lists_what_a_plugin_knows)
{
	const struct hm_metric metrics[] = {
		{"m", "bytes", "Help.", "file", HM_GAUGE, HM_LABELS("a", "b")},
	};
	const struct hm_plugin plugin = {.name = "p", .metrics = metrics, .n_metrics = 1};

	exposition_list(&plugin, &out);
	cr_expect_str_eq(buffer_text(&out), "p\tm\tgauge\tbytes\ta,b\tfile\tHelp.\n");
}
