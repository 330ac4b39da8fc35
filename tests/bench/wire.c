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

#include "common/batch.h"
#include "common/block.h"
#include "common/frame.h"
#include "common/series.h"
#include "common/wire_batch.h"
#include "tests/support/bench.h"
#include "tests/support/bench_session.h"
#include "tests/support/recording.h"
#include "tests/support/tcp_replay.h"
#include "tests/support/wire_dictionary.h"

#define N_REPEATS          9
#define SECOND_US          INT64_C(1000000)
#define PIECE_BYTES        ((size_t)65536)
#define BYTES_A_SAMPLE_MAX 0.6

/* How a host is watched. */
struct shape {
	const char *name;
	int64_t interval_us;
	double bytes_max; /* a sample; 0 = nothing is promised */
};

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
			const struct bench_session *session, int64_t interval_us)
{
	size_t n_samples = 0;

	receiver->is_compared = true;
	receive_all(receiver, recording, &session->sent, interval_us);
	receiver->is_compared = false;
	for (size_t i = 0; i < recording->n_series; i++) {
		const struct recording_series *series = &recording->series[i];

		for (size_t k = 0; k < series->n; k++)
			n_samples += series->times_us[k] % interval_us == 0;
		if (skip(series, receiver->next[i], interval_us) != series->n)
			bench_die("a sample is missing");
	}
	if (receiver->n_samples != n_samples || session->n_samples != n_samples)
		bench_die("there are more or fewer samples");
}

static void report(const struct shape *shape, const struct bench_session *session,
		   const double *seconds /* of encoding, decoding */)
{
	double n_samples = (double)session->n_samples;
	size_t n_bytes = session->sent.length + session->answers.length;
	struct tcp_traffic traffic;
	uint64_t n_tcp_bytes;

	tcp_replay(&session->sent, &session->answers, session->turns, session->n_turns, &traffic);
	n_tcp_bytes = traffic.n_bytes_out + traffic.n_bytes_in;
	printf("%s: %zu samples in %zu batches (%zu bytes at most); %zu bytes, %.4f a sample, of which "
	       "DECLAREs %.4f, the collector's answers %.4f; its ticks in a spool %.2f; CPU a sample: encode "
	       "%.1f ns, check %.1f ns\n",
	       shape->name, session->n_samples, session->n_batches, session->largest, n_bytes,
	       (double)n_bytes / n_samples, (double)session->n_declare_bytes / n_samples,
	       (double)session->answers.length / n_samples,
	       (double)session->n_spool_bytes / n_samples, seconds[0] / n_samples * 1e9,
	       seconds[1] / n_samples * 1e9);
	printf("%s, over TCP/IPv4: %" PRIu64 " bytes, %.4f a sample: %" PRIu64 " in %" PRIu64
	       " segments to the collector, %" PRIu64 " in %" PRIu64 " from it\n",
	       shape->name, n_tcp_bytes, (double)n_tcp_bytes / n_samples, traffic.n_bytes_out,
	       traffic.n_segments_out, traffic.n_bytes_in, traffic.n_segments_in);
}

static bool measure(const struct shape *shape, const struct recording *recording)
{
	struct bench_session session;
	struct receiver receiver = {
		.decoder = bench_need(block_decoder_new()),
		.next = bench_need(calloc(recording->n_series, sizeof(size_t)))};
	double encode_seconds[N_REPEATS], check_seconds[N_REPEATS], seconds[2];
	bool is_good;

	bench_session_init(&session, recording, shape->interval_us);
	for (size_t i = 0; i < N_REPEATS; i++) {
		double start;

		encode_seconds[i] = bench_session_write(&session);
		if (i == 0)
			compare_all(&receiver, recording, &session, shape->interval_us);
		start = bench_cpu_seconds();
		receive_all(&receiver, recording, &session.sent, shape->interval_us);
		check_seconds[i] = bench_cpu_seconds() - start;
	}
	seconds[0] = bench_median(encode_seconds, N_REPEATS);
	seconds[1] = bench_median(check_seconds, N_REPEATS);
	report(shape, &session, seconds);
	is_good = shape->bytes_max == 0 || (double)(session.sent.length + session.answers.length) <=
						   shape->bytes_max * (double)session.n_samples;
	bench_session_done(&session);
	free(receiver.next);
	block_decoder_free(receiver.decoder);
	wire_dictionary_done(&receiver.dictionary);
	frame_reader_done(&receiver.reader);
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
