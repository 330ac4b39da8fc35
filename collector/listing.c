/* SPDX-License-Identifier: MIT */
/* What there is: series with their last values. */

#include "collector/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/reply.h"
#include "collector/selection.h"
#include "collector/verbs.h"
#include "common/timestamp.h"

/* Rows whose values are looked up at once, while nobody else has the catalog. */
#define ROWS_AT_ONCE ((size_t)512)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef void (*write_series)(struct control_reply *reply, const struct catalog_series *series,
			     const struct engine_series_state *state, struct buffer *name);

/* An answer with a row for each series of a selection, written on a thread. */
struct listing {
	struct engine *engine;
	char *pattern; /* NULL = all */
	char *host;
	int64_t time_max_us;
	write_series write;
	struct selection selection;
	struct buffer name;
	struct engine_series_state states[ROWS_AT_ONCE];
};

static void listing_free(void *state)
{
	struct listing *listing = state;

	selection_done(&listing->selection);
	buffer_done(&listing->name);
	free(listing->pattern);
	free(listing->host);
	free(listing);
}

static int write_rows(struct listing *listing, struct worker *worker)
{
	const struct selection *selection = &listing->selection;

	for (size_t at = 0; at < selection->n; at += ROWS_AT_ONCE) {
		size_t end = selection->n - at > ROWS_AT_ONCE ? at + ROWS_AT_ONCE : selection->n;
		int result;

		engine_get_states(listing->engine, selection->series + at, end - at,
				  listing->states);
		for (size_t i = at; i < end; i++) {
			listing->write(worker_reply(worker), selection->series[i],
				       &listing->states[i - at], &listing->name);
		}
		result = worker_deliver(worker);
		if (result == 0)
			result = worker_check(worker);
		if (result < 0)
			return result;
	}
	return 0;
}

static void end_listing(const struct listing *listing, struct control_reply *reply, int result)
{
	if (result == -ETIME) {
		char limit[64];

		duration_format(listing->time_max_us, limit);
		reply_over_limit(reply, limit, "fewer series", "query_time");
	} else if (result < 0) {
		reply_fail(reply, "cannot list", result);
	} else if (listing->selection.n == 0) {
		control_end(reply, HM_CONTROL_NONE, "no series matches");
	} else {
		control_end(reply, HM_CONTROL_OK, NULL);
	}
}

static void run(struct worker *worker, void *state)
{
	struct listing *listing = state;
	const struct limits limits = {.check = worker_check, .context = worker};
	int result = selection_new(listing->engine, listing->pattern, listing->host, &limits,
				   &listing->selection);

	if (result == 0)
		result = write_rows(listing, worker);
	if (result != -ECANCELED)
		end_listing(listing, worker_reply(worker), result);
}

static int copy_text(const char *text, char **ret_copy)
{
	if (text)
		*ret_copy = strdup(text);
	return text && !*ret_copy ? -ENOMEM : 0;
}

/* Answer with a row for each series that matches. The columns are written already. */
static void list_series(const struct verbs *verbs, const char *pattern, const char *host,
			struct control_reply *reply, write_series write)
{
	struct worker_job job = {.run = run,
				 .free_state = listing_free,
				 .time_max_us = verbs->answer_limits.time_us};
	struct listing *listing;

	if (!reply_check_pattern(reply, pattern))
		return;
	listing = calloc(1, sizeof(*listing));
	if (!listing) {
		reply_fail(reply, "cannot list", -ENOMEM);
		return;
	}
	listing->engine = store_engine(verbs->store);
	listing->write = write;
	listing->time_max_us = job.time_max_us;
	job.state = listing;
	if (copy_text(pattern, &listing->pattern) < 0 || copy_text(host, &listing->host) < 0) {
		listing_free(listing);
		reply_fail(reply, "cannot list", -ENOMEM);
		return;
	}
	reply_on_thread(reply, verbs->workers, &job, "cannot list");
}

static const char *kind_word(enum hm_stored_kind kind)
{
	switch (kind) {
	case HM_STORED_GAUGE:
		return "gauge";
	case HM_STORED_COUNTER:
		return "counter";
	default:
		return "unknown";
	}
}

static void write_metric(struct control_reply *reply, const struct catalog_series *series,
			 const struct engine_series_state *state, struct buffer *name)
{
	control_text(reply, series->file->host->name);
	control_text(reply, selection_name(series, name));
	control_text(reply, kind_word(state->kind));
	control_text(reply, state->unit);
	if (state->has_sample) {
		control_number(reply, state->last_value);
		control_integer(reply, state->last_time_us);
	} else {
		control_nothing(reply);
		control_nothing(reply);
	}
	control_row_end(reply);
}

void listing_answer_metrics(void *context, const struct control_request *request,
			    struct control_reply *reply)
{
	static const char *const columns[] = {"host:text", "series:text",  "kind:text",
					      "unit:text", "value:number", "time:time"};

	control_columns(reply, "rows", columns, COUNT(columns));
	list_series(context, control_argument(request, "glob"), control_argument(request, "host"),
		    reply, write_metric);
}

static void write_last(struct control_reply *reply, const struct catalog_series *series,
		       const struct engine_series_state *state, struct buffer *name)
{
	if (!state->has_sample)
		return;
	control_integer(reply, state->last_time_us);
	control_text(reply, series->file->host->name);
	control_text(reply, selection_name(series, name));
	control_number(reply, state->last_value);
	control_row_end(reply);
}

void listing_answer_get(void *context, const struct control_request *request,
			struct control_reply *reply)
{
	const char *series = reply_require_series(request, reply);

	if (!series)
		return;
	reply_sample_columns(reply);
	list_series(context, series, control_argument(request, "host"), reply, write_last);
}
