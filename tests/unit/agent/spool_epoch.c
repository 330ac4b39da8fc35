/* SPDX-License-Identifier: MIT */
/* Tests of the spool's epochs, and of what a collector has of them. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "agent/spool.h"
#include "tests/support/sim_spool.h"

#define OTHER_CRC 99 /* of no message */

static struct sim_spool test;

static void setup(void)
{
	sim_spool_open(&test);
}

static void teardown(void)
{
	sim_spool_close(&test);
}

TestSuite(spool_epoch, .init = setup, .fini = teardown, .timeout = 20);

/* What the ids in batches mean is not to be lost because there are no descriptors for a moment. */
Test(spool_epoch, begins_an_epoch_with_all_series_or_not_at_all)
{
	uint8_t id[HM_ID_BYTES];

	(void)sim_spool_append_series(&test, "a");
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "batch", 0);
	cr_assert_eq(spool_sync(test.spool), 0);
	memcpy(id, sim_spool_epoch(&test, 0).id, HM_ID_BYTES);
	test.options.host_name.start = "web02";
	sim_spool_reopen(&test);

	sim_disk_fail(test.sim, SIM_OPEN, 1, EMFILE, false);
	cr_expect_eq(spool_new_epoch(test.spool, id, 7), -EAGAIN);
	sim_disk_heal(test.sim);
	cr_assert_eq(spool_new_epoch(test.spool, id, 7), 0);
	cr_expect_str_eq(sim_spool_next(&test, 0, 0) + 9, "a");
	cr_expect_str_neq(sim_spool_next(&test, 0, 1), "");
}

Test(spool_epoch, begins_an_epoch_for_another_name)
{
	struct spool_epoch_info before = sim_spool_epoch(&test, 0);

	(void)sim_spool_append(&test, HM_FRAME_BATCH, "old", 0);
	cr_assert_eq(spool_sync(test.spool), 0);
	test.options.host_name = (struct series_text){"web02", 5};
	sim_spool_reopen(&test);

	cr_assert_eq(sim_spool_status(&test).n_epochs, 2);
	cr_assert_arr_eq(sim_spool_epoch(&test, 0).id, before.id, HM_ID_BYTES);
	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "old");
	cr_assert_arr_neq(sim_spool_epoch(&test, 1).id, before.id, HM_ID_BYTES);
	cr_assert_eq(sim_spool_epoch(&test, 1).host_name.start[4], '2');
	cr_assert_eq(sim_spool_append(&test, HM_FRAME_BATCH, "new", 0), 1);

	spool_acked(test.spool, before.id, 1);
	cr_assert_eq(sim_spool_status(&test).n_epochs, 1);
	cr_assert_eq(spool_sync(test.spool), 0);
	sim_spool_reopen(&test);
	cr_assert_eq(sim_spool_status(&test).n_epochs, 1);
}

Test(spool_epoch, compares_what_a_collector_has)
{
	struct spool_message message;
	uint8_t id[HM_ID_BYTES];

	memcpy(id, sim_spool_epoch(&test, 0).id, HM_ID_BYTES);
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "one", 0);
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "two", 0);
	cr_assert_eq(spool_sync(test.spool), 0);
	cr_assert_eq(spool_next(test.spool, id, 1, &message), 0);

	cr_assert_eq(spool_compare(test.spool, id, 0, 0), 0);
	cr_assert_eq(spool_compare(test.spool, id, 2, message.crc), 0);
	cr_assert_eq(spool_compare(test.spool, id, 1, message.crc), -ESTALE);
	cr_assert_eq(spool_compare(test.spool, id, 3, message.crc), -ESTALE);
	spool_acked(test.spool, id, 2);
	cr_assert_eq(spool_sync(test.spool), 0);
	sim_spool_reopen(&test);
	cr_assert_eq(sim_spool_epoch(&test, 0).acked, 2);
	cr_assert_eq(spool_compare(test.spool, id, 2, message.crc), 0);
	for (unsigned i = 0; i < 60; i++)
		(void)sim_spool_append_large(&test, 2000);
	cr_assert_eq(spool_compare(test.spool, id, 2, message.crc), 0);
	cr_assert_eq(spool_compare(test.spool, id, 1, 1), 0);
}

/* A spool that was restored from a copy has its own messages under the sequences of others. */
Test(spool_epoch, takes_nothing_for_stored_whose_place_has_a_gap)
{
	struct spool_message message;
	struct wire_gap gap;
	uint8_t id[HM_ID_BYTES];

	memcpy(id, sim_spool_epoch(&test, 0).id, HM_ID_BYTES);
	for (unsigned i = 0; i < 60; i++)
		(void)sim_spool_append_large(&test, 2000);
	gap = sim_spool_gap(&test, 0, 0);
	cr_assert_gt(gap.stamp.sequence, 10);

	cr_expect_eq(spool_compare(test.spool, id, 5, 1), -ESTALE);
	cr_expect_eq(spool_compare(test.spool, id, gap.stamp.sequence, 1), -ESTALE);
	cr_assert_eq(spool_next(test.spool, id, 0, &message), 0);
	cr_expect_eq(spool_compare(test.spool, id, gap.stamp.sequence, message.crc), 0);
	spool_acked(test.spool, id, 5);
	cr_expect_eq(spool_compare(test.spool, id, 5, 1), 0);
	cr_assert_eq(spool_new_epoch(test.spool, id, 5), 0);
	cr_expect_eq(sim_spool_gap(&test, 0, 0).n_samples, gap.n_samples);
}

/* A collector that went back is given again what it has lost, as far as it is here. */
Test(spool_epoch, goes_on_behind_what_was_acknowledged_and_is_damaged)
{
	struct spool_epoch_info info = sim_spool_epoch(&test, 0);

	for (unsigned i = 0; i < 3; i++)
		(void)sim_spool_append_large(&test, 2000);
	spool_acked(test.spool, info.id, 2);
	cr_assert_eq(spool_sync(test.spool), 0);
	sim_spool_reopen(&test);
	cr_assert_eq(sim_disk_spoil(test.sim, "00000001.log", 0, SIM_SPOOL_SEGMENT_BYTES), 0);

	cr_expect_eq(spool_compare(test.spool, info.id, 1, OTHER_CRC), 0);
	cr_expect_eq(spool_compare(test.spool, info.id, 3, OTHER_CRC), -ESTALE);
}

Test(spool_epoch, moves_to_a_new_epoch_what_is_stored_otherwise)
{
	uint8_t old[HM_ID_BYTES];

	memcpy(old, sim_spool_epoch(&test, 0).id, HM_ID_BYTES);
	(void)sim_spool_append_series(&test, "series");
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "acknowledged", 0);
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "sent", 0);
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "not sent", 0);
	(void)sim_spool_append(&test, HM_FRAME_CLOCK, "clock", 0);
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "sent and not stored", 0);
	cr_assert_eq(spool_sync(test.spool), 0);
	spool_acked(test.spool, old, 2);
	cr_assert_str_eq(sim_spool_next(&test, 0, 2), "sent");
	cr_assert_str_eq(sim_spool_next(&test, 0, 5), "sent and not stored");

	cr_assert_eq(spool_new_epoch(test.spool, old, 4), 0);

	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(sim_spool_status(&test).n_epochs, 1);
		cr_assert_arr_neq(sim_spool_epoch(&test, 0).id, old, HM_ID_BYTES);
		cr_assert_str_eq(sim_spool_next(&test, 0, 0) + 9, "series");
		cr_assert_eq(sim_spool_gap(&test, 0, 1).n_samples, 10);
		cr_assert_eq(sim_spool_gap(&test, 0, 1).first, 2);
		cr_assert_eq(sim_spool_gap(&test, 0, 1).stamp.sequence, 2);
		cr_assert_str_eq(sim_spool_next(&test, 0, 2), "not sent");
		cr_assert_str_eq(sim_spool_next(&test, 0, 3), "clock");
		cr_assert_str_eq(sim_spool_next(&test, 0, 4), "sent and not stored");
		cr_assert_str_eq(sim_spool_next(&test, 0, 5), "");
		sim_spool_lose_power(&test, i);
	}
	cr_assert_eq(spool_new_epoch(test.spool, old, 4), -ENOENT);
}
