/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/check.c and its parts. */

#include "agent/ctl/check.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/block.h"
#include "common/log_entry.h"
#include "common/log_file.h"
#include "common/message.h"
#include "common/store_path.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/scratch.h"

#define SALT          99u
#define SEGMENT_BYTES 4096u
#define SECOND_US     INT64_C(1000000)
/* The log's positions: of what is in files, and of what a checkpoint was writing. */
#define CONFIRMED   log_position(1, 200)
#define UNCONFIRMED log_position(1, 3000)

static const char *folder;
static char path[300];
static struct buffer bytes; /* of the file that is being made */
static struct options options;
static char *printed;
static struct block_encoder *encoder;

static const char *below(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void setup(void)
{
	cr_redirect_stderr();
	message_init("agentctl");
	encoder = block_encoder_new();
	cr_assert(encoder);
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
	block_encoder_free(encoder);
	buffer_done(&bytes);
	scratch_remove(folder);
}

TestSuite(check, .init = setup, .fini = teardown, .timeout = 60);

static void save(const char *name)
{
	FILE *file = fopen(below(name), "w");

	cr_assert(file);
	cr_assert_eq(fwrite(bytes.data, 1, bytes.length, file), bytes.length);
	cr_assert_eq(fclose(file), 0);
}

/* -- a metric file: names, then a sample a second -------------------------------------------------- */

static uint32_t salt = SALT;
static uint32_t part;
static uint64_t continues_bytes;

static void put_header(void)
{
	static const uint8_t store_id[HM_ID_BYTES];
	struct store_file_header header = {
		.store_id = store_id,
		.salt = salt,
		.part = part,
		.continues_bytes = continues_bytes,
		.type = HM_FILE_METRIC,
		.host = "web01",
		.host_length = 5,
		.metric = "a",
		.metric_length = 1,
		.kind = HM_STORED_GAUGE,
		.unit = "celsius",
		.unit_length = 7,
	};

	buffer_clear(&bytes);
	cr_assert_eq(store_file_put_header(&bytes, &header), 0);
}

static size_t put_names(void)
{
	struct store_file_series series = {0, "", 0};
	size_t start = store_file_begin_block(&bytes, HM_BLOCK_SERIES, CONFIRMED);

	store_file_put_names_offset(&bytes, 0);
	store_file_put_series(&bytes, &series);
	cr_assert_eq(store_file_end_block(&bytes, start, salt, start), 0);
	return start;
}

static size_t put_sample(int second, size_t names_offset, uint64_t position)
{
	int64_t time_us = second * SECOND_US;
	double value = second;
	struct block_column column = {.values = &value, .n_values = 1};
	struct store_file_data data = {
		.first_us = time_us,
		.last_us = time_us,
		.highest_before_us = second > 0 ? time_us - SECOND_US : INT64_MIN,
		.names_offset = names_offset,
	};
	size_t start = store_file_begin_block(&bytes, HM_BLOCK_DATA, position);

	store_file_put_data(&bytes, &data);
	cr_assert_eq(block_encode(encoder, &time_us, 1, &column, 1, BLOCK_EFFORT_FAST, &bytes), 0);
	cr_assert_eq(store_file_end_block(&bytes, start, salt, start), 0);
	return start;
}

/* Offsets of the names, and of the samples of seconds 0 to 3; the last is not confirmed. */
static size_t offsets[6];

static void put_file(void)
{
	put_header();
	offsets[0] = put_names();
	for (int i = 0; i < 4; i++)
		offsets[1 + i] = put_sample(i, offsets[0], i < 3 ? CONFIRMED : UNCONFIRMED);
	offsets[5] = bytes.length;
}

static void flip(size_t offset)
{
	bytes.data[offset] = (char)(bytes.data[offset] ^ 4);
}

/* -- the log --------------------------------------------------------------------------------------- */

static void put_record(enum hm_record_type type, uint64_t durable, struct buffer *payload)
{
	struct log_record record = {
		.type = type,
		.position = log_position(1, bytes.length),
		.durable = durable,
		.payload = payload->data,
		.payload_bytes = (uint32_t)payload->length,
	};

	log_file_put_record(&bytes, SALT, &record);
	buffer_done(payload);
}

/* Where its records begin. */
static size_t records[4];

/* A host, a group that was not completed, and a mark. @param pending  the file's length before */
static void put_log(uint64_t pending)
{
	struct log_file_header header = {.number = 1, .salt = SALT};
	struct log_host host = {.number = 7, .name = {"web01", 5}};
	struct log_group_file file = {7, {"a.hm", 4}, pending};
	struct log_checkpoint checkpoint = {7, CONFIRMED};
	struct buffer payload = {0};

	buffer_clear(&bytes);
	log_file_put_header(&bytes, &header);
	records[0] = bytes.length;
	log_entry_put_host(&payload, &host);
	put_record(HM_RECORD_HOST, 0, &payload);
	records[1] = bytes.length;
	log_entry_put_group(&payload, 1);
	log_entry_put_checkpoint(&payload, &checkpoint);
	put_record(HM_RECORD_CHECKPOINT, 0, &payload);
	records[2] = bytes.length;
	log_entry_put_group(&payload, 2);
	log_entry_put_group_file(&payload, &file);
	put_record(HM_RECORD_GROUP, 0, &payload);
	records[3] = bytes.length;
	put_record(HM_RECORD_MARK, log_position(1, records[3]), &payload);
}

static void end_log(void)
{
	struct log_file_header header = {.number = 1, .salt = SALT};
	char name[LOG_FILE_NAME_BYTES];
	char file[64];

	while (bytes.length < SEGMENT_BYTES - HM_LOG_HEADER_BYTES)
		buffer_append_byte(&bytes, 0);
	log_file_put_header(&bytes, &header);
	log_file_name(1, name);
	(void)snprintf(file, sizeof(file), "log/%s", name);
	save(file);
}

static int check(void)
{
	size_t length;
	FILE *file;
	int ending;

	free(printed);
	printed = NULL;
	file = open_memstream(&printed, &length);
	ending = check_store(&options, folder, file);
	(void)fclose(file);
	return ending;
}

Test(check, says_that_all_is_whole)
{
	char expected[400];

	put_file();
	save("hosts/web01/a.hm");
	put_log(offsets[4]);
	end_log();
	cr_expect_eq(check(), ENDING_FOUND);
	cr_expect_str_eq(printed, "");
	(void)snprintf(
		expected, sizeof(expected),
		"agentctl: 1 files of 1 hosts in the log, 4 blocks, 3 samples; 1 segments, 4 "
		"records; %zu bytes\nagentctl: %zu bytes are not yet confirmed: no damage, and "
		"not promised\nagentctl: all of it is whole\n",
		offsets[5] + SEGMENT_BYTES, offsets[5] - offsets[4]);
	cr_expect_stderr_eq_str(expected);
}

Test(check, counts_what_it_verified)
{
	char expected[400];

	put_header();
	offsets[0] = put_names();
	(void)put_sample(0, offsets[0], 1);
	save("hosts/web01/a.hm");
	cr_expect_eq(check(), ENDING_FOUND);
	(void)snprintf(
		expected, sizeof(expected),
		"agentctl: 1 files of 0 hosts in the log, 2 blocks, 1 samples; 0 segments, 0 "
		"records; %zu bytes\nagentctl: all of it is whole\n",
		bytes.length);
	cr_expect_stderr_eq_str(expected);
}

Test(check, names_the_damaged_range_and_what_is_lost)
{
	char expected[400];

	put_file();
	flip(offsets[2] + 30);
	save("hosts/web01/a.hm");
	cr_expect_eq(check(), ENDING_FAILED);
	(void)snprintf(expected, sizeof(expected), "0\t1\thosts/web01/a.hm\t%zu\t%zu\tsamples\n",
		       offsets[2], offsets[3] - offsets[2]);
	cr_expect_str_eq(printed, expected);
}

Test(check, tells_lost_names)
{
	put_file();
	flip(offsets[0] + 30);
	save("hosts/web01/a.hm");
	cr_expect_eq(check(), ENDING_FAILED);
	cr_expect(strstr(printed, "names of series"), "%s", printed);
}

Test(check, finds_every_flipped_bit)
{
	put_file();
	for (size_t bit = 0; bit < bytes.length * 8; bit++) {
		((uint8_t *)bytes.data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		save("hosts/web01/a.hm");
		cr_assert_eq(check(), ENDING_FAILED, "bit %zu", bit);
		((uint8_t *)bytes.data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* -- damaged headers and parts ---------------------------------------------------------------------- */

/* Have the file that follows verify by its path, in a store that has its id. */
static void put_id(const char *name)
{
	static const uint8_t store_id[HM_ID_BYTES];

	buffer_clear(&bytes);
	store_file_put_id(&bytes, store_id);
	save("id");
	salt = store_path_salt(store_id, "web01", name);
}

static void expect_row(uint64_t length, const char *lost)
{
	char expected[400];

	(void)snprintf(expected, sizeof(expected), "-\t-\thosts/web01/a.hm\t0\t%llu\t%s\n",
		       (unsigned long long)length, lost);
	cr_expect_str_eq(printed, expected);
}

Test(check, says_what_is_lost_with_any_bit_of_a_header_and_verifies_the_rest)
{
	put_id("a.hm");
	put_file();
	for (size_t bit = 0; bit < offsets[0] * 8; bit++) {
		((uint8_t *)bytes.data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		save("hosts/web01/a.hm");
		cr_assert_eq(check(), ENDING_FAILED, "bit %zu", bit);
		expect_row(offsets[0], "kind and unit");
		((uint8_t *)bytes.data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(check, finds_damage_behind_a_damaged_header)
{
	put_id("a.hm");
	put_file();
	flip(20);
	flip(offsets[2] + 30);
	save("hosts/web01/a.hm");
	cr_expect_eq(check(), ENDING_FAILED);
	cr_expect(strstr(printed, "\tsamples\n"), "%s", printed);
	cr_expect(strstr(printed, "\tkind and unit\n"), "%s", printed);
}

Test(check, says_that_more_is_lost_where_the_first_block_is_damaged_too)
{
	put_id("a.hm");
	put_file();
	flip(20);
	flip(offsets[0] + 30);
	save("hosts/web01/a.hm");
	cr_expect_eq(check(), ENDING_FAILED);
	expect_row(offsets[1], "kind and unit; samples or names of series, behind the header");
}

Test(check, says_that_nothing_is_lost_where_kind_and_unit_stand_elsewhere)
{
	struct store_file_meta meta = {.kind = HM_STORED_GAUGE, .unit = "K", .unit_length = 1};
	size_t start;

	put_id("a.hm");
	put_file();
	meta.names_offset = offsets[0];
	start = store_file_begin_block(&bytes, HM_BLOCK_META, CONFIRMED);
	store_file_put_meta(&bytes, &meta);
	cr_assert_eq(store_file_end_block(&bytes, start, salt, start), 0);
	flip(20);
	save("hosts/web01/a.hm");
	cr_expect_eq(check(), ENDING_FAILED);
	expect_row(offsets[0], "nothing: the header; kind and unit stand behind it");
}

Test(check, loses_all_of_a_file_of_which_no_block_verifies)
{
	put_id("b.hm");
	put_file();
	flip(20);
	save("hosts/web01/a.hm");
	cr_expect_eq(check(), ENDING_FAILED);
	expect_row(bytes.length, "the header: all of the file");
}

Test(check, takes_what_a_failed_sync_left_for_no_damage)
{
	char name[64];

	put_id("a.hm");
	put_file();
	flip(offsets[3] + 30);
	save("hosts/web01/a.hm");
	(void)snprintf(name, sizeof(name), "hosts/web01/a~1@%zu.hm", offsets[3]);
	part = 1;
	continues_bytes = offsets[3];
	put_file();
	save(name);
	cr_expect_eq(check(), ENDING_FOUND, "%s", printed);

	/* But not for the say of a file that is not what its name says. */
	continues_bytes--;
	put_file();
	save(name);
	cr_expect_eq(check(), ENDING_FAILED);
}

Test(check, believes_a_part_of_which_less_than_a_header_counts)
{
	char name[64];

	put_id("a.hm");
	put_file();
	flip(offsets[3] + 30);
	save("hosts/web01/a.hm");
	(void)snprintf(name, sizeof(name), "hosts/web01/a~1@%zu.hm", offsets[3]);
	part = 1;
	continues_bytes = offsets[3];
	put_file();
	save(name);
	part = 2;
	continues_bytes = 1;
	put_file();
	save("hosts/web01/a~2@1.hm");
	cr_expect_eq(check(), ENDING_FOUND, "%s", printed);
}

Test(check, takes_what_is_not_confirmed_for_no_damage)
{
	put_file();
	flip(offsets[4] + 30);
	save("hosts/web01/a.hm");
	put_log(offsets[4]);
	end_log();
	cr_expect_eq(check(), ENDING_FOUND);

	/* But what was there before it is. */
	put_log(offsets[4] + 1);
	end_log();
	cr_expect_eq(check(), ENDING_FAILED);
}

Test(check, believes_the_folder_s_own_number)
{
	struct store_file_host host = {7, (const uint8_t *)"0123456789abcdef", 0, "other", 5};
	size_t start;

	put_header();
	start = store_file_begin_block(&bytes, HM_BLOCK_HOST, CONFIRMED);
	store_file_put_host(&bytes, &host);
	cr_assert_eq(store_file_end_block(&bytes, start, salt, start), 0);
	cr_assert_eq(mkdir(below("hosts/web01~2"), 0700), 0);
	save("hosts/web01~2/.host");
	put_file();
	flip(offsets[4] + 30);
	save("hosts/web01~2/a.hm");
	put_log(offsets[4]);
	end_log();
	cr_expect_eq(check(), ENDING_FOUND);
}

Test(check, tells_damage_of_the_log_before_its_last_mark)
{
	char expected[400];

	put_log(0);
	flip(records[2] + HM_RECORD_HEADER_BYTES);
	end_log();
	cr_expect_eq(check(), ENDING_FAILED);
	(void)snprintf(expected, sizeof(expected), "-\t-\tlog/00000001.log\t%zu\t%zu\trecords\n",
		       records[2], records[3] - records[2]);
	cr_expect_str_eq(printed, expected);

	put_log(0);
	flip(records[2]);
	end_log();
	cr_expect_eq(check(), ENDING_FAILED);
	cr_expect_str_eq(printed, expected);
}

Test(check, takes_damage_behind_the_last_mark_for_an_end)
{
	put_log(0);
	flip(records[3]);
	end_log();
	cr_expect_eq(check(), ENDING_FOUND);
	cr_expect_str_eq(printed, "");
}

Test(check, reads_on_with_one_of_two_headers)
{
	put_log(0);
	flip(20);
	end_log();
	cr_expect_eq(check(), ENDING_FAILED);
	cr_expect(strstr(printed, "which is there twice"), "%s", printed);
}

Test(check, tells_a_segment_without_a_header)
{
	buffer_clear(&bytes);
	for (size_t i = 0; i < SEGMENT_BYTES; i++)
		buffer_append_byte(&bytes, 'x');
	save("log/00000001.log");
	cr_expect_eq(check(), ENDING_FAILED);
	cr_expect(strstr(printed, "both headers"), "%s", printed);
}

Test(check, waits_for_no_segment_that_is_being_made)
{
	put_log(0);
	end_log();
	buffer_clear(&bytes);
	save("log/00000002.log");
	cr_expect_eq(check(), ENDING_FOUND);
	for (size_t i = 0; i < SEGMENT_BYTES; i++)
		buffer_append_byte(&bytes, 0);
	save("log/00000002.log");
	cr_expect_eq(check(), ENDING_FOUND);
	save("log/00000001.log");
	cr_expect_eq(check(), ENDING_FAILED);
}

Test(check, leaves_other_files_alone)
{
	buffer_append_text(&bytes, "anything");
	save("hosts/web01/a.hm.tmp");
	save("hosts/web01/a.hm.damaged");
	save("hosts/notes");
	save("log/notes");
	cr_expect_eq(check(), ENDING_FOUND);
}

Test(check, cannot_where_there_is_no_store)
{
	cr_expect_eq(rmdir(below("hosts/web01")), 0);
	cr_expect_eq(rmdir(below("hosts")), 0);
	cr_expect_eq(check(), ENDING_USAGE);
	options.argument = "/nowhere";
	cr_expect_eq(check_run(&options), ENDING_USAGE);
	options.argument = NULL;
	options.socket = "/nowhere";
	cr_expect_eq(check_run(&options), ENDING_UNREACHABLE);
}

Test(check, says_what_it_cannot_read)
{
	cr_assert_eq(mkdir(below("hosts/web01/a.hm"), 0700), 0);
	cr_expect_eq(check(), ENDING_FAILED);
}

Test(check, asks_the_collector_for_its_store)
{
	struct fake_daemon *fake;
	char answer[400];
	char socket[107];

	(void)snprintf(socket, sizeof(socket), "%s/s", folder);
	(void)snprintf(answer, sizeof(answer),
		       "columns\trecord\tstate:text\tstore:text\nrow\trunning\t%s\nend\tok\n",
		       folder);
	put_file();
	flip(offsets[2] + 30);
	save("hosts/web01/a.hm");
	fake = fake_daemon_start(socket, answer, FAKE_DAEMON_STAYS);
	options.socket = socket;
	cr_expect_eq(check_run(&options), ENDING_FAILED);
	fake_daemon_stop(fake);
}
