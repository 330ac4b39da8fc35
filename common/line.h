/* SPDX-License-Identifier: MIT */
#ifndef COMMON_LINE_H
#define COMMON_LINE_H

/* One text line as it comes in at a collector; hostmetrics/wire.h has the grammar. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/series.h"

enum line_type {
	LINE_NOTHING, /* empty, or a comment */
	LINE_SAMPLE,
	LINE_TYPE, /* "# TYPE metric kind" */
	LINE_UNIT, /* "# UNIT metric unit" */
};

struct line {
	enum line_type type;
	int64_t time_us;
	double value;
	struct series_text name; /* of a sample: the series as it is written */
	struct series series;    /* of a sample; the metric only, of a declaration */
	struct series_text
		host; /* the label `host`, taken off the series; start NULL without one */
	enum hm_stored_kind kind; /* LINE_TYPE: gauge and counter; anything else is unknown */
	struct series_text unit;  /* LINE_UNIT */
};

/*
 * Parse a line without its newline; a trailing CR is passed over. Points into `text`, which must
 * outlive it.
 * @param now_us  the time of a sample that has none (or -1, or N)
 * @return HM_REASON_NONE, or why the line is refused
 */
enum hm_reason line_parse(struct line *line, const char *text, size_t length, int64_t now_us);

/* A time as text that lines repeat: longer ones are not kept. */
#define LINE_TIME_MAX_BYTES 24

/* A line whose name is not parsed. Zeroed before the first. */
struct line_skimmed {
	struct series_text name;
	int64_t time_us;
	double value;
	/* Senders write one time many times: the one that was read last. */
	char time_text[LINE_TIME_MAX_BYTES];
	size_t time_length; /* 0 = there is none */
	int64_t time_text_us;
};

/*
 * Read time and value of a line, and find its name, without looking at it. Where line_parse() took a
 * line with just these bytes as its `name` before, it would say the same of this one; of any other
 * name it must be asked.
 * @return false: the line may be wrong, or has not the usual form; line_parse() says
 */
bool line_skim(struct line_skimmed *skimmed, const char *text, size_t length, int64_t now_us);

/*
 * The same of the next line of a text, where that is what is expected: a line of this name, with the time of
 * the one before.
 * @param length  of all of the text
 * @return bytes of the line and its newline; 0: it is another, or not whole
 */
size_t line_skim_expected(struct line_skimmed *skimmed, const char *text, size_t length,
			  struct series_text name);

#endif
