/* SPDX-License-Identifier: MIT */
/* Runs unit tests where Criterion does not exist: see criterion/criterion.h. TAP. */

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/machines/criterion/criterion.h"

static struct unit_test *tests;
static unsigned n_tests;
static bool has_failed;

void unit_register(struct unit_test *test)
{
	test->next = tests;
	tests = test;
	n_tests++;
}

void unit_fail(bool ends, const char *file, int line, const char *text)
{
	(void)fprintf(stderr, "%s:%d: %s\n", file, line, text);
	has_failed = true;
	if (ends)
		exit(1);
}

static void run(const struct unit_test *test)
{
	if (test->of_suite->init)
		test->of_suite->init();
	if (test->options.init)
		test->options.init();
	test->run();
	if (test->options.fini)
		test->options.fini();
	if (test->of_suite->fini)
		test->of_suite->fini();
	exit(has_failed);
}

int main(void)
{
	unsigned n_bad = 0;

	for (const struct unit_test *test = tests; test; test = test->next) {
		int status = -1;
		pid_t child = fork();

		if (child == 0)
			run(test);
		if (child > 0)
			(void)waitpid(child, &status, 0);
		if (status == 0)
			continue;
		n_bad++;
		(void)fprintf(stderr, "%s::%s has failed (%d)\n", test->suite, test->name, status);
	}
	(void)fprintf(stderr, "%u unit tests, %u failed\n", n_tests, n_bad);
	return n_bad > 0 || n_tests == 0;
}
