/* SPDX-License-Identifier: MIT */
/* A short session of the native protocol. */

#include "tests/support/native.h"

#include <stdlib.h>
#include <string.h>

#include "common/batch.h"
#include "common/block.h"
#include "common/wire_ack.h"
#include "common/wire_clock.h"
#include "common/wire_declare.h"
#include "common/wire_end.h"
#include "common/wire_gap.h"
#include "common/wire_hello.h"
#include "common/wire_schedule.h"
#include "common/wire_welcome.h"

#define TIME_US INT64_C(1795416400000000)

static const uint8_t store_id[HM_ID_BYTES] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					      0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

struct wire_stamp native_stamp(uint64_t sequence)
{
	struct wire_stamp stamp = {.sequence = sequence};

	memset(stamp.host_id, 0x11, HM_ID_BYTES);
	memset(stamp.epoch, 0x22, HM_ID_BYTES);
	return stamp;
}

static void put_hello(struct buffer *out)
{
	struct wire_hello hello = {.now_us = TIME_US, .host = {"web01", 5}, .version = {"1.0", 3}};

	memset(hello.host_id, 0x11, HM_ID_BYTES);
	memset(hello.epoch, 0x22, HM_ID_BYTES);
	memset(hello.boot_id, 0x33, HM_ID_BYTES);
	wire_hello_put(out, &hello);
}

static void put_welcome(struct buffer *out)
{
	struct wire_welcome welcome = {.max_unacked = 32, .now_us = TIME_US + 1500};

	memcpy(welcome.store_id, store_id, HM_ID_BYTES);
	wire_welcome_put(out, &welcome);
}

static void put_clock(struct buffer *out)
{
	struct wire_clock clock = {.stamp = native_stamp(1),
				   .event = HM_CLOCK_STARTED,
				   .now_us = TIME_US,
				   .since_boot_us = 60000000};

	memset(clock.boot_id, 0x33, HM_ID_BYTES);
	wire_clock_put(out, &clock);
}

static void put_declare(struct buffer *out)
{
	static const struct wire_series series[] = {
		{.kind = HM_STORED_GAUGE, .unit = {"", 0}, .name = {"node_load1", 10}},
		{.kind = HM_STORED_COUNTER,
		 .unit = {"seconds", 7},
		 .name = {"node_cpu_seconds_total{cpu=\"0\"}", 31}},
	};
	struct wire_stamp stamp = native_stamp(2);

	wire_declare_put(out, &stamp, 0);
	wire_declare_put_series(out, &series[0]);
	wire_declare_put_series(out, &series[1]);
}

/* Three seconds; the second series has nothing in the last one, since its source failed. */
static void put_batch(struct buffer *out)
{
	static const int64_t times_us[] = {TIME_US, TIME_US + 1000000, TIME_US + 2000000};
	static const double loads[] = {0.25, 0.25, 0.5};
	static const double seconds[] = {100.5, 101.25};
	static const struct block_run run = {2, 1, HM_REASON_STORE_FAILED};
	static const struct block_column columns[] = {
		{.series_id = 0, .values = loads, .n_values = 3},
		{.series_id = 1, .runs = &run, .n_runs = 1, .values = seconds, .n_values = 2},
	};
	struct block_encoder *encoder = block_encoder_new();
	struct wire_stamp stamp = native_stamp(3);
	struct buffer block = {0};

	if (!encoder || block_encode(encoder, times_us, 3, columns, 2, BLOCK_EFFORT_SMALL, &block))
		abort();
	wire_stamp_put(out, &stamp);
	batch_put_block(out, block.data, block.length);
	buffer_done(&block);
	block_encoder_free(encoder);
}

static void put_ack_of_batch(struct buffer *out)
{
	wire_ack_put(out, 3);
}

static void put_gap(struct buffer *out)
{
	struct wire_gap gap = {.stamp = native_stamp(5),
			       .first = 4,
			       .first_us = TIME_US + 3000000,
			       .last_us = TIME_US + 122000000,
			       .n_samples = 240,
			       .reason = HM_REASON_NO_MEMORY};

	wire_gap_put(out, &gap);
}

/* From then on only the first series is sampled. */
static void put_schedule(struct buffer *out)
{
	static const struct wire_schedule_entry entry = {5000000, {"node_load1", 10}};
	struct wire_stamp stamp = native_stamp(6);

	wire_schedule_put_begin(out, &stamp, TIME_US + 125000000);
	wire_schedule_put_entry(out, &entry);
}

static void put_ack_of_schedule(struct buffer *out)
{
	wire_ack_put(out, 6);
}

static void put_bye(struct buffer *out)
{
	struct wire_end end = {.wait_ms = 1000, .text = {"stopping", 8}};

	wire_end_put(out, &end);
}

const struct native_message native_messages[NATIVE_N_MESSAGES] = {
	{"HELLO", HM_FRAME_HELLO, put_hello},
	{"WELCOME", HM_FRAME_WELCOME, put_welcome},
	{"CLOCK", HM_FRAME_CLOCK, put_clock},
	{"DECLARE", HM_FRAME_DECLARE, put_declare},
	{"BATCH", HM_FRAME_BATCH, put_batch},
	{"ACK", HM_FRAME_ACK, put_ack_of_batch},
	{"GAP", HM_FRAME_GAP, put_gap},
	{"SCHEDULE", HM_FRAME_SCHEDULE, put_schedule},
	{"ACK", HM_FRAME_ACK, put_ack_of_schedule},
	{"BYE", HM_FRAME_BYE, put_bye},
};

static enum hm_reason read_exactly(const struct buffer *message, size_t length, native_read read)
{
	size_t n = length < message->length ? length : message->length;
	uint8_t *exact = calloc(1, length + !length);
	enum hm_reason reason;

	if (!exact)
		abort();
	if (n > 0)
		memcpy(exact, message->data, n);
	reason = read(exact, length);
	free(exact);
	return reason;
}

size_t native_count_accepted(const struct buffer *message, native_read read)
{
	size_t n_accepted = 0;

	if (read_exactly(message, message->length, read) != HM_REASON_NONE)
		return SIZE_MAX;
	for (size_t length = 0; length <= message->length + 1; length++)
		if (length != message->length)
			n_accepted += read_exactly(message, length, read) == HM_REASON_NONE;
	return n_accepted;
}
