/* SPDX-License-Identifier: MIT */
/* Tests of common/descriptor_limit.c. */

#include "common/descriptor_limit.h"

#include <criterion/criterion.h>
#include <sys/resource.h>

Test(descriptor_limit, is_raised_as_far_as_it_may_and_never_lowered)
{
	struct rlimit limit = {100, 200};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(descriptor_limit_raise(150), 150);
	cr_assert_eq(descriptor_limit_raise(120), 150);
	cr_assert_eq(descriptor_limit_raise(300), 200);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(limit.rlim_cur, 200);
}
