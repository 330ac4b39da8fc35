/* SPDX-License-Identifier: MIT */
/* Tests that docs/format.md shows the bytes that are written. */

#include <criterion/criterion.h>
#include <string.h>

#include "collector/metric_file.h"
#include "common/batch.h"
#include "common/log_entry.h"
#include "common/log_file.h"
#include "tests/support/hex_page.h"
#include "tests/support/native.h"

/* The log that the page shows: a segment, and a position in the one before. */
#define SEGMENT  UINT32_C(2)
#define SALT     UINT32_C(0x0badcafe)
#define PREVIOUS log_position(1, 4096)

static const uint8_t store_id[HM_ID_BYTES] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					      0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static struct buffer written;

static void teardown(void)
{
	buffer_done(&written);
}

TestSuite(format_page, .fini = teardown);

/* The file that the page describes: two series, three seconds. */
static void write_example(void)
{
	static const struct metric_file_sample first[] = {
		{1795416401000000, 20.5}, {1795416402000000, 20.5}, {1795416403000000, 21}};
	static const struct metric_file_sample second[] = {{1795416401000000, 30},
							   {1795416403000000, 31}};
	static const struct store_file_series series[] = {{0, "{zone=\"0\"}", 10},
							  {1, "{zone=\"1\"}", 10}};
	static const struct metric_file_column columns[] = {
		{.series_id = 0, .samples = first, .n_samples = 3},
		{.series_id = 1, .samples = second, .n_samples = 2}};
	struct metric_file_addition addition = {
		.store_id = store_id,
		.host = "web01",
		.metric = "temp",
		.type = HM_FILE_METRIC,
		.kind = HM_STORED_GAUGE,
		.unit = "celsius",
		.series = series,
		.n_series = 2,
		.columns = columns,
		.n_columns = 2,
		.position = UINT64_C(0x100000040),
	};
	struct metric_file_end end = {.salt = 0x0badcafe};
	struct block_encoder *encoder = block_encoder_new();

	cr_assert(encoder);
	cr_assert_eq(metric_file_encode(encoder, &addition, &end, &written), 0);
	block_encoder_free(encoder);
}

/* The page shows what was written. */
static void compare(const char *name)
{
	cr_expect(hex_page_shows("docs/format.md", name, &written),
		  "docs/format.md shows other bytes than these for %s", name);
}

Test(format_page, shows_the_bytes_of_a_metric_file)
{
	write_example();

	compare("metric-file");
}

static void write_block(const int64_t *times_us, size_t n_times, const struct block_column *column,
			struct buffer *out)
{
	struct block_encoder *encoder = block_encoder_new();

	cr_assert(encoder);
	cr_assert_eq(block_encode(encoder, times_us, n_times, column, 1, BLOCK_EFFORT_SMALL, out),
		     0);
	block_encoder_free(encoder);
}

static void write_one(uint32_t series_id, struct buffer *out)
{
	static const int64_t time_us = 1795415594000000;
	static const double value = 42;
	struct block_column column = {.series_id = series_id, .values = &value, .n_values = 1};

	write_block(&time_us, 1, &column, out);
}

Test(format_page, shows_the_bytes_of_a_block_with_one_value)
{
	write_one(3, &written);

	compare("block-one");
}

Test(format_page, shows_the_bytes_of_a_block_with_ten_times)
{
	static const double values[] = {0, 0.25, 0.5, 0.75, -0.0, 1.25, 1.5, 1.75, 2};
	static const struct block_run run = {9, 1, 3};
	struct block_column column = {.runs = &run, .n_runs = 1, .values = values, .n_values = 9};
	int64_t times_us[10];

	for (int64_t i = 0; i < 10; i++)
		times_us[i] = i * 1000000;

	write_block(times_us, 10, &column, &written);

	compare("block-ten");
}

/* Write a record behind what is there. */
static void write_record(struct log_record *record, const struct buffer *payload)
{
	record->position = log_position(SEGMENT, written.length);
	if (payload) {
		record->payload = payload->data;
		record->payload_bytes = (uint32_t)payload->length;
	}
	log_file_put_record(&written, SALT, record);
}

static void write_snapshot(const struct log_host *host, const struct log_epoch *epoch)
{
	struct log_record begin = {.type = HM_RECORD_SNAPSHOT, .durable = log_position(1, 8192)};
	struct log_record hosts = {.type = HM_RECORD_HOST, .durable = log_position(1, 8192)};
	struct log_record end = {.type = HM_RECORD_SNAPSHOT_END, .durable = log_position(1, 8192)};
	struct buffer payload = {0};

	log_entry_put_host(&payload, host);
	log_entry_put_epoch(&payload, epoch);
	write_record(&begin, NULL);
	write_record(&hosts, &payload);
	write_record(&end, NULL);
	buffer_done(&payload);
}

static void write_batch(const struct batch_head *head)
{
	static const struct batch_series series = {
		.kind = HM_STORED_GAUGE,
		.unit = {"celsius", 7},
		.metric = {"temp", 4},
		.labels = {"{zone=\"0\"}", 10},
	};
	struct log_record record = {
		.type = HM_RECORD_BATCH,
		.host = 1,
		.previous = PREVIOUS,
		.durable = log_position(SEGMENT, written.length),
		.received_us = 1795415594500000,
	};
	struct buffer payload = {0};
	struct buffer block = {0};

	write_one(0, &block);
	batch_put_head(&payload, head);
	batch_put_series(&payload, &series);
	batch_put_block(&payload, block.data, block.length);
	write_record(&record, &payload);
	buffer_done(&payload);
	buffer_done(&block);
}

Test(format_page, shows_the_bytes_of_a_segment_of_the_log)
{
	struct log_file_header header = {
		.number = SEGMENT, .salt = SALT, .created_us = 1795415594000000};
	struct log_host host = {.number = 1,
				.name = {"web01", 5},
				.last = PREVIOUS,
				.checkpoint = PREVIOUS,
				.n_epochs = 1};
	struct log_epoch epoch = {.sequence = 2};
	struct batch_head head = {.sequence = 3, .host = {"web01", 5}, .n_series = 1};

	memcpy(header.store_id, store_id, HM_ID_BYTES);
	memset(host.id, 0x11, HM_ID_BYTES);
	memset(epoch.id, 0x22, HM_ID_BYTES);
	memcpy(head.host_id, host.id, HM_ID_BYTES);
	memcpy(head.epoch, epoch.id, HM_ID_BYTES);

	log_file_put_header(&written, &header);
	write_snapshot(&host, &epoch);
	write_batch(&head);
	log_file_put_header(&written, &header);

	compare("log-segment");
}

/* -- messages of agents ---------------------------------------------------------------------------- */

/* Write a message of docs/protocol.md in the chain of its host. @return its position */
static uint64_t write_message(enum hm_record_type type, enum hm_frame_type frame, uint64_t previous)
{
	struct log_record record = {
		.type = type,
		.host = 1,
		.previous = previous,
		.durable = log_position(SEGMENT, HM_LOG_HEADER_BYTES),
		.received_us = 1795416403500000,
	};
	struct buffer payload = {0};

	for (size_t i = 0; i < NATIVE_N_MESSAGES; i++) {
		if (native_messages[i].type == frame)
			native_messages[i].put(&payload);
	}
	write_record(&record, &payload);
	buffer_done(&payload);
	return record.position;
}

Test(format_page, shows_the_bytes_of_an_agent_s_messages_in_the_log)
{
	struct log_file_header header = {
		.number = SEGMENT, .salt = SALT, .created_us = 1795416400000000};
	struct log_host host = {.number = 1, .name = {"web01", 5}};
	struct log_record told = {.type = HM_RECORD_HOST,
				  .durable = log_position(SEGMENT, HM_LOG_HEADER_BYTES)};
	struct buffer payload = {0};
	uint64_t last;

	memcpy(header.store_id, store_id, HM_ID_BYTES);
	memset(host.id, 0x11, HM_ID_BYTES);
	log_entry_put_host(&payload, &host);

	log_file_put_header(&written, &header);
	write_record(&told, &payload);
	last = write_message(HM_RECORD_DECLARE, HM_FRAME_DECLARE, 0);
	last = write_message(HM_RECORD_BATCH, HM_FRAME_BATCH, last);
	last = write_message(HM_RECORD_GAP, HM_FRAME_GAP, last);
	last = write_message(HM_RECORD_NAMES, HM_FRAME_DECLARE, last);
	(void)write_message(HM_RECORD_SCHEDULE, HM_FRAME_SCHEDULE, last);
	log_file_put_header(&written, &header);
	buffer_done(&payload);

	compare("log-messages");
}
