/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the messages of the native protocol. The first byte is the type of the frame, the rest its
 * payload. What is accepted is written again, and the same bytes must come out. Behind a BATCH stands a byte: so
 * many series are declared. What it is said to hold must be in it.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire_ack.h"
#include "common/wire_batch.h"
#include "common/wire_clock.h"
#include "common/wire_end.h"
#include "common/wire_gap.h"
#include "common/wire_hello.h"
#include "common/wire_schedule.h"
#include "common/wire_welcome.h"
#include "tests/support/wire_dictionary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static enum hm_reason read_fixed(uint8_t type, const uint8_t *payload, size_t length,
				 struct buffer *again)
{
	enum hm_reason reason;

	if (type == HM_FRAME_WELCOME) {
		struct wire_welcome welcome;

		reason = wire_welcome_get(payload, length, &welcome);
		if (reason == HM_REASON_NONE)
			wire_welcome_put(again, &welcome);
	} else if (type == HM_FRAME_GAP) {
		struct wire_gap gap;

		reason = wire_gap_get(payload, length, &gap);
		if (reason == HM_REASON_NONE)
			wire_gap_put(again, &gap);
	} else if (type == HM_FRAME_CLOCK) {
		struct wire_clock clock;

		reason = wire_clock_get(payload, length, &clock);
		if (reason == HM_REASON_NONE)
			wire_clock_put(again, &clock);
	} else {
		uint64_t sequence;

		reason = wire_ack_get(payload, length, &sequence);
		if (reason == HM_REASON_NONE)
			wire_ack_put(again, sequence);
	}
	return reason;
}

static enum hm_reason read_hello(const uint8_t *payload, size_t length, struct buffer *again)
{
	struct wire_hello hello;
	enum hm_reason reason = wire_hello_get(payload, length, &hello);

	if (reason == HM_REASON_NONE)
		wire_hello_put(again, &hello);
	return reason;
}

static enum hm_reason read_end(const uint8_t *payload, size_t length, struct buffer *again)
{
	struct wire_end end;
	enum hm_reason reason = wire_end_get(payload, length, &end);

	if (reason == HM_REASON_NONE)
		wire_end_put(again, &end);
	return reason;
}

/* All that the message declares is in the dictionary then, and may be declared again, but for nothing else. */
static void check_dictionary(const uint8_t *payload, size_t length, size_t n_series)
{
	struct wire_dictionary dictionary = {.n_series = 0};
	struct wire_series series;

	check(wire_dictionary_add(&dictionary, payload, length) == HM_REASON_NONE);
	check(dictionary.n_series == n_series);
	check(wire_dictionary_add(&dictionary, payload, length) == HM_REASON_NONE);
	check(dictionary.n_series == n_series);
	check(wire_dictionary_get(&dictionary, (uint32_t)n_series - 1, &series) == 0);
	check(series.metric.length > 0);
	wire_dictionary_done(&dictionary);
}

static enum hm_reason read_declare(const uint8_t *payload, size_t length, struct buffer *again)
{
	struct wire_declare declare;
	struct wire_series series;
	enum hm_reason reason = wire_declare_open(&declare, payload, length);

	if (reason == HM_REASON_NONE)
		wire_declare_put(again, &declare.stamp, declare.first_id);
	while (wire_declare_next(&declare, &series)) {
		check(series.metric.length + series.labels.length == series.name.length);
		check(series.metric.length <= HM_METRIC_NAME_MAX_BYTES);
		wire_declare_put_series(again, &series);
	}
	reason = declare.reason;
	if (reason == HM_REASON_NONE)
		check(declare.n_series > 0 &&
		      declare.first_id + declare.n_series <= HM_EPOCH_SERIES_MAX);
	if (reason == HM_REASON_NONE && declare.first_id == 0)
		check_dictionary(payload, length, declare.n_series);
	wire_declare_done(&declare);
	return reason;
}

static size_t count_samples(struct block_decoder *decoder, const uint8_t *bytes, size_t length,
			    uint32_t n_series)
{
	size_t n = 0;

	check(block_decoder_open(decoder, bytes, length) == 0);
	for (size_t i = 0; i < block_decoder_n_columns(decoder); i++) {
		struct block_column column;

		check(block_decoder_column(decoder, i, &column) == 0);
		check(column.series_id < n_series);
		for (size_t k = 0; k < column.n_values; k++)
			check(isfinite(column.values[k]));
		n += column.n_values;
	}
	return n;
}

static enum hm_reason read_batch(const uint8_t *payload, size_t length, struct buffer *again)
{
	uint32_t n_series = length > 1 ? payload[--length] : 0;
	struct block_decoder *decoder = block_decoder_new();
	struct wire_batch_content content;
	struct wire_batch batch;
	const uint8_t *bytes;
	size_t n_bytes;
	enum hm_reason reason;

	check(decoder != NULL);
	reason = wire_batch_check(decoder, payload, length, n_series, &content);
	if (reason == HM_REASON_NONE) {
		size_t n_samples = 0;

		check(wire_batch_get(payload, length, &batch) == HM_REASON_NONE);
		check(content.first_us <= content.last_us && content.first_us > INT64_MIN);
		check(content.n_samples <= HM_BATCH_SAMPLES_MAX);
		wire_stamp_put(again, &batch.stamp);
		while (batch_get_block(&batch.blocks, &bytes, &n_bytes) == 0) {
			n_samples += count_samples(decoder, bytes, n_bytes, n_series);
			batch_put_block(again, bytes, n_bytes);
		}
		check(n_samples == content.n_samples);
		buffer_append_byte(again, (char)n_series);
	}
	block_decoder_free(decoder);
	return reason;
}

static enum hm_reason read_schedule(const uint8_t *payload, size_t length, struct buffer *again)
{
	struct wire_schedule schedule;
	struct wire_schedule_entry entry;
	enum hm_reason reason = wire_schedule_get(payload, length, &schedule);

	if (reason != HM_REASON_NONE)
		return reason;
	check(schedule.since_us > INT64_MIN);
	wire_schedule_put_begin(again, &schedule.stamp, schedule.since_us);
	check(schedule.ship_interval_us <= HM_INTERVAL_MAX_US);
	if (schedule.ship_interval_us > 0)
		wire_schedule_put_ship(again, schedule.ship_interval_us);
	while (wire_schedule_next(&schedule, &entry)) {
		check(entry.interval_us > 0 && entry.interval_us <= HM_INTERVAL_MAX_US);
		check(entry.metric.length > 0 && entry.metric.length <= HM_METRIC_NAME_MAX_BYTES);
		wire_schedule_put_entry(again, &entry);
	}
	return reason;
}

static enum hm_reason read_any(uint8_t type, const uint8_t *payload, size_t length,
			       struct buffer *again)
{
	switch (type) {
	case HM_FRAME_HELLO:
		return read_hello(payload, length, again);
	case HM_FRAME_DECLARE:
		return read_declare(payload, length, again);
	case HM_FRAME_BATCH:
		return read_batch(payload, length, again);
	case HM_FRAME_ERROR:
	case HM_FRAME_BYE:
		return read_end(payload, length, again);
	case HM_FRAME_SCHEDULE:
		return read_schedule(payload, length, again);
	default:
		return read_fixed(type, payload, length, again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	size_t length = n_bytes - 1;
	struct buffer again = {0};
	enum hm_reason reason;
	uint8_t *exact;

	if (n_bytes < 1)
		return 0;
	exact = malloc(n_bytes);
	check(exact != NULL);
	memcpy(exact, data + 1, length);
	reason = read_any(data[0], exact, length, &again);
	check(!buffer_failed(&again));
	check(reason >= HM_REASON_NONE && reason < HM_REASON_COUNT);
	if (reason == HM_REASON_NONE)
		check(again.length == length && memcmp(again.data, exact, length) == 0);
	buffer_done(&again);
	free(exact);
	return 0;
}
