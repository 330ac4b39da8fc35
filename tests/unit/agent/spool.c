/* SPDX-License-Identifier: MIT */
/* Tests of the agent's spool. */

#include "agent/spool.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/wire_gap.h"
#include "tests/support/sim_disk.h"

#define SEGMENT_BYTES ((uint64_t)16 << 10)
#define SEGMENTS      7
#define HOUR_US       (INT64_C(3600) * 1000000)
#define OTHER_CRC     99 /* of no message */

static struct sim_counts counts;
static struct sim_disk *sim;
static struct spool_options options;
static struct spool *spool;

static void setup(void)
{
	sim = sim_disk_new(1, &counts);
	options = (struct spool_options){
		.disk = sim_disk_table(sim),
		.folder = sim_disk_open_root(sim),
		.segment_bytes = SEGMENT_BYTES,
		.max_bytes = SEGMENTS * SEGMENT_BYTES,
		.max_age_us = 160 * HOUR_US,
		.max_memory_bytes = SEGMENT_BYTES / 2,
		.host_id = {7},
		.host_name = {"web01", 5},
	};
	cr_assert_eq(spool_open(&options, &spool), 0);
}

static void teardown(void)
{
	spool_free(spool);
	sim_disk_free(sim);
}

TestSuite(spool, .init = setup, .fini = teardown, .timeout = 20);

static void reopen(void)
{
	spool_free(spool);
	spool = NULL;
	cr_assert_eq(spool_open(&options, &spool), 0);
}

/* The power fails, and the spool is opened again. */
static void lose_power(uint64_t seed)
{
	spool_free(spool);
	spool = NULL;
	sim_disk_seed(sim, seed);
	sim_disk_crash(sim);
	options.folder = sim_disk_open_root(sim);
	cr_assert_eq(spool_open(&options, &spool), 0);
}

static struct spool_status status_of(void)
{
	struct spool_status status;

	spool_get_status(spool, &status);
	return status;
}

static uint64_t tick(const char *text)
{
	uint64_t number = 0;

	cr_assert_eq(spool_append_tick(spool, text, strlen(text), &number), 0);
	return number;
}

static uint64_t append(enum hm_frame_type type, const char *text, uint64_t ticks)
{
	struct spool_draft draft = {
		.type = type,
		.body = text,
		.body_bytes = strlen(text),
		.ticks = ticks,
		.first_us = 1000,
		.last_us = 2000,
		.n_samples = 10,
	};
	uint64_t sequence = 0;

	cr_assert_eq(spool_append_message(spool, &draft, &sequence), 0);
	return sequence;
}

/* A DECLARE of the series 0, a gauge without unit. */
static uint64_t append_series(const char *name)
{
	size_t length = strlen(name);
	static char body[64] = {0, 0, 0, 0, 1, 0, 0};
	struct spool_draft draft = {
		.type = HM_FRAME_DECLARE, .body = body, .body_bytes = 9 + length};
	uint64_t sequence = 0;

	body[7] = (char)length;
	for (size_t i = 0; i < length; i++)
		body[9 + i] = name[i];
	cr_assert_eq(spool_append_message(spool, &draft, &sequence), 0);
	return sequence;
}

/* A batch of so many bytes, synced. */
static uint64_t append_large(size_t n_bytes)
{
	static char body[SEGMENT_BYTES];
	struct spool_draft draft = {
		.type = HM_FRAME_BATCH,
		.body = body,
		.body_bytes = n_bytes,
		.first_us = 1000,
		.last_us = 2000,
		.n_samples = 10,
	};
	uint64_t sequence = 0;

	cr_assert_eq(spool_append_message(spool, &draft, &sequence), 0);
	cr_assert_eq(spool_sync(spool), 0);
	return sequence;
}

static struct spool_epoch_info epoch_at(size_t i)
{
	struct spool_epoch_info info = {.last = 0};

	cr_assert_eq(spool_get_epoch(spool, i, &info), 0);
	return info;
}

/* The body of the message behind a sequence of an epoch; "" = none, "gap" = a GAP. */
static const char *next(size_t epoch, uint64_t after)
{
	static char text[SEGMENT_BYTES];
	struct spool_epoch_info info = epoch_at(epoch);
	struct spool_message message;

	if (spool_next(spool, info.id, after, &message) < 0)
		return "";
	cr_assert_eq(message.crc, crc32c(0, message.payload, message.payload_bytes));
	if (message.type == HM_FRAME_GAP)
		return "gap";
	memcpy(text, message.payload + HM_STAMP_BYTES, message.payload_bytes - HM_STAMP_BYTES);
	text[message.payload_bytes - HM_STAMP_BYTES] = '\0';
	return text;
}

static struct wire_gap gap_behind(size_t epoch, uint64_t after)
{
	struct spool_epoch_info info = epoch_at(epoch);
	struct spool_message message;
	struct wire_gap gap;

	cr_assert_eq(spool_next(spool, info.id, after, &message), 0);
	cr_assert_eq(message.type, HM_FRAME_GAP);
	cr_assert_eq(wire_gap_get(message.payload, message.payload_bytes, &gap), HM_REASON_NONE);
	return gap;
}

Test(spool, does_not_open_where_nothing_can_be_known_of_what_is_there)
{
	struct spool_epoch_info info;
	struct spool_epoch_info again;
	struct spool_message message;

	(void)append(HM_FRAME_BATCH, "batch", 0);
	cr_assert_eq(spool_sync(spool), 0);
	cr_assert_eq(spool_get_epoch(spool, 0, &info), 0);
	for (unsigned i = 1; i <= 3; i++) {
		spool_free(spool);
		spool = NULL;
		/* Of each segment, the folder is read first. */
		sim_disk_fail(sim, i == 3 ? SIM_LIST : SIM_OPEN, i == 2 ? 2 : 1, EMFILE, false);
		cr_assert_eq(spool_open(&options, &spool), -EMFILE);
		sim_disk_heal(sim);
		cr_assert_eq(spool_open(&options, &spool), 0);
		cr_assert_eq(spool_get_epoch(spool, 0, &again), 0);
		cr_expect_arr_eq(again.id, info.id, HM_ID_BYTES);
		cr_assert_eq(spool_next(spool, info.id, 0, &message), 0);
		cr_expect_eq(message.type, HM_FRAME_BATCH);
	}
}

/* What the ids in batches mean is not to be lost because there are no descriptors for a moment. */
Test(spool, begins_an_epoch_with_all_series_or_not_at_all)
{
	uint8_t id[HM_ID_BYTES];

	(void)append_series("a");
	(void)append(HM_FRAME_BATCH, "batch", 0);
	cr_assert_eq(spool_sync(spool), 0);
	memcpy(id, epoch_at(0).id, HM_ID_BYTES);
	options.host_name.start = "web02";
	reopen();

	sim_disk_fail(sim, SIM_OPEN, 1, EMFILE, false);
	cr_expect_eq(spool_new_epoch(spool, id, 7), -EAGAIN);
	sim_disk_heal(sim);
	cr_assert_eq(spool_new_epoch(spool, id, 7), 0);
	cr_expect_str_eq(next(0, 0) + 9, "a");
	cr_expect_str_neq(next(0, 1), "");
}

/* A moment later, without it, all is there; who does not wait has a gap. */
Test(spool, waits_for_a_segment_that_the_disk_does_not_give_where_that_is_wanted)
{
	struct spool_epoch_info info;
	struct spool_message message;

	(void)append(HM_FRAME_BATCH, "batch", 0);
	cr_assert_eq(spool_sync(spool), 0);
	info = epoch_at(0);
	spool_free(spool);
	spool = NULL;

	options.awaits_segments = true;
	for (unsigned i = 1; i <= 3; i++) {
		sim_disk_fail(sim, SIM_OPEN, i, EIO, true);
		cr_assert_eq(spool_open(&options, &spool), -EIO);
		sim_disk_heal(sim);
	}
	cr_assert_eq(spool_open(&options, &spool), 0);
	cr_assert_eq(spool_next(spool, info.id, 0, &message), 0);
	cr_expect_eq(message.type, HM_FRAME_BATCH);
	spool_free(spool);
	spool = NULL;

	options.awaits_segments = false;
	sim_disk_fail(sim, SIM_OPEN, 1, EIO, true);
	cr_assert_eq(spool_open(&options, &spool), 0);
	cr_expect_gt(status_of().n_damaged, 0);
}

Test(spool, offers_messages_once_they_are_durable)
{
	cr_assert_eq(append(HM_FRAME_DECLARE, "series", 0), 1);
	cr_assert_eq(append(HM_FRAME_BATCH, "first", 0), 2);
	cr_assert_str_eq(next(0, 0), "");

	cr_assert_eq(spool_sync(spool), 0);

	cr_assert_str_eq(next(0, 0), "series");
	cr_assert_str_eq(next(0, 1), "first");
	cr_assert_str_eq(next(0, 2), "");
}

Test(spool, has_after_a_power_cut_what_it_offered)
{
	struct spool_epoch_info before;

	(void)append(HM_FRAME_DECLARE, "series", 0);
	(void)append(HM_FRAME_BATCH, "first", 0);
	cr_assert_eq(spool_sync(spool), 0);
	before = epoch_at(0);

	lose_power(3);

	cr_assert_arr_eq(epoch_at(0).id, before.id, HM_ID_BYTES);
	cr_assert_str_eq(next(0, 0), "series");
	cr_assert_str_eq(next(0, 1), "first");
}

Test(spool, gives_ticks_back_that_no_batch_supersedes)
{
	struct spool_tick got;
	uint64_t sealed;

	(void)tick("one");
	sealed = tick("two");
	(void)append(HM_FRAME_BATCH, "one and two", sealed);
	(void)tick("three");

	reopen();

	cr_assert_eq(spool_get_tick(spool, 0, &got), 0);
	cr_assert_eq(got.payload_bytes, 5);
	cr_assert_arr_eq(got.payload, "three", 5);
	cr_assert_eq(spool_get_tick(spool, 1, &got), -ENOENT);
	cr_assert_str_eq(next(0, 0), "one and two");
}

Test(spool, has_a_batch_or_its_ticks_whatever_the_power_takes)
{
	unsigned n_ticks = 0;

	for (uint64_t seed = 0; seed < 40; seed++) {
		struct spool_tick got;
		bool has_tick;
		uint64_t sealed = tick("one");

		cr_assert_eq(spool_sync(spool), 0);
		(void)append(HM_FRAME_BATCH, "sealed", sealed);
		(void)tick("two");
		lose_power(seed);

		has_tick =
			spool_get_tick(spool, 0, &got) == 0 && memcmp(got.payload, "one", 3) == 0;
		cr_assert_neq(has_tick, strcmp(next(0, 0), "sealed") == 0);
		n_ticks += has_tick;
		teardown();
		setup();
	}
	cr_assert_gt(n_ticks, 0);
	cr_assert_lt(n_ticks, 40);
}

Test(spool, lets_gaps_take_the_places_of_the_oldest_batches)
{
	struct wire_gap gap;

	(void)append(HM_FRAME_DECLARE, "series", 0);
	for (unsigned i = 0; i < 60; i++)
		(void)append_large(2000);

	cr_assert_leq(status_of().n_bytes, options.max_bytes);
	cr_assert_str_eq(next(0, 0), "series");
	gap = gap_behind(0, 1);
	cr_assert_eq(gap.first, 2);
	cr_assert_gt(gap.stamp.sequence, 20);
	cr_assert_eq(gap.n_samples, (gap.stamp.sequence - 1) * 10);
	cr_assert_eq(gap.first_us, 1000);
	cr_assert_eq(gap.last_us, 2000);
	cr_assert_str_eq(next(0, gap.stamp.sequence), "");
	cr_assert_eq(status_of().n_gone_batches, gap.stamp.sequence - 1);

	reopen();
	cr_assert_str_eq(next(0, 0), "series");
	cr_assert_geq(gap_behind(0, 1).stamp.sequence, gap.stamp.sequence);
	cr_assert_leq(status_of().n_bytes, options.max_bytes);
}

Test(spool, splits_gaps_around_what_never_goes)
{
	(void)append(HM_FRAME_DECLARE, "series", 0);
	(void)append_large(2000);
	(void)append(HM_FRAME_CLOCK, "clock", 0);
	(void)append_large(2000);
	(void)append(HM_FRAME_DECLARE, "more", 0);
	(void)append_large(2000);
	(void)append(HM_FRAME_SCHEDULE, "schedule", 0);
	for (unsigned i = 0; i < 60; i++)
		(void)append_large(2000);

	cr_assert_str_eq(next(0, 0), "series");
	cr_assert_eq(gap_behind(0, 1).stamp.sequence, 2);
	cr_assert_str_eq(next(0, 2), "clock");
	cr_assert_eq(gap_behind(0, 3).stamp.sequence, 4);
	cr_assert_str_eq(next(0, 4), "more");
	cr_assert_eq(gap_behind(0, 5).stamp.sequence, 6);
	cr_assert_str_eq(next(0, 6), "schedule");
	cr_assert_eq(gap_behind(0, 7).first, 8);
}

Test(spool, lets_go_with_batches_what_was_acknowledged_of_its_events)
{
	(void)append_large(2000);
	(void)append(HM_FRAME_CLOCK, "clock", 0);
	(void)append(HM_FRAME_SCHEDULE, "schedule", 0);
	cr_assert_eq(spool_sync(spool), 0);
	spool_acked(spool, epoch_at(0).id, 3);
	for (unsigned i = 0; i < 60; i++)
		(void)append_large(2000);

	cr_assert_str_eq(next(0, 0), "gap");
	cr_assert_eq(gap_behind(0, 0).stamp.sequence, 3);
	cr_assert_eq(gap_behind(0, 0).n_samples, 10);
}

Test(spool, drops_what_is_too_old)
{
	(void)append_large(100);
	for (unsigned i = 0; i < 19; i++) {
		sim_disk_advance(sim, 8 * HOUR_US);
		(void)append_large(100);
	}
	cr_assert_eq(status_of().n_gone_batches, 0);
	sim_disk_advance(sim, 8 * HOUR_US);
	cr_assert_eq(spool_sync(spool), 0);

	/* Those of its oldest segment. */
	cr_assert_geq(status_of().n_gone_batches, 1);
	cr_assert_leq(status_of().n_gone_batches, 6);
	cr_assert_eq(gap_behind(0, 0).first, 1);
}

Test(spool, does_not_take_a_clock_that_is_set_for_age)
{
	(void)append_large(100);
	sim_disk_set_now(sim, INT64_C(4000000000) * 1000000);
	cr_assert_eq(spool_sync(spool), 0);
	reopen();
	cr_assert_eq(spool_sync(spool), 0);
	cr_assert_eq(status_of().n_gone_batches, 0);
	cr_assert_eq(status_of().n_messages, 1);
}

Test(spool, begins_an_epoch_for_another_name)
{
	struct spool_epoch_info before = epoch_at(0);

	(void)append(HM_FRAME_BATCH, "old", 0);
	cr_assert_eq(spool_sync(spool), 0);
	options.host_name = (struct series_text){"web02", 5};
	reopen();

	cr_assert_eq(status_of().n_epochs, 2);
	cr_assert_arr_eq(epoch_at(0).id, before.id, HM_ID_BYTES);
	cr_assert_str_eq(next(0, 0), "old");
	cr_assert_arr_neq(epoch_at(1).id, before.id, HM_ID_BYTES);
	cr_assert_eq(epoch_at(1).host_name.start[4], '2');
	cr_assert_eq(append(HM_FRAME_BATCH, "new", 0), 1);

	spool_acked(spool, before.id, 1);
	cr_assert_eq(status_of().n_epochs, 1);
	cr_assert_eq(spool_sync(spool), 0);
	reopen();
	cr_assert_eq(status_of().n_epochs, 1);
}

Test(spool, compares_what_a_collector_has)
{
	struct spool_message message;
	uint8_t id[HM_ID_BYTES];

	memcpy(id, epoch_at(0).id, HM_ID_BYTES);
	(void)append(HM_FRAME_BATCH, "one", 0);
	(void)append(HM_FRAME_BATCH, "two", 0);
	cr_assert_eq(spool_sync(spool), 0);
	cr_assert_eq(spool_next(spool, id, 1, &message), 0);

	cr_assert_eq(spool_compare(spool, id, 0, 0), 0);
	cr_assert_eq(spool_compare(spool, id, 2, message.crc), 0);
	cr_assert_eq(spool_compare(spool, id, 1, message.crc), -ESTALE);
	cr_assert_eq(spool_compare(spool, id, 3, message.crc), -ESTALE);
	spool_acked(spool, id, 2);
	cr_assert_eq(spool_sync(spool), 0);
	reopen();
	cr_assert_eq(epoch_at(0).acked, 2);
	cr_assert_eq(spool_compare(spool, id, 2, message.crc), 0);
	for (unsigned i = 0; i < 60; i++)
		(void)append_large(2000);
	cr_assert_eq(spool_compare(spool, id, 2, message.crc), 0);
	cr_assert_eq(spool_compare(spool, id, 1, 1), 0);
}

/* A spool that was restored from a copy has its own messages under the sequences of others. */
Test(spool, takes_nothing_for_stored_whose_place_has_a_gap)
{
	struct spool_message message;
	struct wire_gap gap;
	uint8_t id[HM_ID_BYTES];

	memcpy(id, epoch_at(0).id, HM_ID_BYTES);
	for (unsigned i = 0; i < 60; i++)
		(void)append_large(2000);
	gap = gap_behind(0, 0);
	cr_assert_gt(gap.stamp.sequence, 10);

	cr_expect_eq(spool_compare(spool, id, 5, 1), -ESTALE);
	cr_expect_eq(spool_compare(spool, id, gap.stamp.sequence, 1), -ESTALE);
	cr_assert_eq(spool_next(spool, id, 0, &message), 0);
	cr_expect_eq(spool_compare(spool, id, gap.stamp.sequence, message.crc), 0);
	spool_acked(spool, id, 5);
	cr_expect_eq(spool_compare(spool, id, 5, 1), 0);
	cr_assert_eq(spool_new_epoch(spool, id, 5), 0);
	cr_expect_eq(gap_behind(0, 0).n_samples, gap.n_samples);
}

/* A collector that went back is given again what it has lost, as far as it is here. */
Test(spool, goes_on_behind_what_was_acknowledged_and_is_damaged)
{
	struct spool_epoch_info info = epoch_at(0);

	for (unsigned i = 0; i < 3; i++)
		(void)append_large(2000);
	spool_acked(spool, info.id, 2);
	cr_assert_eq(spool_sync(spool), 0);
	reopen();
	cr_assert_eq(sim_disk_spoil(sim, "00000001.log", 0, SEGMENT_BYTES), 0);

	cr_expect_eq(spool_compare(spool, info.id, 1, OTHER_CRC), 0);
	cr_expect_eq(spool_compare(spool, info.id, 3, OTHER_CRC), -ESTALE);
}

Test(spool, refuses_what_does_not_fit)
{
	struct spool_draft draft = {
		.type = HM_FRAME_CLOCK, .body = "x", .body_bytes = SPOOL_BODY_MAX_BYTES + 1};
	uint64_t sequence;

	cr_assert_eq(spool_append_message(spool, &draft, &sequence), -EMSGSIZE);
	draft.type = HM_FRAME_GAP;
	draft.body_bytes = 1;
	cr_assert_eq(spool_append_message(spool, &draft, &sequence), -EINVAL);
	cr_assert_eq(spool_append_tick(spool, "", 0, &sequence), -EMSGSIZE);
	options.max_bytes = 4 * SEGMENT_BYTES;
	cr_assert_eq(spool_open(&options, &spool), -EINVAL);
}

Test(spool, refuses_declarations_beyond_their_part_of_it)
{
	struct spool_draft draft = {
		.type = HM_FRAME_DECLARE, .body = "0123456789", .body_bytes = 10};
	uint64_t sequence;
	int result = 0;
	unsigned n = 0;

	while (result == 0 && n++ < 1000)
		result = spool_append_message(spool, &draft, &sequence);
	cr_assert_eq(result, -EDQUOT);
	/* Batches go on. */
	for (unsigned i = 0; i < 60; i++)
		(void)append_large(2000);
	cr_assert_leq(status_of().n_bytes, options.max_bytes);
	cr_assert_not(status_of().is_in_memory);
}

/* @return the sequence of the DECLARE behind one; 0: there is none */
static uint64_t declared_behind(size_t epoch, uint64_t after)
{
	struct spool_epoch_info info = epoch_at(epoch);
	struct spool_message message;

	return spool_next_declare(spool, info.id, after, &message) == 0 ? message.sequence : 0;
}

/* Its folder was removed. */
Test(spool, goes_on_in_memory_without_what_was_in_the_folder)
{
	struct wire_gap gap;
	size_t n_bytes;

	(void)append_series("m");
	(void)append(HM_FRAME_BATCH, "first", 0);
	(void)append(HM_FRAME_BATCH, "second", 0);
	cr_assert_eq(spool_sync(spool), 0);
	(void)append(HM_FRAME_BATCH, "third", 0);
	(void)tick("one");

	cr_assert_eq(spool_leave_folder(spool), 0);
	cr_assert_eq(spool_leave_folder(spool), 0);
	sim_disk_fail(sim, SIM_OPEN, 1, EIO, true);
	(void)append(HM_FRAME_BATCH, "fourth", 1);
	cr_assert_eq(spool_sync(spool), 0);

	cr_expect_eq(declared_behind(0, 0), 1);
	gap = gap_behind(0, 1);
	cr_expect_eq(gap.first, 2);
	cr_expect_eq(gap.stamp.sequence, 3);
	cr_expect_eq(gap.n_samples, 20);
	cr_expect_eq(gap.reason, HM_REASON_SPOOL_DAMAGED);
	cr_expect_str_eq(next(0, 3), "third");
	cr_expect_eq(declared_behind(1, 0), 1);
	cr_expect_str_eq(next(1, 1), "fourth");
	cr_expect_eq(status_of().n_gone_batches, 2);
	n_bytes = status_of().n_memory_bytes;
	spool_acked(spool, epoch_at(0).id, 4);
	spool_acked(spool, epoch_at(0).id, 2);
	cr_expect_eq(status_of().n_messages, 0);
	/* What came from the folder takes no room of what comes now. */
	(void)tick("two");
	cr_expect_lt(status_of().n_memory_bytes, n_bytes / 2);
}

Test(spool, keeps_room_for_declarations_free_of_what_is_minor)
{
	struct spool_draft draft = {
		.type = HM_FRAME_CLOCK, .body = "0123456789", .body_bytes = 10, .is_minor = true};
	uint64_t sequence;
	unsigned n_minor = 0;
	unsigned n = 0;

	while (n_minor < 1000 && spool_append_message(spool, &draft, &sequence) == 0)
		n_minor++;
	cr_assert_lt(n_minor, 1000);
	draft.is_minor = false;
	draft.type = HM_FRAME_DECLARE;
	while (n < 1000 && spool_append_message(spool, &draft, &sequence) == 0)
		n++;
	cr_assert_geq(n + 1, n_minor);
	cr_assert_lt(n, 1000);
}

Test(spool, goes_on_in_another_segment_after_a_failed_sync)
{
	(void)tick("tick");
	(void)append(HM_FRAME_BATCH, "first", 0);
	sim_disk_fail(sim, SIM_FDATASYNC, 1, EIO, false);
	cr_assert_eq(spool_sync(spool), 0);

	cr_assert_not(status_of().is_in_memory);
	cr_assert_eq(status_of().last_error, -EIO);
	cr_assert_eq(status_of().n_segments, 2);
	cr_assert_str_eq(next(0, 0), "first");
	lose_power(1);
	cr_assert_str_eq(next(0, 0), "first");
	cr_assert_eq(status_of().n_ticks, 1);
}

Test(spool, goes_on_in_memory_while_nothing_can_be_written)
{
	uint64_t sealed = tick("on the disk");

	(void)append(HM_FRAME_DECLARE, "series", 0);
	cr_assert_eq(spool_sync(spool), 0);
	sim_disk_fail(sim, SIM_PWRITE, 1, EIO, true);
	(void)append(HM_FRAME_BATCH, "sealed", sealed);
	cr_assert(status_of().is_in_memory);
	cr_assert_eq(append(HM_FRAME_BATCH, "first", 0), 1);
	cr_assert_eq(append(HM_FRAME_BATCH, "second", tick("in memory")), 2);

	cr_assert_eq(status_of().n_epochs, 2);
	cr_assert(epoch_at(1).is_in_memory);
	cr_assert_str_eq(next(1, 0), "first");
	cr_assert_str_eq(next(1, 1), "second");
	/* A crash now would bring its tick back. */
	cr_assert_str_eq(next(0, 1), "");
	cr_assert_neq(spool_retry(spool), 0);

	sim_disk_heal(sim);
	cr_assert_eq(spool_retry(spool), 0);
	cr_assert_not(status_of().is_in_memory);
	cr_assert_eq(status_of().n_epochs, 3);
	cr_assert_str_eq(next(0, 1), "sealed");
	cr_assert_str_eq(next(1, 1), "second");
	cr_assert_eq(append(HM_FRAME_BATCH, "third", 0), epoch_at(2).last + 1);
	cr_assert_eq(spool_sync(spool), 0);

	lose_power(9);
	cr_assert_str_eq(next(0, 1), "sealed");
	cr_assert_str_eq(next(1, 0), "first");
	cr_assert_str_eq(next(1, 1), "second");
	cr_assert_str_eq(next(2, epoch_at(2).last - 1), "third");
	cr_assert_eq(status_of().n_ticks, 0);
}

/* @return is a tick there whose series nobody declares? */
static bool has_tick_without_series(void)
{
	struct spool_epoch_info current = epoch_at(status_of().n_epochs - 1);
	struct spool_message message;
	struct spool_tick found;

	return spool_get_tick(spool, 0, &found) == 0 &&
	       spool_next_declare(spool, current.id, 0, &message) < 0;
}

Test(spool, knows_what_its_ticks_mean_whatever_the_disk_refused)
{
	for (uint64_t n = 1; n <= 20; n++) {
		teardown();
		setup();
		spool_acked(spool, epoch_at(0).id, append_series("a"));
		cr_assert_eq(spool_sync(spool), 0);
		spool_acked(spool, epoch_at(0).id, 1);
		(void)tick("one");
		cr_assert_eq(spool_sync(spool), 0);
		sim_disk_fail(sim, SIM_PWRITE, 1, EIO, true);
		(void)append(HM_FRAME_CLOCK, "some", 0);
		cr_assert(status_of().is_in_memory);
		/* What it writes now may end behind what says that there is an epoch in memory. */
		sim_disk_heal(sim);
		sim_disk_fail(sim, SIM_PWRITE, n, EIO, true);
		(void)spool_retry(spool);
		sim_disk_heal(sim);
		lose_power(n);
		cr_assert_not(has_tick_without_series(), "%llu", (unsigned long long)n);
	}
}

Test(spool, moves_to_a_new_epoch_what_is_stored_otherwise)
{
	uint8_t old[HM_ID_BYTES];

	memcpy(old, epoch_at(0).id, HM_ID_BYTES);
	(void)append_series("series");
	(void)append(HM_FRAME_BATCH, "acknowledged", 0);
	(void)append(HM_FRAME_BATCH, "sent", 0);
	(void)append(HM_FRAME_BATCH, "not sent", 0);
	(void)append(HM_FRAME_CLOCK, "clock", 0);
	(void)append(HM_FRAME_BATCH, "sent and not stored", 0);
	cr_assert_eq(spool_sync(spool), 0);
	spool_acked(spool, old, 2);
	cr_assert_str_eq(next(0, 2), "sent");
	cr_assert_str_eq(next(0, 5), "sent and not stored");

	cr_assert_eq(spool_new_epoch(spool, old, 4), 0);

	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(status_of().n_epochs, 1);
		cr_assert_arr_neq(epoch_at(0).id, old, HM_ID_BYTES);
		cr_assert_str_eq(next(0, 0) + 9, "series");
		cr_assert_eq(gap_behind(0, 1).n_samples, 10);
		cr_assert_eq(gap_behind(0, 1).first, 2);
		cr_assert_eq(gap_behind(0, 1).stamp.sequence, 2);
		cr_assert_str_eq(next(0, 2), "not sent");
		cr_assert_str_eq(next(0, 3), "clock");
		cr_assert_str_eq(next(0, 4), "sent and not stored");
		cr_assert_str_eq(next(0, 5), "");
		lose_power(i);
	}
	cr_assert_eq(spool_new_epoch(spool, old, 4), -ENOENT);
}

/* -- moves that do not go smoothly ------------------------------------------------------------- */

#define MOVED 10

/* Batches of another text each, in an epoch that is not the current one: more than is moved at once. */
static struct spool_epoch_info append_moved(void)
{
	char text[2000];

	(void)append_series("series");
	for (unsigned i = 0; i < MOVED; i++) {
		memset(text, 'a' + (int)i, sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		(void)append(HM_FRAME_BATCH, text, 0);
	}
	cr_assert_eq(spool_sync(spool), 0);
	options.host_name = (struct series_text){"web02", 5};
	reopen();
	return epoch_at(0);
}

/* How often each of these is there. @param ret_n  by its letter; the last one counts GAPs */
static void count_moved(unsigned ret_n[static MOVED + 1])
{
	memset(ret_n, 0, (MOVED + 1) * sizeof(*ret_n));
	for (size_t i = 0; i < status_of().n_epochs; i++) {
		struct spool_epoch_info info = epoch_at(i);
		struct spool_message message = {.sequence = 0};

		while (spool_next(spool, info.id, message.sequence, &message) == 0) {
			unsigned letter = message.payload[HM_STAMP_BYTES] - (unsigned)'a';

			if (message.type == HM_FRAME_GAP)
				ret_n[MOVED]++;
			else if (message.type == HM_FRAME_BATCH && letter < MOVED)
				ret_n[letter]++;
		}
	}
}

static void expect_moved(void)
{
	unsigned n[MOVED + 1];

	count_moved(n);
	for (unsigned i = 0; i < MOVED; i++)
		cr_expect_eq(n[i], 1, "%u: %u", i, n[i]);
	cr_expect_eq(n[MOVED], 0);
}

/* An epoch more, for a moment, is no reason for a GAP, nor for the end of the one that is moved. */
/* What the agent did explains why there are no samples; a batch becomes a GAP. */
Test(spool, keeps_what_the_agent_did_where_there_are_too_many_epochs)
{
	char name[] = "web__";
	struct spool_epoch_info last;
	struct spool_message message = {.sequence = 0};
	unsigned n_clocks = 0;
	unsigned n_gaps = 0;

	for (unsigned i = 0; i < 18; i++) {
		name[3] = (char)('a' + i);
		options.host_name = (struct series_text){name, 5};
		reopen();
		(void)append(HM_FRAME_CLOCK, "clock", 0);
		(void)append(HM_FRAME_BATCH, "batch", 0);
		cr_assert_eq(spool_sync(spool), 0);
	}
	last = epoch_at(status_of().n_epochs - 1);
	cr_assert_eq(status_of().n_epochs, 16);

	while (spool_next(spool, last.id, message.sequence, &message) == 0) {
		n_clocks += message.type == HM_FRAME_CLOCK;
		n_gaps += message.type == HM_FRAME_GAP;
	}
	cr_expect_eq(n_clocks, 2, "that of the epoch that ended last, and its own");
	cr_expect_eq(n_gaps, 1);
	cr_expect_eq(status_of().n_gone_batches, 1, "since the spool was opened");
}

Test(spool, moves_the_oldest_of_as_many_epochs_as_there_may_be)
{
	char name[] = "web10";
	struct spool_epoch_info info;

	options.max_bytes = 40 * SEGMENT_BYTES;
	reopen();
	info = append_moved();
	for (unsigned i = 0; i < 14; i++) {
		(void)append(HM_FRAME_BATCH, "some", 0);
		cr_assert_eq(spool_sync(spool), 0);
		name[4] = (char)('a' + i);
		options.host_name = (struct series_text){name, 5};
		reopen();
	}
	cr_assert_eq(status_of().n_epochs, 16);

	cr_assert_eq(spool_new_epoch(spool, info.id, 0), 0);

	cr_expect_eq(status_of().n_epochs, 16);
	expect_moved();
}

/* In each epoch with batches their series are declared. */
static void expect_declared(void)
{
	for (size_t i = 0; i < status_of().n_epochs; i++) {
		struct spool_epoch_info info = epoch_at(i);
		struct spool_message message = {.sequence = 0};
		bool is_declared = false;

		while (spool_next(spool, info.id, message.sequence, &message) == 0) {
			is_declared |= message.type == HM_FRAME_DECLARE;
			cr_expect(is_declared || message.type != HM_FRAME_BATCH, "epoch %zu", i);
		}
	}
}

/* What is left of an epoch does not follow what a collector has under its last number that was moved. */
Test(spool, takes_nothing_for_its_own_of_an_epoch_that_was_moved_in_part)
{
	struct spool_epoch_info info = append_moved();
	struct spool_message message;

	sim_disk_fail(sim, SIM_FDATASYNC, 2, EIO, true);
	cr_assert_eq(spool_new_epoch(spool, info.id, 0), -EAGAIN);
	sim_disk_heal(sim);
	cr_assert_eq(spool_retry(spool), 0);
	cr_assert_eq(spool_next(spool, info.id, 0, &message), 0);
	cr_assert_gt(message.sequence, 1);

	for (uint64_t i = 1; i < message.sequence; i++)
		cr_expect_eq(spool_compare(spool, info.id, i, OTHER_CRC), -ESTALE);
	cr_assert_eq(spool_new_epoch(spool, info.id, 0), 0);
	expect_moved();
	expect_declared();
}

/* The copies that were written already are not to come back. */
Test(spool, moves_once_what_it_had_no_memory_to_write)
{
	for (uint64_t n = 1; n <= 20; n++) {
		struct spool_epoch_info info = append_moved();
		int result;

		sim_disk_fail(sim, SIM_PWRITE, n, ENOMEM, false);
		result = spool_new_epoch(spool, info.id, 0);
		cr_expect(result == 0 || result == -ENOMEM, "%d", result);
		sim_disk_heal(sim);
		cr_assert_eq(spool_sync(spool), 0);
		/* It may have been over already, and forgotten. */
		if (result < 0)
			result = spool_new_epoch(spool, info.id, 0);
		cr_assert(result == 0 || result == -ENOENT, "%d", result);
		expect_moved();
		lose_power(n);
		expect_moved();
		teardown();
		setup();
	}
}

/* What waits for the disk is nothing without what its series mean. */
Test(spool, declares_what_it_moves_though_the_folder_is_gone)
{
	for (unsigned i = 0; i < 2; i++) {
		struct spool_epoch_info info;
		uint64_t sealed;

		(void)append_series("series");
		(void)append(HM_FRAME_BATCH, "sent", 0);
		sealed = tick("on the disk");
		cr_assert_eq(spool_sync(spool), 0);
		info = epoch_at(0);
		sim_disk_fail(sim, SIM_PWRITE, 1, EIO, true);
		/* What fails is something else, or that. */
		if (i == 1)
			(void)tick("in memory");
		(void)append(HM_FRAME_BATCH, "sealed", sealed);
		cr_assert(status_of().is_in_memory);
		cr_assert_eq(spool_leave_folder(spool), 0);
		cr_assert_eq(spool_compare(spool, info.id, 2, OTHER_CRC), -ESTALE);

		cr_assert_eq(spool_new_epoch(spool, info.id, 2), 0);

		cr_expect_eq(declared_behind(0, 0), 1);
		cr_expect_str_eq(next(0, 2), "sealed");
		teardown();
		setup();
	}
}

/* Have as much address space as there is now, and so much. */
static void limit_memory(rlim_t headroom_bytes, struct rlimit *ret_before)
{
	struct rlimit limit;
	FILE *file = fopen("/proc/self/statm", "r");
	char text[32] = "";

	cr_assert_not_null(file);
	cr_assert_not_null(fgets(text, sizeof(text), file));
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(getrlimit(RLIMIT_AS, ret_before), 0);
	limit = *ret_before;
	limit.rlim_cur = (rlim_t)strtoul(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
	limit.rlim_cur += headroom_bytes;
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

/* A spool without a folder. Of its batches the second part takes more memory than the first. */
static void append_in_memory(void)
{
	static char text[SPOOL_BODY_MAX_BYTES];

	spool_free(spool);
	options.folder = -1;
	options.segment_bytes = SPOOL_SEGMENT_BYTES;
	options.max_bytes = SPOOL_MAX_BYTES;
	options.max_memory_bytes = SPOOL_SEGMENT_BYTES;
	cr_assert_eq(spool_open(&options, &spool), 0);
	(void)append_series("series");
	for (unsigned i = 0; i < MOVED; i++) {
		size_t length = i == MOVED / 2 - 1 ? 2000 : sizeof(text) - 1;

		memset(text, 'a' + (int)i, length);
		text[length] = '\0';
		(void)append(HM_FRAME_BATCH, text, 0);
	}
}

/* The copies are all that there is of what was moved already. */
Test(spool, moves_in_memory_all_or_nothing)
{
	unsigned n_failed = 0;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	cr_skip_test("a sanitizer's own memory has no limit");
#endif
	for (rlim_t headroom_bytes = 0; headroom_bytes < 3 << 20; headroom_bytes += 64 << 10) {
		struct spool_epoch_info info;
		struct rlimit before;
		int result;

		append_in_memory();
		info = epoch_at(0);
		limit_memory(headroom_bytes, &before);
		result = spool_new_epoch(spool, info.id, 0);
		cr_assert_eq(setrlimit(RLIMIT_AS, &before), 0);
		n_failed += result == -ENOMEM;
		if (result == -ENOMEM) {
			expect_moved();
			result = spool_new_epoch(spool, info.id, 0);
		}
		cr_assert_eq(result, 0);
		expect_moved();
		teardown();
		setup();
	}
	cr_expect_gt(n_failed, 2);
}

/* Room for what is moved comes from what was; no epoch begins for each part that has room. */
Test(spool, moves_an_epoch_while_the_disk_is_full)
{
	struct spool_epoch_info info;
	uint64_t n_messages;

	options.max_bytes = 100 * SEGMENT_BYTES;
	reopen();
	(void)append_series("series");
	for (unsigned i = 0; i < 200; i++)
		(void)append_large(3000);
	info = epoch_at(0);
	n_messages = status_of().n_messages;
	sim_disk_set_limits(sim, sim_disk_used_bytes(sim), 0);

	cr_assert_eq(spool_new_epoch(spool, info.id, 0), 0);

	cr_expect_eq(status_of().n_epochs, 1);
	cr_expect_eq(status_of().n_messages, n_messages);
	cr_expect_eq(status_of().n_gone_batches, 0);
	cr_expect_eq(status_of().n_samples, 2000);
}

/* What cannot be read now is no reason to write nothing any more. */
Test(spool, goes_on_with_a_move_when_it_can_be_read)
{
	/* Behind that it begins a segment. */
	for (uint64_t n = 1; n <= 7; n++) {
		struct spool_epoch_info info = append_moved();

		sim_disk_fail(sim, SIM_OPEN, n, EMFILE, false);
		cr_expect_eq(spool_new_epoch(spool, info.id, 0), -EAGAIN);
		sim_disk_heal(sim);
		cr_expect_not(status_of().is_in_memory);
		cr_expect_leq(status_of().n_epochs, 3);
		expect_moved();
		cr_assert_eq(spool_new_epoch(spool, info.id, 0), 0);
		expect_moved();
		lose_power(n);
		expect_moved();
		teardown();
		setup();
	}
}
