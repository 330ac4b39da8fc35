/* SPDX-License-Identifier: MIT */
/* Both sides of a delivery that is tested. */

#include "tests/support/delivery_peer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/wire_ack.h"
#include "common/wire_declare.h"
#include "common/wire_end.h"
#include "tests/support/native.h"

#define WELCOME_CRC 0xabcdef

struct peer_stored *peer_store(struct delivery_peer *peer, enum hm_frame_type type, size_t length)
{
	struct peer_stored *message = &peer->stored[peer->n_stored];
	uint64_t last = peer->n_stored > 0 ? message[-1].sequence : 0;

	cr_assert_lt(peer->n_stored, PEER_STORED_MAX);
	*message = (struct peer_stored){.type = type, .sequence = last + 1, .first = last + 1};
	for (size_t i = 0; i < length; i++)
		buffer_append_byte(&message->body, (char)(i * 7 + peer->n_stored));
	peer->n_stored++;
	return message;
}

void peer_store_declare(struct delivery_peer *peer)
{
	static const struct wire_series series = {
		.kind = HM_STORED_GAUGE, .unit = {"bytes", 5}, .name = {"m", 1}};
	uint32_t n_series = 0;

	/* One series each. */
	for (size_t i = 0; i < peer->n_stored; i++)
		n_series += peer->stored[i].type == HM_FRAME_DECLARE;
	cursor_put_u32(&peer_store(peer, HM_FRAME_DECLARE, 0)->body, n_series);
	wire_declare_put_series(&peer->stored[peer->n_stored - 1].body, &series);
}

void peer_store_gap(struct delivery_peer *peer, uint64_t n)
{
	struct peer_stored *message = peer_store(peer, HM_FRAME_GAP, 0);

	message->sequence = message->first + n - 1;
	cursor_put_u64(&message->body, message->first);
	for (int i = 0; i < 26; i++)
		buffer_append_byte(&message->body, (char)(i + 1));
}

/* What the spool has of it. */
static void put_payload(struct buffer *out, const struct peer_stored *message)
{
	struct wire_stamp stamp = native_stamp(message->sequence);

	buffer_clear(out);
	wire_stamp_put(out, &stamp);
	buffer_append(out, message->body.data, message->body.length);
}

static int on_resume(void *context, uint64_t sequence, uint32_t crc)
{
	struct delivery_peer *peer = context;

	peer->resumed = sequence;
	peer->resumed_crc = crc;
	peer->acked = sequence;
	return peer->resume_error;
}

/* The first one behind `after` that may be of this type. @param type  0 = of any */
static int find(struct delivery_peer *peer, uint64_t after, enum hm_frame_type type,
		struct delivery_message *ret_message)
{
	for (size_t i = 0; i < peer->n_stored; i++) {
		const struct peer_stored *message = &peer->stored[i];

		if (!peer->gives_any &&
		    (message->sequence <= after || (type && message->type != type)))
			continue;
		put_payload(&peer->payload, message);
		if (peer->spoiled_at > 0)
			peer->payload.data[peer->spoiled_at] ^= 1;
		*ret_message = (struct delivery_message){
			.type = message->type,
			.sequence = message->sequence,
			.payload = peer->payload.data,
			.length = peer->payload.length,
			.crc = crc32c(0, peer->payload.data, peer->payload.length)};
		return 0;
	}
	return -EAGAIN;
}

static int on_next(void *context, uint64_t after, struct delivery_message *ret_message)
{
	struct delivery_peer *peer = context;

	peer->n_asked++;
	return peer->next_error < 0 ? peer->next_error : find(peer, after, 0, ret_message);
}

static int on_next_declare(void *context, uint64_t after, struct delivery_message *ret_message)
{
	struct delivery_peer *peer = context;

	return peer->next_error < 0 ? peer->next_error
				    : find(peer, after, HM_FRAME_DECLARE, ret_message);
}

static void on_ack(void *context, uint64_t sequence)
{
	struct delivery_peer *peer = context;

	cr_assert_gt(sequence, peer->acked);
	peer->acked = sequence;
}

void peer_begin(struct delivery_peer *peer)
{
	struct wire_hello hello = {.now_us = 1, .host = {"web01", 5}, .version = {"1.0", 3}};
	struct wire_stamp stamp = native_stamp(1);

	memcpy(hello.host_id, stamp.host_id, HM_ID_BYTES);
	memcpy(hello.epoch, stamp.epoch, HM_ID_BYTES);
	memset(hello.boot_id, 3, HM_ID_BYTES);
	frame_reader_done(&peer->reader);
	peer->reader = (struct frame_reader){.max_bytes = HM_FRAME_MAX_BYTES};
	cr_assert_eq(delivery_begin(&peer->delivery, &hello, PEER_NOW_US), 0);
}

void peer_init(struct delivery_peer *peer)
{
	*peer = (struct delivery_peer){
		.delivery.spool = {peer, on_resume, on_next, on_next_declare, on_ack}};
	peer_begin(peer);
}

void peer_forget(struct delivery_peer *peer)
{
	while (peer->n_stored > 0)
		buffer_done(&peer->stored[--peer->n_stored].body);
}

void peer_done(struct delivery_peer *peer)
{
	peer_forget(peer);
	delivery_done(&peer->delivery);
	frame_reader_done(&peer->reader);
	buffer_done(&peer->payload);
	buffer_done(&peer->from_collector);
	buffer_done(&peer->seen);
}

/* It is as the spool has it. */
static void see_stored(struct delivery_peer *peer, const struct frame *frame)
{
	struct cursor cursor = {.at = frame->payload, .left = frame->length};
	struct wire_stamp stamp;

	cr_assert_eq(wire_stamp_get(&cursor, &stamp), HM_REASON_NONE);
	buffer_printf(&peer->seen, " %d", (int)stamp.sequence);
	for (size_t i = 0; i < peer->n_stored; i++) {
		const struct peer_stored *message = &peer->stored[i];

		if (message->sequence != stamp.sequence)
			continue;
		cr_expect_eq(frame->type, message->type);
		put_payload(&peer->payload, message);
		cr_assert_eq(frame->length, peer->payload.length);
		cr_expect_eq(memcmp(frame->payload, peer->payload.data, frame->length), 0);
	}
}

static void see(struct delivery_peer *peer, const struct frame *frame)
{
	static const char *const names[HM_FRAME_TYPE_COUNT] = {
		[HM_FRAME_HELLO] = "HELLO", [HM_FRAME_DECLARE] = "DECLARE",
		[HM_FRAME_BATCH] = "BATCH", [HM_FRAME_GAP] = "GAP",
		[HM_FRAME_CLOCK] = "CLOCK", [HM_FRAME_ERROR] = "ERROR",
		[HM_FRAME_BYE] = "BYE",     [HM_FRAME_SCHEDULE] = "SCHEDULE",
	};
	struct wire_end end;

	cr_assert_not_null(names[frame->type]);
	buffer_append_text(&peer->seen, names[frame->type]);
	if (frame->type == HM_FRAME_ERROR || frame->type == HM_FRAME_BYE) {
		cr_assert_eq(wire_end_get(frame->payload, frame->length, &end), HM_REASON_NONE);
		buffer_printf(&peer->seen, " %d", (int)end.reason);
	} else if (frame->type != HM_FRAME_HELLO) {
		see_stored(peer, frame);
	}
	buffer_append_byte(&peer->seen, '\n');
}

void peer_write(struct delivery_peer *peer, size_t n, size_t piece)
{
	while (n > 0) {
		const void *bytes;
		size_t length = delivery_output(&peer->delivery, &bytes);
		struct cursor cursor;
		struct frame frame;
		uint8_t *exact;

		length = length < piece ? length : piece;
		length = length < n ? length : n;
		if (length == 0)
			return;
		exact = malloc(length);
		cr_assert_not_null(exact);
		memcpy(exact, bytes, length);
		cursor = (struct cursor){.at = exact, .left = length};
		while (frame_reader_next(&peer->reader, &cursor, &frame) == 0)
			see(peer, &frame);
		cr_assert_eq(peer->reader.reason, HM_REASON_NONE);
		free(exact);
		delivery_advance(&peer->delivery, length, PEER_NOW_US);
		n -= length;
	}
}

const char *peer_sent(struct delivery_peer *peer)
{
	buffer_clear(&peer->seen);
	peer_write(peer, SIZE_MAX, SIZE_MAX);
	return buffer_text(&peer->seen);
}

void peer_give(struct delivery_peer *peer, const void *bytes, size_t length)
{
	/* From memory of just that length. */
	uint8_t *exact = malloc(length + !length);

	cr_assert_not_null(exact);
	memcpy(exact, bytes, length);
	delivery_take(&peer->delivery, exact, length, PEER_NOW_US);
	free(exact);
}

void peer_put(struct delivery_peer *peer, enum hm_frame_type type, struct buffer *payload)
{
	frame_put(&peer->from_collector, type, payload->data, payload->length);
	buffer_done(payload);
}

void peer_put_welcome(struct delivery_peer *peer, uint64_t durable, uint32_t n_series,
		      uint32_t max_unacked)
{
	struct wire_welcome welcome = {.store_id = {9},
				       .durable = durable,
				       .durable_crc = WELCOME_CRC,
				       .n_series = n_series,
				       .max_unacked = max_unacked};
	struct buffer payload = {0};

	wire_welcome_put(&payload, &welcome);
	peer_put(peer, HM_FRAME_WELCOME, &payload);
}

void peer_put_ack(struct delivery_peer *peer, uint64_t sequence)
{
	struct buffer payload = {0};

	wire_ack_put(&payload, sequence);
	peer_put(peer, HM_FRAME_ACK, &payload);
}

void peer_put_end(struct delivery_peer *peer, enum hm_frame_type type, enum hm_reason reason,
		  uint32_t wait_ms, const char *text)
{
	struct wire_end end = {.reason = reason, .wait_ms = wait_ms, .text = {text, strlen(text)}};
	struct buffer payload = {0};

	wire_end_put(&payload, &end);
	peer_put(peer, type, &payload);
}

void peer_flush(struct delivery_peer *peer)
{
	peer_give(peer, peer->from_collector.data, peer->from_collector.length);
	buffer_clear(&peer->from_collector);
}

void peer_welcome(struct delivery_peer *peer, uint64_t durable, uint32_t n_series)
{
	peer_put_welcome(peer, durable, n_series, 32);
	peer_flush(peer);
}

void peer_ack(struct delivery_peer *peer, uint64_t sequence)
{
	peer_put_ack(peer, sequence);
	peer_flush(peer);
}

void peer_expect_end(struct delivery_peer *peer, enum delivery_outcome outcome,
		     enum hm_reason reason)
{
	cr_assert(delivery_is_ended(&peer->delivery));
	cr_expect_eq(peer->delivery.end.outcome, outcome);
	cr_expect_eq(peer->delivery.end.reason, reason);
	cr_expect_eq(delivery_due_us(&peer->delivery), INT64_MAX);
}
