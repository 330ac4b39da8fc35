/* SPDX-License-Identifier: MIT */
/* Tests of the agent's spool where the disk refuses something, or the power is cut. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "agent/spool.h"
#include "tests/support/sim_spool.h"

static struct sim_spool test;

static void setup(void)
{
	sim_spool_open(&test);
}

static void teardown(void)
{
	sim_spool_close(&test);
}

TestSuite(spool_disk, .init = setup, .fini = teardown, .timeout = 20);

Test(spool_disk, does_not_open_where_nothing_can_be_known_of_what_is_there)
{
	struct spool_epoch_info info;
	struct spool_epoch_info again;
	struct spool_message message;

	(void)sim_spool_append(&test, HM_FRAME_BATCH, "batch", 0);
	cr_assert_eq(spool_sync(test.spool), 0);
	cr_assert_eq(spool_get_epoch(test.spool, 0, &info), 0);
	for (unsigned i = 1; i <= 3; i++) {
		spool_free(test.spool);
		test.spool = NULL;
		/* Of each segment, the folder is read first. */
		sim_disk_fail(test.sim, i == 3 ? SIM_LIST : SIM_OPEN, i == 2 ? 2 : 1, EMFILE,
			      false);
		cr_assert_eq(spool_open(&test.options, &test.spool), -EMFILE);
		sim_disk_heal(test.sim);
		cr_assert_eq(spool_open(&test.options, &test.spool), 0);
		cr_assert_eq(spool_get_epoch(test.spool, 0, &again), 0);
		cr_expect_arr_eq(again.id, info.id, HM_ID_BYTES);
		cr_assert_eq(spool_next(test.spool, info.id, 0, &message), 0);
		cr_expect_eq(message.type, HM_FRAME_BATCH);
	}
}

/* A moment later, without it, all is there; who does not wait has a gap. */
Test(spool_disk, waits_for_a_segment_that_the_disk_does_not_give_where_that_is_wanted)
{
	struct spool_epoch_info info;
	struct spool_message message;

	(void)sim_spool_append(&test, HM_FRAME_BATCH, "batch", 0);
	cr_assert_eq(spool_sync(test.spool), 0);
	info = sim_spool_epoch(&test, 0);
	spool_free(test.spool);
	test.spool = NULL;

	test.options.awaits_segments = true;
	for (unsigned i = 1; i <= 3; i++) {
		sim_disk_fail(test.sim, SIM_OPEN, i, EIO, true);
		cr_assert_eq(spool_open(&test.options, &test.spool), -EIO);
		sim_disk_heal(test.sim);
	}
	cr_assert_eq(spool_open(&test.options, &test.spool), 0);
	cr_assert_eq(spool_next(test.spool, info.id, 0, &message), 0);
	cr_expect_eq(message.type, HM_FRAME_BATCH);
	spool_free(test.spool);
	test.spool = NULL;

	test.options.awaits_segments = false;
	sim_disk_fail(test.sim, SIM_OPEN, 1, EIO, true);
	cr_assert_eq(spool_open(&test.options, &test.spool), 0);
	cr_expect_gt(sim_spool_status(&test).n_damaged, 0);
}

Test(spool_disk, has_after_a_power_cut_what_it_offered)
{
	struct spool_epoch_info before;

	(void)sim_spool_append(&test, HM_FRAME_DECLARE, "series", 0);
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "first", 0);
	cr_assert_eq(spool_sync(test.spool), 0);
	before = sim_spool_epoch(&test, 0);

	sim_spool_lose_power(&test, 3);

	cr_assert_arr_eq(sim_spool_epoch(&test, 0).id, before.id, HM_ID_BYTES);
	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "series");
	cr_assert_str_eq(sim_spool_next(&test, 0, 1), "first");
}

Test(spool_disk, has_a_batch_or_its_ticks_whatever_the_power_takes)
{
	unsigned n_ticks = 0;

	for (uint64_t seed = 0; seed < 40; seed++) {
		struct spool_tick got;
		bool has_tick;
		uint64_t sealed = sim_spool_tick(&test, "one");

		cr_assert_eq(spool_sync(test.spool), 0);
		(void)sim_spool_append(&test, HM_FRAME_BATCH, "sealed", sealed);
		(void)sim_spool_tick(&test, "two");
		sim_spool_lose_power(&test, seed);

		has_tick = spool_get_tick(test.spool, 0, &got) == 0 &&
			   memcmp(got.payload, "one", 3) == 0;
		cr_assert_neq(has_tick, strcmp(sim_spool_next(&test, 0, 0), "sealed") == 0);
		n_ticks += has_tick;
		teardown();
		setup();
	}
	cr_assert_gt(n_ticks, 0);
	cr_assert_lt(n_ticks, 40);
}

/* Its folder was removed. */
Test(spool_disk, goes_on_in_memory_without_what_was_in_the_folder)
{
	struct wire_gap gap;
	size_t n_bytes;

	(void)sim_spool_append_series(&test, "m");
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "first", 0);
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "second", 0);
	cr_assert_eq(spool_sync(test.spool), 0);
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "third", 0);
	(void)sim_spool_tick(&test, "one");

	cr_assert_eq(spool_leave_folder(test.spool), 0);
	cr_assert_eq(spool_leave_folder(test.spool), 0);
	sim_disk_fail(test.sim, SIM_OPEN, 1, EIO, true);
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "fourth", 1);
	cr_assert_eq(spool_sync(test.spool), 0);

	cr_expect_eq(sim_spool_declared(&test, 0, 0), 1);
	gap = sim_spool_gap(&test, 0, 1);
	cr_expect_eq(gap.first, 2);
	cr_expect_eq(gap.stamp.sequence, 3);
	cr_expect_eq(gap.n_samples, 20);
	cr_expect_eq(gap.reason, HM_REASON_SPOOL_DAMAGED);
	cr_expect_str_eq(sim_spool_next(&test, 0, 3), "third");
	cr_expect_eq(sim_spool_declared(&test, 1, 0), 1);
	cr_expect_str_eq(sim_spool_next(&test, 1, 1), "fourth");
	cr_expect_eq(sim_spool_status(&test).n_gone_batches, 2);
	n_bytes = sim_spool_status(&test).n_memory_bytes;
	spool_acked(test.spool, sim_spool_epoch(&test, 0).id, 4);
	spool_acked(test.spool, sim_spool_epoch(&test, 0).id, 2);
	cr_expect_eq(sim_spool_status(&test).n_messages, 0);
	/* What came from the folder takes no room of what comes now. */
	(void)sim_spool_tick(&test, "two");
	cr_expect_lt(sim_spool_status(&test).n_memory_bytes, n_bytes / 2);
}

Test(spool_disk, goes_on_in_another_segment_after_a_failed_sync)
{
	(void)sim_spool_tick(&test, "tick");
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "first", 0);
	sim_disk_fail(test.sim, SIM_FDATASYNC, 1, EIO, false);
	cr_assert_eq(spool_sync(test.spool), 0);

	cr_assert_not(sim_spool_status(&test).is_in_memory);
	cr_assert_eq(sim_spool_status(&test).last_error, -EIO);
	cr_assert_eq(sim_spool_status(&test).n_segments, 2);
	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "first");
	sim_spool_lose_power(&test, 1);
	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "first");
	cr_assert_eq(sim_spool_status(&test).n_ticks, 1);
}

Test(spool_disk, goes_on_in_memory_while_nothing_can_be_written)
{
	uint64_t sealed = sim_spool_tick(&test, "on the disk");

	(void)sim_spool_append(&test, HM_FRAME_DECLARE, "series", 0);
	cr_assert_eq(spool_sync(test.spool), 0);
	sim_disk_fail(test.sim, SIM_PWRITE, 1, EIO, true);
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "sealed", sealed);
	cr_assert(sim_spool_status(&test).is_in_memory);
	cr_assert_eq(sim_spool_append(&test, HM_FRAME_BATCH, "first", 0), 1);
	cr_assert_eq(sim_spool_append(&test, HM_FRAME_BATCH, "second",
				      sim_spool_tick(&test, "in memory")),
		     2);

	cr_assert_eq(sim_spool_status(&test).n_epochs, 2);
	cr_assert(sim_spool_epoch(&test, 1).is_in_memory);
	cr_assert_str_eq(sim_spool_next(&test, 1, 0), "first");
	cr_assert_str_eq(sim_spool_next(&test, 1, 1), "second");
	/* A crash now would bring its tick back. */
	cr_assert_str_eq(sim_spool_next(&test, 0, 1), "");
	cr_assert_neq(spool_retry(test.spool), 0);

	sim_disk_heal(test.sim);
	cr_assert_eq(spool_retry(test.spool), 0);
	cr_assert_not(sim_spool_status(&test).is_in_memory);
	cr_assert_eq(sim_spool_status(&test).n_epochs, 3);
	cr_assert_str_eq(sim_spool_next(&test, 0, 1), "sealed");
	cr_assert_str_eq(sim_spool_next(&test, 1, 1), "second");
	cr_assert_eq(sim_spool_append(&test, HM_FRAME_BATCH, "third", 0),
		     sim_spool_epoch(&test, 2).last + 1);
	cr_assert_eq(spool_sync(test.spool), 0);

	sim_spool_lose_power(&test, 9);
	cr_assert_str_eq(sim_spool_next(&test, 0, 1), "sealed");
	cr_assert_str_eq(sim_spool_next(&test, 1, 0), "first");
	cr_assert_str_eq(sim_spool_next(&test, 1, 1), "second");
	cr_assert_str_eq(sim_spool_next(&test, 2, sim_spool_epoch(&test, 2).last - 1), "third");
	cr_assert_eq(sim_spool_status(&test).n_ticks, 0);
}

/* @return is a tick there whose series nobody declares? */
static bool has_tick_without_series(void)
{
	struct spool_epoch_info current =
		sim_spool_epoch(&test, sim_spool_status(&test).n_epochs - 1);
	struct spool_message message;
	struct spool_tick found;

	return spool_get_tick(test.spool, 0, &found) == 0 &&
	       spool_next_declare(test.spool, current.id, 0, &message) < 0;
}

Test(spool_disk, knows_what_its_ticks_mean_whatever_the_disk_refused)
{
	for (uint64_t n = 1; n <= 20; n++) {
		teardown();
		setup();
		spool_acked(test.spool, sim_spool_epoch(&test, 0).id,
			    sim_spool_append_series(&test, "a"));
		cr_assert_eq(spool_sync(test.spool), 0);
		spool_acked(test.spool, sim_spool_epoch(&test, 0).id, 1);
		(void)sim_spool_tick(&test, "one");
		cr_assert_eq(spool_sync(test.spool), 0);
		sim_disk_fail(test.sim, SIM_PWRITE, 1, EIO, true);
		(void)sim_spool_append(&test, HM_FRAME_CLOCK, "some", 0);
		cr_assert(sim_spool_status(&test).is_in_memory);
		/* What it writes now may end behind what says that there is an epoch in memory. */
		sim_disk_heal(test.sim);
		sim_disk_fail(test.sim, SIM_PWRITE, n, EIO, true);
		(void)spool_retry(test.spool);
		sim_disk_heal(test.sim);
		sim_spool_lose_power(&test, n);
		cr_assert_not(has_tick_without_series(), "%llu", (unsigned long long)n);
	}
}
