/* SPDX-License-Identifier: MIT */
/* Tests of what a host's own file keeps of its messages. */

#include "collector/group_messages.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/delete.h"
#include "common/message.h"
#include "tests/support/all_series.h"
#include "tests/support/history_agent.h"

static struct sim_store store;
static struct history_agent agent;

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	history_agent_open(&agent, &store, 2);
}

static void teardown(void)
{
	history_agent_close(&agent);
	sim_store_done(&store);
}

TestSuite(group_messages, .init = setup, .fini = teardown);

/* Delete a range of all series. */
static void delete_all(int64_t since, int64_t until)
{
	const struct delete_range range = {(SIM_STORE_START_S + since) * SIM_STORE_SECOND_US,
					   (SIM_STORE_START_S + until) * SIM_STORE_SECOND_US};
	struct catalog_series **series;
	uint64_t ticket;
	size_t n;

	cr_assert_eq(all_series_list(store.engine, &series, &n), 0);
	cr_assert_eq(delete_log(store.engine, series, n, &range, &ticket), 0);
	free(series);
	history_agent_commit(&agent);
}

static void checkpoint(void)
{
	history_agent_commit(&agent);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
}

Test(group_messages, all_that_is_not_samples_is_kept)
{
	history_agent_clock(&agent, HM_CLOCK_STARTED, 1, 0);
	history_agent_schedule(&agent, 1, "mn");
	history_agent_declare(&agent);
	history_agent_batch(&agent, 2, 7);
	history_agent_gap(&agent, 3, 9);
	history_agent_clock(&agent, HM_CLOCK_STOPPED, 9, 0);
	cr_expect_str_eq(history_agent_told(&agent), "", "it is in the log");
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent),
			 "clock 1 @1; schedule mn @1; gap 3..9; clock 2 @9; ");
	history_agent_crash(&agent);
	cr_expect_eq(agent.sequence, 6);
	history_agent_clock(&agent, HM_CLOCK_STARTED, 12, 0);
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent),
			 "clock 1 @1; schedule mn @1; gap 3..9; clock 2 @9; clock 1 @12; ");
}

Test(group_messages, a_schedule_is_kept_where_it_says_something_else)
{
	history_agent_schedule(&agent, 1, "mn");
	history_agent_schedule(&agent, 2, "mn");
	checkpoint();
	history_agent_schedule(&agent, 3, "mn");
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "schedule mn @1; ");
	history_agent_crash(&agent);
	history_agent_schedule(&agent, 4, "mn");
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "schedule mn @1; ");
	history_agent_schedule(&agent, 5, "m");
	history_agent_schedule(&agent, 6, "mn");
	history_agent_schedule(&agent, 7, "m");
	history_agent_schedule(&agent, 8, "");
	history_agent_schedule(&agent, 9, "");
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent),
			 "schedule mn @1; schedule m @5; schedule mn @6; schedule m @7; "
			 "schedule  @8; ");
	history_agent_crash(&agent);
	history_agent_schedule(&agent, 10, "");
	history_agent_schedule(&agent, 11, "m");
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent),
			 "schedule mn @1; schedule m @5; schedule mn @6; schedule m @7; "
			 "schedule  @8; schedule m @11; ");
}

Test(group_messages, a_schedule_of_an_earlier_time_is_kept)
{
	/* The clock is years ahead, and then it is set. */
	history_agent_schedule(&agent, 90, "mn");
	history_agent_schedule(&agent, 5, "mn");
	history_agent_schedule(&agent, 6, "mn");
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "schedule mn @90; schedule mn @5; ");
	history_agent_crash(&agent);
	history_agent_schedule(&agent, 5, "mn");
	history_agent_schedule(&agent, 4, "mn");
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent),
			 "schedule mn @90; schedule mn @5; schedule mn @4; ");
}

Test(group_messages, a_schedule_that_a_failed_checkpoint_had_is_kept_by_the_next)
{
	history_agent_schedule(&agent, 1, "m");
	checkpoint();
	history_agent_schedule(&agent, 2, "mn");
	history_agent_commit(&agent);
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, false);
	cr_expect_eq(sim_store_checkpoint(&store), -EIO);
	checkpoint();
	cr_expect(strstr(history_agent_told(&agent), "schedule mn @2; ") != NULL);
}

Test(group_messages, a_delete_is_kept_once)
{
	history_agent_declare(&agent);
	history_agent_batch(&agent, 2, 7);
	history_agent_batch(&agent, 5, 8);
	history_agent_commit(&agent);
	delete_all(1, 3);
	history_agent_clock(&agent, HM_CLOCK_STOPPED, 9, 0);
	history_agent_commit(&agent);
	delete_all(4, 5);
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "delete 1..3; clock 2 @9; delete 4..5; ");
	cr_expect_str_eq(sim_store_read(&store), "");
	delete_all(4, 5);
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent),
			 "delete 1..3; clock 2 @9; delete 4..5; delete 4..5; ");
}
