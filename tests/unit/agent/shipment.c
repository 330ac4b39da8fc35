/* SPDX-License-Identifier: MIT */
/* Tests of agent/shipment.c, with a collector of a few lines. */

#include "agent/shipment.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/batch.h"
#include "common/block.h"
#include "common/wire_ack.h"
#include "common/wire_end.h"
#include "common/wire_stamp.h"
#include "common/wire_welcome.h"
#include "tests/support/scratch.h"
#include "tests/support/test_spool.h"

#define NOW_US INT64_C(1000000)

static const char *path;
static int folder;
static struct spool *spool;
static struct shipment shipment;
/* What the agent has sent last. */
static struct wire_hello hello;
static char host_name[100];
static struct wire_stamp stamp;
static size_t n_messages;
static uint32_t last_crc;

static void setup(void)
{
	path = scratch_folder();
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(folder, 0);
	spool = test_spool_open(folder, "web01");
	shipment_init(&shipment, spool, test_spool_id);
}

static void teardown(void)
{
	shipment_done(&shipment);
	spool_free(spool);
	(void)close(folder);
	scratch_remove(path);
}

TestSuite(shipment, .init = setup, .fini = teardown, .timeout = 60);

static void see(const struct frame *frame)
{
	struct cursor cursor = {.at = frame->payload, .left = frame->length};

	if (frame->type == HM_FRAME_HELLO) {
		cr_assert_eq(wire_hello_get(frame->payload, frame->length, &hello), HM_REASON_NONE);
		memcpy(host_name, hello.host.start, hello.host.length);
		host_name[hello.host.length] = '\0';
	} else if (frame->type == HM_FRAME_BATCH || frame->type == HM_FRAME_CLOCK) {
		cr_assert_eq(wire_stamp_get(&cursor, &stamp), HM_REASON_NONE);
		last_crc = frame->crc;
		n_messages++;
	}
}

/* Take all that the agent sends now. */
static void take(void)
{
	struct frame_reader reader = {.max_bytes = HM_FRAME_MAX_BYTES};
	struct frame frame;
	const void *bytes;
	size_t length;

	while ((length = delivery_output(&shipment.delivery, &bytes)) > 0) {
		struct cursor cursor = {.at = bytes, .left = length};

		while (frame_reader_next(&reader, &cursor, &frame) == 0)
			see(&frame);
		delivery_advance(&shipment.delivery, length, NOW_US);
	}
	frame_reader_done(&reader);
}

static void give(enum hm_frame_type type, struct buffer *payload)
{
	struct buffer out = {0};

	frame_put(&out, type, payload->data, payload->length);
	delivery_take(&shipment.delivery, out.data, out.length, NOW_US);
	buffer_done(&out);
	buffer_done(payload);
	take();
}

/* How many series of the epoch the collector knows. */
static uint32_t n_known;

static void connect_and_welcome(uint64_t durable, uint32_t crc)
{
	struct wire_welcome welcome = {.store_id = {1},
				       .durable = durable,
				       .durable_crc = crc,
				       .n_series = n_known,
				       .max_unacked = 32};
	struct buffer payload = {0};

	n_messages = 0;
	cr_assert_eq(shipment_begin(&shipment, NOW_US), 0);
	take();
	wire_welcome_put(&payload, &welcome);
	give(HM_FRAME_WELCOME, &payload);
}

static void acknowledge(uint64_t sequence)
{
	struct buffer payload = {0};

	wire_ack_put(&payload, sequence);
	give(HM_FRAME_ACK, &payload);
}

Test(shipment, sends_what_the_spool_has_until_it_is_acknowledged)
{
	test_spool_append(spool, 10, 1);
	test_spool_append(spool, 10, 1);
	connect_and_welcome(0, 0);
	cr_assert_str_eq(host_name, "web01");
	cr_assert_arr_eq(hello.boot_id, test_spool_id, HM_ID_BYTES);
	cr_assert_eq(n_messages, 2);
	cr_assert_arr_eq(stamp.host_id, test_spool_id, HM_ID_BYTES);
	cr_assert_not(shipment_is_drained(&shipment));

	acknowledge(2);
	cr_assert(shipment_is_drained(&shipment));
	cr_assert(shipment.has_progress);
	cr_assert_not(shipment_is_done(&shipment), "more may come of this epoch");
}

Test(shipment, goes_on_behind_what_a_collector_has)
{
	test_spool_append(spool, 10, 1);
	connect_and_welcome(0, 0);
	test_spool_append(spool, 10, 1);
	connect_and_welcome(1, last_crc);

	cr_assert_eq(n_messages, 1);
	cr_assert_eq(stamp.sequence, 2);
}

Test(shipment, sends_epochs_one_after_the_other)
{
	uint8_t first[HM_ID_BYTES];

	test_spool_append(spool, 10, 1);
	spool_free(spool);
	spool = test_spool_open(folder, "web02");
	shipment.spool = spool;
	test_spool_append(spool, 10, 1);
	connect_and_welcome(0, 0);
	cr_assert_str_eq(host_name, "web01");
	memcpy(first, stamp.epoch, HM_ID_BYTES);
	cr_assert_not(shipment_is_done(&shipment));
	acknowledge(stamp.sequence);
	cr_assert(shipment_is_done(&shipment));
	cr_assert_not(shipment_is_drained(&shipment));

	connect_and_welcome(0, 0);
	cr_assert_str_eq(host_name, "web02");
	cr_assert_arr_neq(first, stamp.epoch, HM_ID_BYTES);
	acknowledge(stamp.sequence);
	cr_assert_not(shipment_is_done(&shipment));
	cr_assert(shipment_is_drained(&shipment));
}

Test(shipment, begins_an_epoch_where_the_collector_has_something_else)
{
	uint8_t first[HM_ID_BYTES];

	test_spool_append(spool, 10, 1);
	connect_and_welcome(0, 0);
	memcpy(first, stamp.epoch, HM_ID_BYTES);
	test_spool_append(spool, 10, 1);
	connect_and_welcome(1, last_crc + 1);
	cr_assert(delivery_is_ended(&shipment.delivery));
	shipment_end(&shipment);

	connect_and_welcome(0, 0);
	cr_assert_arr_neq(first, stamp.epoch, HM_ID_BYTES);
	cr_assert_eq(n_messages, 1, "what may be stored already is a GAP");
	cr_assert_eq(stamp.sequence, 2);
}

Test(shipment, sends_nothing_under_two_epochs)
{
	struct wire_end end = {.reason = HM_REASON_SEQUENCE_OTHER};
	struct buffer payload = {0};

	test_spool_append(spool, 10, 1);
	test_spool_append(spool, 10, 1);
	connect_and_welcome(0, 0);
	cr_assert_eq(n_messages, 2);
	wire_end_put(&payload, &end);
	give(HM_FRAME_ERROR, &payload);
	cr_assert_eq(shipment.delivery.end.outcome, DELIVERY_NEW_EPOCH);
	shipment_end(&shipment);

	test_spool_append(spool, 10, 1);
	connect_and_welcome(0, 0);
	cr_assert_eq(n_messages, 1, "what was sent may be stored");
}

/* A BATCH of one sample. */
static void append_sample_of(uint32_t series_id)
{
	struct block_encoder *encoder = block_encoder_new();
	const int64_t time_us = 1000;
	const double value = 1;
	struct block_column column = {.series_id = series_id, .values = &value, .n_values = 1};
	struct spool_draft draft = {.type = HM_FRAME_BATCH, .n_samples = 1};
	struct buffer block = {0};
	struct buffer body = {0};
	uint64_t sequence;

	cr_assert_eq(block_encode(encoder, &time_us, 1, &column, 1, BLOCK_EFFORT_FAST, &block), 0);
	batch_put_block(&body, block.data, block.length);
	draft.body = body.data;
	draft.body_bytes = body.length;
	cr_assert_eq(spool_append_message(spool, &draft, &sequence), 0);
	cr_assert_eq(spool_sync(spool), 0);
	block_encoder_free(encoder);
	buffer_done(&block);
	buffer_done(&body);
}

Test(shipment, gives_up_what_nobody_can_declare_any_more)
{
	struct wire_end end = {.reason = HM_REASON_NOT_DECLARED};
	struct buffer payload = {0};
	struct spool_message message;

	append_sample_of(1);
	append_sample_of(0);
	n_known = 1;
	connect_and_welcome(0, 0);
	cr_assert_eq(n_messages, 2);
	wire_end_put(&payload, &end);
	give(HM_FRAME_ERROR, &payload);
	shipment_end(&shipment);

	connect_and_welcome(0, 0);
	cr_expect_eq(n_messages, 1);
	cr_expect_eq(stamp.sequence, 2);
	cr_assert_eq(spool_next(spool, stamp.epoch, 0, &message), 0);
	cr_expect_eq(message.type, HM_FRAME_GAP);
	cr_expect_eq(message.sequence, 1);
}
