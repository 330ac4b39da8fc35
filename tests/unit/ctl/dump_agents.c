/* SPDX-License-Identifier: MIT */
/* Tests of `agentctl dump` of what agents sent: agent/ctl/dump_log.c, dump_names.c and dump_metric.c. */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/dump.h"
#include "common/log_entry.h"
#include "common/log_file.h"
#include "common/message.h"
#include "common/store_file.h"
#include "common/wire_clock.h"
#include "common/wire_declare.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"
#include "tests/support/native.h"
#include "tests/support/scratch.h"

#define SALT          99u
#define SEGMENT_BYTES 4096u
#define HOST          7u

static const char *folder;
static char path[256];
static struct buffer bytes; /* of the file that is being made */
static struct buffer payload;
static uint32_t number; /* of the segment that it is */
static struct options options;
static char *printed;

static void setup(void)
{
	cr_redirect_stderr();
	message_init("agentctl");
	folder = scratch_folder();
	options.verb = verb_find("dump");
	options.argument = path;
}

static void teardown(void)
{
	free(printed);
	buffer_done(&bytes);
	buffer_done(&payload);
	scratch_remove(folder);
}

TestSuite(dump_agents, .init = setup, .fini = teardown, .timeout = 60);

static void save(void)
{
	FILE *file = fopen(path, "w");

	cr_assert(file);
	cr_assert_eq(fwrite(bytes.data, 1, bytes.length, file), bytes.length);
	cr_assert_eq(fclose(file), 0);
}

static int dump(void)
{
	size_t length;
	FILE *file;
	int ending;

	save();
	free(printed);
	printed = NULL;
	file = open_memstream(&printed, &length);
	ending = dump_file(&options, file);
	(void)fclose(file);
	return ending;
}

/* Make a payload like the one of docs/protocol.md. */
static void make_message(enum hm_frame_type type)
{
	buffer_clear(&payload);
	for (size_t i = 0; i < NATIVE_N_MESSAGES; i++) {
		if (native_messages[i].type == type)
			native_messages[i].put(&payload);
	}
}

/* The one line of stderr: the file, and this. */
static void expect_said(const char *what)
{
	char expected[400];

	(void)snprintf(expected, sizeof(expected), "agentctl: %s%s %s\n", path,
		       strncmp(what, "offset", 6) == 0 ? ":" : "", what);
	cr_expect_stderr_eq_str(expected);
}

/* -- the log --------------------------------------------------------------------------------------- */

static const char all[] = "1795416400\tweb01\tnode_load1\t0.25\n"
			  "1795416401\tweb01\tnode_load1\t0.25\n"
			  "1795416402\tweb01\tnode_load1\t0.5\n"
			  "1795416400\tweb01\tnode_cpu_seconds_total{cpu=\"0\"}\t100.5\n"
			  "1795416401\tweb01\tnode_cpu_seconds_total{cpu=\"0\"}\t101.25\n"
			  "1795416402\tweb01\tnode_cpu_seconds_total{cpu=\"0\"}\t-\tstore_failed\n";

static void begin_segment(uint32_t which)
{
	struct log_file_header header = {.number = which, .salt = SALT};

	number = which;
	(void)snprintf(path, sizeof(path), "%s/", folder);
	log_file_name(number, path + strlen(path));
	buffer_clear(&bytes);
	log_file_put_header(&bytes, &header);
}

/* @return where it begins */
static size_t put_payload(enum hm_record_type type, uint32_t host)
{
	size_t begin = bytes.length;
	struct log_record record = {
		.type = type,
		.host = host,
		.position = log_position(number, begin),
		.payload = payload.data,
		.payload_bytes = (uint32_t)payload.length,
	};

	log_file_put_record(&bytes, SALT, &record);
	return begin;
}

static void put_host(void)
{
	struct log_host host = {.number = HOST, .name = {"web01", 5}};

	buffer_clear(&payload);
	log_entry_put_host(&payload, &host);
	(void)put_payload(HM_RECORD_HOST, 0);
}

static void put_names(enum hm_record_type type)
{
	make_message(HM_FRAME_DECLARE);
	(void)put_payload(type, HOST);
}

static size_t put_batch(void)
{
	make_message(HM_FRAME_BATCH);
	return put_payload(HM_RECORD_BATCH, HOST);
}

static void end_segment(void)
{
	struct log_file_header header = {.number = number, .salt = SALT};

	while (bytes.length < SEGMENT_BYTES - HM_LOG_HEADER_BYTES)
		buffer_append_byte(&bytes, 0);
	log_file_put_header(&bytes, &header);
}

static void put_segment(void)
{
	begin_segment(3);
	put_host();
	put_names(HM_RECORD_DECLARE);
	(void)put_batch();
	end_segment();
}

Test(dump_agents, samples_are_printed_with_their_names)
{
	put_segment();
	cr_expect_eq(dump(), ENDING_FOUND);
	cr_expect_str_eq(printed, all);
	cr_expect_stderr_eq_str("");
}

Test(dump_agents, what_is_no_sample_is_not_printed)
{
	begin_segment(3);
	put_host();
	put_names(HM_RECORD_DECLARE);
	make_message(HM_FRAME_GAP);
	(void)put_payload(HM_RECORD_GAP, HOST);
	make_message(HM_FRAME_CLOCK);
	(void)put_payload(HM_RECORD_CLOCK, HOST);
	make_message(HM_FRAME_SCHEDULE);
	(void)put_payload(HM_RECORD_SCHEDULE, HOST);
	end_segment();
	cr_expect_eq(dump(), ENDING_NONE);
	cr_expect_str_eq(printed, "");
	expect_said("holds no samples");
}

Test(dump_agents, names_may_stand_behind_the_batch_and_come_again)
{
	begin_segment(3);
	(void)put_batch();
	put_names(HM_RECORD_NAMES);
	put_names(HM_RECORD_NAMES);
	put_host();
	end_segment();
	cr_expect_eq(dump(), ENDING_FOUND);
	cr_expect_str_eq(printed, all);
}

/* As a NAMES record that goes on behind another one of the same epoch. */
static void put_one_name(uint32_t id, const char *name)
{
	struct wire_stamp stamp = native_stamp(1);
	struct wire_series series = {.name = {name, strlen(name)}};

	buffer_clear(&payload);
	wire_declare_put(&payload, &stamp, id);
	wire_declare_put_series(&payload, &series);
	(void)put_payload(HM_RECORD_NAMES, HOST);
}

Test(dump_agents, names_count_without_those_of_lower_ids)
{
	begin_segment(3);
	put_host();
	put_one_name(1, "node_cpu_seconds_total{cpu=\"0\"}");
	put_one_name(0, "node_load1");
	put_one_name(0, "other");
	(void)put_batch();
	end_segment();
	cr_expect_eq(dump(), ENDING_FOUND);
	cr_expect_str_eq(printed, all);
}

/* Save a segment that has no samples. */
static void save_names(uint32_t which)
{
	begin_segment(which);
	put_names(HM_RECORD_NAMES);
	end_segment();
	save();
}

Test(dump_agents, names_are_looked_for_in_the_segments_beside)
{
	for (uint32_t with_names = 1; with_names <= 5; with_names++) {
		for (uint32_t i = 1; i <= 5; i++) {
			begin_segment(i);
			end_segment();
			save();
		}
		save_names(with_names);
		begin_segment(3);
		put_host();
		if (with_names == 3)
			put_names(HM_RECORD_NAMES);
		(void)put_batch();
		end_segment();
		cr_expect_eq(dump(), ENDING_FOUND, "%u", with_names);
		cr_expect_str_eq(printed, all);
	}
}

Test(dump_agents, a_segment_of_another_store_names_nothing)
{
	struct log_file_header header = {.store_id = {1}, .number = 2, .salt = SALT};

	begin_segment(2);
	buffer_clear(&bytes);
	log_file_put_header(&bytes, &header);
	put_names(HM_RECORD_NAMES);
	end_segment();
	save();
	begin_segment(3);
	put_host();
	(void)put_batch();
	end_segment();
	cr_expect_eq(dump(), ENDING_FAILED);
	cr_expect_str_eq(printed, "");
}

Test(dump_agents, what_nobody_names_is_told_and_passed_over)
{
	char expected[400];
	size_t begin;

	begin_segment(3);
	put_host();
	put_one_name(0, "node_load1");
	begin = put_batch();
	end_segment();
	cr_expect_eq(dump(), ENDING_FAILED);
	(void)snprintf(
		expected, sizeof(expected),
		"agentctl: %s: offset %zu: passed over: no segment beside this one says what "
		"the samples of this batch are called\n",
		path, begin);
	cr_expect_stderr_eq_str(expected);
	put_segment();
	cr_expect_eq(dump(), ENDING_FOUND);
}

Test(dump_agents, so_is_what_no_host_has)
{
	begin_segment(3);
	put_names(HM_RECORD_DECLARE);
	(void)put_batch();
	end_segment();
	cr_expect_eq(dump(), ENDING_FAILED);
	cr_expect_str_eq(printed, "");
}

Test(dump_agents, a_batch_that_makes_no_sense_is_passed_over)
{
	char expected[700];
	size_t begin;
	size_t end;

	begin_segment(3);
	put_host();
	put_names(HM_RECORD_DECLARE);
	make_message(HM_FRAME_BATCH);
	payload.length--;
	begin = put_payload(HM_RECORD_BATCH, HOST);
	end = bytes.length;
	payload.length = HM_STAMP_BYTES - 1;
	(void)put_payload(HM_RECORD_BATCH, HOST);
	(void)put_batch();
	end_segment();
	cr_expect_eq(dump(), ENDING_FAILED);
	cr_expect_str_eq(printed, all);
	(void)snprintf(expected, sizeof(expected),
		       "agentctl: %s: offset %zu: %zu damaged bytes\n"
		       "agentctl: %s: offset %zu: 88 damaged bytes\n",
		       path, begin, end - begin, path, end);
	cr_expect_stderr_eq_str(expected);
}

Test(dump_agents, never_prints_a_sample_that_was_not_written)
{
	size_t end;

	put_segment();
	for (end = bytes.length - HM_LOG_HEADER_BYTES; bytes.data[end - 1] == 0;)
		end--;
	for (size_t bit = 0; bit < end * 8; bit++) {
		uint8_t *at = (uint8_t *)bytes.data + bit / 8;
		char *rest;

		*at = (uint8_t)(*at ^ 1U << bit % 8);
		(void)dump();
		*at = (uint8_t)(*at ^ 1U << bit % 8);
		rest = printed;
		for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
			cr_assert(strstr(all, line), "bit %zu: %s", bit, line);
	}
}

/* -- a host's file --------------------------------------------------------------------------------- */

static void begin_host_file(void)
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

	(void)snprintf(path, sizeof(path), "%s/.host", folder);
	buffer_clear(&bytes);
	cr_assert_eq(store_file_put_header(&bytes, &header), 0);
}

static void put_message(enum hm_record_type type, size_t n_bytes)
{
	struct store_file_message message = {
		.type = type,
		.received_us = 1795416403500000,
		.bytes = (const uint8_t *)payload.data,
		.n_bytes = n_bytes,
	};
	size_t start = store_file_begin_block(&bytes, HM_BLOCK_MESSAGE, 1);

	store_file_put_message(&bytes, &message);
	cr_assert_eq(store_file_end_block(&bytes, start, SALT, start), 0);
}

Test(dump_agents, a_gap_is_a_line_of_its_host_s_file)
{
	begin_host_file();
	make_message(HM_FRAME_GAP);
	put_message(HM_RECORD_GAP, payload.length);
	cr_expect_eq(dump(), ENDING_FOUND);
	cr_expect_str_eq(printed,
			 "1795416403\tweb01\tgap\t240\tuntil 1795416522, reason no_memory, "
			 "sequence 4 to 5 of epoch 22222222222222222222222222222222\n");
}

Test(dump_agents, a_gap_may_be_of_unknown_size_and_of_a_later_version_s_reason)
{
	struct wire_gap gap = {
		.stamp = native_stamp(20),
		.first = 20,
		.first_us = -1500000,
		.last_us = 0,
		.reason = (enum hm_reason)60000,
	};

	begin_host_file();
	buffer_clear(&payload);
	wire_gap_put(&payload, &gap);
	put_message(HM_RECORD_GAP, payload.length);
	cr_expect_eq(dump(), ENDING_FOUND);
	cr_expect_str_eq(printed, "-1.5\tweb01\tgap\t-\tuntil 0, reason unknown, "
				  "sequence 20 to 20 of epoch 22222222222222222222222222222222\n");
}

static void put_clock(enum hm_clock_event event, int64_t change_us)
{
	struct wire_clock clock = {
		.stamp = native_stamp(1),
		.event = event,
		.now_us = 1795416400000000,
		.since_boot_us = 60000000,
		.change_us = change_us,
	};

	memset(clock.boot_id, 0x33, HM_ID_BYTES);
	buffer_clear(&payload);
	wire_clock_put(&payload, &clock);
	put_message(HM_RECORD_CLOCK, payload.length);
}

Test(dump_agents, so_is_what_became_of_its_clock)
{
	begin_host_file();
	put_clock(HM_CLOCK_STARTED, 0);
	put_clock(HM_CLOCK_STOPPED, 0);
	put_clock(HM_CLOCK_STEPPED, -1500000);
	put_clock(HM_CLOCK_RESUMED, 7000000);
	put_clock(HM_CLOCK_HELD_UP, 2500000);
	put_clock(HM_CLOCK_LOST, 61000000);
	cr_expect_eq(dump(), ENDING_FOUND);
	cr_expect_str_eq(printed, "1795416400\tweb01\tagent_started\t-\t60 s since boot "
				  "33333333333333333333333333333333\n"
				  "1795416400\tweb01\tagent_stopped\t-\t60 s since boot "
				  "33333333333333333333333333333333\n"
				  "1795416400\tweb01\tclock_set\t-\tby -1.5 s, 60 s since boot "
				  "33333333333333333333333333333333\n"
				  "1795416400\tweb01\thost_slept\t-\tby 7 s, 60 s since boot "
				  "33333333333333333333333333333333\n"
				  "1795416400\tweb01\tagent_held_up\t-\tby 2.5 s, 60 s since boot "
				  "33333333333333333333333333333333\n"
				  "1795416400\tweb01\tagent_lost\t-\tby 61 s, 60 s since boot "
				  "33333333333333333333333333333333\n");
}

static void put_schedule(const struct wire_schedule_entry *entries, size_t n)
{
	struct wire_stamp stamp = native_stamp(1);

	buffer_clear(&payload);
	wire_schedule_put_begin(&payload, &stamp, 1795416400000000);
	for (size_t i = 0; i < n; i++)
		wire_schedule_put_entry(&payload, &entries[i]);
	put_message(HM_RECORD_SCHEDULE, payload.length);
}

Test(dump_agents, so_is_what_it_samples)
{
	static const struct wire_schedule_entry entries[] = {
		{60000000, {"", 0}},
		{1000000, {"node_load1", 10}},
		{500000, {"node_load5", 10}},
		{3600000000, {"\xc3\xa9t\xc3\xa9", 5}},
	};

	begin_host_file();
	put_schedule(entries, 4);
	put_schedule(entries, 0);
	cr_expect_eq(dump(), ENDING_FOUND);
	cr_expect_str_eq(printed,
			 "1795416400\tweb01\tschedule\t3\tsent every 60 s, node_load1 every 1 s, "
			 "node_load5 every 0.5 s, \xc3\xa9t\xc3\xa9 every 3600 s\n"
			 "1795416400\tweb01\tschedule\t0\t-\n");
}

static void put_delete(int64_t since_us, int64_t until_us)
{
	static const struct series_text metrics[] = {{"m", 1}, {"n", 1}};
	static const struct series_text labels[] = {{"", 0}, {"{a=\"b\"}", 7}};
	struct log_delete entry = {
		.id = {1}, .name = {"web01", 5}, .since_us = since_us, .until_us = until_us};

	buffer_clear(&payload);
	log_entry_put_delete(&payload, &entry);
	for (size_t i = 0; i < 2; i++)
		log_entry_put_delete_series(&payload, &metrics[i], &labels[i]);
	put_message(HM_RECORD_DELETE, payload.length);
}

Test(dump_agents, and_what_was_deleted)
{
	begin_host_file();
	put_delete(1500000, 2000000);
	put_delete(INT64_MIN, INT64_MAX);
	cr_expect_eq(dump(), ENDING_FOUND);
	cr_expect_str_eq(printed,
			 "1.5\tweb01\tdeleted\t2\tat 1795416403.5, until 2, m, n{a=\"b\"}\n"
			 "-\tweb01\tdeleted\t2\tat 1795416403.5, m, n{a=\"b\"}\n");
}

Test(dump_agents, a_message_of_a_later_version_is_passed_over)
{
	begin_host_file();
	make_message(HM_FRAME_GAP);
	put_message((enum hm_record_type)99, payload.length);
	cr_expect_eq(dump(), ENDING_NONE);
	expect_said("holds no samples");
}

/* A message in place of one of another type, or of its beginning. */
static void expect_damage(enum hm_record_type type, size_t n_bytes)
{
	char expected[100];
	size_t begin;

	begin_host_file();
	begin = bytes.length;
	put_message(type, n_bytes);
	cr_expect_eq(dump(), ENDING_FAILED);
	cr_expect_str_eq(printed, "");
	(void)snprintf(expected, sizeof(expected), "offset %zu: %zu damaged bytes", begin,
		       bytes.length - begin);
	expect_said(expected);
}

Test(dump_agents, a_gap_that_makes_no_sense_is_told)
{
	make_message(HM_FRAME_GAP);
	expect_damage(HM_RECORD_GAP, payload.length - 1);
}

Test(dump_agents, so_is_a_clock)
{
	make_message(HM_FRAME_GAP);
	expect_damage(HM_RECORD_CLOCK, payload.length);
}

Test(dump_agents, and_a_schedule)
{
	make_message(HM_FRAME_SCHEDULE);
	expect_damage(HM_RECORD_SCHEDULE, payload.length - 1);
}

Test(dump_agents, and_a_delete)
{
	begin_host_file();
	put_delete(1, 2);
	expect_damage(HM_RECORD_DELETE, payload.length - 1);
}
