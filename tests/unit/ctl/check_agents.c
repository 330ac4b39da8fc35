/* SPDX-License-Identifier: MIT */
/* Tests of `agentctl check` of what agents sent: agent/ctl/check_record.c and check_files.c. */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/ctl/check.h"
#include "common/log_entry.h"
#include "common/log_file.h"
#include "common/message.h"
#include "common/store_file.h"
#include "common/wire_declare.h"
#include "tests/support/native.h"
#include "tests/support/scratch.h"

#define SALT          99u
#define SEGMENT_BYTES 4096u
#define HOST          7u

static const char *folder;
static char path[300];
static struct buffer bytes; /* of the file that is being made */
static struct buffer payload;
static struct options options;
static char *printed;

static const char *below(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void setup(void)
{
	cr_redirect_stderr();
	message_init("agentctl");
	folder = scratch_folder();
	cr_assert_eq(mkdir(below("hosts"), 0700), 0);
	cr_assert_eq(mkdir(below("hosts/web01"), 0700), 0);
	cr_assert_eq(mkdir(below("log"), 0700), 0);
	options.verb = verb_find("check");
	options.format = &output_plain;
}

static void teardown(void)
{
	free(printed);
	buffer_done(&bytes);
	buffer_done(&payload);
	scratch_remove(folder);
}

TestSuite(check_agents, .init = setup, .fini = teardown, .timeout = 60);

static int check(const char *name)
{
	FILE *file = fopen(below(name), "w");
	size_t length;
	int ending;

	cr_assert(file);
	cr_assert_eq(fwrite(bytes.data, 1, bytes.length, file), bytes.length);
	cr_assert_eq(fclose(file), 0);
	free(printed);
	printed = NULL;
	file = open_memstream(&printed, &length);
	ending = check_store(&options, folder, file);
	(void)fclose(file);
	return ending;
}

static void make_message(enum hm_frame_type type)
{
	buffer_clear(&payload);
	for (size_t i = 0; i < NATIVE_N_MESSAGES; i++) {
		if (native_messages[i].type == type)
			native_messages[i].put(&payload);
	}
}

/* -- the log --------------------------------------------------------------------------------------- */

/* @return where it begins */
static size_t put_record(enum hm_record_type type, uint32_t host)
{
	size_t begin = bytes.length;
	struct log_record record = {
		.type = type,
		.host = host,
		.position = log_position(1, begin),
		.durable = log_position(1, begin),
		.payload = payload.data,
		.payload_bytes = (uint32_t)payload.length,
	};

	log_file_put_record(&bytes, SALT, &record);
	return begin;
}

static void put_empty(enum hm_record_type type)
{
	buffer_clear(&payload);
	(void)put_record(type, 0);
}

static void put_host(uint32_t number)
{
	struct log_host host = {.number = number, .name = {"web01", 5}};

	buffer_clear(&payload);
	log_entry_put_host(&payload, &host);
	(void)put_record(HM_RECORD_HOST, 0);
}

static void put_marks(size_t n_bytes)
{
	const struct log_mark mark = {HOST, {1}, 5, 6};

	buffer_clear(&payload);
	log_entry_put_mark(&payload, &mark);
	payload.length = n_bytes;
	(void)put_record(HM_RECORD_EPOCH, 0);
}

#define MARK_BYTES 32

/* A snapshot without hosts. */
static void begin_log(void)
{
	struct log_file_header header = {.number = 1, .salt = SALT};

	buffer_clear(&bytes);
	log_file_put_header(&bytes, &header);
	put_empty(HM_RECORD_SNAPSHOT);
	put_marks(MARK_BYTES);
	put_empty(HM_RECORD_SNAPSHOT_END);
}

/* All of it was durable. */
static int check_log_of(void)
{
	struct log_file_header header = {.number = 1, .salt = SALT};

	put_empty(HM_RECORD_MARK);
	while (bytes.length < SEGMENT_BYTES - HM_LOG_HEADER_BYTES)
		buffer_append_byte(&bytes, 0);
	log_file_put_header(&bytes, &header);
	return check("log/00000001.log");
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
	put_host(HOST);
	put_host(HOST);
	for (size_t i = 0; i < N_STORED; i++) {
		make_message(stored[i].type);
		(void)put_record(stored[i].record, HOST);
	}
	cr_expect_eq(check_log_of(), ENDING_FOUND);
	cr_expect_str_eq(printed, "");
}

/* It is told where it lies, and nothing else is. */
static void expect_row(size_t begin, size_t end, const char *what, size_t n)
{
	char expected[200];

	(void)snprintf(expected, sizeof(expected), "-\t-\tlog/00000001.log\t%zu\t%zu\trecords\n",
		       begin, end - begin);
	cr_expect_str_eq(printed, expected, "%s %zu", what, n);
}

Test(check_agents, each_message_must_make_sense_to_its_last_byte)
{
	for (size_t i = 0; i < N_STORED; i++) {
		size_t begin;
		size_t end;

		begin_log();
		put_host(HOST);
		make_message(stored[i].type);
		payload.length--;
		begin = put_record(stored[i].record, HOST);
		end = bytes.length;
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
		put_host(HOST + 1);
		make_message(stored[i].type);
		begin = put_record(stored[i].record, HOST);
		end = bytes.length;
		cr_expect_eq(check_log_of(), ENDING_FAILED, "%zu", i);
		expect_row(begin, end, "message", i);
	}
}

Test(check_agents, without_a_snapshot_they_are_taken_as_they_are)
{
	begin_log();
	bytes.length = HM_LOG_HEADER_BYTES;
	make_message(HM_FRAME_BATCH);
	(void)put_record(HM_RECORD_BATCH, HOST);
	cr_expect_eq(check_log_of(), ENDING_FOUND);
}

Test(check_agents, marks_of_epochs_are_whole)
{
	for (size_t n_bytes = 1; n_bytes < MARK_BYTES; n_bytes++) {
		size_t begin;
		size_t end;

		begin_log();
		begin = bytes.length;
		put_marks(n_bytes);
		end = bytes.length;
		cr_expect_eq(check_log_of(), ENDING_FAILED, "%zu", n_bytes);
		expect_row(begin, end, "mark of bytes", n_bytes);
	}
}

/* -- names that a batch needs ---------------------------------------------------------------------- */

static size_t put_message_of(enum hm_record_type type, enum hm_frame_type frame)
{
	make_message(frame);
	return put_record(type, HOST);
}

/* All of the host up to a position is in files. */
static void put_checkpoint(size_t offset)
{
	const struct log_checkpoint checkpoint = {HOST, log_position(1, offset)};

	buffer_clear(&payload);
	log_entry_put_group(&payload, 1);
	log_entry_put_checkpoint(&payload, &checkpoint);
	(void)put_record(HM_RECORD_CHECKPOINT, 0);
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
	cr_expect_str_eq(printed, expected);
}

Test(check_agents, names_before_a_checkpoint_do_not_count_for_what_lies_behind_it)
{
	size_t in_files;
	size_t begin;
	size_t end;

	begin_log();
	put_host(HOST);
	(void)put_message_of(HM_RECORD_NAMES, HM_FRAME_DECLARE);
	in_files = put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	begin = put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	end = bytes.length;
	put_checkpoint(in_files);
	expect_unnamed(begin, end);
}

Test(check_agents, names_may_stand_behind_the_batch)
{
	size_t in_files;

	begin_log();
	put_host(HOST);
	in_files = put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	(void)put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	put_checkpoint(in_files);
	(void)put_message_of(HM_RECORD_NAMES, HM_FRAME_DECLARE);
	cr_expect_eq(check_log_of(), ENDING_FOUND, "%s", printed);
}

static void put_one_name_of(uint8_t epoch, uint32_t id)
{
	struct wire_stamp stamp = native_stamp(2);
	struct wire_series series = {.name = {"a", 1}};

	memset(stamp.epoch, epoch, HM_ID_BYTES);
	buffer_clear(&payload);
	wire_declare_put(&payload, &stamp, id);
	wire_declare_put_series(&payload, &series);
	(void)put_record(HM_RECORD_NAMES, HOST);
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
	put_host(HOST);
	put_one_name(1);
	put_one_name(0);
	begin = put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	end = bytes.length;
	expect_unnamed(begin, end);
	begin_log();
	put_host(HOST);
	put_one_name(0);
	put_one_name(1);
	(void)put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	cr_expect_eq(check_log_of(), ENDING_FOUND, "%s", printed);
}

Test(check_agents, names_are_those_of_the_epoch)
{
	size_t begin;
	size_t end;

	begin_log();
	put_host(HOST);
	begin = put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	end = bytes.length;
	make_message(HM_FRAME_DECLARE);
	payload.data[1] = 0x21;
	(void)put_record(HM_RECORD_NAMES, HOST);
	expect_unnamed(begin, end);
	begin_log();
	put_host(HOST);
	for (uint32_t id = 0; id < 2; id++) {
		put_one_name_of(0x21, id);
		put_one_name_of(0x22, id);
		put_one_name_of(0x23, id);
	}
	(void)put_message_of(HM_RECORD_BATCH, HM_FRAME_BATCH);
	cr_expect_eq(check_log_of(), ENDING_FOUND, "%s", printed);
}

/* -- a host's file --------------------------------------------------------------------------------- */

/* Where its only block begins. */
static size_t put_host_file(enum hm_record_type type, size_t n_bytes)
{
	static const uint8_t store_id[HM_ID_BYTES];
	struct store_file_header header = {
		.store_id = store_id,
		.salt = SALT,
		.type = HM_FILE_HOST,
		.host = "web01",
		.host_length = 5,
		.metric = "",
		.unit = "",
	};
	struct store_file_message message = {
		.type = type,
		.bytes = (const uint8_t *)payload.data,
		.n_bytes = n_bytes,
	};
	size_t start;

	buffer_clear(&bytes);
	cr_assert_eq(store_file_put_header(&bytes, &header), 0);
	start = store_file_begin_block(&bytes, HM_BLOCK_MESSAGE, 1);
	store_file_put_message(&bytes, &message);
	cr_assert_eq(store_file_end_block(&bytes, start, SALT, start), 0);
	return start;
}

static void expect_block(size_t begin)
{
	char expected[200];

	(void)snprintf(expected, sizeof(expected),
		       "-\t-\thosts/web01/.host\t%zu\t%zu\tsamples or names of series\n", begin,
		       bytes.length - begin);
	cr_expect_str_eq(printed, expected);
}

static void make_delete(void)
{
	static const struct series_text metric = {"m", 1};
	static const struct series_text labels = {"{a=\"b\"}", 7};
	struct log_delete entry = {.id = {1}, .name = {"web01", 5}, .until_us = 5};

	buffer_clear(&payload);
	log_entry_put_delete(&payload, &entry);
	log_entry_put_delete_series(&payload, &metric, &labels);
}

Test(check_agents, messages_in_a_host_s_file_make_sense)
{
	size_t begin;

	make_message(HM_FRAME_GAP);
	(void)put_host_file(HM_RECORD_GAP, payload.length);
	cr_expect_eq(check("hosts/web01/.host"), ENDING_FOUND);
	begin = put_host_file(HM_RECORD_GAP, payload.length - 1);
	cr_expect_eq(check("hosts/web01/.host"), ENDING_FAILED);
	expect_block(begin);
	begin = put_host_file(HM_RECORD_CLOCK, payload.length);
	cr_expect_eq(check("hosts/web01/.host"), ENDING_FAILED);
	expect_block(begin);
	make_message(HM_FRAME_CLOCK);
	(void)put_host_file(HM_RECORD_CLOCK, payload.length);
	cr_expect_eq(check("hosts/web01/.host"), ENDING_FOUND);
	make_message(HM_FRAME_SCHEDULE);
	(void)put_host_file(HM_RECORD_SCHEDULE, payload.length);
	cr_expect_eq(check("hosts/web01/.host"), ENDING_FOUND);
	begin = put_host_file(HM_RECORD_SCHEDULE, payload.length - 1);
	cr_expect_eq(check("hosts/web01/.host"), ENDING_FAILED);
	expect_block(begin);
	make_delete();
	(void)put_host_file(HM_RECORD_DELETE, payload.length);
	cr_expect_eq(check("hosts/web01/.host"), ENDING_FOUND);
	begin = put_host_file(HM_RECORD_DELETE, payload.length - 1);
	cr_expect_eq(check("hosts/web01/.host"), ENDING_FAILED);
	expect_block(begin);
	/* One of a later version may be anything. */
	(void)put_host_file((enum hm_record_type)99, 0);
	cr_expect_eq(check("hosts/web01/.host"), ENDING_FOUND);
}

Test(check_agents, a_message_s_block_has_its_time)
{
	size_t begin;

	buffer_clear(&payload);
	begin = put_host_file((enum hm_record_type)99, 0);
	bytes.length = begin;
	(void)store_file_begin_block(&bytes, HM_BLOCK_MESSAGE, 1);
	for (int i = 0; i < 8; i++)
		buffer_append_byte(&bytes, 0);
	cr_assert_eq(store_file_end_block(&bytes, begin, SALT, begin), 0);
	cr_expect_eq(check("hosts/web01/.host"), ENDING_FAILED);
	expect_block(begin);
}

Test(check_agents, every_flipped_bit_of_a_host_s_file_is_found)
{
	make_message(HM_FRAME_GAP);
	(void)put_host_file(HM_RECORD_GAP, payload.length);
	for (size_t bit = 0; bit < bytes.length * 8; bit++) {
		uint8_t *at = (uint8_t *)bytes.data + bit / 8;

		*at = (uint8_t)(*at ^ 1U << bit % 8);
		cr_assert_eq(check("hosts/web01/.host"), ENDING_FAILED, "bit %zu", bit);
		*at = (uint8_t)(*at ^ 1U << bit % 8);
	}
}
