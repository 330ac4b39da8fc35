/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/watch.c. */

#include "agent/ctl/watch.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/message.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/scratch.h"

#define TEXT_MAX_BYTES 65536

#define ANSWER                                                                                     \
	"columns\trows\thost:text\tseries:text\tkind:text\tunit:text\tvalue:number\ttime:time\n"   \
	"row\tweb01\tx\tgauge\t\t1\t\\N\n"                                                         \
	"end\tok\n"

#define TABLE                                                                                      \
	"HOST   SERIES  KIND   UNIT  VALUE  RATE  AGE\n"                                           \
	"web01  x       gauge            1     -    -\n"

static const char *folder;
static char path[107];
static struct options options;
static pid_t child;
static int child_fd; /* what the child prints */
static char text[TEXT_MAX_BYTES];
static size_t length;

static void setup(void)
{
	folder = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/s", folder);
	options.verb = verb_find("watch");
	options.socket = path;
	options.interval_us = 20000;
}

static void teardown(void)
{
	scratch_remove(folder);
}

TestSuite(watch, .init = setup, .fini = teardown, .timeout = 60);

/* Watch in a process of its own, whose signals and output are its own. */
static void start(void)
{
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	cr_assert(child >= 0);
	if (child == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)dup2(ends[1], STDERR_FILENO);
		message_init("agentctl");
		_exit(watch_run(&options));
	}
	(void)close(ends[1]);
	child_fd = ends[0];
}

/* Read what the child prints until these words occur (NULL: until its end). */
static void read_until(const char *words)
{
	while (!words || !strstr(text, words)) {
		ssize_t n;

		cr_assert(length < TEXT_MAX_BYTES - 1);
		n = read(child_fd, text + length, TEXT_MAX_BYTES - 1 - length);
		if (n <= 0)
			break;
		length += (size_t)n;
		text[length] = '\0';
	}
	cr_assert(!words || strstr(text, words), "%s", text);
}

static int end_of_child(void)
{
	int status;

	read_until(NULL);
	(void)close(child_fd);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(watch, prints_the_table_each_time)
{
	struct fake_daemon *fake = fake_daemon_start(path, ANSWER, FAKE_DAEMON_STAYS);

	options.count = 3;
	start();
	cr_expect_eq(end_of_child(), ENDING_FOUND);
	cr_expect_str_eq(text, TABLE "\n" TABLE "\n" TABLE);
	cr_expect_eq(fake_daemon_n_connections(fake), 1);
	fake_daemon_stop(fake);
}

Test(watch, prints_plain_records_without_anything_between_them)
{
	struct fake_daemon *fake = fake_daemon_start(path, ANSWER, FAKE_DAEMON_STAYS);

	options.count = 2;
	options.given = OPTIONS_OUTPUT;
	options.format = &output_plain;
	start();
	cr_expect_eq(end_of_child(), ENDING_FOUND);
	cr_expect_str_eq(text, "-\tweb01\tx\t1\n-\tweb01\tx\t1\n");
	fake_daemon_stop(fake);
}

Test(watch, ends_well_on_a_signal)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct fake_daemon *fake = fake_daemon_start(path, ANSWER, FAKE_DAEMON_STAYS);

	options.interval_us = INT64_C(3600000000);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		length = 0;
		text[0] = '\0';
		start();
		read_until("web01");
		cr_assert_eq(kill(child, signals[i]), 0);
		cr_expect_eq(end_of_child(), ENDING_FOUND);
	}
	fake_daemon_stop(fake);
}

Test(watch, ends_on_a_signal_while_the_daemon_says_nothing)
{
	struct fake_daemon *fake = fake_daemon_start(path, NULL, FAKE_DAEMON_STAYS);

	start();
	while (fake_daemon_n_connections(fake) == 0)
		(void)poll(NULL, 0, 1);
	cr_assert_eq(kill(child, SIGINT), 0);
	cr_expect_eq(end_of_child(), ENDING_NONE);
	fake_daemon_stop(fake);
}

Test(watch, does_not_begin_without_a_daemon)
{
	start();
	cr_expect_eq(end_of_child(), ENDING_UNREACHABLE);
	cr_expect(strstr(text, path), "%s", text);
}

Test(watch, says_once_that_the_daemon_went_and_waits_for_it)
{
	struct fake_daemon *fake = fake_daemon_start(path, ANSWER, FAKE_DAEMON_STAYS);
	const char *said;

	start();
	read_until("web01");
	fake_daemon_stop(fake);
	read_until("agentctl: trying again: there is no socket");
	(void)poll(NULL, 0, 200);
	fake = fake_daemon_start(path, ANSWER, FAKE_DAEMON_STAYS);
	said = strstr(text, "trying again");
	while (!strstr(said, "web01")) {
		cr_assert(length < TEXT_MAX_BYTES - 1);
		length += (size_t)read(child_fd, text + length, 1);
		text[length] = '\0';
	}
	cr_expect_null(strstr(said + 1, "trying again"), "%s", text);
	cr_assert_eq(kill(child, SIGINT), 0);
	cr_expect_eq(end_of_child(), ENDING_FOUND);
	fake_daemon_stop(fake);
}

Test(watch, does_not_mind_a_daemon_that_closes_after_each_answer)
{
	struct fake_daemon *fake = fake_daemon_start(path, ANSWER, FAKE_DAEMON_LEAVES);

	options.count = 3;
	options.given = OPTIONS_OUTPUT;
	options.format = &output_plain;
	start();
	cr_expect_eq(end_of_child(), ENDING_FOUND);
	cr_expect_str_eq(text, "-\tweb01\tx\t1\n-\tweb01\tx\t1\n-\tweb01\tx\t1\n");
	fake_daemon_stop(fake);
}

Test(watch, ends_when_the_daemon_does_not_know_the_verb)
{
	struct fake_daemon *fake = fake_daemon_start(path, "end\tusage\tno\n", FAKE_DAEMON_STAYS);

	start();
	cr_expect_eq(end_of_child(), ENDING_USAGE);
	cr_expect_str_eq(text, "agentctl: no\n");
	fake_daemon_stop(fake);
}

Test(watch, waits_for_what_does_not_match_yet)
{
	struct fake_daemon *fake = fake_daemon_start(path, "end\tnone\n", FAKE_DAEMON_STAYS);

	options.count = 2;
	options.argument = "x";
	start();
	cr_expect_eq(end_of_child(), ENDING_NONE);
	fake_daemon_stop(fake);
}

Test(watch, ends_when_its_output_cannot_be_written)
{
	struct fake_daemon *fake = fake_daemon_start(path, ANSWER, FAKE_DAEMON_STAYS);
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	cr_redirect_stderr();
	(void)dup2(fd, STDOUT_FILENO);
	cr_expect_eq(watch_run(&options), ENDING_FAILED);
	(void)close(fd);
	fake_daemon_stop(fake);
}

Test(watch, ends_on_an_answer_that_makes_no_sense)
{
	struct fake_daemon *fake = fake_daemon_start(path, "rubbish\n", FAKE_DAEMON_STAYS);

	start();
	cr_expect_eq(end_of_child(), ENDING_FAILED);
	cr_expect(strstr(text, "makes no sense"), "%s", text);
	fake_daemon_stop(fake);
}
