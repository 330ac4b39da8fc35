/* SPDX-License-Identifier: MIT */
/* Tests of a host's own file that is made anew. */

#include "collector/host_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/epoch.h"
#include "collector/horizon.h"
#include "common/message.h"
#include "tests/support/history_agent.h"

#define OWN_FILE "hosts/web01/.host"
#define NEW_FILE "hosts/web01/.host.new"

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

TestSuite(host_file, .init = setup, .fini = teardown);

static void checkpoint(void)
{
	history_agent_commit(&agent);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
}

/* A file with some history. */
static void begin(void)
{
	history_agent_clock(&agent, HM_CLOCK_STARTED, 1, 0);
	history_agent_schedule(&agent, 1, "mn");
	checkpoint();
	history_agent_gap(&agent, 3, 9);
	checkpoint();
}

#define HISTORY "clock 1 @1; schedule mn @1; gap 3..9; "

static void fail_sync(void)
{
	history_agent_clock(&agent, HM_CLOCK_STOPPED, 9, 0);
	history_agent_schedule(&agent, 9, "mn");
	history_agent_commit(&agent);
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, false);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
}

static bool is_history(const char *told)
{
	return strcmp(told, HISTORY "clock 2 @9; ") == 0;
}

Test(host_file, after_a_failed_sync_it_has_what_the_old_one_had)
{
	uint64_t before;
	uint64_t size;

	begin();
	fail_sync();
	(void)sim_disk_content(store.sim, OWN_FILE, &before);
	cr_expect_eq(host_file_bytes(agent.epoch->host), agent.epoch->host->kept_bytes);
	cr_expect_gt(agent.epoch->host->kept_bytes, 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_expect_str_eq(history_agent_told(&agent), HISTORY "clock 2 @9; ");
	cr_expect_not(sim_store_has(&store, NEW_FILE));
	(void)sim_disk_content(store.sim, OWN_FILE, &size);
	cr_expect_eq(agent.epoch->host->end.length_bytes, size);
	for (int i = 0; i < 2; i++) {
		history_agent_crash(&agent);
		cr_expect_eq(agent.sequence, 5);
		cr_expect_eq(agent.epoch->host->end.length_bytes, size);
		cr_expect_str_eq(history_agent_told(&agent), HISTORY "clock 2 @9; ");
	}
	history_agent_schedule(&agent, 10, "mn");
	history_agent_schedule(&agent, 11, "m");
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), HISTORY "clock 2 @9; schedule m @11; ");
}

Test(host_file, nothing_is_lost_when_that_fails_once_more)
{
	begin();
	fail_sync();
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, false);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_expect(is_history(history_agent_told(&agent)));
}

Test(host_file, nothing_is_lost_by_a_crash_at_any_moment)
{
	for (uint64_t n = 1;; n++) {
		const char *told;
		bool is_stopped;

		teardown();
		setup();
		begin();
		fail_sync();
		sim_disk_seed(store.sim, n);
		sim_disk_stop_at(store.sim, n);
		(void)sim_store_checkpoint(&store);
		is_stopped = sim_disk_is_stopped(store.sim);
		history_agent_crash(&agent);
		cr_assert_eq(agent.sequence, 5);
		told = history_agent_told(&agent);
		cr_assert_eq(strncmp(told, HISTORY, strlen(HISTORY)), 0, "call %u: %s", (unsigned)n,
			     told);
		cr_assert_eq(sim_store_checkpoint(&store), 0);
		told = history_agent_told(&agent);
		cr_assert(is_history(told), "call %u: %s", (unsigned)n, told);
		cr_assert_not(sim_store_has(&store, NEW_FILE));
		if (!is_stopped)
			break;
	}
}

Test(host_file, waits_where_the_old_one_cannot_be_read_now)
{
	for (uint64_t n = 1; n <= 8; n++) {
		teardown();
		setup();
		begin();
		fail_sync();
		sim_disk_fail(store.sim, SIM_OPEN, n, EACCES, false);
		(void)sim_store_checkpoint(&store);
		cr_assert_eq(sim_store_checkpoint(&store), 0);
		cr_expect(is_history(history_agent_told(&agent)), "call %u: %s", (unsigned)n,
			  history_agent_told(&agent));
	}
}

Test(host_file, is_replaced_by_the_next_start_where_the_end_came_before)
{
	begin();
	fail_sync();
	sim_disk_fail(store.sim, SIM_RENAME, 1, EIO, false);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
	cr_expect(sim_store_has(&store, NEW_FILE));
	history_agent_crash(&agent);
	cr_expect_not(sim_store_has(&store, NEW_FILE));
	cr_expect_eq(agent.epoch->host->checkpoint, agent.epoch->host->last);
	cr_expect(is_history(history_agent_told(&agent)));
}

/* A new file that does not count, and cannot be removed, is not taken for the file one day. */
Test(host_file, is_not_replaced_by_one_of_a_checkpoint_that_failed)
{
	int n_left = 0;

	for (uint64_t n = 1; n <= 8; n++) {
		const char *told;

		teardown();
		setup();
		begin();
		fail_sync();
		sim_disk_fail(store.sim, SIM_FSTAT, n, EIO, false);
		sim_disk_fail(store.sim, SIM_UNLINK, 1, EIO, true);
		(void)sim_store_checkpoint(&store);
		sim_disk_settle(store.sim);
		history_agent_crash(&agent);
		n_left += sim_store_has(&store, NEW_FILE);
		sim_disk_heal(store.sim);
		checkpoint();
		history_agent_clock(&agent, HM_CLOCK_STARTED, 12, 0);
		checkpoint();
		history_agent_crash(&agent);
		told = history_agent_told(&agent);
		cr_expect(strstr(told, "clock 2 @9; ") && strstr(told, "clock 1 @12; "),
			  "call %u: %s", (unsigned)n, told);
	}
	cr_expect_gt(n_left, 0);
}

static void damage_own(uint64_t offset, size_t length)
{
	sim_store_kill(&store);
	sim_store_damage(&store, OWN_FILE, offset, length);
	history_agent_crash(&agent);
}

Test(host_file, of_a_damaged_header_nothing_is_lost)
{
	static const uint64_t offsets[] = {0, 16, 64};

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		teardown();
		setup();
		begin();
		damage_own(offsets[i], 4);
		history_agent_clock(&agent, HM_CLOCK_STOPPED, 9, 0);
		history_agent_schedule(&agent, 9, "mn");
		checkpoint();
		cr_expect(is_history(history_agent_told(&agent)), "%zu", i);
		history_agent_crash(&agent);
		cr_expect(is_history(history_agent_told(&agent)), "%zu", i);
	}
}

Test(host_file, goes_on_where_it_was_taken_away)
{
	begin();
	sim_store_remove(&store, "hosts/web01", ".host");
	history_agent_clock(&agent, HM_CLOCK_STOPPED, 9, 0);
	history_agent_schedule(&agent, 9, "mn");
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "clock 2 @9; schedule mn @9; ");
}

Test(host_file, waits_for_who_copies_the_old_one)
{
	begin();
	fail_sync();
	store.engine->n_snapshots = 1;
	for (int i = 0; i < 20; i++) {
		if (engine_checkpoint(store.engine, ENGINE_SCOPE_ALL) == -EAGAIN)
			history_agent_commit(&agent);
	}
	cr_expect_str_eq(history_agent_told(&agent), HISTORY "clock 2 @9; ",
			 "the old file, and what the failed sync left");
	cr_expect(sim_store_has(&store, NEW_FILE));
	store.engine->n_snapshots = 0;
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_expect_not(sim_store_has(&store, NEW_FILE));
	cr_expect(is_history(history_agent_told(&agent)));
}

/* -- where it has grown ---------------------------------------------------------------------------- */

static void move_horizon(int64_t second)
{
	struct engine *engine = store.engine;

	pthread_mutex_lock(&engine->mutex);
	cr_assert_eq(horizon_put(engine, agent.epoch->host,
				 (SIM_STORE_START_S + second) * SIM_STORE_SECOND_US),
		     0);
	engine->controls_wanted++;
	pthread_mutex_unlock(&engine->mutex);
	history_agent_commit(&agent);
}

/* Events until the file is long. @return the second of the last one */
static int64_t grow(int64_t second)
{
	uint64_t limit = agent.epoch->host->end.length_bytes + HOST_FILE_SMALL_BYTES;

	while (agent.epoch->host->end.length_bytes < limit) {
		for (int i = 0; i < 100; i++)
			history_agent_clock(&agent, HM_CLOCK_RESUMED, second++, 1);
		checkpoint();
	}
	return second - 1;
}

Test(host_file, what_lies_before_the_horizon_goes_but_how_things_stood)
{
	int64_t last;

	begin();
	history_agent_clock(&agent, HM_CLOCK_STOPPED, 9, 0);
	history_agent_clock(&agent, HM_CLOCK_STARTED, 11, 0);
	history_agent_schedule(&agent, 11, "m");
	last = grow(20);
	move_horizon(last + 1);
	history_agent_gap(&agent, last, last + 5);
	history_agent_schedule(&agent, last + 5, "m");
	checkpoint();
	cr_expect_lt(agent.epoch->host->end.length_bytes, 2000);
	for (int i = 0; i < 2; i++) {
		const char *told = history_agent_told(&agent);
		char expected[200];

		(void)snprintf(expected, sizeof(expected),
			       "clock 2 @9; clock 1 @11; schedule m @11; clock 4 @%d; gap %d..%d; ",
			       (int)last, (int)last, (int)last + 5);
		cr_expect_str_eq(told, expected);
		history_agent_crash(&agent);
	}
	cr_expect_not(sim_store_has(&store, NEW_FILE));
}

Test(host_file, without_a_horizon_all_is_kept)
{
	uint64_t n_bytes;

	begin();
	(void)grow(20);
	n_bytes = strlen(history_agent_told(&agent));
	(void)grow(5000);
	cr_expect_eq(strncmp(history_agent_told(&agent), HISTORY, strlen(HISTORY)), 0);
	cr_expect_geq(strlen(history_agent_told(&agent)), 2 * n_bytes - 100);
	history_agent_crash(&agent);
	checkpoint();
	cr_expect_eq(strncmp(history_agent_told(&agent), HISTORY, strlen(HISTORY)), 0);
}

Test(host_file, nothing_is_lost_where_it_has_grown_and_the_disk_fails)
{
	static const enum sim_call calls[] = {SIM_OPEN, SIM_FSTAT, SIM_PREAD};
	size_t n_told;

	for (size_t i = 0; i < 3; i++) {
		for (uint64_t n = 1; n <= 8; n++) {
			teardown();
			setup();
			begin();
			(void)grow(20);
			n_told = strlen(history_agent_told(&agent));
			history_agent_clock(&agent, HM_CLOCK_STOPPED, 5000, 0);
			history_agent_commit(&agent);
			sim_disk_fail(store.sim, calls[i], n, EIO, false);
			(void)sim_store_checkpoint(&store);
			cr_assert_eq(sim_store_checkpoint(&store), 0);
			cr_expect_eq(strlen(history_agent_told(&agent)),
				     n_told + strlen("clock 2 @5000; "), "%u of %d", (unsigned)n,
				     (int)calls[i]);
		}
	}
}
