/* SPDX-License-Identifier: MIT */
/* Fuzz target: common/line.c on any line, and on what the agent would write of its sample. */

#include "common/line.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "common/reason.h"
#include "common/text.h"
#include "common/timestamp.h"

#define NOW_US INT64_C(1795416999000007)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check_sample(const struct line *line)
{
	if (!isfinite(line->value))
		abort();
	if (line->host.start &&
	    (line->host.length == 0 || line->host.length > HM_HOST_NAME_MAX_BYTES ||
	     !text_is_clean(line->host.start, line->host.length)))
		abort();
}

/* The sample as `TIME NAME VALUE`, as the agent writes it, without its host. */
static void format_sample(const struct line *line, struct buffer *out)
{
	char time[TIMESTAMP_TEXT_MAX_BYTES];
	char value[NUMBER_TEXT_MAX_BYTES];

	buffer_append(out, time, timestamp_format(line->time_us, time));
	buffer_append_byte(out, ' ');
	series_format(&line->series, out);
	buffer_append_byte(out, ' ');
	buffer_append(out, value, number_format(line->value, value));
}

static void check_round_trip(const struct line *line)
{
	struct buffer text = {0};
	struct buffer text_again = {0};
	struct line again;

	format_sample(line, &text);
	if (line_parse(&again, text.data, text.length, NOW_US) != HM_REASON_NONE ||
	    again.type != LINE_SAMPLE)
		abort();
	format_sample(&again, &text_again);
	/* One second before 1970 is "now". */
	if (line->time_us != -TIMESTAMP_SECOND_US &&
	    strcmp(buffer_text(&text), buffer_text(&text_again)) != 0)
		abort();
	buffer_done(&text);
	buffer_done(&text_again);
}

/* Is it the name of a series, whole? */
static bool is_name(struct series_text name)
{
	struct buffer text = {0};
	struct line line;
	bool is_name;

	buffer_append(&text, name.start, name.length);
	buffer_append(&text, " 1", 2);
	is_name = line_parse(&line, text.data, text.length, NOW_US) == HM_REASON_NONE &&
		  line.type == LINE_SAMPLE && line.name.start == text.data &&
		  line.name.length == name.length;
	buffer_done(&text);
	return is_name;
}

/* Where the name and the time are expected, it is the same. */
static void check_expected(const struct line_skimmed *skimmed, const char *text, size_t length)
{
	struct line_skimmed expected = *skimmed;
	struct buffer lines = {0};
	size_t n_taken;

	expected.time_us = 0;
	expected.value = 0;
	buffer_append(&lines, text, length);
	buffer_append(&lines, "\nx", 2);
	n_taken = line_skim_expected(&expected, lines.data, lines.length, skimmed->name);
	if (n_taken > 0 &&
	    (n_taken != length + 1 ||
	     expected.name.start - lines.data != skimmed->name.start - text ||
	     expected.time_us != skimmed->time_us || expected.value != skimmed->value ||
	     signbit(expected.value) != signbit(skimmed->value)))
		abort();
	buffer_done(&lines);
}

/* What is skimmed of a line with a good name is what the line says. */
static void check_skimmed(const struct line *line, enum hm_reason reason, const char *text,
			  size_t length)
{
	struct line_skimmed skimmed = {.time_length = 0};

	if (!line_skim(&skimmed, text, length, NOW_US) || !is_name(skimmed.name))
		return;
	check_expected(&skimmed, text, length);
	if (reason != HM_REASON_NONE || line->type != LINE_SAMPLE ||
	    skimmed.name.start != line->name.start || skimmed.name.length != line->name.length ||
	    skimmed.time_us != line->time_us || skimmed.value != line->value ||
	    signbit(skimmed.value) != signbit(line->value))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct line line;
	enum hm_reason reason = line_parse(&line, (const char *)data, n_bytes, NOW_US);

	check_skimmed(&line, reason, (const char *)data, n_bytes);
	if (reason != HM_REASON_NONE) {
		if (line.type != LINE_NOTHING || !*reason_text(reason))
			abort();
		return 0;
	}
	if (line.type == LINE_SAMPLE) {
		check_sample(&line);
		check_round_trip(&line);
	}
	if (line.type == LINE_UNIT && !text_is_clean(line.unit.start, line.unit.length))
		abort();
	return 0;
}
