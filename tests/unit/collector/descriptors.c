/* SPDX-License-Identifier: MIT */
/* Tests of who may have how many descriptors. */

#include "collector/descriptors.h"

#include <criterion/criterion.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/control_server.h"

static struct descriptors share;

Test(descriptors, gives_everybody_what_is_wanted_where_the_limit_allows)
{
	int64_t wanted = descriptors_wanted(30, 20000);

	descriptors_share(wanted, 30, 20000, &share);
	cr_assert_eq(share.connections, 20000);
	cr_assert_eq(share.control_clients, CONTROL_CLIENTS_MAX);

	descriptors_share(wanted - 1, 30, 20000, &share);
	cr_assert_eq(share.connections, 19999);
}

Test(descriptors, never_gives_more_than_there_are_and_each_at_least_one)
{
	for (int64_t limit = 0; limit < 1000; limit++) {
		descriptors_share(limit, 30, 500, &share);
		cr_assert_geq(share.control_clients, 1);
		cr_assert_geq(share.connections, 1);
		if (limit < 30 + DESCRIPTORS_PASSING + 4)
			continue;
		cr_assert_leq(30 + DESCRIPTORS_PASSING + share.control_clients + share.connections,
			      limit);
		cr_assert_geq(share.connections, (limit - 30 - DESCRIPTORS_PASSING) / 2 < 500
							 ? (limit - 30 - DESCRIPTORS_PASSING) / 2
							 : 500);
	}
}

Test(descriptors, counts_those_that_are_open)
{
	int64_t n = descriptors_count();
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(descriptors_count(), n + 2);
}

Test(descriptors, raises_the_limit_as_far_as_it_may_and_never_lowers_it)
{
	struct rlimit limit = {100, 200};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(descriptors_raise_limit(150), 150);
	cr_assert_eq(descriptors_raise_limit(120), 150);
	cr_assert_eq(descriptors_raise_limit(300), 200);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(limit.rlim_cur, 200);
}
