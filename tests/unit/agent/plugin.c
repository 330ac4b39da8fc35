/* SPDX-License-Identifier: MIT */
/* Tests of agent/plugin.c. */

#include "agent/plugin.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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

TestSuite(plugin, .init = setup, .fini = teardown);

Test(plugin, is_started_by_its_first_round_and_stopped_once)
{
	cr_assert_str_eq(test_plugin_take_safely(&test), "5 fake_value{device=\"d\"} 1\n"
							 "5 fake_events_total{device=\"d\"} 0\n");
	cr_assert_str_eq(test_plugin_take_safely(&test), "5 fake_value{device=\"d\"} 2\n"
							 "5 fake_events_total{device=\"d\"} 0\n");
	cr_assert_eq(control->n_starts, 1);
	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_RUNNING);
	cr_assert_eq(test_plugin_stats(&test).n_rounds, 2);
	cr_assert_eq(test_plugin_stats(&test).n_series, 2);

	plugin_stop(test.plugin);
	plugin_stop(test.plugin);
	cr_assert_eq(control->n_stops, 1);
}

Test(plugin, counts_the_same_events_again_until_a_round_is_safe)
{
	control->n_events = 3;
	cr_assert_not_null(strstr(test_plugin_take(&test), "fake_events_total{device=\"d\"} 3\n"));
	control->n_events = 4;
	cr_assert_not_null(strstr(test_plugin_take(&test), "fake_events_total{device=\"d\"} 4\n"));
	cr_assert_eq(control->n_cleanups, 0);

	plugin_commit(test.plugin, 5000000);
	cr_assert_eq(control->n_events, 0);
	cr_assert_not_null(strstr(test_plugin_take(&test), "fake_events_total{device=\"d\"} 4\n"));
}

Test(plugin, keeps_events_that_happen_between_a_round_and_its_cleanup)
{
	control->n_events = 3;
	test_plugin_take(&test);
	control->n_events += 2;
	plugin_commit(test.plugin, 5000000);

	cr_assert_not_null(
		strstr(test_plugin_take_safely(&test), "fake_events_total{device=\"d\"} 5\n"));
}

Test(plugin, never_lets_a_total_fall_over_restarts)
{
	for (int i = 1; i <= 5; i++) {
		char expected[60];

		control->n_events = 10;
		plugin_restart(test.plugin, test.now_us);
		cr_assert_eq(control->n_starts, i);
		(void)snprintf(expected, sizeof(expected), "fake_events_total{device=\"d\"} %d\n",
			       10 * i);
		cr_assert_not_null(strstr(test_plugin_take_safely(&test), expected), "%s",
				   buffer_text(&test.lines));
	}
}

Test(plugin, ships_the_last_events_of_a_device_that_went)
{
	control->n_events = 1;
	test_plugin_take_safely(&test);
	control->n_events = 2;
	control->start_result = -ENODEV;
	plugin_restart(test.plugin, test.now_us);

	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_ABSENT);
	cr_assert_str_eq(test_plugin_take_safely(&test), "5 fake_events_total{device=\"d\"} 3\n");
	cr_assert_str_eq(test_plugin_take_safely(&test), "");
}

Test(plugin, is_stopped_after_a_start_that_failed)
{
	control->start_result = -EACCES;
	cr_assert_str_eq(test_plugin_take_safely(&test), "");

	cr_assert_eq(control->n_stops, 1);
	cr_assert_eq(control->n_gets, 0);
	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_FAILED);
	cr_assert_str_eq(test_plugin_stats(&test).last_error, "cannot start: Permission denied");
	cr_assert_eq(test_plugin_stats(&test).n_errors, 1);
}

Test(plugin, is_tried_again_after_a_minute)
{
	control->start_result = -EACCES;
	test_plugin_take_safely(&test);
	test.now_us += TEST_PLUGIN_MINUTE_US - 1;
	test_plugin_take_safely(&test);
	cr_assert_eq(control->n_starts, 1);

	test.now_us += 1;
	control->start_result = 0;
	cr_assert_str_neq(test_plugin_take_safely(&test), "");
	cr_assert_eq(control->n_starts, 2);
	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_RUNNING);
}

Test(plugin, is_absent_without_error_where_there_is_nothing_for_it)
{
	control->start_result = -ENODEV;
	test_plugin_take_safely(&test);

	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_ABSENT);
	cr_assert_eq(test_plugin_stats(&test).n_errors, 0);
	cr_assert_str_eq(test_plugin_stats(&test).last_error, "");
}

Test(plugin, starts_at_once_when_a_device_comes)
{
	control->start_result = -ENODEV;
	test_plugin_take_safely(&test);
	control->start_result = 0;
	plugin_restart(test.plugin, test.now_us);

	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_RUNNING);
}

Test(plugin, says_why_it_is_left_out_below_a_root)
{
	host_done(&test.host);
	cr_assert_eq(host_init(&test.host, "tests/fixtures/empty"), 0);
	test_plugin_make(&test, (struct plugin_config){0});
	control->start_result = -ENOTSUP;
	test_plugin_take_safely(&test);

	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_ABSENT);
	cr_assert_not_null(strstr(test_plugin_stats(&test).last_error, "--root"));
}

Test(plugin, has_failed_when_a_round_gave_nothing_and_runs_again_afterwards)
{
	test_plugin_take_safely(&test);
	control->get_result = -EIO;
	cr_assert_str_eq(test_plugin_take_safely(&test), "");
	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_FAILED);
	cr_assert_str_eq(test_plugin_stats(&test).last_error,
			 "the round gave nothing: Input/output error");
	cr_assert_eq(control->n_cleanups, 1);

	control->get_result = 0;
	cr_assert_str_neq(test_plugin_take_safely(&test), "");
	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_RUNNING);
	cr_assert_eq(control->n_starts, 1);
}

Test(plugin, is_started_anew_when_it_has_given_nothing_for_a_minute)
{
	control->get_result = -EIO;
	test_plugin_take_safely(&test);
	test.now_us += TEST_PLUGIN_MINUTE_US - 1;
	test_plugin_take_safely(&test);
	cr_assert_eq(control->n_starts, 1);
	test.now_us += 1;
	test_plugin_take_safely(&test);

	cr_assert_eq(control->n_starts, 2);
	cr_assert_eq(control->n_stops, 1);
}

Test(plugin, that_lacks_a_descriptor_is_started_anew_when_there_is_one)
{
	struct rlimit limit;
	struct rlimit none;

	control->file = "/proc/self/stat";
	control->n_events = 2;
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	test_plugin_take_safely(&test);
	control->n_events = 3;
	test.now_us += TEST_PLUGIN_MINUTE_US;
	test_plugin_take_safely(&test);
	cr_assert_eq(control->n_starts, 1, "there is none yet");
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	test.now_us += TEST_PLUGIN_MINUTE_US;
	control->n_events = 4;
	cr_expect_not_null(
		strstr(test_plugin_take_safely(&test), "fake_events_total{device=\"d\"} 9\n"));
	cr_assert_eq(control->n_starts, 2);

	test.now_us += TEST_PLUGIN_MINUTE_US;
	test_plugin_take_safely(&test);
	cr_assert_eq(control->n_starts, 2);
	cr_assert_eq(test_plugin_stats(&test).n_errors, 0);
}

Test(plugin, loses_no_events_to_a_round_that_failed)
{
	control->n_events = 3;
	control->get_result = -EIO;
	test_plugin_take_safely(&test);
	control->get_result = 0;

	cr_assert_not_null(
		strstr(test_plugin_take_safely(&test), "fake_events_total{device=\"d\"} 3\n"));
}

Test(plugin, tells_why_a_value_is_missing)
{
	control->missing = -ENODATA;
	test_plugin_take_safely(&test);

	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_RUNNING);
	cr_assert_eq(test_plugin_stats(&test).n_errors, 1);
	cr_assert_str_eq(test_plugin_stats(&test).last_error,
			 "fake_value{device=\"d\"}: No data available");
	cr_assert_str_eq(plugin_reasons(test.plugin),
			 "fake_value{device=\"d\"}: No data available\n");
}

Test(plugin, does_nothing_when_it_is_disabled)
{
	test_plugin_make(&test, (struct plugin_config){.is_disabled = true});
	cr_assert_str_eq(test_plugin_take_safely(&test), "");
	plugin_restart(test.plugin, test.now_us);

	cr_assert_eq(control->n_starts, 0);
	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_DISABLED);
}

Test(plugin, shows_its_series_until_they_are_gone)
{
	test_plugin_take(&test);
	cr_assert_eq(test_plugin_count_values(&test), 0);
	plugin_commit(test.plugin, 5000000);
	cr_assert_eq(test_plugin_count_values(&test), 2);

	control->start_result = -ENODEV;
	plugin_restart(test.plugin, test.now_us);
	for (int i = 0; i < BATCH_ROUNDS_KEPT; i++)
		test_plugin_take_safely(&test);
	cr_assert_eq(test_plugin_count_values(&test), 0);
	cr_assert_eq(test_plugin_stats(&test).n_series, 0);
}

Test(plugin, gives_back_its_lines_when_there_is_no_memory_for_them)
{
	buffer_clear(&test.lines);
	buffer_append_text(&test.lines, "kept");
	test.lines.failed = true;

	cr_assert_eq(plugin_round(test.plugin, 5000000, test.now_us, &test.lines), 0);
	cr_assert_eq(test.lines.length, 4);
}

Test(plugin, takes_a_restart_request_once)
{
	cr_assert_not(plugin_take_restart_request(test.plugin));
	plugin_request_restart(test.plugin);
	plugin_request_restart(test.plugin);

	cr_assert(plugin_take_restart_request(test.plugin));
	cr_assert_not(plugin_take_restart_request(test.plugin));
}

static void *take_on_thread(void *context)
{
	(void)context;
	test_plugin_take_safely(&test);
	return NULL;
}

Test(plugin, can_be_looked_at_while_it_is_stuck, .timeout = 20)
{
	pthread_t thread;

	test_plugin_take_safely(&test);
	control->blocks = true;
	cr_assert_eq(pthread_create(&thread, NULL, take_on_thread, NULL), 0);
	while (!test_plugin_stats(&test).verb)
		(void)usleep(1000);

	cr_assert_str_eq(test_plugin_stats(&test).verb, "get_current_state");
	cr_assert_eq(test_plugin_count_values(&test), 2);
	plugin_request_restart(test.plugin);
	control->blocks = false;
	pthread_join(thread, NULL);
	cr_assert_null(test_plugin_stats(&test).verb);
}

static void configure(struct plugin_config config)
{
	config.table = &fake_plugin;
	cr_assert_eq(plugin_configure(test.plugin, &config, test.now_us), 0);
}

Test(plugin, is_not_restarted_by_another_interval)
{
	(void)test_plugin_take_safely(&test);
	configure((struct plugin_config){.interval_us = 5});
	cr_assert_eq(control->n_starts, 1);
	cr_assert_eq(test_plugin_stats(&test).interval_us, 5);
}

static void configure_filter(const char *exclude)
{
	const char *const values[] = {NULL, exclude, NULL, NULL};
	struct plugin_config config = {
		.table = &fake_plugin, .interval_us = 1000000, .filter_values = values};

	cr_assert_eq(plugin_configure(test.plugin, &config, test.now_us), 0);
}

Test(plugin, takes_another_filter_without_being_restarted)
{
	const char *const values[] = {NULL, NULL, "[ab]", NULL};

	test_plugin_make(&test, (struct plugin_config){.filter_values = values});
	cr_assert_str_eq(test_plugin_take(&test), "", "the device is d");
	configure_filter("fake_events_*");
	cr_assert_str_eq(test_plugin_take(&test), "5 fake_value{device=\"d\"} 2\n");
	plugin_commit(test.plugin, 5000000);
	configure_filter("");
	cr_assert_not_null(strstr(test_plugin_take(&test), "fake_events_total"));
	cr_assert_eq(control->n_starts, 1);
}

Test(plugin, keeps_its_total_while_it_is_disabled)
{
	control->n_events = 3;
	(void)test_plugin_take_safely(&test);
	configure((struct plugin_config){.interval_us = 5, .is_disabled = true});
	cr_assert_eq(control->n_stops, 1);
	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_DISABLED);
	cr_assert_eq(test_plugin_stats(&test).n_series, 0);
	cr_assert_str_eq(test_plugin_take_safely(&test), "");

	configure((struct plugin_config){.interval_us = 5});
	cr_assert_eq(control->n_starts, 2);
	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_RUNNING);
	control->n_events = 1;
	cr_assert_not_null(
		strstr(test_plugin_take_safely(&test), "fake_events_total{device=\"d\"} 4\n"));
}
