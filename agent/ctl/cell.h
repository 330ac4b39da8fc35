/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_CELL_H
#define AGENT_CTL_CELL_H

/* One value of an answer as text. */

#include <stdbool.h>
#include <stdint.h>

#include "agent/ctl/answer.h"
#include "common/buffer.h"

/*
 * Append it as a program reads it: numbers with every digit, times as Unix seconds, durations as
 * seconds (whole microseconds where the name of the column ends in _us), text as it is.
 * @param word  checked by answer_feed(); not NULL
 */
void cell_append_exact(struct buffer *out, const struct answer_column *column, const char *word);

/*
 * Append it for people, safe on a terminal: numbers rounded to 6 decimals, times in the zone in
 * force, durations like "12s"; "-" for no value.
 * @param word  NULL = no value
 */
void cell_append_readable(struct buffer *out, const struct answer_column *column, const char *word);

/* Append how long ago a time was: "12s". @param word  NULL = no value */
void cell_append_age(struct buffer *out, const char *word, int64_t now_us);

/* Does a table show how long ago the time in this column was? */
bool cell_is_age(const struct answer_column *column);

/* The heading of a column in a table: its name in capitals; what it is counted in, its cells say. */
void cell_format_heading(const struct answer_column *column,
			 char out[static ANSWER_NAME_MAX_BYTES]);

/* Append text so that it neither controls a terminal nor poses as other text. */
void cell_append_safe(struct buffer *out, const char *text);

#endif
