/* SPDX-License-Identifier: MIT */
/* A session of the native protocol, of what was recorded of one host. */

#include "tests/support/bench_session.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"
#include "common/wire_ack.h"
#include "common/wire_clock.h"
#include "common/wire_end.h"
#include "common/wire_hello.h"
#include "common/wire_welcome.h"
#include "tests/support/bench.h"

#define SECOND_US INT64_C(1000000)
#define SHIP_US   (60 * SECOND_US)

/* The samples of one series that are still to come. */
struct bench_line {
	struct wire_series series;
	const struct recording_series *recorded;
	size_t next;
};

/* The ticks of all series. */
static void find_ticks(struct bench_session *session, int64_t interval_us)
{
	const struct recording *recording = session->recording;
	int64_t from = INT64_MAX, until = INT64_MIN;
	bool *is_tick;

	for (size_t i = 0; i < recording->n_series; i++) {
		const struct recording_series *series = &recording->series[i];

		from = series->times_us[0] < from ? series->times_us[0] : from;
		until = series->times_us[series->n - 1] > until ? series->times_us[series->n - 1]
								: until;
	}
	is_tick = bench_need(calloc((size_t)((until - from) / SECOND_US) + 1, sizeof(*is_tick)));
	session->times_us = bench_need(
		calloc((size_t)((until - from) / SECOND_US) + 1, sizeof(*session->times_us)));
	for (size_t i = 0; i < recording->n_series; i++)
		for (size_t k = 0; k < recording->series[i].n; k++)
			is_tick[(recording->series[i].times_us[k] - from) / SECOND_US] = true;
	session->n_times = 0;
	for (int64_t time_us = from; time_us <= until; time_us += SECOND_US)
		if (is_tick[(time_us - from) / SECOND_US] && time_us % interval_us == 0)
			session->times_us[session->n_times++] = time_us;
	free(is_tick);
}

void bench_session_init(struct bench_session *session, const struct recording *recording,
			int64_t interval_us)
{
	*session = (struct bench_session){
		.recording = recording,
		.lines = bench_need(calloc(recording->n_series, sizeof(*session->lines))),
		.encoder = bench_need(encoder_new()),
	};
	find_ticks(session, interval_us);
}

void bench_session_done(struct bench_session *session)
{
	free(session->lines);
	free(session->times_us);
	dictionary_done(&session->dictionary);
	tick_done(&session->tick);
	encoder_free(session->encoder);
	buffer_done(&session->payload);
	buffer_done(&session->spool);
	buffer_done(&session->sent);
	buffer_done(&session->answers);
}

static void send_frame(struct bench_session *session, enum hm_frame_type type)
{
	frame_put(&session->sent, type, session->payload.data, session->payload.length);
	if (buffer_failed(&session->sent) || buffer_failed(&session->payload))
		bench_die("no memory");
	buffer_clear(&session->payload);
}

/* What the collector sends. */
static void answer(struct bench_session *session, enum hm_frame_type type)
{
	frame_put(&session->answers, type, session->payload.data, session->payload.length);
	if (buffer_failed(&session->answers))
		bench_die("no memory");
	buffer_clear(&session->payload);
}

/* Before more is sent, what was sent is answered. */
static void end_turn(struct bench_session *session)
{
	if (session->n_turns == BENCH_SESSION_TURNS_MAX)
		bench_die("the recording is too long");
	session->turns[session->n_turns++] =
		(struct tcp_turn){session->sent.length, session->answers.length};
}

/* The stamp of the next message, which is acknowledged, each on its own. */
static void put_stamp(struct bench_session *session)
{
	session->stamp.sequence++;
	wire_ack_put(&session->payload, session->stamp.sequence);
	answer(session, HM_FRAME_ACK);
}

static void send_beginning(struct bench_session *session)
{
	struct wire_hello hello = {
		.now_us = session->times_us[0], .host = {"web01", 5}, .version = {"1.0", 3}};
	struct wire_welcome welcome = {.store_id = {1}, .max_unacked = 32};
	struct wire_clock clock = {.event = HM_CLOCK_STARTED,
				   .boot_id = {4},
				   .now_us = session->times_us[0],
				   .since_boot_us = SECOND_US};

	memset(session->stamp.host_id, 2, HM_ID_BYTES);
	memset(session->stamp.epoch, 3, HM_ID_BYTES);
	memcpy(hello.host_id, session->stamp.host_id, HM_ID_BYTES);
	memcpy(hello.epoch, session->stamp.epoch, HM_ID_BYTES);
	memcpy(hello.boot_id, clock.boot_id, HM_ID_BYTES);
	wire_hello_put(&session->payload, &hello);
	send_frame(session, HM_FRAME_HELLO);
	wire_welcome_put(&session->payload, &welcome);
	answer(session, HM_FRAME_WELCOME);
	end_turn(session);
	put_stamp(session);
	clock.stamp = session->stamp;
	wire_clock_put(&session->payload, &clock);
	send_frame(session, HM_FRAME_CLOCK);
}

static void send_end(struct bench_session *session)
{
	struct wire_end end = {.text = {"", 0}};

	wire_end_put(&session->payload, &end);
	send_frame(session, HM_FRAME_BYE);
}

static struct series_text unit_of(const struct recording_series *series)
{
	if (strstr(series->name, "_seconds"))
		return (struct series_text){"seconds", 7};
	if (strstr(series->name, "_bytes"))
		return (struct series_text){"bytes", 5};
	return (struct series_text){"", 0};
}

static struct wire_series describe(const struct recording_series *series)
{
	const char *total = "_total";
	bool is_counter = series->metric_length > strlen(total) &&
			  strncmp(series->name + series->metric_length - strlen(total), total,
				  strlen(total)) == 0;

	return (struct wire_series){.kind = is_counter ? HM_STORED_COUNTER : HM_STORED_GAUGE,
				    .unit = unit_of(series),
				    .name = {series->name, strlen(series->name)}};
}

/* What a series has at this time, under the id that its name has. */
static void take_sample(struct bench_session *session, struct bench_line *line, int64_t time_us)
{
	const struct recording_series *recorded = line->recorded;
	uint32_t id;

	while (line->next < recorded->n && recorded->times_us[line->next] < time_us)
		line->next++;
	if (line->next == recorded->n || recorded->times_us[line->next] != time_us)
		return;
	if (dictionary_add(&session->dictionary, &line->series, &id) < 0 ||
	    tick_set(&session->tick, id, recorded->values[line->next]) < 0)
		bench_die("a sample cannot be taken");
}

static void take_tick(struct bench_session *session, int64_t time_us)
{
	tick_begin(&session->tick, time_us);
	for (size_t i = 0; i < session->recording->n_series; i++)
		take_sample(session, &session->lines[i], time_us);
	tick_encode(&session->tick, &session->spool);
	if (encoder_add(session->encoder, &session->tick, (uint64_t)time_us) < 0)
		bench_die("a tick cannot be added");
}

/* Series that are there for the first time. */
static void declare(struct bench_session *session)
{
	while (session->n_declared < session->dictionary.n_series) {
		put_stamp(session);
		wire_stamp_put(&session->payload, &session->stamp);
		session->n_declared = dictionary_declare(&session->dictionary, session->n_declared,
							 &session->payload);
		session->n_declare_bytes += HM_FRAME_HEADER_BYTES + session->payload.length;
		send_frame(session, HM_FRAME_DECLARE);
	}
}

static void seal(struct bench_session *session)
{
	for (;;) {
		struct encoder_sealed sealed;
		int result;

		buffer_clear(&session->payload);
		session->stamp.sequence++;
		wire_stamp_put(&session->payload, &session->stamp);
		session->stamp.sequence--;
		result = encoder_seal(session->encoder, &session->payload, &sealed);
		if (result == -ENODATA)
			break;
		if (result < 0 || session->payload.length > HM_SEAL_MAX_BYTES)
			bench_die("a batch cannot be sealed");
		if (session->payload.length > session->largest)
			session->largest = session->payload.length;
		session->n_samples += sealed.n_samples;
		session->n_batches++;
		send_frame(session, HM_FRAME_BATCH);
		put_stamp(session);
	}
	buffer_clear(&session->payload);
	session->n_spool_bytes += session->spool.length;
	buffer_clear(&session->spool);
}

static void begin(struct bench_session *session)
{
	const struct recording *recording = session->recording;

	dictionary_done(&session->dictionary);
	session->sent.length = 0;
	session->stamp.sequence = 0;
	session->n_declared = 0;
	session->n_samples = 0;
	session->answers.length = 0;
	session->n_turns = 0;
	session->n_batches = 0;
	session->n_declare_bytes = 0;
	session->n_spool_bytes = 0;
	for (size_t i = 0; i < recording->n_series; i++)
		session->lines[i] = (struct bench_line){.series = describe(&recording->series[i]),
							.recorded = &recording->series[i]};
}

double bench_session_write(struct bench_session *session)
{
	double start;
	double seconds;

	begin(session);
	send_beginning(session);
	start = bench_cpu_seconds();
	for (size_t i = 0; i < session->n_times;) {
		const int64_t interval = session->times_us[i] / SHIP_US;

		while (i < session->n_times && session->times_us[i] / SHIP_US == interval)
			take_tick(session, session->times_us[i++]);
		declare(session);
		seal(session);
		end_turn(session);
	}
	seconds = bench_cpu_seconds() - start;
	send_end(session);
	return seconds;
}
