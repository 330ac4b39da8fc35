/* SPDX-License-Identifier: MIT */
/* The agent's side of the native protocol. */

#include "tests/support/agent_side.h"

#include <errno.h>
#include <string.h>

#include "common/frame.h"
#include "common/reason.h"
#include "common/wire_ack.h"
#include "common/wire_clock.h"
#include "common/wire_end.h"
#include "common/wire_hello.h"
#include "common/wire_welcome.h"
#include "tests/support/native.h"

#define TIME_US INT64_C(1795416400000000)

static void put_frame(struct buffer *out, enum hm_frame_type type, struct buffer *payload)
{
	frame_put(out, type, payload->data, payload->length);
	buffer_done(payload);
}

void agent_side_put_example(struct buffer *out, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++) {
		const struct native_message *message = &native_messages[i];
		struct buffer payload = {0};

		if (message->type == HM_FRAME_WELCOME || message->type == HM_FRAME_ACK)
			continue;
		message->put(&payload);
		put_frame(out, message->type, &payload);
	}
}

void agent_side_put_hello(struct buffer *out, uint8_t epoch)
{
	struct wire_hello hello = {.now_us = TIME_US, .host = {"web01", 5}};
	struct buffer payload = {0};

	memset(hello.host_id, 0x11, HM_ID_BYTES);
	memset(hello.epoch, epoch, HM_ID_BYTES);
	memset(hello.boot_id, 0x33, HM_ID_BYTES);
	wire_hello_put(&payload, &hello);
	put_frame(out, HM_FRAME_HELLO, &payload);
}

void agent_side_put_clock(struct buffer *out, uint8_t epoch, uint64_t sequence)
{
	struct wire_clock clock = {.stamp = native_stamp(sequence),
				   .event = HM_CLOCK_STARTED,
				   .now_us = TIME_US,
				   .since_boot_us = 1};
	struct buffer payload = {0};

	memset(clock.stamp.epoch, epoch, HM_ID_BYTES);
	memset(clock.boot_id, 0x33, HM_ID_BYTES);
	wire_clock_put(&payload, &clock);
	put_frame(out, HM_FRAME_CLOCK, &payload);
}

static void put_end(struct buffer *words, const struct frame *frame)
{
	struct wire_end end;

	if (wire_end_get(frame->payload, frame->length, &end) != HM_REASON_NONE)
		buffer_append_text(words, "DAMAGED\n");
	else
		buffer_printf(words, "%s %s %u\n", frame->type == HM_FRAME_BYE ? "BYE" : "ERROR",
			      reason_key(end.reason), end.wait_ms);
}

static void put_words(struct buffer *words, const struct frame *frame)
{
	struct wire_welcome welcome = {.durable = 0};
	enum hm_reason reason = HM_REASON_OUT_OF_TURN;
	const char *name = "WELCOME";

	if (frame->type == HM_FRAME_ERROR || frame->type == HM_FRAME_BYE) {
		put_end(words, frame);
		return;
	}
	if (frame->type == HM_FRAME_WELCOME) {
		reason = wire_welcome_get(frame->payload, frame->length, &welcome);
	} else if (frame->type == HM_FRAME_ACK) {
		name = "ACK";
		reason = wire_ack_get(frame->payload, frame->length, &welcome.durable);
	}
	if (reason != HM_REASON_NONE)
		name = "DAMAGED";
	buffer_printf(words, "%s %llu\n", name, (unsigned long long)welcome.durable);
}

void agent_side_read(struct buffer *came, struct buffer *words)
{
	struct cursor cursor = {.at = (const uint8_t *)came->data, .left = came->length};
	struct frame_reader reader = {.max_bytes = HM_FRAME_MAX_BYTES};
	size_t n_taken = 0;
	struct frame frame;
	int result;

	while ((result = frame_reader_next(&reader, &cursor, &frame)) == 0) {
		put_words(words, &frame);
		n_taken = came->length - cursor.left;
	}
	if (result == -EBADMSG)
		buffer_append_text(words, "DAMAGED\n");
	frame_reader_done(&reader);
	buffer_consume(came, n_taken);
}
