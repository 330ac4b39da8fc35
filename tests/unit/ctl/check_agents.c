/* SPDX-License-Identifier: MIT */
/* Tests of `agentctl check` of what agents sent: agent/ctl/check_record.c and check_files.c. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/log_entry.h"
#include "common/log_file.h"
#include "common/store_file.h"
#include "common/wire_declare.h"
#include "tests/support/made_store.h"
#include "tests/support/native.h"

static struct made_store store;

static void setup(void)
{
	made_store_init(&store, "check");
}

static void teardown(void)
{
	made_store_done(&store);
}

TestSuite(check_agents, .init = setup, .fini = teardown, .timeout = 60);

/* -- the log --------------------------------------------------------------------------------------- */

static void put_empty(enum hm_record_type type)
{
	buffer_clear(&store.payload);
	(void)made_store_put(&store, type, 0);
}

static void put_marks(size_t n_bytes)
{
	const struct log_mark mark = {MADE_STORE_HOST, {1}, 5, 6};

	buffer_clear(&store.payload);
	log_entry_put_mark(&store.payload, &mark);
	store.payload.length = n_bytes;
	(void)made_store_put(&store, HM_RECORD_EPOCH, 0);
}

#define MARK_BYTES 32

/* A snapshot without hosts. */
static void begin_log(void)
{
	made_store_begin_segment(&store, 1);
	put_empty(HM_RECORD_SNAPSHOT);
	put_marks(MARK_BYTES);
	put_empty(HM_RECORD_SNAPSHOT_END);
}

/* All of it was durable. */
static int check_log_of(void)
{
	put_empty(HM_RECORD_MARK);
	made_store_end_segment(&store);
	made_store_save(&store, store.name);
	return made_store_check(&store);
}

struct stored {
	enum hm_frame_type type;
	enum hm_record_type record;
};

/* What of an agent is stored. */
static const struct stored stored[] = {
	{HM_FRAME_DECLARE, HM_RECORD_DECLARE}, {HM_FRAME_DECLARE, HM_RECORD_NAMES},
	{HM_FRAME_BATCH, HM_RECORD_BATCH},     {HM_FRAME_GAP, HM_RECORD_GAP},
	{HM_FRAME_CLOCK, HM_RECORD_CLOCK},     {HM_FRAME_SCHEDULE, HM_RECORD_SCHEDULE},
};
#define N_STORED (sizeof(stored) / sizeof(stored[0]))

Test(check_agents, what_an_agent_sent_is_whole)
{
	begin_log();
	made_store_put_host(&store, MADE_STORE_HOST);
	made_store_put_host(&store, MADE_STORE_HOST);
	for (size_t i = 0; i < N_STORED; i++) {
		made_store_make(&store, stored[i].type);
		(void)made_store_put(&store, stored[i].record, MADE_STORE_HOST);
	}
	cr_expect_eq(check_log_of(), ENDING_FOUND);
	cr_expect_str_eq(store.printed, "");
}

/* It is told where it lies, and nothing else is. */
static void expect_row(size_t begin, size_t end, const char *what, size_t n)
{
	char expected[200];

	(void)snprintf(expected, sizeof(expected), "-\t-\tlog/00000001.log\t%zu\t%zu\trecords\n",
		       begin, end - begin);
	cr_expect_str_eq(store.printed, expected, "%s %zu", what, n);
}

Test(check_agents, each_message_must_make_sense_to_its_last_byte)
{
	for (size_t i = 0; i < N_STORED; i++) {
		size_t begin;
		size_t end;

		begin_log();
		made_store_put_host(&store, MADE_STORE_HOST);
		made_store_make(&store, stored[i].type);
		store.payload.length--;
		begin = made_store_put(&store, stored[i].record, MADE_STORE_HOST);
		end = store.bytes.length;
		cr_expect_eq(check_log_of(), ENDING_FAILED, "%zu", i);
		expect_row(begin, end, "message", i);
	}
}

Test(check_agents, each_must_be_of_a_host_that_was_told_of)
{
	for (size_t i = 0; i < N_STORED; i++) {
		size_t begin;
		size_t end;

		begin_log();
		made_store_put_host(&store, MADE_STORE_HOST + 1);
		made_store_make(&store, stored[i].type);
		begin = made_store_put(&store, stored[i].record, MADE_STORE_HOST);
		end = store.bytes.length;
		cr_expect_eq(check_log_of(), ENDING_FAILED, "%zu", i);
		expect_row(begin, end, "message", i);
	}
}

Test(check_agents, without_a_snapshot_they_are_taken_as_they_are)
{
	begin_log();
	store.bytes.length = HM_LOG_HEADER_BYTES;
	made_store_make(&store, HM_FRAME_BATCH);
	(void)made_store_put(&store, HM_RECORD_BATCH, MADE_STORE_HOST);
	cr_expect_eq(check_log_of(), ENDING_FOUND);
}

Test(check_agents, marks_of_epochs_are_whole)
{
	for (size_t n_bytes = 1; n_bytes < MARK_BYTES; n_bytes++) {
		size_t begin;
		size_t end;

		begin_log();
		begin = store.bytes.length;
		put_marks(n_bytes);
		end = store.bytes.length;
		cr_expect_eq(check_log_of(), ENDING_FAILED, "%zu", n_bytes);
		expect_row(begin, end, "mark of bytes", n_bytes);
	}
}

/* -- names that a batch needs ---------------------------------------------------------------------- */

static size_t put_message_of(enum hm_record_type type, enum hm_frame_type frame)
{
	made_store_make(&store, frame);
	return made_store_put(&store, type, MADE_STORE_HOST);
}

/* All of the host up to a position is in files. */
static void put_checkpoint(size_t offset)
{
	const struct log_checkpoint checkpoint = {MADE_STORE_HOST, log_position(1, offset)};

	buffer_clear(&store.payload);
	log_entry_put_group(&store.payload, 1);
	log_entry_put_checkpoint(&store.payload, &checkpoint);
	(void)made_store_put(&store, HM_RECORD_CHECKPOINT, 0);
}

/* The last batch is told, and what times it has. */
static void expect_unnamed(size_t begin, size_t end)
{
	char expected[200];

	cr_expect_eq(check_log_of(), ENDING_FAILED);
	(void)snprintf(expected, sizeof(expected),
		       "1795416400\t1795416402\tlog/00000001.log\t%zu\t%zu\tsamples of series that "
		       "the log does not name any more\n",
		       begin, end - begin);
	cr_expect_str_eq(store.printed, expected);
}

Test(check_agents, names_before_a_checkpoint_do_not_count_for_what_lies_behind_it)
{
	size_t in_files;
	size_t begin;
	size_t end;

	begin_log();
	made_store_put_host(&store, MADE_STORE_HOST);
	(void)put_message_of(HM_RECORD_NAMES, HM_FRAME_DECLARE);
	in_files = put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	begin = put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	end = store.bytes.length;
	put_checkpoint(in_files);
	expect_unnamed(begin, end);
}

Test(check_agents, names_may_stand_behind_the_batch)
{
	size_t in_files;

	begin_log();
	made_store_put_host(&store, MADE_STORE_HOST);
	in_files = put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	(void)put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	put_checkpoint(in_files);
	(void)put_message_of(HM_RECORD_NAMES, HM_FRAME_DECLARE);
	cr_expect_eq(check_log_of(), ENDING_FOUND, "%s", store.printed);
}

static void put_one_name_of(uint8_t epoch, uint32_t id)
{
	struct wire_stamp stamp = native_stamp(2);
	struct wire_series series = {.name = {"a", 1}};

	memset(stamp.epoch, epoch, HM_ID_BYTES);
	buffer_clear(&store.payload);
	wire_declare_put(&store.payload, &stamp, id);
	wire_declare_put_series(&store.payload, &series);
	(void)made_store_put(&store, HM_RECORD_NAMES, MADE_STORE_HOST);
}

/* In the epoch of the batch. */
static void put_one_name(uint32_t id)
{
	put_one_name_of(0x22, id);
}

Test(check_agents, names_have_no_holes)
{
	size_t begin;
	size_t end;

	begin_log();
	made_store_put_host(&store, MADE_STORE_HOST);
	put_one_name(1);
	put_one_name(0);
	begin = put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	end = store.bytes.length;
	expect_unnamed(begin, end);
	begin_log();
	made_store_put_host(&store, MADE_STORE_HOST);
	put_one_name(0);
	put_one_name(1);
	(void)put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	cr_expect_eq(check_log_of(), ENDING_FOUND, "%s", store.printed);
}

Test(check_agents, names_are_those_of_the_epoch)
{
	size_t begin;
	size_t end;

	begin_log();
	made_store_put_host(&store, MADE_STORE_HOST);
	begin = put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	end = store.bytes.length;
	made_store_make(&store, HM_FRAME_DECLARE);
	store.payload.data[1] = 0x21;
	(void)made_store_put(&store, HM_RECORD_NAMES, MADE_STORE_HOST);
	expect_unnamed(begin, end);
	begin_log();
	made_store_put_host(&store, MADE_STORE_HOST);
	for (uint32_t id = 0; id < 2; id++) {
		put_one_name_of(0x21, id);
		put_one_name_of(0x22, id);
		put_one_name_of(0x23, id);
	}
	(void)put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	cr_expect_eq(check_log_of(), ENDING_FOUND, "%s", store.printed);
}

/* -- a host's file --------------------------------------------------------------------------------- */

/* Where its only block begins. */
static size_t put_host_file(enum hm_record_type type, size_t n_bytes)
{
	made_store_begin_host_file(&store);
	return made_store_put_message(&store, type, n_bytes);
}

static int check_host_file(void)
{
	made_store_save(&store, store.name);
	return made_store_check(&store);
}

static void expect_block(size_t begin)
{
	char expected[200];

	(void)snprintf(expected, sizeof(expected),
		       "-\t-\thosts/web01/.host\t%zu\t%zu\tsamples or names of series\n", begin,
		       store.bytes.length - begin);
	cr_expect_str_eq(store.printed, expected);
}

static void make_delete(void)
{
	static const struct series_text metric = {"m", 1};
	static const struct series_text labels = {"{a=\"b\"}", 7};
	struct log_delete entry = {.id = {1}, .name = {"web01", 5}, .until_us = 5};

	buffer_clear(&store.payload);
	log_entry_put_delete(&store.payload, &entry);
	log_entry_put_delete_series(&store.payload, &metric, &labels);
}

Test(check_agents, messages_in_a_host_s_file_make_sense)
{
	size_t begin;

	made_store_make(&store, HM_FRAME_GAP);
	(void)put_host_file(HM_RECORD_GAP, store.payload.length);
	cr_expect_eq(check_host_file(), ENDING_FOUND);
	begin = put_host_file(HM_RECORD_GAP, store.payload.length - 1);
	cr_expect_eq(check_host_file(), ENDING_FAILED);
	expect_block(begin);
	begin = put_host_file(HM_RECORD_CLOCK, store.payload.length);
	cr_expect_eq(check_host_file(), ENDING_FAILED);
	expect_block(begin);
	made_store_make(&store, HM_FRAME_CLOCK);
	(void)put_host_file(HM_RECORD_CLOCK, store.payload.length);
	cr_expect_eq(check_host_file(), ENDING_FOUND);
	made_store_make(&store, HM_FRAME_SCHEDULE);
	(void)put_host_file(HM_RECORD_SCHEDULE, store.payload.length);
	cr_expect_eq(check_host_file(), ENDING_FOUND);
	begin = put_host_file(HM_RECORD_SCHEDULE, store.payload.length - 1);
	cr_expect_eq(check_host_file(), ENDING_FAILED);
	expect_block(begin);
	make_delete();
	(void)put_host_file(HM_RECORD_DELETE, store.payload.length);
	cr_expect_eq(check_host_file(), ENDING_FOUND);
	begin = put_host_file(HM_RECORD_DELETE, store.payload.length - 1);
	cr_expect_eq(check_host_file(), ENDING_FAILED);
	expect_block(begin);
	/* One of a later version may be anything. */
	(void)put_host_file((enum hm_record_type)99, 0);
	cr_expect_eq(check_host_file(), ENDING_FOUND);
}

Test(check_agents, a_message_s_block_has_its_time)
{
	size_t begin;

	buffer_clear(&store.payload);
	begin = put_host_file((enum hm_record_type)99, 0);
	store.bytes.length = begin;
	(void)store_file_begin_block(&store.bytes, HM_BLOCK_MESSAGE, 1);
	for (int i = 0; i < 8; i++)
		buffer_append_byte(&store.bytes, 0);
	cr_assert_eq(store_file_end_block(&store.bytes, begin, MADE_STORE_SALT, begin), 0);
	cr_expect_eq(check_host_file(), ENDING_FAILED);
	expect_block(begin);
}

Test(check_agents, every_flipped_bit_of_a_host_s_file_is_found)
{
	made_store_make(&store, HM_FRAME_GAP);
	(void)put_host_file(HM_RECORD_GAP, store.payload.length);
	for (size_t bit = 0; bit < store.bytes.length * 8; bit++) {
		made_store_flip(&store, bit);
		cr_assert_eq(check_host_file(), ENDING_FAILED, "bit %zu", bit);
		made_store_flip(&store, bit);
	}
}
