/* SPDX-License-Identifier: MIT */
/* Tests of who has which epoch. */

#include "collector/agent_claims.h"

#include <criterion/criterion.h>
#include <string.h>

#include "common/loop.h"

static const uint8_t epoch[HM_ID_BYTES] = {1};
static const uint8_t other_epoch[HM_ID_BYTES] = {2};

static struct agent_claims *claims;
static struct loop *loop;
static struct agent_claimant claimants[2];
static int n_told[2];
static struct agent_claim first, second, third;

static void on_lost(void *context)
{
	++*(int *)context;
}

static void setup(void)
{
	static const struct hash_key key = {{7, 8}};

	cr_assert_eq(agent_claims_new(&key, &claims), 0);
	cr_assert_eq(loop_new(&loop), 0);
	for (int i = 0; i < 2; i++) {
		TAILQ_INIT(&claimants[i].lost);
		cr_assert_eq(wakeup_new(loop, on_lost, &n_told[i], &claimants[i].wakeup), 0);
	}
}

static void teardown(void)
{
	for (int i = 0; i < 2; i++)
		wakeup_free(claimants[i].wakeup);
	loop_free(loop);
	agent_claims_free(claims);
}

TestSuite(agent_claims, .init = setup, .fini = teardown, .timeout = 60);

/* That these many wakeups of each came so far. */
static void assert_told(int n_first, int n_second)
{
	for (int i = 0; i < 3; i++)
		cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_eq(n_told[0], n_first);
	cr_assert_eq(n_told[1], n_second);
}

Test(agent_claims, are_lost_to_a_newer_one_of_the_same_epoch_only)
{
	agent_claims_take(claims, &first, &claimants[0], epoch);
	agent_claims_take(claims, &second, &claimants[1], other_epoch);
	assert_told(0, 0);
	cr_assert_null(agent_claims_next_lost(claims, &claimants[0]));

	agent_claims_take(claims, &third, &claimants[1], epoch);
	assert_told(1, 0);
	cr_assert_null(agent_claims_next_lost(claims, &claimants[1]));
	cr_assert_eq(agent_claims_next_lost(claims, &claimants[0]), &first);
	cr_assert_null(agent_claims_next_lost(claims, &claimants[0]), "it is told once");
	cr_assert_eq(first.state, AGENT_CLAIM_NONE);
	cr_assert_eq(second.state, AGENT_CLAIM_HELD);
	cr_assert_eq(third.state, AGENT_CLAIM_HELD);
}

Test(agent_claims, are_not_lost_once_they_were_dropped)
{
	agent_claims_take(claims, &first, &claimants[0], epoch);
	agent_claims_drop(claims, &first);
	agent_claims_take(claims, &second, &claimants[0], epoch);
	assert_told(0, 0);

	/* Dropped between its loss and the news of it. */
	agent_claims_take(claims, &third, &claimants[0], epoch);
	agent_claims_drop(claims, &second);
	assert_told(1, 0);
	cr_assert_null(agent_claims_next_lost(claims, &claimants[0]));
	agent_claims_drop(claims, &second);
	cr_assert_eq(third.state, AGENT_CLAIM_HELD);
}

Test(agent_claims, are_lost_by_several_in_the_order_of_it)
{
	struct agent_claim more[2] = {0};

	agent_claims_take(claims, &first, &claimants[0], epoch);
	agent_claims_take(claims, &second, &claimants[0], other_epoch);
	agent_claims_take(claims, &more[0], &claimants[1], other_epoch);
	agent_claims_take(claims, &more[1], &claimants[1], epoch);

	assert_told(1, 0);
	cr_assert_eq(agent_claims_next_lost(claims, &claimants[0]), &second);
	cr_assert_eq(agent_claims_next_lost(claims, &claimants[0]), &first);
	cr_assert_null(agent_claims_next_lost(claims, &claimants[0]));
}

Test(agent_claims, can_be_many_whose_hashes_meet)
{
	static struct agent_claim many[20000];
	uint8_t name[HM_ID_BYTES] = {0};

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t number = i % 10000;

		memcpy(name, &number, sizeof(number));
		agent_claims_take(claims, &many[i], &claimants[i / 10000], name);
	}

	for (uint32_t i = 0; i < 10000; i++)
		cr_assert_eq(agent_claims_next_lost(claims, &claimants[0]), &many[i]);
	cr_assert_null(agent_claims_next_lost(claims, &claimants[0]));
	cr_assert_null(agent_claims_next_lost(claims, &claimants[1]));
}
