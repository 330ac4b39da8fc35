/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: what a hostile collector sends to an agent. The first byte says how large the pieces are, the second how
 * many messages the spool has, the third which of them are GAPs and DECLAREs, the fourth how much of the output is
 * written between two pieces; checksums are mended where its lowest bit says so. Nothing counts as
 * acknowledged that was not wholly written, each frame follows the one before, and memory is bounded.
 */

#include "agent/delivery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/wire_declare.h"
#include "common/wire_stamp.h"
#include "tests/fuzz/frames.h"

#define GAP_SEQUENCES 3
#define OUT_MAX_BYTES ((size_t)512 << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

/* The spool, the session, and what was seen of it. */
struct trial {
	uint8_t n_messages;
	uint8_t pattern;
	struct buffer payload; /* that the spool gave last */
	uint64_t resumed;
	uint64_t acked;
	uint64_t written; /* the last sequence that was wholly written */
	struct delivery delivery;
	struct frame_reader reader;
};

static const enum hm_frame_type types[] = {HM_FRAME_BATCH, HM_FRAME_GAP, HM_FRAME_DECLARE};

static void put_payload(struct trial *trial, unsigned kind, uint64_t first, uint64_t sequence,
			unsigned i)
{
	const struct wire_stamp stamp = {.host_id = {1}, .epoch = {2}, .sequence = sequence};
	static const struct wire_series series = {.unit = {"", 0}, .name = {"a", 1}};

	buffer_clear(&trial->payload);
	wire_stamp_put(&trial->payload, &stamp);
	if (types[kind] == HM_FRAME_GAP)
		cursor_put_u64(&trial->payload, first);
	if (types[kind] == HM_FRAME_DECLARE) {
		cursor_put_u32(&trial->payload, i);
		wire_declare_put_series(&trial->payload, &series);
		return;
	}
	while (trial->payload.length < 75 + (types[kind] == HM_FRAME_BATCH ? i * 20 : 0))
		buffer_append_byte(&trial->payload, (char)i);
}

/* The i-th message: some are GAPs, some DECLAREs. */
static bool give(struct trial *trial, uint64_t after, bool is_declare,
		 struct delivery_message *ret_message)
{
	uint64_t sequence = 0;

	for (unsigned i = 0; i < trial->n_messages; i++) {
		unsigned kind = (trial->pattern >> i % 8 & 1) + (i % 3 == 0);
		uint64_t first = sequence + 1;

		sequence += kind == 1 ? GAP_SEQUENCES : 1;
		if (sequence <= after || (is_declare && kind != 2))
			continue;
		put_payload(trial, kind, first, sequence, i);
		*ret_message = (struct delivery_message){
			.type = types[kind],
			.sequence = sequence,
			.payload = trial->payload.data,
			.length = trial->payload.length,
			.crc = crc32c(0, trial->payload.data, trial->payload.length)};
		return true;
	}
	return false;
}

static int on_resume(void *context, uint64_t sequence, uint32_t crc)
{
	struct trial *trial = context;

	if (sequence > 200)
		return -ESTALE;
	trial->resumed = sequence;
	trial->acked = sequence;
	trial->written = sequence;
	return crc % 16 == 15 ? -ESTALE : 0;
}

static int on_next(void *context, uint64_t after, struct delivery_message *ret_message)
{
	return give(context, after, false, ret_message) ? 0 : -EAGAIN;
}

static int on_next_declare(void *context, uint64_t after, struct delivery_message *ret_message)
{
	return give(context, after, true, ret_message) ? 0 : -EAGAIN;
}

static void on_ack(void *context, uint64_t sequence)
{
	struct trial *trial = context;

	check(sequence > trial->acked && sequence <= trial->written);
	trial->acked = sequence;
}

static void see(struct trial *trial, const struct frame *frame)
{
	struct cursor cursor = {.at = frame->payload, .left = frame->length};
	struct wire_stamp stamp;

	if (frame->type == HM_FRAME_HELLO || frame->type == HM_FRAME_ERROR ||
	    frame->type == HM_FRAME_BYE)
		return;
	check(wire_stamp_get(&cursor, &stamp) == HM_REASON_NONE);
	if (stamp.sequence <= trial->resumed) {
		check(frame->type == HM_FRAME_DECLARE && trial->written == trial->resumed);
		return;
	}
	check(stamp.sequence > trial->written);
	check(stamp.sequence <= trial->written + (frame->type == HM_FRAME_GAP ? GAP_SEQUENCES : 1));
	trial->written = stamp.sequence;
}

static void write_some(struct trial *trial, size_t n)
{
	const void *bytes;
	size_t length = delivery_output(&trial->delivery, &bytes);
	struct cursor cursor;
	struct frame frame;

	check(length <= OUT_MAX_BYTES && trial->delivery.out.capacity <= 2 * OUT_MAX_BYTES);
	length = length < n ? length : n;
	if (length == 0)
		return;
	cursor = (struct cursor){.at = bytes, .left = length};
	while (frame_reader_next(&trial->reader, &cursor, &frame) == 0)
		see(trial, &frame);
	check(trial->reader.reason == HM_REASON_NONE);
	delivery_advance(&trial->delivery, length, 0);
}

static void run(struct trial *trial, const uint8_t *data, size_t n_bytes, size_t piece,
		size_t n_out)
{
	static const struct wire_hello hello = {.host_id = {1},
						.epoch = {2},
						.boot_id = {3},
						.host = {"web01", 5},
						.version = {"1.0", 3}};

	check(delivery_begin(&trial->delivery, &hello, 0) == 0);
	for (size_t at = 0; at < n_bytes; at += piece) {
		size_t n = n_bytes - at < piece ? n_bytes - at : piece;
		uint8_t *exact = malloc(n);

		check(exact != NULL);
		memcpy(exact, data + at, n);
		write_some(trial, n_out);
		delivery_take(&trial->delivery, exact, n, (int64_t)at);
		check(trial->delivery.reader.kept.capacity <= 1024);
		check(delivery_is_ended(&trial->delivery) ==
		      (delivery_due_us(&trial->delivery) == INT64_MAX &&
		       trial->delivery.state == DELIVERY_ENDED));
		free(exact);
	}
	write_some(trial, SIZE_MAX);
	delivery_expire(&trial->delivery, INT64_MAX - 1);
	delivery_hang_up(&trial->delivery);
	check(delivery_is_ended(&trial->delivery));
	check(trial->delivery.end.wait_ms <= DELIVERY_WAIT_MAX_MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	uint8_t *copy = malloc(n_bytes + 1);

	check(trial && copy);
	if (n_bytes > 4) {
		const size_t n = n_bytes - 4;

		memcpy(copy, data + 4, n);
		if (data[3] & 1)
			frames_mend(copy, n);
		trial->n_messages = data[1] % 100;
		trial->pattern = data[2];
		trial->reader.max_bytes = HM_FRAME_MAX_BYTES;
		trial->delivery.spool =
			(struct delivery_spool){trial, on_resume, on_next, on_next_declare, on_ack};
		run(trial, copy, n, 1 + data[0], (size_t)data[3] * 64);
	}
	buffer_done(&trial->payload);
	delivery_done(&trial->delivery);
	frame_reader_done(&trial->reader);
	free(copy);
	free(trial);
	return 0;
}
