/* SPDX-License-Identifier: MIT */
/* What there is: hosts, and series with their last values. */

#include "collector/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/reply.h"
#include "collector/selection.h"
#include "collector/verbs.h"

/* Rows written at a time, between which other clients and signals have their turn. */
#define ROWS_PER_TURN ((size_t)512)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An answer over a selection, written some rows at a time. */
struct listing {
	struct engine *engine;
	struct selection selection;
	size_t n_done;
	void (*write_row)(struct control_reply *reply, const struct catalog_series *series,
			  const struct engine_series_state *state, struct buffer *name);
	struct buffer name;
	struct engine_series_state states[ROWS_PER_TURN];
};

static void listing_free(void *state)
{
	struct listing *listing = state;

	selection_done(&listing->selection);
	buffer_done(&listing->name);
	free(listing);
}

static int listing_produce(void *state, struct control_reply *reply)
{
	struct listing *listing = state;
	struct catalog_series **series = listing->selection.series + listing->n_done;
	size_t n = listing->selection.n - listing->n_done;

	if (n > ROWS_PER_TURN)
		n = ROWS_PER_TURN;
	engine_get_states(listing->engine, series, n, listing->states);
	for (size_t i = 0; i < n; i++)
		listing->write_row(reply, series[i], &listing->states[i], &listing->name);
	listing->n_done += n;
	if (listing->n_done < listing->selection.n)
		return 1;
	control_end(reply, HM_CONTROL_OK, NULL);
	return 0;
}

/* Answer with a row for each series that matches. The columns are written already. */
static void list_series(const struct verbs *verbs, const char *pattern, const char *host,
			struct control_reply *reply,
			void (*write_row)(struct control_reply *, const struct catalog_series *,
					  const struct engine_series_state *, struct buffer *))
{
	const struct limits no_limits = {0};
	struct listing *listing;
	int result;

	if (!reply_check_pattern(reply, pattern))
		return;
	listing = calloc(1, sizeof(*listing));
	if (!listing) {
		reply_fail(reply, "cannot list", -ENOMEM);
		return;
	}
	listing->engine = store_engine(verbs->store);
	listing->write_row = write_row;
	result = selection_new(store_engine(verbs->store), pattern, host, &no_limits,
			       &listing->selection);
	if (result == 0 && listing->selection.n > 0) {
		control_stream(reply, listing_produce, listing_free, listing);
		return;
	}
	listing_free(listing);
	if (result < 0)
		reply_fail(reply, "cannot list", result);
	else
		control_end(reply, HM_CONTROL_NONE, "no series matches");
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

static int compare_hosts(const void *a, const void *b)
{
	const struct engine_host_state *host_a = a;
	const struct engine_host_state *host_b = b;

	return strcmp(host_a->name, host_b->name);
}

void listing_answer_hosts(void *context, const struct control_request *request,
			  struct control_reply *reply)
{
	static const char *const columns[] = {"host:text", "series:number", "samples:number",
					      "last_time:time"};
	const struct verbs *verbs = context;
	struct engine_host_state *hosts;
	size_t n_hosts;
	int result = engine_list_hosts(store_engine(verbs->store), &hosts, &n_hosts);

	(void)request;
	control_columns(reply, "rows", columns, COUNT(columns));
	if (result < 0) {
		reply_fail(reply, "cannot list", result);
		return;
	}
	qsort(hosts, n_hosts, sizeof(*hosts), compare_hosts);
	for (size_t i = 0; i < n_hosts; i++) {
		control_text(reply, hosts[i].name);
		control_integer(reply, (int64_t)hosts[i].n_series);
		control_integer(reply, (int64_t)hosts[i].n_samples);
		if (hosts[i].has_sample)
			control_integer(reply, hosts[i].last_time_us);
		else
			control_nothing(reply);
		control_row_end(reply);
	}
	control_end(reply, n_hosts ? HM_CONTROL_OK : HM_CONTROL_NONE,
		    n_hosts ? NULL : "no host has sent anything yet");
	free(hosts);
}
