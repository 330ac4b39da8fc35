/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/request.c. */

#include "agent/ctl/request.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hostmetrics/control.h"

static struct buffer out;

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(request, .fini = teardown);

Test(request, is_the_verb_and_its_arguments)
{
	struct options options = {
		.verb = verb_find("query"),
		.argument = "node_cpu*",
		.host = "web*",
		.given = OPTIONS_SINCE | OPTIONS_UNTIL,
		.since_us = -5,
		.until_us = INT64_C(1795416401250000),
	};

	cr_assert_eq(request_format(&options, &out), 0);
	cr_expect_str_eq(buffer_text(&out),
			 "query\tseries=node_cpu*\thost=web*\tsince=-5\tuntil=1795416401250000\n");
}

Test(request, leaves_out_what_was_not_given)
{
	struct options options = {.verb = verb_find("list-metrics")};

	cr_assert_eq(request_format(&options, &out), 0);
	cr_expect_str_eq(buffer_text(&out), "list-metrics\n");
}

Test(request, says_that_it_is_only_asked_what_would_be_done)
{
	struct options options = {.verb = verb_find("reload"), .given = OPTIONS_DRY_RUN};

	cr_assert_eq(request_format(&options, &out), 0);
	cr_expect_str_eq(buffer_text(&out), "reload\tdry=yes\n");
}

Test(request, of_watch_is_list_metrics)
{
	struct options options = {.verb = verb_find("watch"), .argument = "a"};

	cr_assert_eq(request_format(&options, &out), 0);
	cr_expect_str_eq(buffer_text(&out), "list-metrics\tglob=a\n");
}

Test(request, is_one_line_whatever_is_asked_for)
{
	struct options options = {.verb = verb_find("get"), .argument = "a\nstatus\tb\\c\r"};

	cr_assert_eq(request_format(&options, &out), 0);
	cr_expect_str_eq(buffer_text(&out), "get\tseries=a\\nstatus\\tb\\\\c\\r\n");
}

Test(request, is_refused_where_a_daemon_would_not_take_it)
{
	char *argument = malloc(HM_CONTROL_REQUEST_MAX_BYTES);
	struct options options = {.verb = verb_find("get"), .argument = argument};

	memset(argument, 'a', HM_CONTROL_REQUEST_MAX_BYTES);
	argument[HM_CONTROL_REQUEST_MAX_BYTES - sizeof("get\tseries=\n")] = '\0';
	cr_expect_eq(request_format(&options, &out), 0);
	buffer_clear(&out);
	argument[strlen(argument)] = 'a';
	argument[HM_CONTROL_REQUEST_MAX_BYTES - sizeof("get\tseries=\n") + 2] = '\0';
	cr_expect_eq(request_format(&options, &out), -E2BIG);
	free(argument);
}

Test(request, tells_the_daemon_what_hosts_are_sorted_by)
{
	struct options options = {.verb = verb_find("list-hosts"), .sort = "-bytes"};

	cr_assert_eq(request_format(&options, &out), 0);
	cr_expect_str_eq(buffer_text(&out), "list-hosts\tsort=-bytes\n");
}

Test(request, does_not_tell_it_what_watch_sorts_by_itself)
{
	struct options options = {.verb = verb_find("watch"), .sort = "-value"};

	cr_assert_eq(request_format(&options, &out), 0);
	cr_expect_str_eq(buffer_text(&out), "list-metrics\n");
}
