/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SAMPLE_LINES_H
#define TESTS_SUPPORT_SAMPLE_LINES_H

/* Bundles of samples, from text and as text, for tests of the collector. */

#include "collector/bundle.h"
#include "collector/store.h"
#include "common/buffer.h"

/* The time of lines that have none. */
#define SAMPLE_LINES_NOW_US INT64_C(1795416401000000)

/* The host of lines that name none. */
#define SAMPLE_LINES_HOST "here"

/* Make a bundle with a key and rejects of its own. */
void sample_lines_init(struct bundle *bundle);
void sample_lines_done(struct bundle *bundle);

/* Add the samples of text lines, the last one ended or not. */
void sample_lines_add(struct bundle *bundle, const char *text);

/* Append a line for each sample: "time host metric{labels} value kind unit", kind as a number. */
void sample_lines_format(const struct bundle *bundle, struct buffer *out);

/* Give a store the samples of text lines. */
void sample_lines_store(struct store *store, const char *text);

/* Move what the store has into metric files. Ends the test when that fails. */
void sample_lines_checkpoint(struct store *store);

/* Append what the store has of the chosen series: "time host metric{labels} value", a line each.
 * Ends the test when it cannot be read. */
void sample_lines_query(struct store *store, const char *series, struct buffer *out);

#endif
