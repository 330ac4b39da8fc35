/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/verb.c. */

#include "agent/ctl/verb.h"

#include <criterion/criterion.h>

#include "agent/ctl/options.h"

Test(verb, is_found_by_its_whole_name)
{
	static const char *const names[] = {"list-metrics", "get",          "watch",
					    "status",       "list-plugins", "list-hosts",
					    "query",        "dump",         "help"};

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
