/* SPDX-License-Identifier: MIT */
/* Tests of agent/limit_log.c. */

#include "agent/limit_log.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECOND_US INT64_C(1000000)

static const struct hm_metric metric = {.name = "node_x"};
static const struct hm_plugin plugin = {.name = "x", .metrics = &metric, .n_metrics = 1};

static struct limit_log limit_log;
static int fd;

static void setup(void)
{
	fd = memfd_create("log", MFD_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
}

TestSuite(limit_log, .init = setup);

/* So many are left out at this second. @return all that the log has, and forget it */
static const char *tell(size_t n, int64_t second)
{
	const struct plugin_set_left_out left_out = {
		.n = n,
		.n_most = n / 2,
		.metric = n > 1 ? &metric : NULL,
		.plugin = n > 1 ? &plugin : NULL,
	};
	static char text[4096];
	ssize_t length;

	limit_log_tell(&limit_log, &left_out, 50, second * SECOND_US);
	length = pread(fd, text, sizeof(text) - 1, 0);
	cr_assert_geq(length, 0);
	text[length] = '\0';
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
	return text;
}

Test(limit_log, says_once_that_it_begins_and_that_it_ends)
{
	cr_assert_str_eq(tell(0, 1), "");
	cr_assert_not_null(strstr(tell(8, 2), "more series than series_max = 50: 8 are left out, 4 "
					      "of them node_x; raise series_max in [agent], or "
					      "exclude some in [plugin x]\n"));
	cr_assert_str_eq(tell(9, 3), "");
	cr_assert_str_eq(tell(1, 100), "");
	cr_assert_not_null(strstr(tell(0, 101), "no series is left out any more\n"));
	cr_assert_str_eq(tell(0, 102), "");
}

Test(limit_log, says_no_more_than_once_a_minute_that_it_begins)
{
	cr_assert_str_neq(tell(8, 1), "");
	for (int64_t second = 2; second < 61; second++) {
		const char *text = tell(second % 2 ? 8 : 0, second);

		cr_assert_eq(*text != '\0', second == 2, "%s", text);
	}
	cr_assert_str_neq(tell(8, 61), "");
	cr_assert_str_neq(tell(0, 62), "");
}

Test(limit_log, says_it_also_where_there_was_no_memory_to_count)
{
	cr_assert_not_null(strstr(tell(1, 1), "1 are left out; raise series_max in [agent]\n"));
}
