/* SPDX-License-Identifier: MIT */
/* Tests of what the section [retention] says. */

#include "collector/retention_rules.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_US INT64_C(3600000000)

static char *text;
static struct retention_rules rules;
static struct config_error error;

static void teardown(void)
{
	free(text);
	retention_rules_done(&rules);
}

TestSuite(retention_rules, .fini = teardown);

/* Read these lines of the section. */
static int read_lines(const char *lines)
{
	struct config config = {0};
	char file[1024];
	int length = snprintf(file, sizeof(file), "[other]\nx = 1\n[retention]\n%s", lines);
	int result = config_read_text(&config, "file", file, (size_t)length, &error);

	cr_assert_eq(result, 0, "%s", error.text);
	result = retention_rules_read(&config, "retention", &text, &error);
	config_done(&config);
	retention_rules_done(&rules);
	if (result == 0)
		cr_assert_eq(retention_rules_parse(text, &rules), 0);
	return result;
}

static int64_t age_hours(const char *host)
{
	return retention_rules_age(&rules, host) / HOUR_US;
}

/* The limit of a host's own rule, MiB; -1 = it has none. */
static int64_t limit_mib(const char *host)
{
	size_t place = retention_rules_size(&rules, host);

	return place == RETENTION_NONE ? -1 : (int64_t)(rules.at[place].limit_bytes >> 20);
}

Test(retention_rules, are_none_without_lines)
{
	cr_assert_eq(read_lines(""), 0);
	cr_expect_str_eq(text, "");
	cr_expect_eq(rules.n, 0);
	cr_expect_eq(age_hours("web1"), 0);
	cr_expect_eq(limit_mib("web1"), -1);
	cr_assert_eq(retention_rules_parse(NULL, &rules), 0);
	cr_expect_eq(rules.n, 0);
}

Test(retention_rules, have_an_age_or_a_size_or_both)
{
	cr_assert_eq(read_lines("web* = 30h\ndb* = 10G\nlab* = 7h 2M\nodd* =  3M  5h\n"), 0);
	cr_expect_eq(age_hours("web1"), 30);
	cr_expect_eq(limit_mib("web1"), -1);
	cr_expect_eq(age_hours("db1"), 0);
	cr_expect_eq(limit_mib("db1"), 10240);
	cr_expect_eq(age_hours("lab1"), 7);
	cr_expect_eq(limit_mib("lab1"), 2);
	cr_expect_eq(age_hours("odd1"), 5);
	cr_expect_eq(limit_mib("odd1"), 3);
	cr_expect_eq(age_hours("x"), 0);
}

Test(retention_rules, of_several_for_a_host_the_first_with_an_age_and_the_first_with_a_size_count)
{
	cr_assert_eq(read_lines("default = 100h 9M\nweb1 = 1M\nweb* = 30h\nweb* = 2h 5M\n"), 0);
	cr_expect_eq(age_hours("web1"), 30);
	cr_expect_eq(limit_mib("web1"), 1);
	cr_expect_eq(age_hours("web2"), 30);
	cr_expect_eq(limit_mib("web2"), 5);
	cr_expect_eq(age_hours("db"), 100, "wherever the default stands");
	cr_expect_eq(limit_mib("db"), 9);
}

Test(retention_rules, max_size_is_no_host_s)
{
	cr_assert_eq(read_lines("max_size = 50G\n"), 0);
	cr_expect_eq(rules.n, 1);
	cr_expect_eq(rules.at[0].limit_bytes, UINT64_C(50) << 30);
	cr_expect_eq(limit_mib("max_size"), -1);
	cr_expect_eq(limit_mib("web1"), -1);
}

Test(retention_rules, are_refused_where_they_make_no_sense)
{
	static const char *const wrong[] = {
		"max_size = 30d\n", "max_size = 1\n",  "max_size =\n", "max_size = 5M 5d\n",
		"a = 1Q\n",         "a = 30d 1Q\n",    "a = 0G\n",     "a = 0d\n",
		"a = -1d\n",        "a = 30d,1G\n",    "a =\n",        "a = 99999999T\n",
		"default = long\n", "a = 1G 1Q 30d\n",
	};

	cr_assert_eq(read_lines("a = 1h\n"), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_eq(read_lines(wrong[i]), -EINVAL, "%s", wrong[i]);
		cr_expect_eq(strncmp(error.text, "file:4: ", 8), 0, "%s", error.text);
		cr_expect_str_eq(text, "a=1h", "what was read before stays");
	}
}
