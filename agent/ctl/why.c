/* SPDX-License-Identifier: MIT */
/* `agentctl why`. */

#include "agent/ctl/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/ask.h"
#include "agent/ctl/cell.h"
#include "agent/ctl/zone.h"
#include "common/timestamp.h"

/* Without a time it is so long ago and since. */
#define SINCE_DEFAULT_US (86400 * TIMESTAMP_SECOND_US)

/* Of "2026-10-25 02:13:57": what says which day it is. */
#define DAY_BYTES (sizeof("2026-10-25 ") - 1)

/* Append a time; its day only if that is another one than `day` says. */
static void append_time(struct buffer *out, const char *word, struct buffer *day)
{
	struct buffer text = {0};
	const char *shown;

	zone_append_readable(&text, strtoll(word, NULL, 10));
	shown = buffer_text(&text);
	if (strncmp(shown, buffer_text(day), DAY_BYTES) == 0)
		shown += DAY_BYTES;
	buffer_append_text(out, shown);
	buffer_done(&text);
}

/* The word of a row under a name. @return NULL: it has no value, or there is no such column */
static const char *find_word(const struct output *output, char *const words[], const char *name)
{
	size_t i = answer_find(&output->columns, name);

	return i < output->columns.n ? words[i] : NULL;
}

/* "12:03:10 to 12:07:40: ", with the day where it is not today */
static void append_span(struct output *output, const char *from, const char *to)
{
	struct buffer *out = &output->text;
	struct buffer day = {0};

	zone_append_readable(&day, output->now_us);
	if (from)
		append_time(out, from, &day);
	if (from && !to)
		buffer_append_text(out, " to now");
	if (to && (!from || strcmp(from, to) != 0)) {
		buffer_append_text(out, from ? " to " : "up to ");
		if (from) {
			buffer_clear(&day);
			zone_append_readable(&day, strtoll(from, NULL, 10));
		}
		append_time(out, to, &day);
	}
	if (from || to)
		buffer_append_text(out, ": ");
	buffer_done(&day);
}

/* " (web01, all 40 series)" */
static void append_whose(struct output *output, char *const words[])
{
	const char *host = find_word(output, words, "host");
	const char *series = find_word(output, words, "series");
	const char *n = find_word(output, words, "n_series");
	const char *of = find_word(output, words, "of_series");
	struct buffer *out = &output->text;

	buffer_append_text(out, " (");
	cell_append_safe(out, host ? host : "");
	buffer_append_text(out, ", ");
	if (series)
		cell_append_safe(out, series);
	else if (n && of && strcmp(n, of) == 0)
		buffer_printf(out, "all %s series", n);
	else
		buffer_printf(out, "%s of %s series", n ? n : "some", of ? of : "all");
	buffer_append_text(out, ")\n");
}

static void sentences_begin(struct output *output)
{
	(void)output;
}

static void sentences_row(struct output *output, char *const words[])
{
	const char *text = find_word(output, words, "text");

	append_span(output, find_word(output, words, "from"), find_word(output, words, "to"));
	cell_append_safe(&output->text, text ? text : "");
	append_whose(output, words);
}

static void sentences_end(struct output *output)
{
	if (output->n_rows == 0)
		buffer_append_text(&output->text, "no holes: every sample that was due is there\n");
}

const struct output_format why_sentences = {
	.name = "sentences",
	.begin = sentences_begin,
	.row = sentences_row,
	.end = sentences_end,
	.nothing = "",
};

int why_run(const struct options *options)
{
	struct options meant = *options;

	if (!meant.format || meant.format == &output_table)
		meant.format = &why_sentences;
	if (!(meant.given & (OPTIONS_AT | OPTIONS_SINCE | OPTIONS_UNTIL))) {
		meant.given |= OPTIONS_SINCE;
		meant.since_us = timestamp_now_us() - SINCE_DEFAULT_US;
	}
	return ask_run(&meant);
}
