/* SPDX-License-Identifier: MIT */
/* The answer to the verb `export`. */

#include "collector/export.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/export_plan.h"
#include "collector/query.h"
#include "collector/reply.h"
#include "collector/verbs.h"
#include "common/decimal.h"

/* What has just arrived is waited for so long. */
#define FLUSH_TIMEOUT_MS 1000

/* So much is held of what is read: the more, the fewer times a long series is looked at. */
#define MEMORY_BYTES ((int64_t)4 << 20)

/* How often a checkpoint that is waited for is asked for. */
static const struct timespec poll_interval = {.tv_nsec = 5000000};

/* The bits of what "NaN" is read as. */
#define NAN_BITS UINT64_C(0x7ff8000000000000)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct export
{
	struct store *store;
	int64_t memory_max;
	struct export_wish wish;
	int64_t since_us;
	int64_t until_us;
	char *series;
	char *host;

	struct worker *worker;
	struct export_plan plan;
	struct budget memory;
	size_t next_file;                         /* of the plan: where to look for a row's */
	const struct catalog_series *series_said; /* in the rows so far; NULL = none */
	uint64_t n_rows;
	uint64_t n_lost;
};

static void export_free(void *state)
{
	struct export *export = state;

	export_plan_done(&export->plan);
	free(export->series);
	free(export->host);
	free(export);
}

/* -- rows ------------------------------------------------------------------------------------------ */

static const char *kind_word(enum hm_stored_kind kind)
{
	if (kind == HM_STORED_GAUGE)
		return "gauge";
	return kind == HM_STORED_COUNTER ? "counter" : "";
}

static void write_name(struct control_reply *reply, const struct export_file *file,
		       const char *labels)
{
	control_text(reply, file->file->host->name);
	control_text(reply, file->file->metric);
	control_text(reply, labels);
	control_text(reply, kind_word(file->kind));
	control_text(reply, file->unit);
	control_text(reply, file->is_shared ? "yes" : "no");
}

/* The name of a row's series, unless it was said. */
static void write_series(struct export *export, struct control_reply *reply,
			 const struct catalog_series *series)
{
	const struct export_plan *plan = &export->plan;

	if (series == export->series_said) {
		for (int i = 0; i < 6; i++)
			control_nothing(reply);
		return;
	}
	while (plan->files[export->next_file].file != series->file)
		export->next_file++;
	export->series_said = series;
	write_name(reply, &plan->files[export->next_file], series->labels);
}

static void write_row(struct export *export, const struct query_row *row)
{
	struct control_reply *reply = worker_reply(export->worker);
	uint64_t bits = decimal_double_bits(row->value);

	write_series(export, reply, row->series);
	control_integer(reply, row->time_us);
	control_number(reply, row->value);
	if (isnan(row->value) && bits != NAN_BITS) {
		char text[17];

		(void)snprintf(text, sizeof(text), "%016" PRIx64, bits);
		control_text(reply, text);
	} else {
		control_nothing(reply);
	}
	control_row_end(reply);
	export->n_rows++;
}

static int go_on(struct export *export)
{
	int result = worker_deliver(export->worker);

	return result == 0 ? worker_check(export->worker) : result;
}

/* Before the first sample: what is said of each metric of each host. */
static int write_metrics(struct export *export)
{
	struct control_reply *reply = worker_reply(export->worker);
	int result = 0;

	for (size_t i = 0; i < export->plan.n_files && result == 0; i++) {
		write_name(reply, &export->plan.files[i], "");
		for (int j = 0; j < 3; j++)
			control_nothing(reply);
		control_row_end(reply);
		result = go_on(export);
	}
	return result;
}

/* -- samples --------------------------------------------------------------------------------------- */

/* Give all rows of a query. @return 0; -ENOBUFS; -errno */
static int write_rows(struct export *export, struct query *query)
{
	const struct query_row *rows;
	size_t n_rows;
	int result;

	while ((result = query_next(query, &rows, &n_rows)) > 0) {
		for (size_t i = 0; i < n_rows; i++)
			write_row(export, &rows[i]);
		result = go_on(export);
		if (result < 0)
			break;
	}
	return result;
}

/* @param first, n  of the plan's series. @param ret_n_done  of them, also after a failure */
static int write_range(struct export *export, size_t first, size_t n, int64_t since_us,
		       int64_t until_us, size_t *ret_n_done)
{
	struct query_options options = {
		.chosen = export->plan.selection.series + first,
		.n_chosen = n,
		.since_us = since_us,
		.until_us = until_us,
		.limits = {&export->memory, worker_check, export->worker},
	};
	struct query *query;
	int result = query_open(store_engine(export->store), &options, &query);

	if (result < 0)
		return result;
	result = write_rows(export, query);
	*ret_n_done = result == 0 ? n : query_n_done(query);
	export->n_lost += query_n_lost(query);
	query_free(query);
	return result;
}

/* The half of the way, without overflow. */
static int64_t middle(int64_t low, int64_t high)
{
	return (int64_t)((uint64_t)low + ((uint64_t)high - (uint64_t)low) / 2);
}

/* Twice as far from `low`, at most up to `max`. */
static int64_t widen(int64_t low, uint64_t width, int64_t max)
{
	uint64_t room = (uint64_t)max - (uint64_t)low;

	return width > room / 2 ? max : (int64_t)((uint64_t)low + width * 2);
}

/*
 * A series that has more than the memory holds, some time after the other. A part that is refused has
 * given no row: rows are given once all of them are read.
 */
static int write_long(struct export *export, size_t series)
{
	int64_t low = export->since_us;
	int64_t high = export->until_us;
	uint64_t width;
	size_t n_done;

	for (;;) {
		int result = write_range(export, series, 1, low, high, &n_done);

		if (result == -ENOBUFS && low < high) {
			high = middle(low, high);
			continue;
		}
		/* All of one time, which nothing divides. */
		if (result == -ENOBUFS && export->memory.max < export->memory_max) {
			export->memory.max = export->memory_max;
			continue;
		}
		if (result < 0 || high == export->until_us)
			return result;
		width = (uint64_t)high - (uint64_t)low;
		low = high + 1;
		high = widen(low, width > 0 ? width : 1, export->until_us);
	}
}

static int write_samples(struct export *export)
{
	size_t n = export->plan.selection.n;
	size_t next = 0;
	int result = 0;

	while (next < n && result == 0) {
		size_t n_done = 0;

		result = write_range(export, next, n - next, export->since_us, export->until_us,
				     &n_done);
		next += n_done;
		if (result == -ENOBUFS)
			result = write_long(export, next++);
	}
	return result;
}

/* -- the thread ------------------------------------------------------------------------------------ */

/* A checkpoint waits until it can be. */
static bool can_write(struct export *export)
{
	struct engine_stats stats;

	engine_get_stats(store_engine(export->store), &stats);
	return !stats.is_full && !stats.is_readonly;
}

/*
 * The log of each host would be read again for each of its metrics: have it moved into files first.
 * Where that cannot be done it only takes longer.
 */
static int empty_log(struct export *export)
{
	uint64_t ticket = store_checkpoint(export->store);
	int result = 0;

	while (result == 0 && can_write(export) &&
	       store_checkpoint_result(export->store, ticket) == -EAGAIN) {
		(void)nanosleep(&poll_interval, NULL);
		result = worker_check(export->worker);
	}
	return result;
}

static int write_all(struct export *export)
{
	const struct limits limits = {NULL, worker_check, export->worker};
	int result =
		export_plan_new(store_engine(export->store), &export->wish, &limits, &export->plan);

	export->memory.max = export->memory_max < MEMORY_BYTES ? export->memory_max : MEMORY_BYTES;
	if (result == 0 && export->wish.by_metric && export->plan.has_many_hosts)
		result = empty_log(export);
	if (result == 0 && export->wish.by_metric)
		result = write_metrics(export);
	return result == 0 ? write_samples(export) : result;
}

static void end_answer(const struct export *export, struct control_reply *reply, int result)
{
	if (export->n_lost > 0) {
		char text[160];

		(void)snprintf(text, sizeof(text),
			       "%" PRIu64 " places of the store could not be read: something is "
			       "missing; 'agentctl check' names them",
			       export->n_lost);
		control_note(reply, text);
	}
	if (result == -ENOENT) {
		control_end(reply, HM_CONTROL_NONE, "no series matches");
	} else if (result == -ENOBUFS) {
		control_end(reply, HM_CONTROL_FAILED,
			    "a series has more samples of one time than fit into the memory: raise "
			    "query_memory_mib in collector.conf");
	} else if (result < 0) {
		reply_fail(reply, "cannot read the store", result);
	} else if (export->n_lost > 0) {
		control_end(reply, HM_CONTROL_FAILED, "the export is not complete");
	} else if (export->n_rows == 0) {
		control_end(reply, HM_CONTROL_NONE, "no sample in that range");
	} else {
		control_end(reply, HM_CONTROL_OK, NULL);
	}
}

static void run(struct worker *worker, void *state)
{
	static const char *const columns[] = {"host:text", "metric:text",  "labels:text",
					      "kind:text", "unit:text",    "shared:text",
					      "time:time", "value:number", "bits:text"};
	struct export *export = state;
	struct control_reply *reply = worker_reply(worker);
	int result;

	export->worker = worker;
	control_columns(reply, "rows", columns, COUNT(columns));
	if (store_flush(export->store, FLUSH_TIMEOUT_MS) < 0)
		control_note(reply, "the disk is slow: the last seconds may be missing");
	result = write_all(export);
	if (result != -ECANCELED)
		end_answer(export, reply, result);
}

/* -- what is asked --------------------------------------------------------------------------------- */

static int take_arguments(struct export *export, const struct verbs *verbs,
			  const struct control_request *request)
{
	const char *order = control_argument(request, "order");
	int result = reply_text_argument(request, "series", &export->series);

	if (result == 0)
		result = reply_text_argument(request, "host", &export->host);
	export->store = verbs->store;
	export->memory_max = verbs->answer_limits.memory_mib << 20;
	export->wish = (struct export_wish){
		.series = export->series,
		.host = export->host,
		.by_metric = order && strcmp(order, "metric") == 0,
	};
	return result;
}

void export_answer(void *context, const struct control_request *request,
		   struct control_reply *reply)
{
	const struct verbs *verbs = context;
	struct worker_job job = {.run = run, .free_state = export_free, .time_max_us = INT64_MAX};
	struct export *export;
	int result;

	if (!reply_check_pattern(reply, control_argument(request, "series")))
		return;
	export = calloc(1, sizeof(*export));
	if (!export) {
		reply_fail(reply, "cannot export", -ENOMEM);
		return;
	}
	export->since_us = INT64_MIN;
	export->until_us = INT64_MAX;
	result = take_arguments(export, verbs, request);
	if (result == 0)
		result = reply_time_argument(request, "since", &export->since_us);
	if (result == 0)
		result = reply_time_argument(request, "until", &export->until_us);
	job.state = export;
	if (result == 0) {
		reply_on_thread(reply, verbs->workers, &job, "cannot export");
		return;
	}
	export_free(export);
	if (result == -EINVAL) {
		control_end(reply, HM_CONTROL_USAGE,
			    "since and until are times in microseconds since 1970");
	} else {
		reply_fail(reply, "cannot export", result);
	}
}
