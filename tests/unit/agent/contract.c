/* SPDX-License-Identifier: MIT */
/* Tests of agent/contract.c. */

#include "agent/contract.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/support/fake_plugin.h"

static struct hm_metric metrics[2];
static struct hm_option options[2];
static struct hm_plugin plugin;
static char reason[CONTRACT_REASON_MAX_BYTES];

/* A table with which nothing is wrong, for each test to spoil. */
static void setup(void)
{
	plugin = fake_plugin;
	memcpy(metrics, fake_plugin.metrics, sizeof(metrics));
	options[0] = (struct hm_option){.name = "one", .fallback = "", .help = "The first."};
	options[1] = (struct hm_option){.name = "two", .fallback = "2", .help = "The second."};
	plugin.metrics = metrics;
	plugin.n_metrics = 2;
	plugin.options = options;
	plugin.n_options = 2;
}

TestSuite(contract, .init = setup);

static void expect_refused(const char *why)
{
	cr_assert_eq(contract_check(&plugin, reason), -EINVAL, "not refused: %s", why);
	cr_assert_not_null(strstr(reason, why), "'%s' is not in '%s'", why, reason);
}

Test(contract, takes_a_table_that_keeps_it)
{
	cr_assert_eq(contract_check(&plugin, reason), 0, "%s", reason);
	plugin.options = NULL;
	plugin.n_options = 0;
	plugin.stop_collect = NULL;
	plugin.udev_subsystem = NULL;
	plugin.state_size = 0;
	cr_assert_eq(contract_check(&plugin, reason), 0, "%s", reason);
}

Test(contract, takes_a_longer_table_of_a_newer_plugin)
{
	plugin.size = sizeof(plugin) + 8;

	cr_assert_eq(contract_check(&plugin, reason), 0);
}

Test(contract, refuses_another_abi)
{
	plugin.abi = HM_PLUGIN_ABI + 1;
	expect_refused("ABI");
}

Test(contract, refuses_a_table_that_is_too_short)
{
	plugin.size = sizeof(plugin) - 8;
	expect_refused("bytes");
}

Test(contract, refuses_names_of_plugins_that_no_section_can_have)
{
	static const char *const names[] = {
		NULL,
		"",
		"CPU",
		"a b",
		"../x",
		"1cpu",
		"x-y",
		"\xff",
		"name]",
		"x\n",
		"a_name_of_more_than_forty_bytes_is_too_long",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		plugin.name = names[i];
		cr_assert_not(contract_has_name(&plugin));
		expect_refused("name");
	}
}

Test(contract, refuses_texts_that_are_missing_or_cannot_be_shown)
{
	static const char *const texts[] = {NULL, "", "two\nlines", "\x1b[31m", "\xc0\xaf"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		setup();
		plugin.help = texts[i];
		expect_refused("help");
		setup();
		plugin.looks_for = texts[i];
		expect_refused("looks for");
		setup();
		metrics[1].help = texts[i];
		expect_refused("help");
		setup();
		metrics[1].source = texts[i];
		expect_refused("source");
		setup();
		options[1].help = texts[i];
		expect_refused("help");
	}
}

Test(contract, refuses_a_table_without_its_verbs)
{
	plugin.start_collect = NULL;
	expect_refused("start_collect");
	setup();
	plugin.get_current_state = NULL;
	expect_refused("get_current_state");
}

Test(contract, refuses_more_state_than_there_is_room_for)
{
	plugin.state_size = SIZE_MAX;
	expect_refused("state");
}

Test(contract, refuses_a_table_without_metrics)
{
	plugin.n_metrics = 0;
	expect_refused("metrics");
	setup();
	plugin.metrics = NULL;
	expect_refused("metrics");
	setup();
	plugin.n_metrics = SIZE_MAX;
	expect_refused("metrics");
}

Test(contract, refuses_metrics_without_a_valid_name)
{
	static const char *const names[] = {NULL, "", "1a", "a b", "a{", "a-b", "a\n", "\xff"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		metrics[0].name = names[i];
		expect_refused("metric 1");
	}
}

Test(contract, refuses_a_unit_that_is_not_one_word)
{
	static const char *const units[] = {NULL, "per second", "\n", "\xc2\xb0"};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		metrics[0].unit = units[i];
		expect_refused("unit");
	}
}

Test(contract, refuses_a_kind_that_it_does_not_know)
{
	metrics[0].kind = (enum hm_kind)0;
	expect_refused("kind");
	metrics[0].kind = (enum hm_kind)4;
	expect_refused("kind");
}

Test(contract, refuses_events_whose_name_does_not_end_in_total)
{
	metrics[1].name = "fake_events";
	expect_refused("_total");
	metrics[1].name = "_total";
	expect_refused("_total");
}

Test(contract, lets_a_counter_of_the_kernel_s_have_any_name)
{
	metrics[0].kind = HM_COUNTER;

	cr_assert_eq(contract_check(&plugin, reason), 0);
}

Test(contract, refuses_events_that_nobody_cleans_up)
{
	plugin.cleanup = NULL;
	expect_refused("cleanup");
}

Test(contract, refuses_labels_that_are_not_valid)
{
	static const char *const labels[] = {"", "host", "a-b", "1", "device"};

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		const char *const names[] = {"device", labels[i], NULL};

		metrics[0].labels = names;
		expect_refused("label");
	}
}

Test(contract, takes_as_many_labels_as_there_is_room_for)
{
	static const char *const labels[HM_METRIC_LABELS_MAX + 2] = {
		"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",
		"l", "m", "n", "o", "p", "q", "r", "s", "t", "u"};
	const char *fewer[HM_METRIC_LABELS_MAX + 1] = {NULL};

	memcpy((void *)fewer, labels, HM_METRIC_LABELS_MAX * sizeof(fewer[0]));
	metrics[0].labels = fewer;
	cr_assert_eq(contract_check(&plugin, reason), 0, "%s", reason);
	metrics[0].labels = labels;
	expect_refused("more than 20 labels");
}

Test(contract, refuses_a_metric_twice)
{
	metrics[1] = metrics[0];
	expect_refused("twice");
}

Test(contract, refuses_options_that_are_not_valid)
{
	options[0].name = "a b";
	expect_refused("option 1");
	setup();
	options[0].name = "interval";
	expect_refused("agent's own");
	setup();
	options[0].name = "include";
	expect_refused("agent's own");
	options[0].name = "exclude_device";
	expect_refused("agent's own");
	options[0].name = "enabled";
	expect_refused("agent's own");
	setup();
	options[1].fallback = NULL;
	expect_refused("fallback");
	setup();
	options[1].name = "one";
	expect_refused("twice");
	setup();
	plugin.options = NULL;
	expect_refused("options");
}
