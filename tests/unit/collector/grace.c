/* SPDX-License-Identifier: MIT */
/* Tests of how long a disk is waited for. */

#include "collector/grace.h"

#include <criterion/criterion.h>

static const int64_t start_us = 5;

Test(grace, lasts_a_minute_from_the_first_time_on)
{
	struct grace grace = {0};

	cr_expect(grace_lasts(&grace, start_us));
	cr_expect(grace_lasts(&grace, start_us + GRACE_US / 2));
	cr_expect(grace_lasts(&grace, start_us + GRACE_US - 1));
	cr_expect_not(grace_lasts(&grace, start_us + GRACE_US));
}

Test(grace, is_over_as_long_as_something_is_missing)
{
	struct grace grace = {0};
	int64_t now_us = start_us;

	(void)grace_lasts(&grace, now_us);
	for (int i = 0; i < 100; i++) {
		now_us += GRACE_FORGOTTEN_US;
		cr_expect_not(grace_lasts(&grace, now_us));
	}
}

Test(grace, begins_anew_where_nothing_was_missing_for_long)
{
	struct grace grace = {0};
	int64_t later_us = start_us + GRACE_FORGOTTEN_US + 1;

	(void)grace_lasts(&grace, start_us);
	cr_expect(grace_lasts(&grace, later_us));
	cr_expect(grace_lasts(&grace, later_us + GRACE_US - 1));
	cr_expect_not(grace_lasts(&grace, later_us + GRACE_US));
}
