/* SPDX-License-Identifier: MIT */
/* Tests of agent/plugin.c: what the log is told of it. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/plugin_part.h"
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

TestSuite(plugin_told, .init = setup, .fini = teardown);

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
	test_plugin_take_safely(&test);
	plugin_tell(test.plugin, test.now_us);
}

static size_t count_lines(const char *text)
{
	size_t n_lines = 0;

	for (; *text; text++)
		n_lines += *text == '\n';
	return n_lines;
}

Test(plugin_told, that_fails_every_other_round_is_told_once_a_minute)
{
	int log_fd = catch_log();

	for (int i = 0; i < 59; i++) {
		test.now_us += TEST_PLUGIN_MINUTE_US / 60;
		control->get_result = i % 2 ? -EIO : 0;
		take_and_tell();
	}
	cr_assert_eq(count_lines(read_log(log_fd)), 1, "%s", read_log(log_fd));

	control->get_result = 0;
	test.now_us += TEST_PLUGIN_MINUTE_US;
	take_and_tell();
	take_and_tell();
	cr_assert_eq(count_lines(read_log(log_fd)), 2, "%s", read_log(log_fd));
	cr_assert_not_null(strstr(read_log(log_fd), "plugin fake: runs again\n"));
}

Test(plugin_told, that_runs_for_the_first_time_does_not_run_again)
{
	int log_fd = catch_log();

	control->start_result = -ENODEV;
	take_and_tell();
	cr_assert_str_eq(read_log(log_fd), "");
	control->start_result = 0;
	plugin_restart(test.plugin, test.now_us);
	take_and_tell();

	cr_assert_not_null(strstr(read_log(log_fd), "plugin fake: runs now\n"), "%s",
			   read_log(log_fd));
}

/* As the sampler does it. */
static const char *take_tell_and_commit(void)
{
	buffer_clear(&test.lines);
	plugin_take_round(test.plugin, 5000000, test.now_us, &test.lines);
	plugin_tell(test.plugin, test.now_us);
	plugin_commit(test.plugin, 5000000);
	return test.lines.length > 0 ? "something" : "";
}

Test(plugin_told, that_is_absent_is_left_alone_until_it_is_to_be_started)
{
	int log_fd = catch_log();
	uint64_t round;

	control->start_result = -ENODEV;
	test_plugin_make(&test, (struct plugin_config){.is_wanted = true});
	take_tell_and_commit();
	round = test.plugin->batch.round;
	for (int i = 0; i < 3; i++)
		cr_expect_str_eq(take_tell_and_commit(), "");
	cr_expect_eq(test.plugin->batch.round, round);
	cr_expect_eq(count_lines(read_log(log_fd)), 1, "%s", read_log(log_fd));

	/* Tried again, in vain: that is told where it is another reason. */
	control->start_result = -EIO;
	test.now_us += TEST_PLUGIN_MINUTE_US;
	take_tell_and_commit();
	cr_expect_eq(count_lines(read_log(log_fd)), 2, "%s", read_log(log_fd));
	cr_expect_eq(test_plugin_stats(&test).state, PLUGIN_FAILED);

	control->start_result = 0;
	plugin_restart(test.plugin, test.now_us);
	cr_expect_str_eq(take_tell_and_commit(), "something");
	cr_expect_eq(test_plugin_stats(&test).n_series, 2);
}

Test(plugin_told, that_is_absent_and_configured_anew_is_told_of_again)
{
	struct plugin_config config = {.table = &fake_plugin,
				       .host = &test.host,
				       .interval_us = 1000000,
				       .is_wanted = true};
	int log_fd = catch_log();

	control->start_result = -ENODEV;
	test_plugin_make(&test, config);
	take_tell_and_commit();
	take_tell_and_commit();
	config.is_disabled = true;
	cr_assert_eq(plugin_configure(test.plugin, &config, test.now_us), 0);
	take_tell_and_commit();
	config.is_disabled = false;
	test.now_us += TEST_PLUGIN_MINUTE_US;
	cr_assert_eq(plugin_configure(test.plugin, &config, test.now_us), 0);
	take_tell_and_commit();
	cr_expect_eq(count_lines(read_log(log_fd)), 2, "%s", read_log(log_fd));
}

Test(plugin_told, whose_devices_went_while_it_failed_has_no_error_left)
{
	int log_fd = catch_log();

	take_and_tell();
	control->get_result = -ENODEV;
	take_and_tell();
	control->start_result = -ENODEV;
	test.now_us += TEST_PLUGIN_MINUTE_US;
	take_and_tell();

	cr_assert_eq(test_plugin_stats(&test).state, PLUGIN_ABSENT);
	cr_assert_str_eq(test_plugin_stats(&test).last_error, "");
	cr_assert_not_null(strstr(read_log(log_fd), "nothing is left of what it looks for"), "%s",
			   read_log(log_fd));
}
