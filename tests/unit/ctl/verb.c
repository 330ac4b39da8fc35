/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/verb.c. */

#include "agent/ctl/verb.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "agent/ctl/options.h"

Test(verb, is_found_by_its_whole_name)
{
	static const char *const names[] = {
		"list-metrics", "get",  "watch", "status", "list-plugins", "input", "list-hosts",
		"query",        "dump", "help",  "reload", "check",        "cost"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cr_assert_not_null(verb_find(names[i]), "%s", names[i]);
		cr_expect_str_eq(verb_find(names[i])->name, names[i]);
	}
	cr_expect_null(verb_find("list"));
	cr_expect_null(verb_find(""));
	cr_expect_null(verb_find("LIST-METRICS"));
}

Test(verb, has_all_that_it_needs)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		cr_expect_not_null(verb->run, "%s", verb->name);
		cr_expect_not_null(verb->usage, "%s", verb->name);
		cr_expect_not_null(verb->summary, "%s", verb->name);
		cr_expect_not_null(verb->examples, "%s", verb->name);
		cr_expect_eq(verb->scope != VERB_LOCAL, verb->request != NULL, "%s", verb->name);
		cr_expect_eq(verb->scope != VERB_LOCAL, (verb->options & OPTIONS_SOCKET) != 0, "%s",
			     verb->name);
		cr_expect(!verb->needs_argument || verb->argument, "%s", verb->name);
	}
}

Test(verb, is_guessed_from_a_slip)
{
	cr_expect_eq(verb_nearest("list-plugin"), verb_find("list-plugins"));
	cr_expect_eq(verb_nearest("wacth"), verb_find("watch"));
	cr_expect_null(verb_nearest("xyzzy"));
}

/* The text of a file of the source tree. */
static const char *file_text(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "r");
	size_t length;

	cr_assert_not_null(file, "%s", path);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	(void)fclose(file);
	return text;
}

Test(verb, has_an_entry_in_the_manual)
{
	const char *page = file_text("packaging/man/agentctl.1");

	for (const struct verb *verb = verbs; verb->name; verb++) {
		char entry[64];

		(void)snprintf(entry, sizeof(entry), "\n.It Cm %s", verb->name);
		cr_expect(strstr(page, entry), "%s", verb->name);
	}
}

Test(verb, is_completed_by_the_shell)
{
	const char *script = file_text("packaging/completion/agentctl.bash");
	const char *list = strstr(script, "verbs='");

	cr_assert_not_null(list);
	for (const struct verb *verb = verbs; verb->name; verb++)
		cr_expect(memmem(list, strcspn(list, "\n"), verb->name, strlen(verb->name)), "%s",
			  verb->name);
}

Test(verb, has_its_options_in_the_manual_and_the_completion)
{
	static const char *const files[] = {"packaging/man/agentctl.1",
					    "packaging/completion/agentctl.bash"};
	static const char *const prefixes[] = {"Fl Fl ", "--"};
	static const char *const names[] = {"socket",   "output", "host",   "since",  "until",
					    "interval", "count",  "sort",   "filter", "utc",
					    "dry-run",  "help",   "version"};

	for (size_t i = 0; i < 2; i++) {
		const char *text = file_text(files[i]);

		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			char word[64];

			(void)snprintf(word, sizeof(word), "%s%s", prefixes[i], names[j]);
			cr_expect(strstr(text, word), "%s: %s", files[i], names[j]);
		}
	}
}
