/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/dump.c. */

#include "agent/ctl/dump.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/batch.h"
#include "common/block.h"
#include "common/log_file.h"
#include "common/message.h"
#include "common/store_file.h"
#include "tests/support/scratch.h"

static const char *folder;
static char path[256];
static struct buffer bytes;
static struct options options;
static char *printed;
static struct block_encoder *encoder;

static void setup(void)
{
	cr_redirect_stderr();
	message_init("agentctl");
	encoder = block_encoder_new();
	cr_assert(encoder);
	folder = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/x.hm", folder);
	options.verb = verb_find("dump");
	options.argument = path;
}

static void teardown(void)
{
	free(printed);
	block_encoder_free(encoder);
	buffer_done(&bytes);
	scratch_remove(folder);
}

TestSuite(dump, .init = setup, .fini = teardown, .timeout = 60);

#define SALT 99u

static void put_header(enum hm_file_type type, const char *host, const char *metric)
{
	static const uint8_t store_id[HM_ID_BYTES];
	struct store_file_header header = {
		.store_id = store_id,
		.salt = SALT,
		.type = type,
		.host = host,
		.host_length = strlen(host),
		.metric = metric,
		.metric_length = strlen(metric),
		.unit = "",
	};

	cr_assert_eq(store_file_put_header(&bytes, &header), 0);
}

static void end_block(size_t start)
{
	cr_assert_eq(store_file_end_block(&bytes, start, SALT, start), 0);
}

static void put_series(uint32_t id, const char *labels)
{
	struct store_file_series series = {id, labels, strlen(labels)};
	size_t start = store_file_begin_block(&bytes, HM_BLOCK_SERIES, 1);

	store_file_put_names_offset(&bytes, 0);
	store_file_put_series(&bytes, &series);
	end_block(start);
}

/* One DATA block of some columns that share their times. */
static void put_columns(const int64_t *times_us, size_t n_times, const struct block_column *columns,
			size_t n_columns)
{
	struct store_file_data data = {
		.first_us = times_us[0],
		.last_us = times_us[n_times - 1],
		.highest_before_us = INT64_MIN,
	};
	size_t start = store_file_begin_block(&bytes, HM_BLOCK_DATA, 1);

	store_file_put_data(&bytes, &data);
	cr_assert_eq(block_encode(encoder, times_us, n_times, columns, n_columns, BLOCK_EFFORT_FAST,
				  &bytes),
		     0);
	end_block(start);
}

static void put_sample(uint32_t id, int64_t time_us, double value)
{
	struct block_column column = {.series_id = id, .values = &value, .n_values = 1};

	put_columns(&time_us, 1, &column, 1);
}

/* A file of two series and three samples in two blocks. */
static void put_file(void)
{
	static const int64_t times_us[] = {INT64_C(1795416401000000), INT64_C(1795416401250000)};
	static const struct block_run runs[][2] = {{{0, 1, 0}, {1, 0, 0}}, {{1, 1, 0}, {0, 0, 0}}};
	static const double values[] = {0.1, -0.0};
	const struct block_column columns[] = {{0, runs[0], 2, &values[0], 1},
					       {1, runs[1], 1, &values[1], 1}};

	put_header(HM_FILE_METRIC, "web01", "node_x");
	put_series(0, "");
	put_series(1, "{a=\"b c\"}");
	put_columns(times_us, 2, columns, 2);
	put_sample(1, -1, 1e300);
}

static const char all[] = "1795416401.25\tweb01\tnode_x\t0.1\n"
			  "1795416401\tweb01\tnode_x{a=\"b c\"}\t-0\n"
			  "-0.000001\tweb01\tnode_x{a=\"b c\"}\t1e+300\n";

/* Write the first bytes to the file and dump it. */
static int dump(size_t n_bytes)
{
	size_t length;
	FILE *file = fopen(path, "w");
	int ending;

	cr_assert(file);
	cr_assert_eq(fwrite(bytes.data, 1, n_bytes, file), n_bytes);
	cr_assert_eq(fclose(file), 0);
	free(printed);
	printed = NULL;
	file = open_memstream(&printed, &length);
	ending = dump_file(&options, file);
	(void)fclose(file);
	return ending;
}

Test(dump, prints_the_samples_in_the_order_of_the_file)
{
	put_file();
	cr_expect_eq(dump(bytes.length), ENDING_FOUND);
	cr_expect_str_eq(printed, all);
	cr_expect_stderr_eq_str("");
}

/* Where nothing is said of a time, there is no row of it. */
Test(dump, prints_why_there_is_no_sample)
{
	static const int64_t times_us[] = {1000000, 2000000, 3000000};
	static const struct block_run runs[] = {{0, 1, HM_REASON_NONE},
						{1, 1, HM_REASON_SOURCE_FAILED}};
	static const double value = 5;
	const struct block_column column = {
		.series_id = 0, .runs = runs, .n_runs = 2, .values = &value, .n_values = 1};

	put_header(HM_FILE_METRIC, "web01", "node_x");
	put_series(0, "");
	put_columns(times_us, 3, &column, 1);
	cr_assert_eq(dump(bytes.length), 0);
	cr_expect_str_eq(printed, "2\tweb01\tnode_x\t5\n3\tweb01\tnode_x\t-\tsource_failed\n");
	options.format = &output_json;
	cr_assert_eq(dump(bytes.length), 0);
	cr_expect(strstr(printed, "\"value\": null, \"missing\": \"source_failed\""), "%s",
		  printed);
}

Test(dump, prints_the_other_formats)
{
	cr_assert_eq(setenv("TZ", "UTC0", 1), 0);
	put_file();
	options.format = &output_csv;
	cr_expect_eq(dump(bytes.length), ENDING_FOUND);
	cr_expect_eq(
		strncmp(printed,
			"time,host,series,value,missing\r\n2026-11-23T06:46:41.250000,web01,node_x,0.1,\r\n",
			78),
		0);
}

Test(dump, passes_over_blocks_it_does_not_know)
{
	size_t start;

	put_file();
	start = store_file_begin_block(&bytes, (enum hm_block_type)77, 5);
	buffer_append_text(&bytes, "what?");
	end_block(start);
	cr_expect_eq(dump(bytes.length), ENDING_FOUND);
	cr_expect_str_eq(printed, all);
}

Test(dump, reads_a_file_that_is_longer_than_a_read)
{
	static int64_t times_us[50000];
	static double values[50000];
	struct block_column column = {0, NULL, 0, values, 50000};
	size_t n_lines = 0;

	for (size_t i = 0; i < 50000; i++) {
		times_us[i] = (int64_t)i * 1000000;
		values[i] = (double)(i * 2654435761 % 1000003) / 7;
	}
	put_header(HM_FILE_METRIC, "h", "m");
	put_series(0, "");
	put_columns(times_us, 50000, &column, 1);
	put_columns(times_us, 50000, &column, 1);
	cr_expect_eq(dump(bytes.length), ENDING_FOUND);
	for (const char *at = printed; (at = strchr(at, '\n')); at++)
		n_lines++;
	cr_expect_eq(n_lines, 100000);
}

Test(dump, says_that_there_is_nothing)
{
	put_header(HM_FILE_METRIC, "h", "m");
	cr_expect_eq(dump(bytes.length), ENDING_NONE);
	cr_expect_str_eq(printed, "");
}

Test(dump, prints_what_verifies_on_both_sides_of_the_damage)
{
	size_t begin;
	size_t end;
	char expected[400];

	put_file();
	begin = bytes.length;
	put_sample(0, 5, 5);
	bytes.data[bytes.length - 1] ^= 1;
	end = bytes.length;
	put_sample(0, 6000000, 6);
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
	cr_expect_eq(strncmp(printed, all, strlen(all)), 0);
	cr_expect_str_eq(printed + strlen(all), "6\tweb01\tnode_x\t6\n");
	(void)snprintf(expected, sizeof(expected), "agentctl: %s: offset %zu: %zu damaged bytes\n",
		       path, begin, end - begin);
	cr_expect_stderr_eq_str(expected);
}

static void flip_bit(size_t n)
{
	unsigned char *byte = (unsigned char *)bytes.data + n / 8;

	*byte = (unsigned char)(*byte ^ 1U << n % 8);
}

/* Every line that is printed is one of those of the whole file. */
static void check_lines(size_t n)
{
	char *rest = printed;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		cr_expect(strstr(all, line), "%zu: %s", n, line);
}

Test(dump, never_prints_a_sample_that_was_not_written)
{
	size_t length;

	put_file();
	length = bytes.length;
	for (size_t n = 0; n < length; n++) {
		(void)dump(n);
		check_lines(n);
	}
	for (size_t n = 0; n < length * 8; n++) {
		flip_bit(n);
		cr_expect_eq(dump(length), ENDING_FAILED, "bit %zu", n);
		check_lines(n);
		flip_bit(n);
	}
}

Test(dump, refuses_a_sample_of_no_series)
{
	put_header(HM_FILE_METRIC, "h", "m");
	put_sample(0, 5, 5);
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
	cr_expect_str_eq(printed, "");
}

Test(dump, refuses_what_is_no_store_file)
{
	buffer_append_text(&bytes, "this is a letter to my aunt, and quite a long one at that\n");
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
}

Test(dump, leaves_another_version_alone)
{
	put_file();
	bytes.data[offsetof(struct hm_file_header, version)] = 1;
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
	cr_expect_str_eq(printed, "");
}

Test(dump, prints_what_is_known_of_a_host)
{
	static const uint8_t id[HM_ID_BYTES] = "0123456789abcdef";
	struct store_file_host host = {7, id, 0, "web01.lan", 9};
	struct store_file_epoch epoch = {id, 12, 34};
	struct store_file_event event = {.since_us = INT64_C(1795416401000000),
					 .until_us = INT64_C(1795416402500000),
					 .position = 56,
					 .count = 3,
					 .reason = HM_REASON_QUARANTINED,
					 .text = "x=y",
					 .text_length = 3};
	size_t start;

	put_header(HM_FILE_HOST, "web01", "");
	start = store_file_begin_block(&bytes, HM_BLOCK_HOST, 1);
	store_file_put_host(&bytes, &host);
	end_block(start);
	start = store_file_begin_block(&bytes, HM_BLOCK_EPOCH, 1);
	store_file_put_epoch(&bytes, &epoch);
	end_block(start);
	start = store_file_begin_block(&bytes, HM_BLOCK_EVENT, 1);
	store_file_put_event(&bytes, &event);
	end_block(start);
	event = (struct store_file_event){.since_us = -1000000, .reason = HM_REASON_QUARANTINED};
	start = store_file_begin_block(&bytes, HM_BLOCK_EVENT, 1);
	store_file_put_event(&bytes, &event);
	end_block(start);
	start = store_file_begin_block(&bytes, HM_BLOCK_OLDEST, 1);
	store_file_put_oldest(&bytes, INT64_C(1795416400500000));
	end_block(start);
	cr_expect_eq(dump(bytes.length), ENDING_FOUND);
	cr_expect_str_eq(
		printed,
		"-\tweb01\thost\t7\tid 30313233343536373839616263646566, name web01.lan\n"
		"-\tweb01\tepoch\t12\tepoch 30313233343536373839616263646566, CRC32C 00000022\n"
		"1795416401\tweb01\tquarantined\t3\tuntil 1795416402.5, x=y\n"
		"-1\tweb01\tquarantined\t-\tuntil 0\n"
		"1795416400.5\tweb01\toldest\t-\t-\n");
}

/* -- the log --------------------------------------------------------------------------------------- */

#define SEGMENT_BYTES 4096u

/* A batch of one sample. */
static void put_batch(uint64_t sequence, double value)
{
	struct batch_head head = {.sequence = sequence, .host = {"web02", 5}, .n_series = 1};
	struct batch_series series = {
		.unit = {"", 0}, .metric = {"node_y", 6}, .labels = {"{c=\"d\"}", 7}};
	struct block_column column = {.values = &value, .n_values = 1};
	struct buffer payload = {0};
	struct buffer block = {0};
	struct log_record record = {.type = HM_RECORD_BATCH,
				    .position = log_position(3, bytes.length)};
	int64_t time_us = 7000000;

	batch_put_head(&payload, &head);
	batch_put_series(&payload, &series);
	cr_assert_eq(block_encode(encoder, &time_us, 1, &column, 1, BLOCK_EFFORT_FAST, &block), 0);
	batch_put_block(&payload, block.data, block.length);
	record.payload = payload.data;
	record.payload_bytes = (uint32_t)payload.length;
	log_file_put_record(&bytes, SALT, &record);
	buffer_done(&payload);
	buffer_done(&block);
}

static void put_segment(size_t ret_begins[static 2])
{
	struct log_file_header header = {.number = 3, .salt = SALT};

	(void)snprintf(path, sizeof(path), "%s/", folder);
	log_file_name(3, path + strlen(path));
	log_file_put_header(&bytes, &header);
	ret_begins[0] = bytes.length;
	put_batch(1, 1.5);
	ret_begins[1] = bytes.length;
	put_batch(2, 2.5);
	while (bytes.length < SEGMENT_BYTES - HM_LOG_HEADER_BYTES)
		buffer_append_byte(&bytes, 0);
	log_file_put_header(&bytes, &header);
}

Test(dump, prints_the_samples_of_a_segment_of_the_log)
{
	size_t begins[2];

	put_segment(begins);
	cr_expect_eq(dump(bytes.length), ENDING_FOUND);
	cr_expect_str_eq(printed, "7\tweb02\tnode_y{c=\"d\"}\t1.5\n"
				  "7\tweb02\tnode_y{c=\"d\"}\t2.5\n");
	bytes.data[begins[0] + HM_RECORD_HEADER_BYTES] ^= 1;
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
	cr_expect_str_eq(printed, "7\tweb02\tnode_y{c=\"d\"}\t2.5\n");
	bytes.data[begins[0]] ^= 1;
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
	cr_expect_str_eq(printed, "7\tweb02\tnode_y{c=\"d\"}\t2.5\n");
	(void)snprintf(path, sizeof(path), "%s/x.log", folder);
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
}

Test(dump, waits_for_nobody)
{
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(dump_file(&options, stdout), ENDING_FAILED);
	options.argument = folder;
	cr_expect_eq(dump_file(&options, stdout), ENDING_FAILED);
	options.argument = "/nowhere";
	cr_expect_eq(dump_file(&options, stdout), ENDING_FAILED);
}
