/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/ask.c. */

#include "agent/ctl/ask.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/message.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/scratch.h"

static const char *folder;
static char path[107];
static struct fake_daemon *fake;
static struct options options;
static struct target target;

static void setup(void)
{
	cr_redirect_stderr();
	message_init("agentctl");
	folder = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/s", folder);
	options.verb = verb_find("list-metrics");
	options.format = &output_plain;
	options.socket = path;
}

static void teardown(void)
{
	target_close(&target);
	fake_daemon_stop(fake);
	scratch_remove(folder);
}

TestSuite(ask, .init = setup, .fini = teardown, .timeout = 60);

/* Ask a daemon that answers so. @param ret_text  what was printed, owned by the caller */
static int ask(const char *answer, enum fake_daemon_manners manners, char **ret_text)
{
	size_t length;
	FILE *file = open_memstream(ret_text, &length);
	int result;

	fake = fake_daemon_start(path, answer, manners);
	target_init(&target, options.verb->scope, path);
	cr_assert_eq(target_open(&target), 0);
	result = ask_target(&options, &target, file);
	(void)fclose(file);
	return result;
}

/* The same, printing nothing but this to standard error. */
static void expect_failure(const char *answer, int ending, const char *message)
{
	char *text = NULL;

	cr_expect_eq(ask(answer, FAKE_DAEMON_LEAVES, &text), ending);
	cr_expect_stderr_eq_str(message);
	free(text);
}

#define ROWS "columns\trows\ta:text\nrow\tx\nrow\ty\n"

Test(ask, prints_what_is_found)
{
	char *text = NULL;
	char *requests;

	options.argument = "node_*";
	cr_expect_eq(ask(ROWS "end\tok\n", FAKE_DAEMON_STAYS, &text), ENDING_FOUND);
	cr_expect_str_eq(text, "x\ny\n");
	cr_expect(target_is_open(&target), "good for the next question");
	requests = fake_daemon_requests(fake);
	cr_expect_str_eq(requests, "list-metrics\tglob=node_*\n");
	free(requests);
	free(text);
}

Test(ask, says_what_matched_nothing)
{
	options.argument = "x*";
	expect_failure("columns\trows\ta:text\nend\tnone\n", ENDING_NONE,
		       "agentctl: nothing matches 'x*'\n");
}

Test(ask, prints_an_empty_document_for_nothing)
{
	char *text = NULL;

	options.format = &output_json;
	cr_expect_eq(ask("end\tnone\n", FAKE_DAEMON_STAYS, &text), ENDING_NONE);
	cr_expect_str_eq(text, "[]\n");
	free(text);
}

Test(ask, passes_on_what_the_daemon_says_of_usage)
{
	expect_failure("end\tusage\tthe agent of host web01 knows no 'query'\n", ENDING_USAGE,
		       "agentctl: the agent of host web01 knows no 'query'\n");
}

Test(ask, passes_on_why_the_daemon_failed)
{
	expect_failure("end\tfailed\tthe disk\033[2J\n", ENDING_FAILED,
		       "agentctl: the disk\\x1b[2J\n");
}

Test(ask, passes_on_notes)
{
	expect_failure("note\tstarting up\nend\tok\n", ENDING_FOUND, "agentctl: starting up\n");
}

Test(ask, leaves_a_broken_document_open)
{
	char *text = NULL;

	options.format = &output_json;
	cr_expect_eq(ask(ROWS, FAKE_DAEMON_LEAVES, &text), -ECONNABORTED);
	cr_expect_str_eq(text, "[\n{\"a\": \"x\"},\n{\"a\": \"y\"}");
	cr_expect_not(target_is_open(&target));
	free(text);
}

Test(ask, says_what_is_wrong_with_an_answer)
{
	char expected[256];

	(void)snprintf(expected, sizeof(expected),
		       "agentctl: the answer from %s makes no sense: a row comes before the "
		       "columns\n",
		       path);
	expect_failure("row\tx\n", ENDING_FAILED, expected);
}

Test(ask, leaves_it_to_the_caller_that_nobody_answers)
{
	char *text = NULL;

	cr_expect_eq(ask("", FAKE_DAEMON_LEAVES, &text), -ECONNRESET);
	cr_expect_not(target_is_open(&target));
	free(text);
}

Test(ask, says_that_the_daemon_is_not_there)
{
	cr_expect_eq(ask_run(&options), ENDING_UNREACHABLE);
}

Test(ask, says_that_the_output_cannot_be_written)
{
	FILE *full = fopen("/dev/full", "w");

	fake = fake_daemon_start(path, ROWS "end\tok\n", FAKE_DAEMON_STAYS);
	target_init(&target, options.verb->scope, path);
	cr_assert_eq(target_open(&target), 0);
	cr_expect_eq(ask_target(&options, &target, full), ENDING_FAILED);
	(void)fclose(full);
	cr_expect_stderr_eq_str("agentctl: cannot write: No space left on device\n");
}

Test(ask, ends_quietly_when_its_reader_has_gone)
{
	int ends[2];
	FILE *file;

	(void)signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe(ends), 0);
	(void)close(ends[0]);
	file = fdopen(ends[1], "w");
	fake = fake_daemon_start(path, ROWS "end\tok\n", FAKE_DAEMON_STAYS);
	target_init(&target, options.verb->scope, path);
	cr_assert_eq(target_open(&target), 0);
	cr_expect_eq(ask_target(&options, &target, file), ENDING_FAILED);
	(void)fclose(file);
	cr_expect_stderr_eq_str("");
}

Test(ask, refuses_a_question_that_no_daemon_takes)
{
	char *argument = calloc(1, HM_CONTROL_REQUEST_MAX_BYTES + 1);
	char *text = NULL;

	memset(argument, 'x', HM_CONTROL_REQUEST_MAX_BYTES);
	options.argument = argument;
	cr_expect_eq(ask("end\tok\n", FAKE_DAEMON_STAYS, &text), ENDING_USAGE);
	free(text);
	free(argument);
}
