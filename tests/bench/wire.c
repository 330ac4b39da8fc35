/* SPDX-License-Identifier: MIT */
/*
 * What the native protocol costs: bytes and CPU time a sample, on the recording of one host
 * (tests/fixtures/host-1s.txt.zst), once with a sample each second, once with the default of one each
 * 10 s, and a batch a minute.
 *
 * A session is written, all frames of both sides, and read in pieces as they come from a socket. Every
 * name, time and value is compared bit for bit. Fails where one differs, or where a sample takes more bytes
 * than promised. Then it goes once more over a real connection, a batch and its ACK at a time, and what TCP/IPv4 needs
 * is told, handshake, headers and ACKs included. TLS is not counted.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/dictionary.h"
#include "agent/encoder.h"
#include "agent/tick.h"
#include "common/frame.h"
#include "common/wire_ack.h"
#include "common/wire_batch.h"
#include "common/wire_clock.h"
#include "common/wire_end.h"
#include "common/wire_hello.h"
#include "common/wire_welcome.h"
#include "tests/support/bench.h"
#include "tests/support/recording.h"
#include "tests/support/tcp_replay.h"
#include "tests/support/wire_dictionary.h"

#define N_REPEATS          9
#define SECOND_US          INT64_C(1000000)
#define SHIP_US            (60 * SECOND_US)
#define PIECE_BYTES        ((size_t)65536)
#define BYTES_A_SAMPLE_MAX 0.6
#define TURNS_MAX          64 /* the recording has 50 minutes */

/* How a host is watched. */
struct shape {
	const char *name;
	int64_t interval_us;
	double bytes_max; /* a sample; 0 = nothing is promised */
};

/* The samples of one series that are still to come. */
struct line {
	struct wire_series series;
	const struct recording_series *recorded;
	size_t next;
};

struct sender {
	struct line *lines;
	size_t n_lines;
	int64_t *times_us; /* all ticks */
	size_t n_times;
	struct dictionary dictionary;
	uint32_t n_declared;
	struct tick tick;
	struct encoder *encoder;
	struct wire_stamp stamp;
	struct buffer payload;
	struct buffer spool; /* the ticks of an interval */
	struct buffer sent;
	struct buffer answers;
	struct tcp_turn turns[TURNS_MAX];
	size_t n_turns;
	size_t n_samples;
	size_t n_batches;
	size_t n_declare_bytes;
	size_t n_spool_bytes;
	size_t largest;
};

/* -- sending -------------------------------------------------------------------------------------- */

static void send_frame(struct sender *sender, enum hm_frame_type type)
{
	frame_put(&sender->sent, type, sender->payload.data, sender->payload.length);
	if (buffer_failed(&sender->sent) || buffer_failed(&sender->payload))
		bench_die("no memory");
	buffer_clear(&sender->payload);
}

/* What the collector sends. */
static void answer(struct sender *sender, enum hm_frame_type type)
{
	frame_put(&sender->answers, type, sender->payload.data, sender->payload.length);
	if (buffer_failed(&sender->answers))
		bench_die("no memory");
	buffer_clear(&sender->payload);
}

/* Before more is sent, what was sent is answered. */
static void end_turn(struct sender *sender)
{
	if (sender->n_turns == TURNS_MAX)
		bench_die("the recording is too long");
	sender->turns[sender->n_turns++] =
		(struct tcp_turn){sender->sent.length, sender->answers.length};
}

/* The stamp of the next message, which is acknowledged, each on its own. */
static void put_stamp(struct sender *sender)
{
	sender->stamp.sequence++;
	wire_ack_put(&sender->payload, sender->stamp.sequence);
	answer(sender, HM_FRAME_ACK);
}

static void send_beginning(struct sender *sender)
{
	struct wire_hello hello = {
		.now_us = sender->times_us[0], .host = {"web01", 5}, .version = {"1.0", 3}};
	struct wire_welcome welcome = {.store_id = {1}, .max_unacked = 32};
	struct wire_clock clock = {.event = HM_CLOCK_STARTED,
				   .boot_id = {4},
				   .now_us = sender->times_us[0],
				   .since_boot_us = SECOND_US};

	memset(sender->stamp.host_id, 2, HM_ID_BYTES);
	memset(sender->stamp.epoch, 3, HM_ID_BYTES);
	memcpy(hello.host_id, sender->stamp.host_id, HM_ID_BYTES);
	memcpy(hello.epoch, sender->stamp.epoch, HM_ID_BYTES);
	memcpy(hello.boot_id, clock.boot_id, HM_ID_BYTES);
	wire_hello_put(&sender->payload, &hello);
	send_frame(sender, HM_FRAME_HELLO);
	wire_welcome_put(&sender->payload, &welcome);
	answer(sender, HM_FRAME_WELCOME);
	end_turn(sender);
	put_stamp(sender);
	clock.stamp = sender->stamp;
	wire_clock_put(&sender->payload, &clock);
	send_frame(sender, HM_FRAME_CLOCK);
}

static void send_end(struct sender *sender)
{
	struct wire_end end = {.text = {"", 0}};

	wire_end_put(&sender->payload, &end);
	send_frame(sender, HM_FRAME_BYE);
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
static void take_sample(struct sender *sender, struct line *line, int64_t time_us)
{
	const struct recording_series *recorded = line->recorded;
	uint32_t id;

	while (line->next < recorded->n && recorded->times_us[line->next] < time_us)
		line->next++;
	if (line->next == recorded->n || recorded->times_us[line->next] != time_us)
		return;
	if (dictionary_add(&sender->dictionary, &line->series, &id) < 0 ||
	    tick_set(&sender->tick, id, recorded->values[line->next]) < 0)
		bench_die("a sample cannot be taken");
}

static void take_tick(struct sender *sender, int64_t time_us)
{
	tick_begin(&sender->tick, time_us);
	for (size_t i = 0; i < sender->n_lines; i++)
		take_sample(sender, &sender->lines[i], time_us);
	tick_encode(&sender->tick, &sender->spool);
	if (encoder_add(sender->encoder, &sender->tick, (uint64_t)time_us) < 0)
		bench_die("a tick cannot be added");
}

/* Series that are there for the first time. */
static void declare(struct sender *sender)
{
	while (sender->n_declared < sender->dictionary.n_series) {
		put_stamp(sender);
		wire_stamp_put(&sender->payload, &sender->stamp);
		sender->n_declared = dictionary_declare(&sender->dictionary, sender->n_declared,
							&sender->payload);
		sender->n_declare_bytes += HM_FRAME_HEADER_BYTES + sender->payload.length;
		send_frame(sender, HM_FRAME_DECLARE);
	}
}

static void seal(struct sender *sender)
{
	for (;;) {
		struct encoder_sealed sealed;
		int result;

		buffer_clear(&sender->payload);
		sender->stamp.sequence++;
		wire_stamp_put(&sender->payload, &sender->stamp);
		sender->stamp.sequence--;
		result = encoder_seal(sender->encoder, &sender->payload, &sealed);
		if (result == -ENODATA)
			break;
		if (result < 0 || sender->payload.length > HM_SEAL_MAX_BYTES)
			bench_die("a batch cannot be sealed");
		if (sender->payload.length > sender->largest)
			sender->largest = sender->payload.length;
		sender->n_samples += sealed.n_samples;
		sender->n_batches++;
		send_frame(sender, HM_FRAME_BATCH);
		put_stamp(sender);
	}
	buffer_clear(&sender->payload);
	sender->n_spool_bytes += sender->spool.length;
	buffer_clear(&sender->spool);
}

/* @param ret_seconds  CPU time from the names on; their values are at hand, as an agent has them */
static void send_all(struct sender *sender, double *ret_seconds)
{
	double start;

	send_beginning(sender);
	start = bench_cpu_seconds();
	for (size_t i = 0; i < sender->n_times;) {
		const int64_t interval = sender->times_us[i] / SHIP_US;

		while (i < sender->n_times && sender->times_us[i] / SHIP_US == interval)
			take_tick(sender, sender->times_us[i++]);
		declare(sender);
		seal(sender);
		end_turn(sender);
	}
	*ret_seconds = bench_cpu_seconds() - start;
	send_end(sender);
}

static void begin(struct sender *sender, const struct recording *recording)
{
	dictionary_done(&sender->dictionary);
	sender->sent.length = 0;
	sender->stamp.sequence = 0;
	sender->n_declared = 0;
	sender->n_samples = 0;
	sender->answers.length = 0;
	sender->n_turns = 0;
	sender->n_batches = 0;
	sender->n_declare_bytes = 0;
	sender->n_spool_bytes = 0;
	for (size_t i = 0; i < recording->n_series; i++)
		sender->lines[i] = (struct line){.series = describe(&recording->series[i]),
						 .recorded = &recording->series[i]};
}

/* -- reading -------------------------------------------------------------------------------------- */

struct receiver {
	struct frame_reader reader;
	struct wire_dictionary dictionary;
	struct block_decoder *decoder;
	size_t n_samples;
	size_t *next;     /* sample of each series of the recording that is compared next */
	bool is_compared; /* else only checked, as a collector does */
};

static size_t find_series(const struct recording *recording, const struct series_text *name)
{
	for (size_t i = 0; i < recording->n_series; i++) {
		const char *known = recording->series[i].name;

		if (strlen(known) == name->length && memcmp(known, name->start, name->length) == 0)
			return i;
	}
	bench_die("a name differs");
	return 0;
}

/* The next sample of a series that lies on the grid. */
static size_t skip(const struct recording_series *series, size_t next, int64_t interval_us)
{
	while (next < series->n && series->times_us[next] % interval_us != 0)
		next++;
	return next;
}

/* Bit for bit. */
static bool is_same_value(double a, double b)
{
	uint64_t a_bits, b_bits;

	memcpy(&a_bits, &a, sizeof(a));
	memcpy(&b_bits, &b, sizeof(b));
	return a_bits == b_bits;
}

static void compare_column(struct receiver *receiver, const struct recording *recording,
			   const struct block_column *column, int64_t interval_us)
{
	const struct block_run whole = {.n_present = (uint32_t)column->n_values};
	const struct block_run *runs = column->runs ? column->runs : &whole;
	size_t n_runs = column->runs ? column->n_runs : 1;
	const struct recording_series *series;
	struct wire_series name;
	size_t n_times, at, row = 0, value = 0;
	const int64_t *times_us = block_decoder_times(receiver->decoder, &n_times);

	if (wire_dictionary_get(&receiver->dictionary, column->series_id, &name) < 0)
		bench_die("a series was not declared");
	at = find_series(recording, &name.name);
	series = &recording->series[at];
	for (size_t i = 0; i < n_runs; i++) {
		for (size_t k = 0; k < runs[i].n_present; k++, row++, value++) {
			size_t next = skip(series, receiver->next[at], interval_us);

			if (next == series->n || series->times_us[next] != times_us[row] ||
			    !is_same_value(series->values[next], column->values[value]))
				bench_die("a time or a value differs");
			receiver->next[at] = next + 1;
		}
		row += runs[i].n_missing;
	}
}

static void compare_batch(struct receiver *receiver, const struct recording *recording,
			  const struct frame *frame, int64_t interval_us)
{
	struct wire_batch batch;
	const uint8_t *bytes;
	size_t n_bytes;

	if (wire_batch_get(frame->payload, frame->length, &batch) != HM_REASON_NONE)
		bench_die("a batch cannot be read");
	while (batch_get_block(&batch.blocks, &bytes, &n_bytes) == 0) {
		if (block_decoder_open(receiver->decoder, bytes, n_bytes) < 0)
			bench_die("a block cannot be read");
		for (size_t i = 0; i < block_decoder_n_columns(receiver->decoder); i++) {
			struct block_column column;

			if (block_decoder_column(receiver->decoder, i, &column) < 0)
				bench_die("a column cannot be read");
			compare_column(receiver, recording, &column, interval_us);
		}
	}
}

static void take_frame(struct receiver *receiver, const struct recording *recording,
		       const struct frame *frame, int64_t interval_us)
{
	struct wire_batch_content content;

	if (frame->type == HM_FRAME_DECLARE &&
	    wire_dictionary_add(&receiver->dictionary, frame->payload, frame->length) !=
		    HM_REASON_NONE)
		bench_die("declarations cannot be read");
	if (frame->type != HM_FRAME_BATCH)
		return;
	if (wire_batch_check(receiver->decoder, frame->payload, frame->length,
			     (uint32_t)receiver->dictionary.n_series, &content) != HM_REASON_NONE)
		bench_die("a batch is refused");
	receiver->n_samples += content.n_samples;
	if (receiver->is_compared)
		compare_batch(receiver, recording, frame, interval_us);
}

static void receive_all(struct receiver *receiver, const struct recording *recording,
			const struct buffer *sent, int64_t interval_us)
{
	receiver->n_samples = 0;
	receiver->reader.max_bytes = HM_FRAME_MAX_BYTES;
	for (size_t at = 0; at < sent->length; at += PIECE_BYTES) {
		size_t left = sent->length - at;
		struct cursor cursor = {.at = (const uint8_t *)sent->data + at,
					.left = left < PIECE_BYTES ? left : PIECE_BYTES};
		struct frame frame;
		int result;

		while ((result = frame_reader_next(&receiver->reader, &cursor, &frame)) == 0)
			take_frame(receiver, recording, &frame, interval_us);
		if (result != -EAGAIN)
			bench_die("a frame cannot be read");
	}
	if (frame_reader_end(&receiver->reader) != HM_REASON_NONE)
		bench_die("the end is missing");
}

/* -- all ------------------------------------------------------------------------------------------ */

static void compare_all(struct receiver *receiver, const struct recording *recording,
			const struct sender *sender, int64_t interval_us)
{
	size_t n_samples = 0;

	receiver->is_compared = true;
	receive_all(receiver, recording, &sender->sent, interval_us);
	receiver->is_compared = false;
	for (size_t i = 0; i < recording->n_series; i++) {
		const struct recording_series *series = &recording->series[i];

		for (size_t k = 0; k < series->n; k++)
			n_samples += series->times_us[k] % interval_us == 0;
		if (skip(series, receiver->next[i], interval_us) != series->n)
			bench_die("a sample is missing");
	}
	if (receiver->n_samples != n_samples || sender->n_samples != n_samples)
		bench_die("there are more or fewer samples");
}

/* The ticks of all series. */
static void find_ticks(struct sender *sender, const struct recording *recording,
		       int64_t interval_us)
{
	int64_t from = INT64_MAX, until = INT64_MIN;
	bool *is_tick;

	for (size_t i = 0; i < recording->n_series; i++) {
		const struct recording_series *series = &recording->series[i];

		from = series->times_us[0] < from ? series->times_us[0] : from;
		until = series->times_us[series->n - 1] > until ? series->times_us[series->n - 1]
								: until;
	}
	is_tick = bench_need(calloc((size_t)((until - from) / SECOND_US) + 1, sizeof(*is_tick)));
	sender->times_us = bench_need(
		calloc((size_t)((until - from) / SECOND_US) + 1, sizeof(*sender->times_us)));
	for (size_t i = 0; i < recording->n_series; i++)
		for (size_t k = 0; k < recording->series[i].n; k++)
			is_tick[(recording->series[i].times_us[k] - from) / SECOND_US] = true;
	sender->n_times = 0;
	for (int64_t time_us = from; time_us <= until; time_us += SECOND_US)
		if (is_tick[(time_us - from) / SECOND_US] && time_us % interval_us == 0)
			sender->times_us[sender->n_times++] = time_us;
	free(is_tick);
}

static void report(const struct shape *shape, const struct sender *sender,
		   const double *seconds /* of encoding, decoding */)
{
	double n_samples = (double)sender->n_samples;
	size_t n_bytes = sender->sent.length + sender->answers.length;
	struct tcp_traffic traffic;
	uint64_t n_tcp_bytes;

	tcp_replay(&sender->sent, &sender->answers, sender->turns, sender->n_turns, &traffic);
	n_tcp_bytes = traffic.n_bytes_out + traffic.n_bytes_in;
	printf("%s: %zu samples in %zu batches (%zu bytes at most); %zu bytes, %.4f a sample, of which "
	       "DECLAREs %.4f, the collector's answers %.4f; its ticks in a spool %.2f; CPU a sample: encode "
	       "%.1f ns, check %.1f ns\n",
	       shape->name, sender->n_samples, sender->n_batches, sender->largest, n_bytes,
	       (double)n_bytes / n_samples, (double)sender->n_declare_bytes / n_samples,
	       (double)sender->answers.length / n_samples,
	       (double)sender->n_spool_bytes / n_samples, seconds[0] / n_samples * 1e9,
	       seconds[1] / n_samples * 1e9);
	printf("%s, over TCP/IPv4: %" PRIu64 " bytes, %.4f a sample: %" PRIu64 " in %" PRIu64
	       " segments to the collector, %" PRIu64 " in %" PRIu64 " from it\n",
	       shape->name, n_tcp_bytes, (double)n_tcp_bytes / n_samples, traffic.n_bytes_out,
	       traffic.n_segments_out, traffic.n_bytes_in, traffic.n_segments_in);
}

static bool measure(const struct shape *shape, const struct recording *recording)
{
	struct sender sender = {
		.lines = bench_need(calloc(recording->n_series, sizeof(*sender.lines))),
		.n_lines = recording->n_series,
		.encoder = bench_need(encoder_new())};
	struct receiver receiver = {
		.decoder = bench_need(block_decoder_new()),
		.next = bench_need(calloc(recording->n_series, sizeof(size_t)))};
	double encode_seconds[N_REPEATS], check_seconds[N_REPEATS], seconds[2];
	bool is_good;

	find_ticks(&sender, recording, shape->interval_us);
	for (size_t i = 0; i < N_REPEATS; i++) {
		double start;

		begin(&sender, recording);
		send_all(&sender, &encode_seconds[i]);
		if (i == 0)
			compare_all(&receiver, recording, &sender, shape->interval_us);
		start = bench_cpu_seconds();
		receive_all(&receiver, recording, &sender.sent, shape->interval_us);
		check_seconds[i] = bench_cpu_seconds() - start;
	}
	seconds[0] = bench_median(encode_seconds, N_REPEATS);
	seconds[1] = bench_median(check_seconds, N_REPEATS);
	report(shape, &sender, seconds);
	is_good = shape->bytes_max == 0 || (double)(sender.sent.length + sender.answers.length) <=
						   shape->bytes_max * (double)sender.n_samples;
	free(sender.lines);
	free(sender.times_us);
	dictionary_done(&sender.dictionary);
	tick_done(&sender.tick);
	free(receiver.next);
	encoder_free(sender.encoder);
	block_decoder_free(receiver.decoder);
	wire_dictionary_done(&receiver.dictionary);
	frame_reader_done(&receiver.reader);
	buffer_done(&sender.payload);
	buffer_done(&sender.spool);
	buffer_done(&sender.sent);
	buffer_done(&sender.answers);
	return is_good;
}

/* As an agent has them. */
static void make_names_canonical(struct recording *recording)
{
	struct buffer name = {0};

	for (size_t i = 0; i < recording->n_series; i++) {
		struct recording_series *series = &recording->series[i];
		struct series parsed;
		size_t n_used;

		if (series_parse(&parsed, series->name, strlen(series->name), &n_used) !=
		    HM_REASON_NONE)
			bench_die("a name is none");
		buffer_clear(&name);
		series_format(&parsed, &name);
		free(series->name);
		series->name = bench_need(strdup(buffer_text(&name)));
	}
	buffer_done(&name);
}

int main(void)
{
	static const struct shape shapes[] = {
		{"every 1 s, a batch a minute", SECOND_US, BYTES_A_SAMPLE_MAX},
		{"every 10 s, a batch a minute", 10 * SECOND_US, 0},
	};
	struct recording recording;
	bool is_good = true;

	if (recording_read(&recording) < 0)
		bench_die("tests/fixtures/host-1s.txt.zst cannot be read: it takes zstd");
	make_names_canonical(&recording);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		is_good &= measure(&shapes[i], &recording);
	recording_done(&recording);
	if (is_good)
		return 0;
	fprintf(stderr, "wire: more than %.1f bytes a sample\n", BYTES_A_SAMPLE_MAX);
	return 1;
}
