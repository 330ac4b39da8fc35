/* SPDX-License-Identifier: MIT */
/* What agentctl can ask of a collector. */

#include "collector/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/query.h"
#include "collector/selection.h"
#include "common/match.h"
#include "common/reason.h"
#include "common/reload.h"
#include "common/timestamp.h"

/* Rows written at a time, between which other clients and signals have their turn. */
#define ROWS_PER_TURN ((size_t)512)

/* A query waits so long for what has just arrived to be written. */
#define FLUSH_TIMEOUT_MS 1000

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void fail(struct control_reply *reply, const char *what, int error)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s: %s", what, strerror(-error));
	control_end(reply, HM_CONTROL_FAILED, text);
}

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

/* Is it a pattern? If not, the answer says what is wrong with it. */
static bool check_pattern(struct control_reply *reply, const char *pattern)
{
	char problem[MATCHER_PROBLEM_BYTES];
	struct match *match;
	int result = match_new(pattern, &match, problem);

	if (result == 0)
		match_free(match);
	else if (result == -EINVAL)
		control_end(reply, HM_CONTROL_USAGE, problem);
	else
		fail(reply, "cannot choose series", result);
	return result == 0;
}

/* Answer with a row for each series that matches. The columns are written already. */
static void list_series(const struct verbs *verbs, const char *pattern, const char *host,
			struct control_reply *reply,
			void (*write_row)(struct control_reply *, const struct catalog_series *,
					  const struct engine_series_state *, struct buffer *))
{
	struct listing *listing;
	int result;

	if (!check_pattern(reply, pattern))
		return;
	listing = calloc(1, sizeof(*listing));
	if (!listing) {
		fail(reply, "cannot list", -ENOMEM);
		return;
	}
	listing->engine = store_engine(verbs->store);
	listing->write_row = write_row;
	result = selection_new(store_engine(verbs->store), pattern, host, &listing->selection);
	if (result == 0 && listing->selection.n > 0) {
		control_stream(reply, listing_produce, listing_free, listing);
		return;
	}
	listing_free(listing);
	if (result < 0)
		fail(reply, "cannot list", result);
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

static void answer_list_metrics(void *context, const struct control_request *request,
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

/* The columns of get and query. */
static void put_sample_columns(struct control_reply *reply)
{
	static const char *const columns[] = {"time:time", "host:text", "series:text",
					      "value:number"};

	control_columns(reply, "rows", columns, COUNT(columns));
}

/* The argument `series`, without which there is no answer. */
static const char *require_series(const struct control_request *request,
				  struct control_reply *reply)
{
	const char *series = control_argument(request, "series");

	if (!series || series[0] == '\0') {
		control_end(reply, HM_CONTROL_USAGE,
			    "which SERIES? A name as list-metrics shows "
			    "it, or a GLOB over metric names");
		return NULL;
	}
	return check_pattern(reply, series) ? series : NULL;
}

static void answer_get(void *context, const struct control_request *request,
		       struct control_reply *reply)
{
	const char *series = require_series(request, reply);

	if (!series)
		return;
	put_sample_columns(reply);
	list_series(context, series, control_argument(request, "host"), reply, write_last);
}

/* A query being answered. */
struct answer {
	struct query *query;
	struct buffer name;
	uint64_t n_rows;
};

static void answer_free(void *state)
{
	struct answer *answer = state;

	query_free(answer->query);
	buffer_done(&answer->name);
	free(answer);
}

static void end_answer(const struct answer *answer, struct control_reply *reply)
{
	uint64_t n_lost = query_n_lost(answer->query);

	if (n_lost > 0) {
		char text[160];

		(void)snprintf(text, sizeof(text),
			       "%" PRIu64
			       " places of the store could not be read: something may be "
			       "missing; 'agentctl check' names them",
			       n_lost);
		control_note(reply, text);
	}
	if (answer->n_rows > 0)
		control_end(reply, HM_CONTROL_OK, NULL);
	else
		control_end(reply, HM_CONTROL_NONE, "no sample in that range");
}

static int answer_produce(void *state, struct control_reply *reply)
{
	struct answer *answer = state;
	const struct query_row *rows;
	size_t n_rows;
	int result = query_next(answer->query, &rows, &n_rows);

	if (result < 0)
		fail(reply, "cannot read the store", result);
	else if (result == 0)
		end_answer(answer, reply);
	if (result <= 0)
		return 0;
	for (size_t i = 0; i < n_rows; i++) {
		const struct catalog_series *series = rows[i].series;

		if (i == 0 || series != rows[i - 1].series)
			(void)selection_name(series, &answer->name);
		control_integer(reply, rows[i].time_us);
		control_text(reply, series->file->host->name);
		control_text(reply, buffer_text(&answer->name));
		control_number(reply, rows[i].value);
		control_row_end(reply);
	}
	answer->n_rows += n_rows;
	return 1;
}

/* Read an argument in microseconds. @return 0, also without it; -EINVAL */
static int time_argument(const struct control_request *request, const char *name,
			 int64_t *ret_time_us)
{
	const char *text = control_argument(request, name);
	char *end;
	intmax_t time_us;

	if (!text || text[0] == '\0')
		return 0;
	errno = 0;
	time_us = strtoimax(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return -EINVAL;
	*ret_time_us = time_us;
	return 0;
}

static int new_answer(const struct verbs *verbs, const struct control_request *request,
		      struct answer **ret_answer)
{
	struct answer *answer = calloc(1, sizeof(*answer));
	int64_t since_us = INT64_MIN;
	int64_t until_us = INT64_MAX;
	int result;

	if (!answer)
		return -ENOMEM;
	result = time_argument(request, "since", &since_us);
	if (result == 0)
		result = time_argument(request, "until", &until_us);
	if (result == 0) {
		result = query_new(store_engine(verbs->store), control_argument(request, "series"),
				   control_argument(request, "host"), since_us, until_us,
				   &answer->query);
	}
	if (result == 0 && !control_argument(request, "all"))
		query_show_latest(answer->query);
	if (result < 0)
		answer_free(answer);
	else
		*ret_answer = answer;
	return result;
}

static void answer_query(void *context, const struct control_request *request,
			 struct control_reply *reply)
{
	const struct verbs *verbs = context;
	struct answer *answer;
	int flushed;
	int result;

	if (!require_series(request, reply))
		return;
	flushed = store_flush(verbs->store, FLUSH_TIMEOUT_MS);
	result = new_answer(verbs, request, &answer);
	if (result == -EINVAL) {
		control_end(reply, HM_CONTROL_USAGE,
			    "since and until are times in microseconds since 1970");
		return;
	}
	put_sample_columns(reply);
	if (flushed < 0)
		control_note(reply, "the disk is slow: the last seconds may be missing");
	if (result == 0)
		control_stream(reply, answer_produce, answer_free, answer);
	else if (result == -ENOENT)
		control_end(reply, HM_CONTROL_NONE, "no series matches");
	else
		fail(reply, "cannot query", result);
}

static int compare_hosts(const void *a, const void *b)
{
	const struct engine_host_state *host_a = a;
	const struct engine_host_state *host_b = b;

	return strcmp(host_a->name, host_b->name);
}

static void answer_list_hosts(void *context, const struct control_request *request,
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
		fail(reply, "cannot list", result);
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

/* One field of the record that status answers with. */
struct field {
	char column[64];  /* NAME:TYPE */
	const char *text; /* NULL = the number counts */
	int64_t number;
};

/* Both fields of each reason, for lines and for connections, beside the fixed ones. */
#define FIELDS_MAX (32 + 5 * HM_REASON_COUNT)

struct record {
	struct field fields[FIELDS_MAX];
	size_t n;
	struct reject rejects[2 * HM_REASON_COUNT];
	size_t n_rejects;
};

static void put_text(struct record *record, const char *name, const char *text)
{
	struct field *field = &record->fields[record->n++];

	(void)snprintf(field->column, sizeof(field->column), "%s:%s", name, HM_CONTROL_TEXT);
	field->text = text;
}

static void put_number(struct record *record, const char *name, uint64_t number)
{
	struct field *field = &record->fields[record->n++];

	(void)snprintf(field->column, sizeof(field->column), "%s:%s", name, HM_CONTROL_NUMBER);
	field->number = (int64_t)number;
}

static void put_uptime(struct record *record, const struct verbs *verbs)
{
	struct field *field = &record->fields[record->n++];

	(void)snprintf(field->column, sizeof(field->column), "uptime:%s", HM_CONTROL_DURATION);
	field->number = timestamp_monotonic_us() - verbs->start_us;
}

/* Every reason for which something was refused, with its example. @param what  "rejected" */
static void put_rejects(struct record *record, const char *what, struct rejects *rejects)
{
	char name[48];

	for (size_t i = 1; i < HM_REASON_COUNT; i++) {
		struct reject *reject = &record->rejects[record->n_rejects];

		rejects_get(rejects, (enum hm_reason)i, reject);
		if (reject->n == 0)
			continue;
		record->n_rejects++;
		(void)snprintf(name, sizeof(name), "%s_%s", what, reason_key((enum hm_reason)i));
		put_number(record, name, reject->n);
		(void)snprintf(name, sizeof(name), "%s_%s_example", what,
			       reason_key((enum hm_reason)i));
		put_text(record, name, reject->example);
	}
}

static void put_store(struct record *record, const struct engine_stats *stats)
{
	put_number(record, "hosts", stats->n_hosts);
	put_number(record, "series", stats->n_series);
	put_number(record, "metric_files", stats->n_files);
	put_number(record, "samples_stored", stats->n_stored);
	put_number(record, "samples_waiting", stats->n_waiting);
	put_number(record, "samples_odd", stats->n_odd);
}

static void put_log(struct record *record, const struct engine_stats *stats)
{
	struct field *field;

	put_number(record, "log_segments", stats->n_log_segments);
	put_number(record, "log_bytes", stats->n_log_bytes);
	put_number(record, "syncs", stats->n_syncs);
	put_number(record, "syncs_failed", stats->n_failed_syncs);
	field = &record->fields[record->n++];
	(void)snprintf(field->column, sizeof(field->column), "sync_longest:%s",
		       HM_CONTROL_DURATION);
	field->number = stats->sync_longest_us;
	put_number(record, "checkpoints", stats->n_checkpoints);
}

/* Can what comes in be stored? */
static const char *store_state(const struct engine_stats *stats)
{
	if (stats->is_full)
		return "disk full";
	return stats->is_readonly ? "read-only" : "ok";
}

static void put_traffic(struct record *record, struct traffic *traffic)
{
	put_number(record, "connections", (uint64_t)traffic->connections);
	put_number(record, "connections_max", (uint64_t)traffic->connections_max);
	put_number(record, "connections_total", (uint64_t)traffic->connections_total);
	put_number(record, "connections_refused", (uint64_t)traffic->connections_refused);
}

/* Clients of the control socket that were sent away, by reason. */
static void put_control(struct record *record, const struct control_server *control)
{
	char name[48];

	for (size_t i = 1; control && i < HM_REASON_COUNT; i++) {
		uint64_t n_closed = control_server_n_closed(control, (enum hm_reason)i);

		if (n_closed == 0)
			continue;
		(void)snprintf(name, sizeof(name), "control_closed_%s",
			       reason_key((enum hm_reason)i));
		put_number(record, name, n_closed);
	}
}

static void put_datagrams(struct record *record, const struct verbs *verbs)
{
	put_number(record, "udp_datagrams", (uint64_t)verbs->traffic->udp_datagrams);
	put_number(record, "udp_truncated", (uint64_t)verbs->traffic->udp_truncated);
	put_number(record, "udp_dropped", (uint64_t)endpoint_udp_drops(verbs->endpoint));
}

static void write_record(const struct record *record, struct control_reply *reply)
{
	const char *columns[FIELDS_MAX];

	for (size_t i = 0; i < record->n; i++)
		columns[i] = record->fields[i].column;
	control_columns(reply, "record", columns, record->n);
	for (size_t i = 0; i < record->n; i++) {
		if (record->fields[i].text)
			control_text(reply, record->fields[i].text);
		else
			control_integer(reply, record->fields[i].number);
	}
	control_row_end(reply);
	control_end(reply, HM_CONTROL_OK, NULL);
}

static void answer_status(void *context, const struct control_request *request,
			  struct control_reply *reply)
{
	const struct verbs *verbs = context;
	struct record record = {.n = 0};
	struct engine_stats stats;

	(void)request;
	engine_get_stats(store_engine(verbs->store), &stats);
	put_text(&record, "program", "hostmetrics-collector");
	put_text(&record, "version", HM_VERSION);
	put_number(&record, "pid", (uint64_t)getpid());
	put_text(&record, "hostname", verbs->hostname);
	put_uptime(&record, verbs);
	put_text(&record, "listen", verbs->endpoint->text);
	put_text(&record, "store", verbs->store_path);
	put_traffic(&record, verbs->traffic);
	put_rejects(&record, "closed", verbs->traffic->closed);
	put_control(&record, verbs->control);
	put_store(&record, &stats);
	put_number(&record, "lines_accepted", stats.n_accepted);
	put_number(&record, "lines_rejected", rejects_total(verbs->rejects));
	put_rejects(&record, "rejected", verbs->rejects);
	put_datagrams(&record, verbs);
	put_number(&record, "store_bytes", stats.n_file_bytes);
	put_log(&record, &stats);
	put_number(&record, "files_set_aside", stats.n_files_aside);
	put_number(&record, "damaged_ranges", stats.n_damaged_ranges);
	put_text(&record, "state", store_state(&stats));
	put_text(&record, "last_error", stats.last_error);
	write_record(&record, reply);
}

/* A flush that is waited for. */
struct flushing {
	struct store *store;
	uint64_t ticket;
	int64_t start_us;
};

static int flushing_produce(void *state, struct control_reply *reply)
{
	const struct flushing *flushing = state;
	struct engine_stats stats;
	int result = store_checkpoint_result(flushing->store, flushing->ticket);

	if (result == -EAGAIN)
		return result;
	if (result < 0) {
		fail(reply, "cannot move all samples into files; they stay in the log", result);
		return 0;
	}
	engine_get_stats(store_engine(flushing->store), &stats);
	control_integer(reply, timestamp_monotonic_us() - flushing->start_us);
	control_integer(reply, (int64_t)stats.n_checkpoints);
	control_integer(reply, (int64_t)stats.n_file_bytes);
	control_row_end(reply);
	control_end(reply, HM_CONTROL_OK, NULL);
	return 0;
}

static void answer_flush(void *context, const struct control_request *request,
			 struct control_reply *reply)
{
	static const char *const columns[] = {"took:duration", "checkpoints:number",
					      "store_bytes:number"};
	const struct verbs *verbs = context;
	struct flushing *flushing = calloc(1, sizeof(*flushing));

	(void)request;
	control_columns(reply, "record", columns, COUNT(columns));
	if (!flushing) {
		fail(reply, "cannot flush", -ENOMEM);
		return;
	}
	flushing->store = verbs->store;
	flushing->start_us = timestamp_monotonic_us();
	if (store_flush(verbs->store, FLUSH_TIMEOUT_MS) < 0)
		control_note(reply, "the disk is slow or full: the last seconds are not among it");
	flushing->ticket = store_checkpoint(verbs->store);
	control_stream(reply, flushing_produce, free, flushing);
}

static void answer_reload(void *context, const struct control_request *request,
			  struct control_reply *reply)
{
	const struct verbs *verbs = context;

	verbs->reload(verbs->daemon, reload_is_dry(request), reply);
}

const struct control_verb verbs_table[] = {
	{"flush", answer_flush},           {"get", answer_get},
	{"list-hosts", answer_list_hosts}, {"list-metrics", answer_list_metrics},
	{"query", answer_query},           {"reload", answer_reload},
	{"status", answer_status},         {NULL, NULL},
};
