/* SPDX-License-Identifier: MIT */
/* Tests of agent/plugin.c: what is said of series while it fails, or when its devices are gone. */

#include <criterion/criterion.h>
#include <errno.h>

#include "agent/round.h"
#include "common/reason.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/test_plugin.h"

static struct fake_plugin_control *const control = &fake_plugin_control;

static struct test_plugin test;

static void setup(void)
{
	test_plugin_init(&test);
}

static void teardown(void)
{
	test_plugin_done(&test);
}

TestSuite(plugin_missing, .init = setup, .fini = teardown);

/* What a safe round packs, a word for each series: "value" or a reason. */
static const char *pack_safely(void)
{
	struct buffer packed = {0};
	struct round_sample sample;
	const char *at;

	buffer_clear(&test.lines);
	plugin_take_round(test.plugin, 5000000, test.now_us, &packed);
	at = packed.data;
	while (packed.length > 0 && round_next(&at, packed.data + packed.length, &sample)) {
		const char *word = "value";

		if (sample.reason != HM_REASON_NONE)
			word = reason_key(sample.reason);
		buffer_printf(&test.lines, "%s\n", word);
	}
	buffer_done(&packed);
	plugin_commit(test.plugin, 5000000);
	return buffer_text(&test.lines);
}

Test(plugin_missing, says_why_series_are_missing_while_it_fails)
{
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
	control->get_result = -EIO;
	cr_assert_str_eq(pack_safely(), "source_failed\nsource_failed\n");
	control->get_result = -ETIMEDOUT;
	cr_assert_str_eq(pack_safely(), "source_stuck\nsource_stuck\n");

	/* Stopped, and started anew in vain; then it waits for the next try. */
	control->start_result = -EACCES;
	test.now_us += TEST_PLUGIN_MINUTE_US;
	cr_assert_str_eq(pack_safely(), "source_failed\nsource_failed\n");
	cr_assert_str_eq(pack_safely(), "source_failed\nsource_failed\n");

	control->start_result = 0;
	control->get_result = 0;
	test.now_us += TEST_PLUGIN_MINUTE_US;
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
}

Test(plugin_missing, that_cannot_start_says_it_of_all_that_an_agent_had_before)
{
	control->start_result = -EACCES;
	cr_assert_str_eq(pack_safely(), "source_failed\nsource_failed\n");
	cr_assert_str_eq(pack_safely(), "source_failed\nsource_failed\n");
	control->start_result = 0;
	test.now_us += TEST_PLUGIN_MINUTE_US;
	cr_assert_str_eq(pack_safely(), "value\nvalue\nsource_gone\nsource_gone\n");
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
}

Test(plugin_missing, says_once_that_its_source_is_gone)
{
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
	control->start_result = -ENODEV;
	plugin_restart(test.plugin, test.now_us);
	cr_assert_str_eq(pack_safely(), "source_gone\nsource_gone\n");
	cr_assert_str_eq(pack_safely(), "");
}

Test(plugin_missing, says_that_a_device_is_gone_when_its_last_events_are_shipped)
{
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
	control->n_events = 2;
	control->start_result = -ENODEV;
	plugin_restart(test.plugin, test.now_us);
	cr_assert_str_eq(pack_safely(), "source_gone\nvalue\n");
	cr_assert_str_eq(pack_safely(), "source_gone\n");
	cr_assert_str_eq(pack_safely(), "");
}

Test(plugin_missing, says_that_a_device_is_gone_when_others_stay)
{
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
	control->n_events = 2;
	plugin_restart(test.plugin, test.now_us);
	control->device = "other";
	cr_assert_str_eq(pack_safely(), "value\nvalue\nsource_gone\nvalue\n");
	cr_assert_str_eq(pack_safely(), "value\nvalue\nsource_gone\n");
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
}
