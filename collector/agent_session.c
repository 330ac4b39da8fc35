/* SPDX-License-Identifier: MIT */
/* The collector's half of a connection of the native protocol. */

#include "collector/agent_session.h"

#include <errno.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/reason.h"
#include "common/wire_ack.h"
#include "common/wire_end.h"
#include "common/wire_stamp.h"
#include "common/wire_welcome.h"

/* The longest frame that is sent. WELCOME is shorter. */
#define OUTPUT_MAX_BYTES (HM_FRAME_HEADER_BYTES + 8 + HM_END_TEXT_MAX_BYTES)

/* Before the next try: where that may help soon, and where somebody has to look at it. */
#define WAIT_SHORT_MS UINT32_C(1000)
#define WAIT_LONG_MS  UINT32_C(60000)

int agent_session_init(struct agent_session *session, const struct agent_store *store,
		       int64_t now_us)
{
	*session = (struct agent_session){
		.store = store,
		.reader = {.max_bytes = HM_FRAME_LOGIN_MAX_BYTES},
		.active_us = now_us,
		.started_us = now_us,
	};
	/* What is sent later needs no memory: that there is none can be said. */
	return buffer_reserve(&session->out, OUTPUT_MAX_BYTES);
}

void agent_session_done(struct agent_session *session)
{
	frame_reader_done(&session->reader);
	buffer_done(&session->out);
}

/* Has the agent begun a frame that is not whole yet? */
static bool is_within_frame(const struct agent_session *session)
{
	return frame_reader_end(&session->reader) == HM_REASON_FRAME_CUT;
}

static bool is_reading(const struct agent_session *session)
{
	return session->phase <= AGENT_SESSION_OPEN;
}

/* Is there nothing to send? */
static bool is_silent(const struct agent_session *session)
{
	return session->out.length == 0 && !session->owes_ack && !session->owes_end;
}

/* Go on to the next phase where nothing is left to do in this one. */
static void settle(struct agent_session *session, int64_t now_us)
{
	if (session->phase == AGENT_SESSION_LEAVING && session->n_waiting == 0) {
		session->phase = AGENT_SESSION_ENDING;
		session->ending_us = now_us;
	}
	if (session->phase == AGENT_SESSION_ENDING && session->is_finished && is_silent(session))
		session->phase = AGENT_SESSION_OVER;
}

/* -- what is sent -------------------------------------------------------------------------------- */

/* Make room for a header, before the payload is appended. `out` is empty. */
static void begin_frame(struct agent_session *session)
{
	static const uint8_t header[HM_FRAME_HEADER_BYTES];

	buffer_append(&session->out, header, sizeof(header));
}

static void end_frame(struct agent_session *session, enum hm_frame_type type, int64_t now_us)
{
	uint8_t *header = (uint8_t *)session->out.data;
	size_t length = session->out.length - HM_FRAME_HEADER_BYTES;
	const struct frame frame = {
		.type = type,
		.crc = crc32c(0, header + HM_FRAME_HEADER_BYTES, length),
		.length = length,
	};

	frame_write_header(&frame, header);
	session->output_us = now_us;
}

static void put_welcome(struct agent_session *session, const struct agent_mark *mark,
			int64_t now_us, int64_t clock_us)
{
	struct wire_welcome welcome = {
		.durable = mark->sequence,
		.durable_crc = mark->crc,
		.n_series = mark->n_series,
		.max_unacked = AGENT_SESSION_UNACKED_MAX,
		.now_us = clock_us,
	};

	memcpy(welcome.store_id, mark->store_id, HM_ID_BYTES);
	begin_frame(session);
	wire_welcome_put(&session->out, &welcome);
	end_frame(session, HM_FRAME_WELCOME, now_us);
}

static void put_ack(struct agent_session *session, int64_t now_us)
{
	session->owes_ack = false;
	begin_frame(session);
	wire_ack_put(&session->out, session->acknowledged);
	end_frame(session, HM_FRAME_ACK, now_us);
}

/* Does it say that we leave, and not that something is refused? */
static bool is_leave(enum hm_reason reason)
{
	return reason == HM_REASON_IDLE || reason == HM_REASON_STOPPING;
}

static uint32_t wait_ms(enum hm_reason reason)
{
	switch (reason) {
	case HM_REASON_IDLE:
		return 0;
	case HM_REASON_NO_MEMORY:
	case HM_REASON_STORE_FAILED:
	case HM_REASON_SEQUENCE_AHEAD:
	case HM_REASON_TOO_SLOW:
	case HM_REASON_STOPPING:
		return WAIT_SHORT_MS;
	default:
		return WAIT_LONG_MS;
	}
}

static void put_end(struct agent_session *session, int64_t now_us)
{
	const char *text = reason_text(session->reason);
	const struct wire_end end = {
		.reason = session->reason,
		.wait_ms = wait_ms(session->reason),
		.text = {text, strlen(text)},
	};

	session->owes_end = false;
	begin_frame(session);
	wire_end_put(&session->out, &end);
	end_frame(session, is_leave(session->reason) ? HM_FRAME_BYE : HM_FRAME_ERROR, now_us);
}

const void *agent_session_output(struct agent_session *session, int64_t now_us, size_t *ret_length)
{
	if (session->phase == AGENT_SESSION_OVER)
		return NULL;
	/* However often the store had more durable while the agent did not read: one ACK says it. */
	if (session->out.length == 0 && session->owes_ack)
		put_ack(session, now_us);
	if (session->out.length == 0 && session->owes_end)
		put_end(session, now_us);
	if (session->out.length == 0)
		return NULL;
	*ret_length = session->out.length;
	return session->out.data;
}

void agent_session_sent(struct agent_session *session, size_t length, int64_t now_us)
{
	buffer_consume(&session->out, length);
	session->active_us = now_us;
	session->output_us = now_us;
	settle(session, now_us);
}

/* -- how it ends --------------------------------------------------------------------------------- */

/* The agent sends nothing more. */
static void leave(struct agent_session *session, int64_t now_us)
{
	session->phase = AGENT_SESSION_LEAVING;
	session->ending_us = now_us;
	settle(session, now_us);
}

void agent_session_end(struct agent_session *session, enum hm_reason reason, int64_t now_us)
{
	if (session->phase >= AGENT_SESSION_ENDING)
		return;
	session->phase = AGENT_SESSION_ENDING;
	session->reason = reason;
	session->ending_us = now_us;
	session->owes_end = true;
	frame_reader_done(&session->reader);
}

void agent_session_finish(struct agent_session *session, bool is_broken, int64_t now_us)
{
	session->is_finished = true;
	if (is_reading(session) && is_within_frame(session))
		agent_session_end(session, HM_REASON_FRAME_CUT, now_us);
	else if (is_reading(session))
		leave(session, now_us);
	if (is_broken)
		session->phase = AGENT_SESSION_OVER;
	settle(session, now_us);
}

/* -- what comes ---------------------------------------------------------------------------------- */

static enum hm_reason take_hello(struct agent_session *session, const struct frame *frame,
				 int64_t now_us, int64_t clock_us)
{
	const struct agent_store *store = session->store;
	struct wire_hello hello;
	struct agent_mark mark;
	enum hm_reason reason;

	if (session->phase != AGENT_SESSION_GREETING)
		return HM_REASON_OUT_OF_TURN;
	reason = wire_hello_get(frame->payload, frame->length, &hello);
	if (reason == HM_REASON_NONE)
		reason = store->hello(store->context, &hello, frame->payload, frame->length, &mark);
	if (reason != HM_REASON_NONE)
		return reason;
	session->phase = AGENT_SESSION_OPEN;
	memcpy(session->host, hello.host_id, HM_ID_BYTES);
	memcpy(session->epoch, hello.epoch, HM_ID_BYTES);
	session->stored_epoch = mark.epoch;
	session->acknowledged = mark.sequence;
	session->reader.max_bytes = HM_FRAME_MAX_BYTES;
	put_welcome(session, &mark, now_us, clock_us);
	return HM_REASON_NONE;
}

/* Is it a message that an open session may take now? */
static enum hm_reason check_stored(const struct agent_session *session, const struct frame *frame,
				   struct wire_stamp *ret_stamp)
{
	struct cursor cursor = {.at = frame->payload, .left = frame->length};
	enum hm_reason reason;

	if (session->phase != AGENT_SESSION_OPEN)
		return HM_REASON_OUT_OF_TURN;
	reason = wire_stamp_get(&cursor, ret_stamp);
	if (reason != HM_REASON_NONE)
		return reason;
	if (memcmp(ret_stamp->host_id, session->host, HM_ID_BYTES) != 0 ||
	    memcmp(ret_stamp->epoch, session->epoch, HM_ID_BYTES) != 0)
		return HM_REASON_OTHER_STAMP;
	if (ret_stamp->sequence > session->acknowledged &&
	    session->n_waiting == AGENT_SESSION_UNACKED_MAX)
		return HM_REASON_OUT_OF_TURN;
	return HM_REASON_NONE;
}

static enum hm_reason take_stored(struct agent_session *session, const struct frame *frame)
{
	const struct agent_store *store = session->store;
	struct wire_stamp stamp;
	enum hm_reason reason = check_stored(session, frame, &stamp);
	uint32_t place;

	if (reason == HM_REASON_NONE)
		reason = store->take(store->context, session->stored_epoch, frame->type,
				     frame->payload, frame->length, frame->crc);
	if (reason != HM_REASON_NONE)
		return reason;
	if (stamp.sequence <= session->acknowledged) {
		/* It came again: so its ACK may be waited for again. */
		session->owes_ack = true;
		return HM_REASON_NONE;
	}
	place = (session->first_waiting + session->n_waiting) % AGENT_SESSION_UNACKED_MAX;
	session->waiting[place] = stamp.sequence;
	if (stamp.sequence > session->highest)
		session->highest = stamp.sequence;
	session->n_waiting++;
	return HM_REASON_NONE;
}

static enum hm_reason take_end(struct agent_session *session, const struct frame *frame,
			       int64_t now_us)
{
	struct wire_end end;
	enum hm_reason reason = wire_end_get(frame->payload, frame->length, &end);

	if (reason == HM_REASON_NONE)
		leave(session, now_us);
	return reason;
}

static enum hm_reason take_frame(struct agent_session *session, const struct frame *frame,
				 int64_t now_us, int64_t clock_us)
{
	switch (frame->type) {
	case HM_FRAME_HELLO:
		return take_hello(session, frame, now_us, clock_us);
	case HM_FRAME_DECLARE:
	case HM_FRAME_BATCH:
	case HM_FRAME_GAP:
	case HM_FRAME_CLOCK:
	case HM_FRAME_SCHEDULE:
		return take_stored(session, frame);
	case HM_FRAME_ERROR:
	case HM_FRAME_BYE:
		return take_end(session, frame, now_us);
	default:
		return HM_REASON_OUT_OF_TURN;
	}
}

void agent_session_feed(struct agent_session *session, const void *bytes, size_t length,
			int64_t now_us, int64_t clock_us)
{
	struct cursor cursor = {.at = bytes, .left = length};
	enum hm_reason reason = HM_REASON_NONE;
	struct frame frame;

	session->active_us = now_us;
	if (session->phase == AGENT_SESSION_OPEN && !is_within_frame(session))
		session->started_us = now_us;
	while (is_reading(session) && reason == HM_REASON_NONE) {
		int result = frame_reader_next(&session->reader, &cursor, &frame);

		if (result == -EAGAIN)
			break;
		reason = session->reader.reason;
		if (result == 0) {
			reason = take_frame(session, &frame, now_us, clock_us);
			session->started_us = now_us;
		}
	}
	if (reason != HM_REASON_NONE)
		agent_session_end(session, reason, now_us);
	/* An idle connection keeps no memory for frames. */
	if (!is_within_frame(session))
		frame_reader_done(&session->reader);
	/* What came again may be durable by now, and nobody would say so. */
	agent_session_acknowledge(session, now_us);
}

/* -- what is durable ----------------------------------------------------------------------------- */

bool agent_session_is_awaiting(const struct agent_session *session)
{
	return session->n_waiting > 0 && session->phase < AGENT_SESSION_ENDING;
}

/* Go over those that wait no more. */
static void drop_acknowledged(struct agent_session *session)
{
	while (session->n_waiting > 0 &&
	       session->waiting[session->first_waiting] <= session->acknowledged) {
		session->first_waiting = (session->first_waiting + 1) % AGENT_SESSION_UNACKED_MAX;
		session->n_waiting--;
	}
}

void agent_session_acknowledge(struct agent_session *session, int64_t now_us)
{
	const struct agent_store *store = session->store;

	if (agent_session_is_awaiting(session)) {
		uint64_t durable = store->durable(store->context, session->stored_epoch);

		/* What lies beyond another session has sent. */
		if (durable > session->highest)
			durable = session->highest;
		if (durable > session->acknowledged) {
			session->acknowledged = durable;
			session->owes_ack = true;
		}
		drop_acknowledged(session);
	}
	settle(session, now_us);
}

/* -- deadlines ----------------------------------------------------------------------------------- */

static int64_t phase_deadline(const struct agent_session *session)
{
	switch (session->phase) {
	case AGENT_SESSION_GREETING:
		return session->started_us + AGENT_SESSION_HELLO_US;
	case AGENT_SESSION_OPEN:
		return is_within_frame(session) ? session->started_us + AGENT_SESSION_FRAME_US
						: session->active_us + AGENT_SESSION_IDLE_US;
	case AGENT_SESSION_OVER:
		return INT64_MAX;
	default:
		return session->ending_us + AGENT_SESSION_LEAVE_US;
	}
}

/* Until when has the agent to take some of what is sent? */
static int64_t output_deadline(const struct agent_session *session)
{
	return session->out.length > 0 ? session->output_us + AGENT_SESSION_FRAME_US : INT64_MAX;
}

int64_t agent_session_deadline(const struct agent_session *session)
{
	int64_t phase_us = phase_deadline(session);
	int64_t output_us = output_deadline(session);

	return output_us < phase_us ? output_us : phase_us;
}

void agent_session_check(struct agent_session *session, int64_t now_us)
{
	if (now_us < agent_session_deadline(session))
		return;
	if (session->phase < AGENT_SESSION_ENDING && now_us >= output_deadline(session)) {
		/* Whom an ERROR would not reach either. */
		session->reason = HM_REASON_NOT_READING;
		session->phase = AGENT_SESSION_OVER;
	} else if (!is_reading(session)) {
		session->phase = AGENT_SESSION_OVER;
	} else if (session->phase == AGENT_SESSION_GREETING || is_within_frame(session)) {
		agent_session_end(session, HM_REASON_TOO_SLOW, now_us);
	} else {
		agent_session_end(session, HM_REASON_IDLE, now_us);
	}
}
