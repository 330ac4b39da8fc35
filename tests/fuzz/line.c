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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct line line;
	enum hm_reason reason = line_parse(&line, (const char *)data, n_bytes, NOW_US);

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
