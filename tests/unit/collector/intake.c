/* SPDX-License-Identifier: MIT */
/* Tests of how the store takes messages of agents. */

#include "collector/intake.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/epoch.h"
#include "common/batch.h"
#include "common/block.h"
#include "common/crc32c.h"
#include "common/message.h"
#include "common/wire_clock.h"
#include "common/wire_declare.h"
#include "common/wire_gap.h"
#include "tests/support/sim_store.h"

static struct sim_store store;
static struct intake *intake;
static struct buffer payload;
static struct wire_hello hello = {
	.host_id = {1},
	.epoch = {2},
	.boot_id = {3},
	.host = {"web01", 5},
	.version = {"1", 1},
};

static void begin(void)
{
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(intake_new(store.engine, &intake), 0);
}

static void end(void)
{
	intake_free(intake);
	intake = NULL;
}

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	begin();
}

static void teardown(void)
{
	end();
	buffer_done(&payload);
	sim_store_done(&store);
}

TestSuite(intake, .init = setup, .fini = teardown);

static void restart(void)
{
	end();
	sim_store_crash(&store);
	begin();
}

static struct intake_mark say_hello(void)
{
	struct intake_mark mark = {0};

	cr_assert_eq(intake_hello(intake, &hello, &mark), HM_REASON_NONE);
	return mark;
}

static struct wire_stamp stamp_of(uint64_t sequence)
{
	struct wire_stamp stamp = {.sequence = sequence};

	memcpy(stamp.host_id, hello.host_id, HM_ID_BYTES);
	memcpy(stamp.epoch, hello.epoch, HM_ID_BYTES);
	return stamp;
}

static void make_declare(uint64_t sequence, uint32_t first_id, const char *const *names, size_t n)
{
	struct wire_stamp stamp = stamp_of(sequence);

	buffer_clear(&payload);
	wire_declare_put(&payload, &stamp, first_id);
	for (size_t i = 0; i < n; i++) {
		struct wire_series series = {
			.kind = HM_STORED_GAUGE,
			.unit = {"seconds", 7},
			.name = {names[i], strlen(names[i])},
		};

		wire_declare_put_series(&payload, &series);
	}
}

#define MANY 10000

/* Some times of one series, one second apart. */
static void make_long_batch(uint64_t sequence, uint32_t id, int64_t second, double value, size_t n)
{
	static int64_t times_us[MANY];
	static double values[MANY];
	struct wire_stamp stamp = stamp_of(sequence);
	struct block_column column = {.series_id = id, .values = values, .n_values = n};
	struct block_encoder *encoder = block_encoder_new();
	struct buffer block = {0};

	for (size_t i = 0; i < n; i++) {
		times_us[i] = (SIM_STORE_START_S + second + (int64_t)i) * SIM_STORE_SECOND_US;
		values[i] = value + (double)i / 2;
	}
	cr_assert_not_null(encoder);
	cr_assert_eq(block_encode(encoder, times_us, n, &column, 1, BLOCK_EFFORT_FAST, &block), 0);
	buffer_clear(&payload);
	wire_stamp_put(&payload, &stamp);
	batch_put_block(&payload, block.data, block.length);
	buffer_done(&block);
	block_encoder_free(encoder);
}

static void make_batch(uint64_t sequence, uint32_t id, int64_t second, double value)
{
	make_long_batch(sequence, id, second, value, 2);
}

static void make_gap(uint64_t first, uint64_t last)
{
	struct wire_gap gap = {
		.stamp = stamp_of(last),
		.first = first,
		.first_us = 1,
		.last_us = 2,
		.reason = HM_REASON_NO_MEMORY,
	};

	buffer_clear(&payload);
	wire_gap_put(&payload, &gap);
}

static enum hm_reason take(struct epoch *epoch, enum hm_frame_type type)
{
	return intake_take(intake, epoch, type, (const uint8_t *)payload.data, payload.length,
			   crc32c(0, payload.data, payload.length));
}

static const char *const two_names[] = {"m{x=\"1\"}", "m{x=\"2\"}"};

/* A session of a DECLARE and a BATCH, logged. */
static struct epoch *take_two(void)
{
	struct epoch *epoch = say_hello().epoch;

	make_declare(1, 0, two_names, 2);
	cr_assert_eq(take(epoch, HM_FRAME_DECLARE), HM_REASON_NONE);
	make_batch(2, 1, 10, 7);
	cr_assert_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
	cr_assert_eq(engine_commit(store.engine), 0);
	return epoch;
}

static const char two_rows[] = "10 web01 m{x=\"2\"} 7\n11 web01 m{x=\"2\"} 7.5\n";

Test(intake, what_is_taken_is_durable_and_read_after_a_power_cut)
{
	uint32_t crc;

	(void)take_two();
	crc = crc32c(0, payload.data, payload.length);
	cr_assert_str_eq(sim_store_read(&store), two_rows);
	for (int i = 0; i < 2; i++) {
		struct intake_mark mark;

		restart();
		cr_assert_str_eq(sim_store_read(&store), two_rows);
		mark = say_hello();
		cr_expect_eq(mark.sequence, 2);
		cr_expect_eq(mark.crc, crc);
		cr_expect_eq(mark.n_series, 2);
		cr_expect_arr_eq(mark.store_id, store.engine->store_id, HM_ID_BYTES);
	}
	cr_expect_eq(sim_store_stats(&store).n_damaged_ranges, 0);
}

Test(intake, nothing_is_durable_before_it_is_committed)
{
	struct epoch *epoch = take_two();

	cr_expect_eq(intake_durable(store.engine, epoch), 2);
	cr_expect_not(engine_has_pending(store.engine));
	make_batch(3, 0, 12, 8);
	cr_assert_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
	cr_expect_eq(intake_durable(store.engine, epoch), 2);
	cr_expect(engine_has_pending(store.engine));
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_expect_eq(intake_durable(store.engine, epoch), 3);
}

Test(intake, the_same_again_is_passed_over_and_something_else_refused)
{
	struct epoch *epoch = take_two();

	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
	make_batch(2, 1, 10, 8);
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_SEQUENCE_OTHER);
	make_batch(4, 1, 12, 8);
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_SEQUENCE_AHEAD);
	/* Also what is taken and not durable yet can be told apart. */
	make_batch(3, 0, 12, 8);
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
	make_batch(3, 0, 12, 9);
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_SEQUENCE_OTHER);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_expect_eq(sim_store_count(&store), 4);
	restart();
	cr_expect_eq(sim_store_count(&store), 4);
}

Test(intake, what_is_wrong_is_refused_and_nothing_of_it_taken)
{
	struct epoch *epoch = take_two();
	const char *const bad[] = {"n", "n{b=\"1\",a=\"2\"}"};

	make_batch(3, 2, 12, 8);
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NOT_DECLARED);
	make_declare(3, 3, two_names, 1);
	cr_expect_eq(take(epoch, HM_FRAME_DECLARE), HM_REASON_NOT_DECLARED);
	make_declare(3, 1, two_names, 1);
	cr_expect_eq(take(epoch, HM_FRAME_DECLARE), HM_REASON_DECLARED_OTHERWISE);
	make_declare(3, 0, two_names, 2);
	payload.data[HM_STAMP_BYTES + 4] = HM_STORED_COUNTER;
	cr_expect_eq(take(epoch, HM_FRAME_DECLARE), HM_REASON_DECLARED_OTHERWISE);
	make_declare(3, 0, two_names, 2);
	payload.data[HM_STAMP_BYTES + 7] = 'S';
	cr_expect_eq(take(epoch, HM_FRAME_DECLARE), HM_REASON_DECLARED_OTHERWISE);
	make_declare(3, 2, bad, 2);
	cr_expect_eq(take(epoch, HM_FRAME_DECLARE), HM_REASON_BAD_LABELS);
	cr_expect_eq(epoch->n_series, 2);
	cr_expect_eq(sim_store_stats(&store).n_series, 2);
	cr_expect_eq(epoch->series[0]->file->kind, HM_STORED_GAUGE);
	cr_expect_str_eq(epoch->series[0]->file->unit, "seconds");
	make_batch(3, 0, 12, 8);
	payload.data[payload.length - 1] ^= 1;
	payload.length--;
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_BAD_MESSAGE);
	hello.epoch[1] = 9;
	make_batch(3, 0, 12, 8);
	hello.epoch[1] = 0;
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_OTHER_STAMP);
	make_gap(4, 5);
	cr_expect_eq(take(epoch, HM_FRAME_GAP), HM_REASON_SEQUENCE_AHEAD);
	make_batch(3, 0, 12, 8);
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
}

Test(intake, hello_waits_until_it_is_known_what_is_durable)
{
	struct epoch *epoch = take_two();
	struct intake_mark mark;

	make_batch(3, 0, 12, 8);
	cr_assert_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
	cr_expect_eq(intake_hello(intake, &hello, &mark), HM_REASON_STORE_FAILED);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_expect_eq(say_hello().sequence, 3);
}

Test(intake, a_gap_takes_the_places_of_all_that_is_gone)
{
	struct epoch *epoch = take_two();

	make_gap(3, 6);
	cr_assert_eq(take(epoch, HM_FRAME_GAP), HM_REASON_NONE);
	cr_expect_eq(take(epoch, HM_FRAME_GAP), HM_REASON_NONE);
	/* The ACK of the first of these was lost. */
	make_gap(5, 8);
	cr_assert_eq(take(epoch, HM_FRAME_GAP), HM_REASON_NONE);
	make_batch(9, 0, 12, 8);
	cr_assert_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
	cr_assert_eq(engine_commit(store.engine), 0);
	restart();
	cr_expect_eq(say_hello().sequence, 9);
	cr_expect_eq(sim_store_count(&store), 4);
}

Test(intake, goes_on_behind_a_checkpoint_and_a_restart)
{
	struct epoch *epoch = take_two();

	for (uint64_t sequence = 3; sequence < 6; sequence++) {
		make_batch(sequence, 0, 12, 8);
		cr_assert_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
		cr_assert_eq(engine_commit(store.engine), 0);
	}
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(sim_store_count(&store), 8);
	/* What the ids mean is told again in the log, since nothing else does. */
	make_batch(6, 0, 12, 8);
	cr_assert_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
	cr_assert_eq(engine_commit(store.engine), 0);
	restart();
	cr_expect_eq(sim_store_count(&store), 10);
	cr_expect_eq(sim_store_stats(&store).n_damaged_ranges, 0);
	cr_expect_eq(say_hello().n_series, 2);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	restart();
	/* Now the log needs no names, and has none: the agent tells them again. */
	epoch = say_hello().epoch;
	cr_expect_eq(epoch->durable.sequence, 6);
	cr_expect_eq(epoch->n_series, 0);
	make_batch(7, 0, 14, 8);
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NOT_DECLARED);
	make_declare(1, 0, two_names, 2);
	cr_assert_eq(take(epoch, HM_FRAME_DECLARE), HM_REASON_NONE);
	make_batch(7, 0, 14, 8);
	cr_assert_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
	cr_assert_eq(engine_commit(store.engine), 0);
	restart();
	cr_expect_eq(sim_store_count(&store), 12);
	cr_expect_eq(say_hello().sequence, 7);
}

Test(intake, what_a_checkpoint_leaves_in_the_log_is_understood_there)
{
	struct epoch *epoch = take_two();
	int result = 0;

	for (uint64_t sequence = 3; sequence < 7; sequence++) {
		make_long_batch(sequence, 0, -MANY, 8, MANY);
		cr_assert_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
		cr_assert_eq(engine_commit(store.engine), 0);
	}
	/* Of a host with more than a group may hold. */
	while (result == 0 && store.engine->stats.n_checkpoints == 0) {
		result = engine_checkpoint(store.engine, ENGINE_SCOPE_ALL);
		if (result == -EAGAIN)
			result = engine_commit(store.engine);
	}
	cr_assert_eq(result, 0);
	cr_assert_lt(epoch->host->checkpoint, epoch->host->last);
	restart();
	cr_expect_eq(sim_store_count(&store), 2 + 4 * MANY);
	cr_expect_eq(sim_store_stats(&store).n_damaged_ranges, 0);
}

Test(intake, a_lost_log_costs_no_mark_that_files_have)
{
	(void)take_two();
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	end();
	sim_store_kill(&store);
	sim_store_remove(&store, "log", "00000001.log");
	begin();
	cr_expect_str_eq(sim_store_read(&store), two_rows);
	cr_expect_eq(say_hello().sequence, 2);
	make_batch(2, 1, 10, 7);
	cr_expect_eq(take(say_hello().epoch, HM_FRAME_BATCH), HM_REASON_NONE);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_expect_str_eq(sim_store_read(&store), two_rows);
}

Test(intake, every_segment_begins_with_the_marks)
{
	(void)take_two();
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	for (int i = 0; i < 3; i++) {
		store.engine->wants_segment = true;
		cr_assert_eq(engine_commit(store.engine), 0);
	}
	cr_assert_not(sim_store_has(&store, "log/00000001.log"));
	sim_store_remove(&store, "hosts/web01", ".host");
	restart();
	cr_expect_eq(say_hello().sequence, 2);
	cr_expect_str_eq(sim_store_read(&store), two_rows);
}

Test(intake, a_host_of_text_is_taken_over_and_another_agent_gets_a_number)
{
	struct intake_mark mark;

	sim_store_put(&store, SIM_STORE_AT "01 m{host=\"web01\"} 1\n");
	(void)take_two();
	cr_expect_str_eq(sim_store_read(&store),
			 "1 web01 m 1\n10 web01 m{x=\"2\"} 7\n11 web01 m{x=\"2\"} 7.5\n");
	restart();
	cr_expect_eq(say_hello().sequence, 2);
	hello.host_id[0] = 9;
	cr_assert_eq(intake_hello(intake, &hello, &mark), HM_REASON_BAD_ID);
	hello.epoch[0] = 9;
	mark = say_hello();
	cr_expect_str_eq(mark.epoch->host->name, "web01~2");
	/* The same again is the same. */
	cr_expect_eq(say_hello().epoch, mark.epoch);
	hello.host_id[0] = 1;
	hello.epoch[0] = 2;
	cr_expect_str_eq(say_hello().epoch->host->name, "web01");
}

Test(intake, too_many_epochs_of_a_host_are_refused)
{
	struct intake_mark mark;

	for (unsigned i = 0; i < EPOCH_HOST_MAX; i++) {
		hello.epoch[14] = (uint8_t)(i >> 8);
		hello.epoch[15] = (uint8_t)i;
		(void)say_hello();
	}
	hello.epoch[0] = 77;
	cr_expect_eq(intake_hello(intake, &hello, &mark), HM_REASON_TOO_MANY_EPOCHS);
	hello.epoch[0] = 2;
	hello.epoch[14] = 0;
	hello.epoch[15] = 0;
	(void)say_hello();
}

Test(intake, what_waits_for_a_disk_is_bounded_and_logged_in_the_end)
{
	struct epoch *epoch = take_two();
	uint64_t sequence = 3;
	enum hm_reason reason = HM_REASON_NONE;

	store.engine->message_bytes += INTAKE_WAITING_MAX_BYTES - 1000;
	while (reason == HM_REASON_NONE && sequence < 100) {
		make_batch(sequence++, 0, 12, 8);
		reason = take(epoch, HM_FRAME_BATCH);
	}
	cr_expect_eq(reason, HM_REASON_NO_MEMORY);
	store.engine->message_bytes -= INTAKE_WAITING_MAX_BYTES - 1000;
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_expect_eq(intake_durable(store.engine, epoch), sequence - 2);
	cr_expect_eq(take(epoch, HM_FRAME_BATCH), HM_REASON_NONE);
}
