/* SPDX-License-Identifier: MIT */
/* Tests of a start for which the disk does not give something, for a while or for ever. */

#include "collector/opening.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/message.h"
#include "tests/support/history_agent.h"
#include "tests/support/sim_store.h"

#define AT       SIM_STORE_AT
#define LOG      "log/00000001.log"
#define OWN_FILE "hosts/web01/.host"
#define NEW_FILE "hosts/web01/.host.new"

static struct sim_store store;

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

static void teardown(void)
{
	sim_store_done(&store);
}

TestSuite(opening, .init = setup, .fini = teardown);

static void assert_reads(const char *expected)
{
	cr_assert_str_eq(sim_store_read(&store), expected);
}

/* What is put and written is on the platter. */
static void fill(void)
{
	sim_store_put_two_hosts(&store);
	sim_disk_settle(store.sim);
}

/* The next start finds all, also what this one could not read; and it can be moved into files. */
static void assert_kept(void)
{
	for (int i = 0; i < 2; i++) {
		struct engine_stats stats = sim_store_stats(&store);

		if (i == 1) {
			cr_assert_eq(stats.n_damaged_ranges, 0);
			cr_assert_eq(stats.n_files_aside, 0);
		}
		(void)sim_store_checkpoint(&store);
		sim_store_kill(&store);
		cr_assert_eq(sim_store_open(&store), 0);
		assert_reads(sim_store_two_hosts);
	}
}

/* Every open from one on is refused, until the disk is well again. @return was it met? */
static bool refuse_opens(uint64_t n, int error, bool for_ever)
{
	bool is_met;

	fill();
	sim_disk_fail(store.sim, SIM_OPEN, n, error, for_ever);
	if (sim_store_open(&store) == 0 && store.engine->trouble < 0)
		cr_assert(sim_store_stats(&store).is_readonly);
	is_met = sim_disk_n_failed(store.sim) > 0;
	sim_disk_heal(store.sim);
	if (!store.engine) {
		sim_store_kill(&store);
		cr_assert_eq(sim_store_open(&store), 0);
	}
	cr_assert_eq(engine_commit(store.engine), 0);
	assert_kept();
	teardown();
	setup();
	return is_met;
}

Test(opening, takes_nothing_for_lost_that_cannot_be_opened_for_a_while)
{
	static const int errors[] = {EIO, EUCLEAN, EACCES, EMFILE, ENOMEM};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		for (uint64_t n = 1; refuse_opens(n, errors[i], true); n++)
			cr_assert_lt(n, 100);
		for (uint64_t n = 1; refuse_opens(n, errors[i], false); n++)
			cr_assert_lt(n, 100);
	}
}

Test(opening, goes_on_with_all_once_the_disk_gives_it)
{
	for (uint64_t n = 1; n < 100; n++) {
		bool is_met;

		fill();
		sim_disk_fail(store.sim, SIM_OPEN, n, EIO, true);
		if (sim_store_open(&store) < 0)
			sim_store_kill(&store);
		is_met = sim_disk_n_failed(store.sim) > 0;
		sim_disk_heal(store.sim);
		if (store.engine) {
			cr_assert_eq(engine_commit(store.engine), 0);
			cr_assert_str_eq(sim_store_read(&store), sim_store_two_hosts, "open %u",
					 (unsigned)n);
		}
		teardown();
		setup();
		if (!is_met)
			return;
	}
	cr_assert_fail("a start has no end of opens");
}

/* Where a sector of the log is not given nothing is stored, and nothing is changed; when it is, all is there. */
Test(opening, waits_for_a_sector_of_the_log)
{
	for (uint64_t at = 0; at < 4096; at += SIM_DISK_SECTOR_BYTES) {
		fill();
		cr_assert_eq(sim_disk_spoil(store.sim, LOG, at, 1), 0);
		cr_assert_eq(sim_store_open(&store), 0);
		/* The other header does as well. */
		if (at > 0) {
			struct engine_stats stats = sim_store_stats(&store);

			cr_assert(stats.is_readonly, "byte %u", (unsigned)at);
			cr_assert_not_null(strstr(stats.last_error, LOG " cannot be read"), "%s",
					   stats.last_error);
			assert_reads("1 here m 1\n1 there m 3\n");
			cr_assert_eq(engine_commit(store.engine), -EIO);
		}
		cr_assert_eq(sim_disk_spoil(store.sim, LOG, 0, 0), 0);
		cr_assert_eq(engine_commit(store.engine), 0);
		assert_reads(sim_store_two_hosts);
		cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 0);
		assert_kept();
		teardown();
		setup();
	}
}

/* Where reading begins at a later one, some of its samples are still wanted. */
Test(opening, waits_for_a_sector_of_a_segment_that_only_samples_are_in)
{
	fill();
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_kill(&store);
	cr_assert(sim_store_has(&store, "log/00000002.log"));
	cr_assert_eq(sim_disk_spoil(store.sim, LOG, 512, 2048), 0);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert(sim_store_stats(&store).is_readonly);
	cr_assert_eq(engine_commit(store.engine), -EIO);
	cr_assert_eq(sim_disk_spoil(store.sim, LOG, 0, 0), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	assert_reads(sim_store_two_hosts);
	assert_kept();
}

Test(opening, takes_a_sector_of_the_log_for_lost_after_a_minute)
{
	fill();
	cr_assert_eq(sim_disk_spoil(store.sim, LOG, 512, 512), 0);
	cr_assert_eq(sim_store_open(&store), 0);
	sim_disk_advance(store.sim, GRACE_US - 1);
	cr_assert_eq(engine_commit(store.engine), -EIO);
	sim_disk_advance(store.sim, 1);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_not(sim_store_stats(&store).is_readonly);
	cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
	sim_store_put(&store, AT "03 m 5\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_not_null(strstr(sim_store_read(&store), "3 here m 5\n"));
}

/* Who moves samples into files waits for a sector as well: what is passed over then is lost. */
Test(opening, is_not_alone_in_waiting_for_a_sector_of_the_log)
{
	fill();
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(sim_disk_spoil(store.sim, LOG, 512, 1024), 0);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
	sim_disk_advance(store.sim, GRACE_US / 2);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
	cr_assert_eq(sim_disk_spoil(store.sim, LOG, 0, 0), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	assert_kept();
}

/* -- a host's own file ------------------------------------------------------------------------------- */

#define HISTORY "clock 1 @1; gap 2..9; "

static struct history_agent agent;

/* Messages in the host's own file, which only it has. */
static void begin_history(void)
{
	history_agent_open(&agent, &store, 2);
	history_agent_clock(&agent, HM_CLOCK_STARTED, 1, 0);
	history_agent_gap(&agent, 2, 9);
	history_agent_commit(&agent);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
}

/* Start where opens from one on are refused, then have something written into the file. @return was it met? */
static bool refuse_own_file(uint64_t n, bool for_ever)
{
	const char *told;
	bool is_met;

	begin_history();
	history_agent_clock(&agent, HM_CLOCK_STOPPED, 20, 0);
	history_agent_commit(&agent);
	sim_store_kill(&store);
	sim_disk_fail(store.sim, SIM_OPEN, n, EIO, for_ever);
	if (sim_store_open(&store) < 0)
		sim_store_kill(&store);
	is_met = sim_disk_n_failed(store.sim) > 0;
	sim_disk_heal(store.sim);
	if (!store.engine)
		cr_assert_eq(sim_store_open(&store), 0);
	if (engine_commit(store.engine) == 0)
		(void)sim_store_checkpoint(&store);
	history_agent_crash(&agent);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	told = history_agent_told(&agent);
	cr_assert_str_eq(told, HISTORY "clock 2 @20; ", "open %u: %s", (unsigned)n, told);
	history_agent_close(&agent);
	teardown();
	setup();
	return is_met;
}

Test(opening, loses_no_message_because_a_file_cannot_be_opened_for_a_while)
{
	for (uint64_t n = 1; refuse_own_file(n, true); n++)
		cr_assert_lt(n, 100);
	for (uint64_t n = 1; refuse_own_file(n, false); n++)
		cr_assert_lt(n, 100);
}

Test(opening, writes_over_no_file_of_a_host_that_is_not_given)
{
	begin_history();
	history_agent_clock(&agent, HM_CLOCK_STOPPED, 20, 0);
	history_agent_commit(&agent);
	sim_store_kill(&store);
	cr_assert_eq(sim_disk_spoil(store.sim, OWN_FILE, 0, 4096), 0);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert(sim_store_stats(&store).is_readonly);
	cr_assert_eq(sim_disk_spoil(store.sim, OWN_FILE, 0, 0), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	history_agent_crash(&agent);
	cr_assert_str_eq(history_agent_told(&agent), HISTORY "clock 2 @20; ");
	history_agent_close(&agent);
}

/* A bad sector costs what lies in it, and does not hold up the host. */
Test(opening, makes_a_file_of_a_host_anew_that_has_a_bad_sector)
{
	uint64_t size;

	begin_history();
	for (unsigned i = 0; i < 30; i++)
		history_agent_gap(&agent, 20 + 10 * i, 25 + 10 * i);
	history_agent_commit(&agent);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	history_agent_clock(&agent, HM_CLOCK_STOPPED, 900, 0);
	history_agent_commit(&agent);
	sim_store_kill(&store);
	(void)sim_disk_content(store.sim, OWN_FILE, &size);
	cr_assert_gt(size, (uint64_t)4 * SIM_DISK_SECTOR_BYTES);
	cr_assert_eq(sim_disk_spoil(store.sim, OWN_FILE, SIM_DISK_SECTOR_BYTES, 1), 0);
	cr_assert_eq(sim_store_open_patiently(&store), 0);
	cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_not(sim_store_has(&store, NEW_FILE));
	history_agent_crash(&agent);
	cr_assert_not(sim_store_stats(&store).is_readonly, "the bad sector is in it no more");
	cr_assert_not_null(strstr(history_agent_told(&agent), "clock 1 @1; "));
	cr_assert_not_null(strstr(history_agent_told(&agent), "gap 310..315; "));
	cr_assert_not_null(strstr(history_agent_told(&agent), "clock 2 @900; "));
	history_agent_close(&agent);
}
