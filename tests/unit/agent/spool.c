/* SPDX-License-Identifier: MIT */
/* Tests of the agent's spool. */

#include "agent/spool.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/sim_spool.h"

#define HOUR_US (INT64_C(3600) * 1000000)

static struct sim_spool test;

static void setup(void)
{
	sim_spool_open(&test);
}

static void teardown(void)
{
	sim_spool_close(&test);
}

TestSuite(spool, .init = setup, .fini = teardown, .timeout = 20);

Test(spool, offers_messages_once_they_are_durable)
{
	cr_assert_eq(sim_spool_append(&test, HM_FRAME_DECLARE, "series", 0), 1);
	cr_assert_eq(sim_spool_append(&test, HM_FRAME_BATCH, "first", 0), 2);
	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "");

	cr_assert_eq(spool_sync(test.spool), 0);

	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "series");
	cr_assert_str_eq(sim_spool_next(&test, 0, 1), "first");
	cr_assert_str_eq(sim_spool_next(&test, 0, 2), "");
}

Test(spool, gives_ticks_back_that_no_batch_supersedes)
{
	struct spool_tick got;
	uint64_t sealed;

	(void)sim_spool_tick(&test, "one");
	sealed = sim_spool_tick(&test, "two");
	(void)sim_spool_append(&test, HM_FRAME_BATCH, "one and two", sealed);
	(void)sim_spool_tick(&test, "three");

	sim_spool_reopen(&test);

	cr_assert_eq(spool_get_tick(test.spool, 0, &got), 0);
	cr_assert_eq(got.payload_bytes, 5);
	cr_assert_arr_eq(got.payload, "three", 5);
	cr_assert_eq(spool_get_tick(test.spool, 1, &got), -ENOENT);
	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "one and two");
}

Test(spool, lets_gaps_take_the_places_of_the_oldest_batches)
{
	struct wire_gap gap;

	(void)sim_spool_append(&test, HM_FRAME_DECLARE, "series", 0);
	for (unsigned i = 0; i < 60; i++)
		(void)sim_spool_append_large(&test, 2000);

	cr_assert_leq(sim_spool_status(&test).n_bytes, test.options.max_bytes);
	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "series");
	gap = sim_spool_gap(&test, 0, 1);
	cr_assert_eq(gap.first, 2);
	cr_assert_gt(gap.stamp.sequence, 20);
	cr_assert_eq(gap.n_samples, (gap.stamp.sequence - 1) * 10);
	cr_assert_eq(gap.first_us, 1000);
	cr_assert_eq(gap.last_us, 2000);
	cr_assert_str_eq(sim_spool_next(&test, 0, gap.stamp.sequence), "");
	cr_assert_eq(sim_spool_status(&test).n_gone_batches, gap.stamp.sequence - 1);

	sim_spool_reopen(&test);
	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "series");
	cr_assert_geq(sim_spool_gap(&test, 0, 1).stamp.sequence, gap.stamp.sequence);
	cr_assert_leq(sim_spool_status(&test).n_bytes, test.options.max_bytes);
}

Test(spool, splits_gaps_around_what_never_goes)
{
	(void)sim_spool_append(&test, HM_FRAME_DECLARE, "series", 0);
	(void)sim_spool_append_large(&test, 2000);
	(void)sim_spool_append(&test, HM_FRAME_CLOCK, "clock", 0);
	(void)sim_spool_append_large(&test, 2000);
	(void)sim_spool_append(&test, HM_FRAME_DECLARE, "more", 0);
	(void)sim_spool_append_large(&test, 2000);
	(void)sim_spool_append(&test, HM_FRAME_SCHEDULE, "schedule", 0);
	for (unsigned i = 0; i < 60; i++)
		(void)sim_spool_append_large(&test, 2000);

	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "series");
	cr_assert_eq(sim_spool_gap(&test, 0, 1).stamp.sequence, 2);
	cr_assert_str_eq(sim_spool_next(&test, 0, 2), "clock");
	cr_assert_eq(sim_spool_gap(&test, 0, 3).stamp.sequence, 4);
	cr_assert_str_eq(sim_spool_next(&test, 0, 4), "more");
	cr_assert_eq(sim_spool_gap(&test, 0, 5).stamp.sequence, 6);
	cr_assert_str_eq(sim_spool_next(&test, 0, 6), "schedule");
	cr_assert_eq(sim_spool_gap(&test, 0, 7).first, 8);
}

Test(spool, lets_go_with_batches_what_was_acknowledged_of_its_events)
{
	(void)sim_spool_append_large(&test, 2000);
	(void)sim_spool_append(&test, HM_FRAME_CLOCK, "clock", 0);
	(void)sim_spool_append(&test, HM_FRAME_SCHEDULE, "schedule", 0);
	cr_assert_eq(spool_sync(test.spool), 0);
	spool_acked(test.spool, sim_spool_epoch(&test, 0).id, 3);
	for (unsigned i = 0; i < 60; i++)
		(void)sim_spool_append_large(&test, 2000);

	cr_assert_str_eq(sim_spool_next(&test, 0, 0), "gap");
	cr_assert_eq(sim_spool_gap(&test, 0, 0).stamp.sequence, 3);
	cr_assert_eq(sim_spool_gap(&test, 0, 0).n_samples, 10);
}

Test(spool, drops_what_is_too_old)
{
	(void)sim_spool_append_large(&test, 100);
	for (unsigned i = 0; i < 19; i++) {
		sim_disk_advance(test.sim, 8 * HOUR_US);
		(void)sim_spool_append_large(&test, 100);
	}
	cr_assert_eq(sim_spool_status(&test).n_gone_batches, 0);
	sim_disk_advance(test.sim, 8 * HOUR_US);
	cr_assert_eq(spool_sync(test.spool), 0);

	/* Those of its oldest segment. */
	cr_assert_geq(sim_spool_status(&test).n_gone_batches, 1);
	cr_assert_leq(sim_spool_status(&test).n_gone_batches, 6);
	cr_assert_eq(sim_spool_gap(&test, 0, 0).first, 1);
}

Test(spool, does_not_take_a_clock_that_is_set_for_age)
{
	(void)sim_spool_append_large(&test, 100);
	sim_disk_set_now(test.sim, INT64_C(4000000000) * 1000000);
	cr_assert_eq(spool_sync(test.spool), 0);
	sim_spool_reopen(&test);
	cr_assert_eq(spool_sync(test.spool), 0);
	cr_assert_eq(sim_spool_status(&test).n_gone_batches, 0);
	cr_assert_eq(sim_spool_status(&test).n_messages, 1);
}

Test(spool, refuses_what_does_not_fit)
{
	struct spool_draft draft = {
		.type = HM_FRAME_CLOCK, .body = "x", .body_bytes = SPOOL_BODY_MAX_BYTES + 1};
	uint64_t sequence;

	cr_assert_eq(spool_append_message(test.spool, &draft, &sequence), -EMSGSIZE);
	draft.type = HM_FRAME_GAP;
	draft.body_bytes = 1;
	cr_assert_eq(spool_append_message(test.spool, &draft, &sequence), -EINVAL);
	cr_assert_eq(spool_append_tick(test.spool, "", 0, &sequence), -EMSGSIZE);
	test.options.max_bytes = 4 * SIM_SPOOL_SEGMENT_BYTES;
	cr_assert_eq(spool_open(&test.options, &test.spool), -EINVAL);
}

Test(spool, refuses_declarations_beyond_their_part_of_it)
{
	struct spool_draft draft = {
		.type = HM_FRAME_DECLARE, .body = "0123456789", .body_bytes = 10};
	uint64_t sequence;
	int result = 0;
	unsigned n = 0;

	while (result == 0 && n++ < 1000)
		result = spool_append_message(test.spool, &draft, &sequence);
	cr_assert_eq(result, -EDQUOT);
	/* Batches go on. */
	for (unsigned i = 0; i < 60; i++)
		(void)sim_spool_append_large(&test, 2000);
	cr_assert_leq(sim_spool_status(&test).n_bytes, test.options.max_bytes);
	cr_assert_not(sim_spool_status(&test).is_in_memory);
}

Test(spool, keeps_room_for_declarations_free_of_what_is_minor)
{
	struct spool_draft draft = {
		.type = HM_FRAME_CLOCK, .body = "0123456789", .body_bytes = 10, .is_minor = true};
	uint64_t sequence;
	unsigned n_minor = 0;
	unsigned n = 0;

	while (n_minor < 1000 && spool_append_message(test.spool, &draft, &sequence) == 0)
		n_minor++;
	cr_assert_lt(n_minor, 1000);
	draft.is_minor = false;
	draft.type = HM_FRAME_DECLARE;
	while (n < 1000 && spool_append_message(test.spool, &draft, &sequence) == 0)
		n++;
	cr_assert_geq(n + 1, n_minor);
	cr_assert_lt(n, 1000);
}
