/* SPDX-License-Identifier: MIT */
/* Tests of agent/backoff.c. */

#include "agent/backoff.h"

#include <criterion/criterion.h>

Test(backoff, doubles_from_a_second_to_half_a_minute)
{
	static const int64_t least_ms[] = {1000, 2000, 4000, 8000, 15000, 15000};
	struct backoff low = {0};
	struct backoff high = {0};

	for (size_t i = 0; i < sizeof(least_ms) / sizeof(least_ms[0]); i++) {
		cr_assert_eq(backoff_next_ms(&low, 0), least_ms[i]);
		/* The largest remainder is the whole of the jitter. */
		cr_assert_eq(backoff_next_ms(&high, (uint32_t)least_ms[i]), 2 * least_ms[i]);
	}
}

Test(backoff, never_leaves_its_limits_whatever_the_random_number)
{
	struct backoff backoff = {0};

	for (uint32_t i = 0; i < 1000; i++) {
		int64_t wait_ms = backoff_next_ms(&backoff, i * UINT32_C(4294967));

		cr_assert_geq(wait_ms, 1000);
		cr_assert_leq(wait_ms, 30000);
	}
}

Test(backoff, begins_anew_after_a_success)
{
	struct backoff backoff = {0};

	for (int i = 0; i < 10; i++)
		(void)backoff_next_ms(&backoff, 0);
	backoff_reset(&backoff);

	cr_assert_eq(backoff_next_ms(&backoff, 0), 1000);
}
