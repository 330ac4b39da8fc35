/* SPDX-License-Identifier: MIT */
/* Tests of agent/cost.c. */

#include "agent/cost.h"

#include <criterion/criterion.h>

Test(cost, is_measured_in_the_first_rounds_and_in_one_of_sixteen)
{
	int n_turns = 0;

	cr_expect(cost_is_turn(0));
	cr_expect(cost_is_turn(1));
	for (uint64_t n_rounds = 2; n_rounds < 162; n_rounds++)
		n_turns += cost_is_turn(n_rounds);
	cr_expect_eq(n_turns, 10);
}

Test(cost, of_the_first_round_counts_while_it_is_alone)
{
	struct cost_mean mean = {0};

	cost_mean_add(&mean, 5000);
	cr_expect_eq(mean.ns, 5000);
	cost_mean_add(&mean, 100);
	cr_expect_eq(mean.ns, 100);
}

Test(cost, follows_the_rounds)
{
	struct cost_mean mean = {0};

	for (int i = 0; i < 100; i++)
		cost_mean_add(&mean, 100);
	cr_expect_eq(mean.ns, 100);
	cost_mean_add(&mean, 900);
	cr_expect_eq(mean.ns, 200);
	for (int i = 0; i < 100; i++)
		cost_mean_add(&mean, 900);
	cr_expect_float_eq((double)mean.ns, 900, 10);
}

Test(cost, clocks_go_on_with_the_work)
{
	int64_t process_ns = cost_process_ns();
	int64_t thread_ns = cost_thread_ns();

	while (cost_thread_ns() - thread_ns < 1000000)
		;
	cr_expect_geq(cost_process_ns() - process_ns, 1000000);
}
