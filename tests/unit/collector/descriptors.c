/* SPDX-License-Identifier: MIT */
/* Tests of who may have how many descriptors. */

#include "collector/descriptors.h"

#include <criterion/criterion.h>
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
