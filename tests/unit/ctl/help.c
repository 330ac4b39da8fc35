/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/help.c. */

#include "agent/ctl/help.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#include "common/message.h"

static void setup(void)
{
	cr_redirect_stderr();
	message_init("agentctl");
}

TestSuite(help, .init = setup);

static char *printed(const struct verb *verb)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	cr_expect_eq(help_print(verb, file), ENDING_FOUND);
	(void)fclose(file);
	return text;
}

Test(help, names_every_verb)
{
	char *text = printed(NULL);

	for (const struct verb *verb = verbs; verb->name; verb++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "\n  %s ", verb->name);
		cr_expect(strstr(text, line), "%s", verb->name);
	}
	free(text);
}

Test(help, fits_a_window_of_100_columns)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		char *text = printed(verb);

		for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
			cr_expect(strcspn(line, "\n") <= 100, "%s: %s", verb->name, line);
		free(text);
	}
}

Test(help, of_a_verb_shows_its_usage_and_options)
{
	char *text = printed(verb_find("query"));

	cr_expect(strstr(text, "usage: agentctl query SERIES|GLOB"));
	cr_expect(strstr(text, "--since TIME"));
	cr_expect_not(strstr(text, "--interval"));
	free(text);
}

Test(help, of_every_verb_has_examples_and_exit_codes)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		char *text = printed(verb);
		const char *examples = strstr(text, "\nExamples:\n  agentctl ");

		cr_assert_not_null(examples, "%s", verb->name);
		cr_expect(strstr(examples, verb->name), "%s", verb->name);
		cr_expect(strstr(examples, "\nExit status: 0 found, "), "%s", verb->name);
		cr_expect_eq(strstr(examples, "3 the daemon") != NULL, verb->scope != VERB_LOCAL);
		free(text);
	}
}

Test(help, knows_no_other_verb)
{
	struct options options = {.argument = "queri"};

	cr_expect_eq(help_run(&options), ENDING_USAGE);
	cr_expect_stderr_eq_str("agentctl: there is no verb 'queri'; did you mean 'query'?\n");
}

Test(help, says_that_it_cannot_be_written)
{
	FILE *full = fopen("/dev/full", "w");

	cr_expect_eq(help_print(NULL, full), ENDING_FAILED);
	(void)fclose(full);
	cr_expect_stderr_eq_str("agentctl: cannot write: No space left on device\n");
}

Test(help, shows_the_version)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	cr_expect_eq(help_print_version(file), ENDING_FOUND);
	(void)fclose(file);
	cr_expect_str_eq(text, "agentctl " HM_VERSION "\n");
	free(text);
}
