/* SPDX-License-Identifier: MIT */
/* Tests of agent/plugin.c. */

#include "agent/plugin.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/plugin_part.h"
#include "agent/round.h"
#include "common/reason.h"
#include "tests/support/fake_plugin.h"

#define MINUTE_US INT64_C(60000000)

static struct fake_plugin_control *const control = &fake_plugin_control;

static struct hm_host host;
static struct plugin *plugin;
static struct buffer lines;
static int64_t now_us = 1000; /* the test's monotonic clock */

static void make(struct plugin_config config)
{
	config.table = &fake_plugin;
	config.host = &host;
	config.interval_us = 1000000;
	plugin_free(plugin);
	cr_assert_eq(plugin_new(&config, &plugin), 0);
}

static void setup(void)
{
	control->device = "d";
	cr_assert_eq(host_init(&host, ""), 0);
	make((struct plugin_config){0});
}

static void teardown(void)
{
	plugin_stop(plugin);
	plugin_free(plugin);
	buffer_done(&lines);
	host_done(&host);
	cr_assert_eq(control->n_starts, control->n_stops, "a start without its stop");
}

TestSuite(plugin, .init = setup, .fini = teardown);

/* Take a round that is not safe yet. */
static const char *take(void)
{
	buffer_clear(&lines);
	plugin_round(plugin, 5000000, now_us, &lines);
	return buffer_text(&lines);
}

static const char *take_safely(void)
{
	const char *text = take();

	plugin_commit(plugin, 5000000);
	return text;
}

static struct plugin_stats stats(void)
{
	struct plugin_stats stats;

	plugin_get_stats(plugin, &stats);
	return stats;
}

static void count_value(void *context, const struct plugin_value *value)
{
	size_t *n_values = context;

	cr_assert_not_null(value->series);
	(*n_values)++;
}

static size_t count_values(void)
{
	size_t n_values = 0;

	plugin_visit(plugin, count_value, &n_values);
	return n_values;
}

Test(plugin, is_started_by_its_first_round_and_stopped_once)
{
	cr_assert_str_eq(take_safely(), "5 fake_value{device=\"d\"} 1\n"
					"5 fake_events_total{device=\"d\"} 0\n");
	cr_assert_str_eq(take_safely(), "5 fake_value{device=\"d\"} 2\n"
					"5 fake_events_total{device=\"d\"} 0\n");
	cr_assert_eq(control->n_starts, 1);
	cr_assert_eq(stats().state, PLUGIN_RUNNING);
	cr_assert_eq(stats().n_rounds, 2);
	cr_assert_eq(stats().n_series, 2);

	plugin_stop(plugin);
	plugin_stop(plugin);
	cr_assert_eq(control->n_stops, 1);
}

/* What a safe round packs, a word for each series: "value" or a reason. */
static const char *pack_safely(void)
{
	struct buffer packed = {0};
	struct round_sample sample;
	const char *at;

	buffer_clear(&lines);
	plugin_take_round(plugin, 5000000, now_us, &packed);
	at = packed.data;
	while (packed.length > 0 && round_next(&at, packed.data + packed.length, &sample)) {
		const char *word = "value";

		if (sample.reason != HM_REASON_NONE)
			word = reason_key(sample.reason);
		buffer_printf(&lines, "%s\n", word);
	}
	buffer_done(&packed);
	plugin_commit(plugin, 5000000);
	return buffer_text(&lines);
}

Test(plugin, says_why_series_are_missing_while_it_fails)
{
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
	control->get_result = -EIO;
	cr_assert_str_eq(pack_safely(), "source_failed\nsource_failed\n");
	control->get_result = -ETIMEDOUT;
	cr_assert_str_eq(pack_safely(), "source_stuck\nsource_stuck\n");

	/* Stopped, and started anew in vain; then it waits for the next try. */
	control->start_result = -EACCES;
	now_us += MINUTE_US;
	cr_assert_str_eq(pack_safely(), "source_failed\nsource_failed\n");
	cr_assert_str_eq(pack_safely(), "source_failed\nsource_failed\n");

	control->start_result = 0;
	control->get_result = 0;
	now_us += MINUTE_US;
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
}

Test(plugin, that_cannot_start_says_it_of_all_that_an_agent_had_before)
{
	control->start_result = -EACCES;
	cr_assert_str_eq(pack_safely(), "source_failed\nsource_failed\n");
	cr_assert_str_eq(pack_safely(), "source_failed\nsource_failed\n");
	control->start_result = 0;
	now_us += MINUTE_US;
	cr_assert_str_eq(pack_safely(), "value\nvalue\nsource_gone\nsource_gone\n");
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
}

Test(plugin, says_once_that_its_source_is_gone)
{
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
	control->start_result = -ENODEV;
	plugin_restart(plugin, now_us);
	cr_assert_str_eq(pack_safely(), "source_gone\nsource_gone\n");
	cr_assert_str_eq(pack_safely(), "");
}

Test(plugin, says_that_a_device_is_gone_when_its_last_events_are_shipped)
{
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
	control->n_events = 2;
	control->start_result = -ENODEV;
	plugin_restart(plugin, now_us);
	cr_assert_str_eq(pack_safely(), "source_gone\nvalue\n");
	cr_assert_str_eq(pack_safely(), "source_gone\n");
	cr_assert_str_eq(pack_safely(), "");
}

Test(plugin, says_that_a_device_is_gone_when_others_stay)
{
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
	control->n_events = 2;
	plugin_restart(plugin, now_us);
	control->device = "other";
	cr_assert_str_eq(pack_safely(), "value\nvalue\nsource_gone\nvalue\n");
	cr_assert_str_eq(pack_safely(), "value\nvalue\nsource_gone\n");
	cr_assert_str_eq(pack_safely(), "value\nvalue\n");
}

Test(plugin, counts_the_same_events_again_until_a_round_is_safe)
{
	control->n_events = 3;
	cr_assert_not_null(strstr(take(), "fake_events_total{device=\"d\"} 3\n"));
	control->n_events = 4;
	cr_assert_not_null(strstr(take(), "fake_events_total{device=\"d\"} 4\n"));
	cr_assert_eq(control->n_cleanups, 0);

	plugin_commit(plugin, 5000000);
	cr_assert_eq(control->n_events, 0);
	cr_assert_not_null(strstr(take(), "fake_events_total{device=\"d\"} 4\n"));
}

Test(plugin, keeps_events_that_happen_between_a_round_and_its_cleanup)
{
	control->n_events = 3;
	take();
	control->n_events += 2;
	plugin_commit(plugin, 5000000);

	cr_assert_not_null(strstr(take_safely(), "fake_events_total{device=\"d\"} 5\n"));
}

Test(plugin, never_lets_a_total_fall_over_restarts)
{
	for (int i = 1; i <= 5; i++) {
		char expected[60];

		control->n_events = 10;
		plugin_restart(plugin, now_us);
		cr_assert_eq(control->n_starts, i);
		(void)snprintf(expected, sizeof(expected), "fake_events_total{device=\"d\"} %d\n",
			       10 * i);
		cr_assert_not_null(strstr(take_safely(), expected), "%s", buffer_text(&lines));
	}
}

Test(plugin, ships_the_last_events_of_a_device_that_went)
{
	control->n_events = 1;
	take_safely();
	control->n_events = 2;
	control->start_result = -ENODEV;
	plugin_restart(plugin, now_us);

	cr_assert_eq(stats().state, PLUGIN_ABSENT);
	cr_assert_str_eq(take_safely(), "5 fake_events_total{device=\"d\"} 3\n");
	cr_assert_str_eq(take_safely(), "");
}

Test(plugin, is_stopped_after_a_start_that_failed)
{
	control->start_result = -EACCES;
	cr_assert_str_eq(take_safely(), "");

	cr_assert_eq(control->n_stops, 1);
	cr_assert_eq(control->n_gets, 0);
	cr_assert_eq(stats().state, PLUGIN_FAILED);
	cr_assert_str_eq(stats().last_error, "cannot start: Permission denied");
	cr_assert_eq(stats().n_errors, 1);
}

Test(plugin, is_tried_again_after_a_minute)
{
	control->start_result = -EACCES;
	take_safely();
	now_us += MINUTE_US - 1;
	take_safely();
	cr_assert_eq(control->n_starts, 1);

	now_us += 1;
	control->start_result = 0;
	cr_assert_str_neq(take_safely(), "");
	cr_assert_eq(control->n_starts, 2);
	cr_assert_eq(stats().state, PLUGIN_RUNNING);
}

Test(plugin, is_absent_without_error_where_there_is_nothing_for_it)
{
	control->start_result = -ENODEV;
	take_safely();

	cr_assert_eq(stats().state, PLUGIN_ABSENT);
	cr_assert_eq(stats().n_errors, 0);
	cr_assert_str_eq(stats().last_error, "");
}

Test(plugin, starts_at_once_when_a_device_comes)
{
	control->start_result = -ENODEV;
	take_safely();
	control->start_result = 0;
	plugin_restart(plugin, now_us);

	cr_assert_eq(stats().state, PLUGIN_RUNNING);
}

Test(plugin, says_why_it_is_left_out_below_a_root)
{
	host_done(&host);
	cr_assert_eq(host_init(&host, "tests/fixtures/empty"), 0);
	make((struct plugin_config){0});
	control->start_result = -ENOTSUP;
	take_safely();

	cr_assert_eq(stats().state, PLUGIN_ABSENT);
	cr_assert_not_null(strstr(stats().last_error, "--root"));
}

Test(plugin, has_failed_when_a_round_gave_nothing_and_runs_again_afterwards)
{
	take_safely();
	control->get_result = -EIO;
	cr_assert_str_eq(take_safely(), "");
	cr_assert_eq(stats().state, PLUGIN_FAILED);
	cr_assert_str_eq(stats().last_error, "the round gave nothing: Input/output error");
	cr_assert_eq(control->n_cleanups, 1);

	control->get_result = 0;
	cr_assert_str_neq(take_safely(), "");
	cr_assert_eq(stats().state, PLUGIN_RUNNING);
	cr_assert_eq(control->n_starts, 1);
}

Test(plugin, is_started_anew_when_it_has_given_nothing_for_a_minute)
{
	control->get_result = -EIO;
	take_safely();
	now_us += MINUTE_US - 1;
	take_safely();
	cr_assert_eq(control->n_starts, 1);
	now_us += 1;
	take_safely();

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
	take_safely();
	control->n_events = 3;
	now_us += MINUTE_US;
	take_safely();
	cr_assert_eq(control->n_starts, 1, "there is none yet");
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	now_us += MINUTE_US;
	control->n_events = 4;
	cr_expect_not_null(strstr(take_safely(), "fake_events_total{device=\"d\"} 9\n"));
	cr_assert_eq(control->n_starts, 2);

	now_us += MINUTE_US;
	take_safely();
	cr_assert_eq(control->n_starts, 2);
	cr_assert_eq(stats().n_errors, 0);
}

Test(plugin, loses_no_events_to_a_round_that_failed)
{
	control->n_events = 3;
	control->get_result = -EIO;
	take_safely();
	control->get_result = 0;

	cr_assert_not_null(strstr(take_safely(), "fake_events_total{device=\"d\"} 3\n"));
}

Test(plugin, tells_why_a_value_is_missing)
{
	control->missing = -ENODATA;
	take_safely();

	cr_assert_eq(stats().state, PLUGIN_RUNNING);
	cr_assert_eq(stats().n_errors, 1);
	cr_assert_str_eq(stats().last_error, "fake_value{device=\"d\"}: No data available");
	cr_assert_str_eq(plugin_reasons(plugin), "fake_value{device=\"d\"}: No data available\n");
}

Test(plugin, does_nothing_when_it_is_disabled)
{
	make((struct plugin_config){.is_disabled = true});
	cr_assert_str_eq(take_safely(), "");
	plugin_restart(plugin, now_us);

	cr_assert_eq(control->n_starts, 0);
	cr_assert_eq(stats().state, PLUGIN_DISABLED);
}

Test(plugin, shows_its_series_until_they_are_gone)
{
	take();
	cr_assert_eq(count_values(), 0);
	plugin_commit(plugin, 5000000);
	cr_assert_eq(count_values(), 2);

	control->start_result = -ENODEV;
	plugin_restart(plugin, now_us);
	for (int i = 0; i < BATCH_ROUNDS_KEPT; i++)
		take_safely();
	cr_assert_eq(count_values(), 0);
	cr_assert_eq(stats().n_series, 0);
}

Test(plugin, gives_back_its_lines_when_there_is_no_memory_for_them)
{
	buffer_clear(&lines);
	buffer_append_text(&lines, "kept");
	lines.failed = true;

	cr_assert_eq(plugin_round(plugin, 5000000, now_us, &lines), 0);
	cr_assert_eq(lines.length, 4);
}

Test(plugin, takes_a_restart_request_once)
{
	cr_assert_not(plugin_take_restart_request(plugin));
	plugin_request_restart(plugin);
	plugin_request_restart(plugin);

	cr_assert(plugin_take_restart_request(plugin));
	cr_assert_not(plugin_take_restart_request(plugin));
}

/* From now on the log goes into a file of its own. @return its descriptor */
static int catch_log(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	return fd;
}

static const char *read_log(int fd)
{
	static char text[4096];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

	cr_assert_geq(length, 0);
	text[length] = '\0';
	return text;
}

static void take_and_tell(void)
{
	take_safely();
	plugin_tell(plugin, now_us);
}

static size_t count_lines(const char *text)
{
	size_t n_lines = 0;

	for (; *text; text++)
		n_lines += *text == '\n';
	return n_lines;
}

Test(plugin, that_fails_every_other_round_is_told_once_a_minute)
{
	int log_fd = catch_log();

	for (int i = 0; i < 59; i++) {
		now_us += MINUTE_US / 60;
		control->get_result = i % 2 ? -EIO : 0;
		take_and_tell();
	}
	cr_assert_eq(count_lines(read_log(log_fd)), 1, "%s", read_log(log_fd));

	control->get_result = 0;
	now_us += MINUTE_US;
	take_and_tell();
	take_and_tell();
	cr_assert_eq(count_lines(read_log(log_fd)), 2, "%s", read_log(log_fd));
	cr_assert_not_null(strstr(read_log(log_fd), "plugin fake: runs again\n"));
}

Test(plugin, that_runs_for_the_first_time_does_not_run_again)
{
	int log_fd = catch_log();

	control->start_result = -ENODEV;
	take_and_tell();
	cr_assert_str_eq(read_log(log_fd), "");
	control->start_result = 0;
	plugin_restart(plugin, now_us);
	take_and_tell();

	cr_assert_not_null(strstr(read_log(log_fd), "plugin fake: runs now\n"), "%s",
			   read_log(log_fd));
}

/* As the sampler does it. */
static const char *take_tell_and_commit(void)
{
	buffer_clear(&lines);
	plugin_take_round(plugin, 5000000, now_us, &lines);
	plugin_tell(plugin, now_us);
	plugin_commit(plugin, 5000000);
	return lines.length > 0 ? "something" : "";
}

Test(plugin, that_is_absent_is_left_alone_until_it_is_to_be_started)
{
	int log_fd = catch_log();
	uint64_t round;

	control->start_result = -ENODEV;
	make((struct plugin_config){.is_wanted = true});
	take_tell_and_commit();
	round = plugin->batch.round;
	for (int i = 0; i < 3; i++)
		cr_expect_str_eq(take_tell_and_commit(), "");
	cr_expect_eq(plugin->batch.round, round);
	cr_expect_eq(count_lines(read_log(log_fd)), 1, "%s", read_log(log_fd));

	/* Tried again, in vain: that is told where it is another reason. */
	control->start_result = -EIO;
	now_us += MINUTE_US;
	take_tell_and_commit();
	cr_expect_eq(count_lines(read_log(log_fd)), 2, "%s", read_log(log_fd));
	cr_expect_eq(stats().state, PLUGIN_FAILED);

	control->start_result = 0;
	plugin_restart(plugin, now_us);
	cr_expect_str_eq(take_tell_and_commit(), "something");
	cr_expect_eq(stats().n_series, 2);
}

Test(plugin, that_is_absent_and_configured_anew_is_told_of_again)
{
	struct plugin_config config = {
		.table = &fake_plugin, .host = &host, .interval_us = 1000000, .is_wanted = true};
	int log_fd = catch_log();

	control->start_result = -ENODEV;
	make(config);
	take_tell_and_commit();
	take_tell_and_commit();
	config.is_disabled = true;
	cr_assert_eq(plugin_configure(plugin, &config, now_us), 0);
	take_tell_and_commit();
	config.is_disabled = false;
	now_us += MINUTE_US;
	cr_assert_eq(plugin_configure(plugin, &config, now_us), 0);
	take_tell_and_commit();
	cr_expect_eq(count_lines(read_log(log_fd)), 2, "%s", read_log(log_fd));
}

Test(plugin, whose_devices_went_while_it_failed_has_no_error_left)
{
	int log_fd = catch_log();

	take_and_tell();
	control->get_result = -ENODEV;
	take_and_tell();
	control->start_result = -ENODEV;
	now_us += MINUTE_US;
	take_and_tell();

	cr_assert_eq(stats().state, PLUGIN_ABSENT);
	cr_assert_str_eq(stats().last_error, "");
	cr_assert_not_null(strstr(read_log(log_fd), "nothing is left of what it looks for"), "%s",
			   read_log(log_fd));
}

static void *take_on_thread(void *context)
{
	(void)context;
	take_safely();
	return NULL;
}

Test(plugin, can_be_looked_at_while_it_is_stuck, .timeout = 20)
{
	pthread_t thread;

	take_safely();
	control->blocks = true;
	cr_assert_eq(pthread_create(&thread, NULL, take_on_thread, NULL), 0);
	while (!stats().verb)
		(void)usleep(1000);

	cr_assert_str_eq(stats().verb, "get_current_state");
	cr_assert_eq(count_values(), 2);
	plugin_request_restart(plugin);
	control->blocks = false;
	pthread_join(thread, NULL);
	cr_assert_null(stats().verb);
}

static void configure(struct plugin_config config)
{
	config.table = &fake_plugin;
	cr_assert_eq(plugin_configure(plugin, &config, now_us), 0);
}

Test(plugin, is_not_restarted_by_another_interval)
{
	(void)take_safely();
	configure((struct plugin_config){.interval_us = 5});
	cr_assert_eq(control->n_starts, 1);
	cr_assert_eq(stats().interval_us, 5);
}

static void configure_filter(const char *exclude)
{
	const char *const values[] = {NULL, exclude, NULL, NULL};
	struct plugin_config config = {
		.table = &fake_plugin, .interval_us = 1000000, .filter_values = values};

	cr_assert_eq(plugin_configure(plugin, &config, now_us), 0);
}

Test(plugin, takes_another_filter_without_being_restarted)
{
	const char *const values[] = {NULL, NULL, "[ab]", NULL};

	make((struct plugin_config){.filter_values = values});
	cr_assert_str_eq(take(), "", "the device is d");
	configure_filter("fake_events_*");
	cr_assert_str_eq(take(), "5 fake_value{device=\"d\"} 2\n");
	plugin_commit(plugin, 5000000);
	configure_filter("");
	cr_assert_not_null(strstr(take(), "fake_events_total"));
	cr_assert_eq(control->n_starts, 1);
}

Test(plugin, keeps_its_total_while_it_is_disabled)
{
	control->n_events = 3;
	(void)take_safely();
	configure((struct plugin_config){.interval_us = 5, .is_disabled = true});
	cr_assert_eq(control->n_stops, 1);
	cr_assert_eq(stats().state, PLUGIN_DISABLED);
	cr_assert_eq(stats().n_series, 0);
	cr_assert_str_eq(take_safely(), "");

	configure((struct plugin_config){.interval_us = 5});
	cr_assert_eq(control->n_starts, 2);
	cr_assert_eq(stats().state, PLUGIN_RUNNING);
	control->n_events = 1;
	cr_assert_not_null(strstr(take_safely(), "fake_events_total{device=\"d\"} 4\n"));
}
