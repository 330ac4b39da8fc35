/* SPDX-License-Identifier: MIT */
/* The agent's half of a session of the native protocol. */

#include "agent/delivery.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/wire_ack.h"
#include "common/wire_end.h"

/* The longest frame that an agent is sent: a longer one is refused at its length. */
#define TAKEN_MAX_BYTES ((size_t)HM_FRAME_HEADER_BYTES + 8 + HM_END_TEXT_MAX_BYTES)

/* The spool is asked for more when less than this is still to be written. */
#define ROOM_BYTES ((size_t)64 << 10)

/* Memory for output that is kept while there is none. */
#define KEEP_BYTES ((size_t)4096)

/* A collector of another version will not be replaced within seconds. */
#define VERSION_WAIT_MS 60000

/* -- the end -------------------------------------------------------------------------------------- */

static void finish(struct delivery *delivery, const struct delivery_end *end)
{
	delivery->state = DELIVERY_ENDED;
	delivery->end = *end;
	if (end->wait_ms > DELIVERY_WAIT_MAX_MS)
		delivery->end.wait_ms = DELIVERY_WAIT_MAX_MS;
	if (end->reason == HM_REASON_FRAME_VERSION && end->wait_ms < VERSION_WAIT_MS)
		delivery->end.wait_ms = VERSION_WAIT_MS;
	frame_reader_done(&delivery->reader);
}

static void set_text(struct delivery_end *end, const char *text, size_t length)
{
	if (length > HM_END_TEXT_MAX_BYTES)
		length = HM_END_TEXT_MAX_BYTES;
	memcpy(end->text, text, length);
	end->text[length] = '\0';
}

/* Append a frame, or nothing. @return 0 or -ENOMEM */
static int put_frame(struct delivery *delivery, enum hm_frame_type type, struct buffer *payload)
{
	const size_t length = delivery->out.length;
	int error = buffer_failed(payload) ? -ENOMEM : 0;

	if (error == 0)
		frame_put(&delivery->out, type, payload->data, payload->length);
	if (buffer_failed(&delivery->out)) {
		delivery->out.failed = false;
		delivery->out.length = length;
		error = -ENOMEM;
	}
	buffer_done(payload);
	return error;
}

/* Tell the collector, as far as there is memory for it, and end. */
static void leave(struct delivery *delivery, enum hm_frame_type type, const char *text,
		  struct delivery_end *end)
{
	struct wire_end last = {.reason = end->reason};
	struct buffer payload = {0};

	set_text(end, text, strlen(text));
	last.text = (struct series_text){end->text, strlen(end->text)};
	wire_end_put(&payload, &last);
	(void)put_frame(delivery, type, &payload);
	finish(delivery, end);
}

/* What came is not as it should be. */
static void refuse(struct delivery *delivery, enum hm_reason reason, const char *text)
{
	leave(delivery, HM_FRAME_ERROR, text,
	      &(struct delivery_end){.outcome = DELIVERY_AGAIN, .reason = reason});
}

/* The spool cannot go on. */
static void give_up(struct delivery *delivery, int error)
{
	struct delivery_end end = {.outcome = DELIVERY_AGAIN, .reason = HM_REASON_STORE_FAILED};

	if (error == -ESTALE) {
		end.outcome = DELIVERY_NEW_EPOCH;
		end.reason = HM_REASON_NONE;
		leave(delivery, HM_FRAME_BYE, "the epoch ends: spool and store disagree", &end);
		return;
	}
	if (error == -ENOMEM)
		end.reason = HM_REASON_NO_MEMORY;
	leave(delivery, HM_FRAME_BYE, strerror(-error), &end);
}

void delivery_stop(struct delivery *delivery, const char *text)
{
	if (delivery->state == DELIVERY_IDLE || delivery_is_ended(delivery))
		return;
	leave(delivery, HM_FRAME_BYE, text, &(struct delivery_end){.outcome = DELIVERY_AGAIN});
}

void delivery_hang_up(struct delivery *delivery)
{
	struct delivery_end end = {.outcome = DELIVERY_AGAIN, .is_theirs = true};
	static const char text[] = "it closed the connection";

	if (delivery->state == DELIVERY_IDLE || delivery_is_ended(delivery))
		return;
	end.reason = frame_reader_end(&delivery->reader);
	set_text(&end, text, strlen(text));
	finish(delivery, &end);
}

void delivery_done(struct delivery *delivery)
{
	frame_reader_done(&delivery->reader);
	buffer_done(&delivery->out);
	*delivery = (struct delivery){.spool = delivery->spool};
}

int delivery_begin(struct delivery *delivery, const struct wire_hello *hello, int64_t now_us)
{
	struct buffer payload = {0};
	int error;

	delivery_done(delivery);
	delivery->state = DELIVERY_GREETING;
	delivery->reader.max_bytes = TAKEN_MAX_BYTES;
	delivery->begun_us = now_us;
	delivery->frame_since_us = INT64_MAX;
	memcpy(delivery->owner.host_id, hello->host_id, HM_ID_BYTES);
	memcpy(delivery->owner.epoch, hello->epoch, HM_ID_BYTES);
	wire_hello_put(&payload, hello);
	error = put_frame(delivery, HM_FRAME_HELLO, &payload);
	if (error < 0)
		delivery->state = DELIVERY_IDLE;
	return error;
}

/* -- what goes ------------------------------------------------------------------------------------ */

static uint64_t n_written(const struct delivery *delivery)
{
	return delivery->out_start + delivery->n_written;
}

/* Forget what of the output was written. */
static void drop_written(struct delivery *delivery)
{
	delivery->out_start += delivery->n_written;
	buffer_consume(&delivery->out, delivery->n_written);
	delivery->n_written = 0;
	if (delivery->out.length == 0)
		buffer_trim(&delivery->out, KEEP_BYTES);
}

/* Append a message of the spool, whole. @return 0 or -ENOMEM */
static int put_message(struct delivery *delivery, const struct delivery_message *message)
{
	const struct frame frame = {
		.type = message->type, .length = message->length, .crc = message->crc};
	uint8_t header[HM_FRAME_HEADER_BYTES];

	drop_written(delivery);
	if (buffer_reserve(&delivery->out, sizeof(header) + message->length) < 0) {
		delivery->out.failed = false;
		return -ENOMEM;
	}
	frame_write_header(&frame, header);
	buffer_append(&delivery->out, header, sizeof(header));
	buffer_append(&delivery->out, message->payload, message->length);
	return 0;
}

/* @return 0; -EAGAIN: there is none, or it may not go yet; else the session cannot go on */
static int send_next(struct delivery *delivery, int64_t now_us)
{
	struct delivery_message message;
	int error;

	if (delivery->n_unacked >= DELIVERY_UNACKED_MAX ||
	    delivery->n_unacked >= delivery->welcome.max_unacked)
		return -EAGAIN;
	error = delivery->spool.next(delivery->spool.context, delivery->sent, &message);
	if (error == 0 && !delivery_message_is_next(&message, &delivery->owner, delivery->sent))
		error = -ESTALE;
	if (error == 0)
		error = put_message(delivery, &message);
	if (error < 0)
		return error;
	if (delivery->n_unacked == 0)
		delivery->progress_us = now_us;
	delivery->unacked[(delivery->first_unacked + delivery->n_unacked++) %
			  DELIVERY_UNACKED_MAX] = (struct delivery_unacked){
		.sequence = message.sequence, .end = delivery->out_start + delivery->out.length};
	delivery->sent = message.sequence;
	return 0;
}

/*
 * The first DECLARE behind `after` among those that the collector has.
 * @param ret_n_series  of the epoch, with its own
 * @return 0; -EAGAIN: there is none; else the session cannot go on
 */
static int find_declare(const struct delivery *delivery, uint64_t after,
			struct delivery_message *ret_message, uint32_t *ret_n_series)
{
	int error = delivery->spool.next_declare(delivery->spool.context, after, ret_message);

	if (error < 0)
		return error;
	if (ret_message->sequence > delivery->welcome.durable)
		return -EAGAIN;
	return delivery_message_is_declare(ret_message, &delivery->owner, after, ret_n_series)
		       ? 0
		       : -ESTALE;
}

/* Does the collector know all series that it was told? @return 0; else the session cannot go on */
static int check_series(const struct delivery *delivery, bool *ret_are_known)
{
	struct delivery_message message = {.sequence = 0};
	uint32_t n_series = 0;
	int error = 0;

	while (error == 0)
		error = find_declare(delivery, message.sequence, &message, &n_series);
	*ret_are_known = n_series <= delivery->welcome.n_series;
	return error == -EAGAIN ? 0 : error;
}

/* The next DECLARE of those that the collector has and does not know. @return as send_next() */
static int send_again(struct delivery *delivery)
{
	struct delivery_message message;
	uint32_t n_series;
	int error = find_declare(delivery, delivery->repeated, &message, &n_series);

	if (error == -EAGAIN) {
		delivery->state = DELIVERY_ESTABLISHED;
		return 0;
	}
	if (error == 0)
		error = put_message(delivery, &message);
	if (error == 0)
		delivery->repeated = message.sequence;
	return error;
}

/* Take of the spool what there is room for. */
static void fill(struct delivery *delivery, int64_t now_us)
{
	int error = 0;

	while (error == 0 && delivery->out.length - delivery->n_written < ROOM_BYTES) {
		if (delivery->state == DELIVERY_REPEATING)
			error = send_again(delivery);
		else if (delivery->state == DELIVERY_ESTABLISHED)
			error = send_next(delivery, now_us);
		else
			return;
	}
	if (error < 0 && error != -EAGAIN)
		give_up(delivery, error);
}

void delivery_wake(struct delivery *delivery, int64_t now_us)
{
	fill(delivery, now_us);
}

size_t delivery_output(const struct delivery *delivery, const void **ret_bytes)
{
	size_t length = delivery->out.length - delivery->n_written;

	if (length > 0)
		*ret_bytes = delivery->out.data + delivery->n_written;
	return length;
}

void delivery_advance(struct delivery *delivery, size_t length, int64_t now_us)
{
	assert(length <= delivery->out.length - delivery->n_written);
	delivery->n_written += length;
	if (length > 0)
		delivery->progress_us = now_us;
	if (delivery->n_written == delivery->out.length)
		drop_written(delivery);
	fill(delivery, now_us);
}

bool delivery_is_idle(const struct delivery *delivery)
{
	return delivery->state == DELIVERY_ESTABLISHED && delivery->n_unacked == 0 &&
	       delivery->n_written == delivery->out.length;
}

/* -- what comes ----------------------------------------------------------------------------------- */

static void take_welcome(struct delivery *delivery, const struct frame *frame)
{
	struct wire_welcome welcome;
	enum hm_reason reason = wire_welcome_get(frame->payload, frame->length, &welcome);
	bool are_known = true;
	int error;

	if (reason != HM_REASON_NONE) {
		refuse(delivery, reason, "not a WELCOME");
		return;
	}
	delivery->welcome = welcome;
	error = delivery->spool.resume(delivery->spool.context, welcome.durable,
				       welcome.durable_crc);
	if (error == 0)
		error = check_series(delivery, &are_known);
	if (error < 0) {
		give_up(delivery, error);
		return;
	}
	delivery->acked = welcome.durable;
	delivery->sent = welcome.durable;
	delivery->state = are_known ? DELIVERY_ESTABLISHED : DELIVERY_REPEATING;
}

/* The last sequence that was wholly written. */
static uint64_t find_written(const struct delivery *delivery)
{
	uint64_t sequence = delivery->acked;

	for (size_t i = 0; i < delivery->n_unacked; i++) {
		const struct delivery_unacked *unacked =
			&delivery->unacked[(delivery->first_unacked + i) % DELIVERY_UNACKED_MAX];

		if (unacked->end > n_written(delivery))
			break;
		sequence = unacked->sequence;
	}
	return sequence;
}

static void take_ack(struct delivery *delivery, const struct frame *frame, int64_t now_us)
{
	uint64_t sequence = 0;
	enum hm_reason reason = wire_ack_get(frame->payload, frame->length, &sequence);

	if (reason != HM_REASON_NONE) {
		refuse(delivery, reason, "not an ACK");
		return;
	}
	if (sequence < delivery->acked || sequence > find_written(delivery)) {
		refuse(delivery, HM_REASON_BAD_SEQUENCE, "an ACK of what was not sent");
		return;
	}
	if (sequence == delivery->acked)
		return;
	while (delivery->n_unacked > 0 &&
	       delivery->unacked[delivery->first_unacked].sequence <= sequence) {
		delivery->first_unacked = (delivery->first_unacked + 1) % DELIVERY_UNACKED_MAX;
		delivery->n_unacked--;
	}
	delivery->acked = sequence;
	delivery->progress_us = now_us;
	delivery->spool.ack(delivery->spool.context, sequence);
}

static void take_end(struct delivery *delivery, const struct frame *frame)
{
	struct delivery_end end = {.outcome = DELIVERY_AGAIN, .is_theirs = true};
	struct wire_end last;
	enum hm_reason reason = wire_end_get(frame->payload, frame->length, &last);

	if (reason != HM_REASON_NONE) {
		refuse(delivery, reason, "not an ERROR or BYE");
		return;
	}
	end.reason = last.reason;
	end.wait_ms = last.wait_ms;
	/* What the collector has of this epoch is not ours. */
	if (frame->type == HM_FRAME_ERROR && (last.reason == HM_REASON_DECLARED_OTHERWISE ||
					      last.reason == HM_REASON_SEQUENCE_OTHER))
		end.outcome = DELIVERY_NEW_EPOCH;
	set_text(&end, last.text.start, last.text.length);
	finish(delivery, &end);
}

static void take_frame(struct delivery *delivery, const struct frame *frame, int64_t now_us)
{
	const bool is_welcome = delivery->state != DELIVERY_GREETING;

	if (frame->type == HM_FRAME_ERROR || frame->type == HM_FRAME_BYE)
		take_end(delivery, frame);
	else if (frame->type == HM_FRAME_WELCOME && !is_welcome)
		take_welcome(delivery, frame);
	else if (frame->type == HM_FRAME_ACK && is_welcome)
		take_ack(delivery, frame, now_us);
	else
		refuse(delivery, HM_REASON_OUT_OF_TURN, "a frame that may not come now");
}

void delivery_take(struct delivery *delivery, const void *bytes, size_t length, int64_t now_us)
{
	struct cursor cursor = {.at = bytes, .left = length};
	struct frame frame;
	int result = 0;

	if (delivery->state == DELIVERY_IDLE)
		return;
	while (!delivery_is_ended(delivery) &&
	       (result = frame_reader_next(&delivery->reader, &cursor, &frame)) == 0) {
		delivery->frame_since_us = INT64_MAX;
		take_frame(delivery, &frame, now_us);
	}
	if (delivery_is_ended(delivery))
		return;
	if (result == -ENOMEM) {
		give_up(delivery, result);
		return;
	}
	if (result != -EAGAIN) {
		refuse(delivery, delivery->reader.reason, "not a frame");
		return;
	}
	if (frame_reader_end(&delivery->reader) == HM_REASON_NONE)
		delivery->frame_since_us = INT64_MAX;
	else if (delivery->frame_since_us == INT64_MAX)
		delivery->frame_since_us = now_us;
	fill(delivery, now_us);
}

/* -- deadlines ------------------------------------------------------------------------------------ */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t delivery_due_us(const struct delivery *delivery)
{
	int64_t due_us = INT64_MAX;

	if (delivery->state == DELIVERY_IDLE || delivery_is_ended(delivery))
		return INT64_MAX;
	if (delivery->state == DELIVERY_GREETING)
		due_us = delivery->begun_us + DELIVERY_WELCOME_US;
	if (delivery->frame_since_us != INT64_MAX)
		due_us = earlier(due_us, delivery->frame_since_us + DELIVERY_FRAME_US);
	if (delivery->n_unacked > 0)
		due_us = earlier(due_us, delivery->progress_us + DELIVERY_ACK_US);
	return due_us;
}

void delivery_expire(struct delivery *delivery, int64_t now_us)
{
	if (now_us < delivery_due_us(delivery))
		return;
	refuse(delivery, HM_REASON_TOO_SLOW,
	       delivery->state == DELIVERY_GREETING    ? "no WELCOME came in time"
	       : delivery->frame_since_us != INT64_MAX ? "a frame took too long"
						       : "no ACK came in time");
}
