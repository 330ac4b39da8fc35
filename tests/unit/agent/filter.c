/* SPDX-License-Identifier: MIT */
/* Tests of agent/filter.c. */

#include "agent/filter.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum metric {
	SIZE,
	READS,
	LOAD,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[SIZE] = {.name = "node_filesystem_size_bytes",
		  .labels = HM_LABELS("device", "mountpoint")},
	[READS] = {.name = "node_disk_reads_total", .labels = HM_LABELS("device")},
	[LOAD] = {.name = "node_load1"},
};

static const struct hm_plugin plugin = {.metrics = metrics, .n_metrics = N_METRICS};

/* In the order of their values. */
struct values {
	const char *include;
	const char *exclude;
	const char *include_device;
	const char *exclude_device;
	const char *include_mountpoint;
	const char *exclude_mountpoint;
};

static struct filter *filter;

static void teardown(void)
{
	filter_free(filter);
}

TestSuite(filter, .fini = teardown);

static void make(struct values values)
{
	const char *const all[] = {values.include,
				   values.exclude,
				   values.include_device,
				   values.exclude_device,
				   values.include_mountpoint,
				   values.exclude_mountpoint};

	filter_free(filter);
	filter = NULL;
	cr_assert_eq(filter_new(&plugin, all, &filter), 0);
}

static bool takes_disk(const char *device)
{
	return filter_takes(filter, &metrics[READS], device, strlen(device) + 1);
}

static bool takes_size(const char *device, const char *mountpoint)
{
	char labels[200];
	int length = snprintf(labels, sizeof(labels), "%s%c%s", device, '\0', mountpoint);

	return filter_takes(filter, &metrics[SIZE], labels, (size_t)length + 1);
}

static bool takes_load(void)
{
	return filter_takes(filter, &metrics[LOAD], "", 0);
}

Test(filter, knows_each_label_of_a_plugin_once)
{
	const char *labels[N_METRICS * HM_METRIC_LABELS_MAX];

	cr_assert_eq(filter_find_labels(&plugin, labels), 2);
	cr_assert_str_eq(labels[0], "device");
	cr_assert_str_eq(labels[1], "mountpoint");
	cr_assert_eq(filter_count_values(&plugin), 6);
	cr_assert(filter_has_label(&plugin, "mountpoint"));
	cr_assert_not(filter_has_label(&plugin, "mount"));
}

Test(filter, is_none_where_nothing_is_said)
{
	make((struct values){NULL});
	cr_assert_null(filter);
	make((struct values){.include = "", .exclude = " \t", .exclude_device = ""});
	cr_assert_null(filter);
	cr_assert(takes_load());
	cr_assert_eq(filter_new(&plugin, NULL, &filter), 0);
	cr_assert_null(filter);
}

Test(filter, takes_only_metrics_that_it_includes)
{
	make((struct values){.include = "node_load*  node_disk_reads_tota?"});
	cr_assert(takes_load());
	cr_assert(takes_disk("sda"));
	cr_assert_not(takes_size("sda", "/"));
}

Test(filter, excludes_what_it_includes_as_well)
{
	make((struct values){.include = "node_*", .exclude = "*_bytes node_load1"});
	cr_assert_not(takes_load());
	cr_assert_not(takes_size("sda", "/"));
	cr_assert(takes_disk("sda"));
}

Test(filter, looks_at_the_values_of_labels)
{
	make((struct values){.exclude_device = "loop* ram[0-9]", .exclude_mountpoint = "/run/*"});
	cr_assert(takes_disk("sda"));
	cr_assert_not(takes_disk("loop7"));
	cr_assert_not(takes_disk("ram1"));
	cr_assert(takes_disk("ram"));
	cr_assert(takes_size("tmpfs", "/run"));
	/* A '*' takes slashes, too. */
	cr_assert_not(takes_size("tmpfs", "/run/user/1000"));
	cr_assert_not(takes_size("loop1", "/"));
}

Test(filter, says_nothing_of_a_metric_without_the_label)
{
	make((struct values){.include_device = "sd*", .include_mountpoint = "/home"});
	cr_assert(takes_load());
	cr_assert(takes_disk("sda"));
	cr_assert_not(takes_disk("nvme0n1"));
	cr_assert(takes_size("sda", "/home"));
	cr_assert_not(takes_size("sda", "/"));
	cr_assert_not(takes_size("nvme0n1", "/home"));
}

Test(filter, takes_what_reads_like_a_glob_for_itself_too)
{
	make((struct values){.exclude_mountpoint = "/a[1] /my\\ disk /b\\*"});
	cr_assert_not(takes_size("sda", "/a[1]"));
	cr_assert_not(takes_size("sda", "/a1"));
	cr_assert_not(takes_size("sda", "/my disk"));
	cr_assert(takes_size("sda", "disk"));
	cr_assert_not(takes_size("sda", "/b*"));
	cr_assert(takes_size("sda", "/bc"));
}

Test(filter, takes_an_empty_value_for_one)
{
	make((struct values){.exclude_device = "?*"});
	cr_assert(takes_disk(""));
	make((struct values){.exclude_device = "*"});
	cr_assert_not(takes_disk(""));
}

Test(filter, knows_what_is_wrong_with_globs)
{
	static const char *const good[] = {"",         "a*",  "[]]",   "[!]a]",
					   "[^a-z] b", "\\[", "a\\ b", "]"};
	static const char *const open[] = {"[", "a[b", "[a b]", "[!", "[]", "a [\\]"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_assert_null(filter_find_fault(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		const char *fault = filter_find_fault(open[i]);

		cr_assert_not_null(fault, "%s", open[i]);
		cr_assert_not_null(strstr(fault, "without its ']'"));
	}
	cr_assert_not_null(strstr(filter_find_fault("a b\\"), "ends in a '\\'"));
}

Test(filter, knows_globs_that_fit_no_metric)
{
	cr_assert(filter_fits_metrics("", &plugin));
	cr_assert(filter_fits_metrics("node_load? node_disk*", &plugin));
	cr_assert_not(filter_fits_metrics("node_load? node_dsk*", &plugin));
}
