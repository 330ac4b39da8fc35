/* SPDX-License-Identifier: MIT */
/* Bundles of samples, from text and as text. */

#include "tests/support/sample_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/query.h"
#include "collector/selection.h"
#include "collector/session.h"
#include "common/number.h"

static void give_up(const char *what, int error)
{
	(void)fprintf(stderr, "sample_lines: %s: %s\n", what, strerror(-error));
	abort();
}

void sample_lines_init(struct bundle *bundle)
{
	static const struct hash_key key = {{1, 2}};
	struct rejects *rejects;
	int result = rejects_new(&rejects);

	if (result < 0)
		give_up("rejects", result);
	bundle_init(bundle, &key, rejects);
	bundle->now_us = SAMPLE_LINES_NOW_US;
}

void sample_lines_done(struct bundle *bundle)
{
	rejects_free(bundle->rejects);
	bundle_done(bundle);
}

void sample_lines_add(struct bundle *bundle, const char *text)
{
	struct session session;

	session_init(&session, SAMPLE_LINES_HOST);
	session_feed(&session, text, strlen(text), bundle);
	session_end(&session, SESSION_ENDING_DATAGRAM, bundle);
	session_done(&session);
}

static void format_name(const struct bundle *bundle, const struct bundle_sample *sample,
			struct buffer *out)
{
	struct identity identity = bundle_identity(bundle, sample);

	if (sample->series) {
		buffer_printf(out, "%s %s%s", sample->series->file->host->name,
			      sample->series->file->metric, sample->series->labels);
	} else {
		buffer_printf(out, "%s %s%s", identity_host(&identity), identity_metric(&identity),
			      identity_labels(&identity));
	}
}

void sample_lines_format(const struct bundle *bundle, struct buffer *out)
{
	for (size_t i = 0; i < bundle->n_samples; i++) {
		const struct bundle_sample *sample = &bundle->samples[i];
		char value[NUMBER_TEXT_MAX_BYTES];

		(void)number_format(sample->value, value);
		buffer_printf(out, "%" PRId64 " ", sample->time_us);
		format_name(bundle, sample, out);
		buffer_printf(out, " %s %d %s\n", value, sample->kind,
			      sample->series ? "" : bundle_unit(bundle, sample));
	}
}

void sample_lines_store(struct store *store, const char *text)
{
	struct bundle bundle;
	struct rejects *rejects;
	int result = rejects_new(&rejects);

	if (result < 0)
		give_up("rejects", result);
	bundle_init(&bundle, store_hash_key(store), rejects);
	bundle.now_us = SAMPLE_LINES_NOW_US;
	sample_lines_add(&bundle, text);
	store_append(store, &bundle);
	sample_lines_done(&bundle);
}

void sample_lines_checkpoint(struct store *store)
{
	int result = store_flush(store, 10000);
	uint64_t ticket;

	if (result < 0)
		give_up("flush", result);
	ticket = store_checkpoint(store);
	do {
		(void)usleep(1000);
		result = store_checkpoint_result(store, ticket);
	} while (result == -EAGAIN);
	if (result < 0)
		give_up("checkpoint", result);
}

void sample_lines_query(struct store *store, const char *series, struct buffer *out)
{
	const struct query_row *rows;
	struct buffer name = {0};
	struct query *query;
	size_t n_rows;
	int result = store_flush(store, 10000);

	if (result < 0)
		give_up("flush", result);
	result = query_new(store_engine(store), series, NULL, INT64_MIN, INT64_MAX, &query);
	if (result == -ENOENT)
		return;
	if (result < 0)
		give_up("query_new", result);
	while ((result = query_next(query, &rows, &n_rows)) > 0) {
		for (size_t i = 0; i < n_rows; i++) {
			char value[NUMBER_TEXT_MAX_BYTES];

			(void)number_format(rows[i].value, value);
			buffer_printf(out, "%" PRId64 " %s %s %s\n", rows[i].time_us,
				      rows[i].series->file->host->name,
				      selection_name(rows[i].series, &name), value);
		}
	}
	if (result < 0)
		give_up("query_next", result);
	buffer_done(&name);
	query_free(query);
}
