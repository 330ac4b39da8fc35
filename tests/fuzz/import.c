/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: what agentctl imports, in every format, line by line; and each sample that is taken, written
 * by every format of export and read again. The first byte chooses the format.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/export_format.h"
#include "agent/ctl/import_parser.h"
#include "common/decimal.h"
#include "common/number.h"
#include "common/text.h"

/* The bits of what "NaN" is read as. */
#define NAN_BITS UINT64_C(0x7ff8000000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static bool is_same_text(struct buffer *a, struct buffer *b)
{
	return strcmp(buffer_text(a), buffer_text(b)) == 0;
}

/* The sample that was read again is the one that was written. A host is always written. */
static void check_same(struct import_sample *sample, struct import_sample *again)
{
	if (!is_same_text(&sample->series, &again->series) ||
	    !is_same_text(&sample->unit, &again->unit) || sample->kind != again->kind ||
	    sample->time_us != again->time_us ||
	    decimal_double_bits(sample->value) != decimal_double_bits(again->value))
		abort();
}

static const char *kind_word(enum hm_stored_kind kind)
{
	if (kind == HM_STORED_GAUGE)
		return "gauge";
	return kind == HM_STORED_COUNTER ? "counter" : "";
}

/* Read a text to its end; all its samples are the one. @return how many there are */
static size_t read_again(const char *name, struct buffer *text, struct import_sample *sample)
{
	struct import_parser parser;
	char *rest = text->data;
	size_t n = 0;

	import_parser_init(&parser, import_find_format(name));
	while (rest && rest < text->data + text->length) {
		char *newline = memchr(rest, '\n', (size_t)(text->data + text->length - rest));
		enum import_verdict verdict =
			import_parser_take(&parser, rest, (size_t)(newline - rest));

		if (verdict == IMPORT_REFUSED)
			abort();
		if (verdict == IMPORT_SAMPLE) {
			check_same(sample, &parser.sample);
			if (strcmp(buffer_text(&parser.sample.host), "h\xc3\xb6st") != 0)
				abort();
			n++;
		}
		rest = newline + 1;
	}
	import_parser_done(&parser);
	return n;
}

static void write_sample(const struct export_format *format, const struct export_sample *sample,
			 struct buffer *out)
{
	struct export_sample again = *sample;
	struct export_sample metric = *sample;
	struct export_state state = {0};

	metric.value = NULL;
	again.is_new_series = false;
	format->begin(out);
	if (format->by_metric)
		format->sample(&state, &metric, out);
	format->sample(&state, sample, out);
	format->sample(&state, &again, out);
	format->end(out);
	export_state_done(&state);
}

/* Is it what a collector would take? Others need not come back. */
static bool is_storable(struct import_sample *sample)
{
	struct series series;
	const char *text = buffer_text(&sample->series);
	size_t used;

	return sample->unit.length <= HM_UNIT_MAX_BYTES &&
	       text_is_clean(buffer_text(&sample->unit), sample->unit.length) &&
	       series_parse(&series, text, sample->series.length, &used) == HM_REASON_NONE &&
	       used == sample->series.length && !series_take_label(&series, "host").start;
}

static void check_round_trip(struct import_sample *sample, bool is_shared)
{
	static const char *const names[] = {"csv", "jsonl", "openmetrics"};
	struct buffer metric = {0};
	char value[NUMBER_TEXT_MAX_BYTES];
	char bits[17];
	const char *series = buffer_text(&sample->series);
	struct export_sample written = {
		.host = "h\xc3\xb6st",
		.labels = strchr(series, '{'),
		.kind = kind_word(sample->kind),
		.unit = buffer_text(&sample->unit),
		.is_shared = is_shared,
		.is_new_series = true,
		.time_us = sample->time_us,
		.value = value,
	};

	if (!written.labels)
		written.labels = series + sample->series.length;
	buffer_append(&metric, series, (size_t)(written.labels - series));
	written.metric = buffer_text(&metric);
	(void)number_format(sample->value, value);
	(void)snprintf(bits, sizeof(bits), "%016jx", (uintmax_t)decimal_double_bits(sample->value));
	if (sample->value != sample->value && decimal_double_bits(sample->value) != NAN_BITS)
		written.bits = bits;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buffer text = {0};

		write_sample(export_find_format(names[i]), &written, &text);
		if (buffer_failed(&text) || read_again(names[i], &text, sample) != 2)
			abort();
		buffer_done(&text);
	}
	buffer_done(&metric);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const names[] = {"csv", "jsonl", "openmetrics", "prometheus",
					    "recognised"};
	struct import_parser parser;
	const char *rest = (const char *)data + 1;
	const char *end = (const char *)data + n_bytes;

	if (n_bytes == 0)
		return 0;
	import_parser_init(&parser,
			   import_find_format(names[data[0] % (sizeof(names) / sizeof(names[0]))]));
	while (rest < end) {
		const char *newline = memchr(rest, '\n', (size_t)(end - rest));
		const char *stop = newline ? newline : end;
		enum import_verdict verdict =
			import_parser_take(&parser, rest, (size_t)(stop - rest));

		if (verdict == IMPORT_REFUSED && !parser.problem)
			abort();
		if (verdict == IMPORT_SAMPLE && is_storable(&parser.sample))
			check_round_trip(&parser.sample, data[0] & 0x80);
		rest = stop + 1;
	}
	import_parser_done(&parser);
	return 0;
}
