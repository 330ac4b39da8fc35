/* SPDX-License-Identifier: MIT */
/* The answer to the verb `query`. */

#include "collector/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/aggregate.h"
#include "collector/query.h"
#include "collector/reply.h"
#include "collector/selection.h"
#include "collector/verbs.h"

/* A query waits so long for what has just arrived to be written. */
#define FLUSH_TIMEOUT_MS 1000

struct answer {
	struct store *store;
	struct answer_limits limits;
	struct budget samples; /* each has half of the memory: samples may take all that they get */
	struct budget window_memory;
	struct query_options options;
	struct aggregate_options windows;
	bool has_windows;
	char *series;
	char *host;
	char *by;

	struct query *query;
	struct aggregate *aggregate;        /* NULL = the samples themselves */
	const struct catalog_series *named; /* whose name is in `name` */
	struct buffer name;
	uint64_t n_rows;
};

static void answer_free(void *state)
{
	struct answer *answer = state;

	aggregate_free(answer->aggregate);
	query_free(answer->query);
	buffer_done(&answer->name);
	free(answer->series);
	free(answer->host);
	free(answer->by);
	free(answer);
}

/* -- what is asked --------------------------------------------------------------------------------- */

/* @return NULL, or what is wrong */
static const char *take_times(struct answer *answer, const struct control_request *request)
{
	struct window_rule *rule = &answer->windows.rule;
	int64_t step_us = 0;

	answer->options.since_us = INT64_MIN;
	answer->options.until_us = INT64_MAX;
	if (reply_time_argument(request, "since", &answer->options.since_us) < 0 ||
	    reply_time_argument(request, "until", &answer->options.until_us) < 0)
		return "since and until are times in microseconds since 1970";
	if (reply_time_argument(request, "step", &step_us) < 0 || step_us < 0)
		return "step is a duration in microseconds";
	rule->since_us = answer->options.since_us;
	window_set_step(rule, step_us);
	answer->has_windows = step_us > 0;
	return NULL;
}

/* @return NULL, or what is wrong */
static const char *take_function(struct answer *answer, const struct control_request *request)
{
	const char *function = control_argument(request, "function");

	answer->windows.chooses_function = !function;
	if (function && window_parse_function(function, &answer->windows.rule) < 0)
		return "the function is one of avg, min, max, sum, count, last, rate, increase, "
		       "or quantile=Q with Q from 0 to 1";
	if (function || control_argument(request, "by"))
		answer->has_windows = true;
	return NULL;
}

static int take_texts(struct answer *answer, const struct control_request *request)
{
	int result = reply_text_argument(request, "series", &answer->series);

	if (result == 0)
		result = reply_text_argument(request, "host", &answer->host);
	if (result == 0)
		result = reply_text_argument(request, "by", &answer->by);
	answer->options.series = answer->series;
	answer->options.host = answer->host;
	answer->windows.by = answer->by;
	return result;
}

/* -- the thread ------------------------------------------------------------------------------------ */

static void write_row(struct answer *answer, struct control_reply *reply, int64_t time_us,
		      const struct catalog_series *series, double value)
{
	if (series != answer->named)
		(void)selection_name(series, &answer->name);
	answer->named = series;
	control_integer(reply, time_us);
	control_text(reply, series->file->host->name);
	control_text(reply, buffer_text(&answer->name));
	control_number(reply, value);
	control_row_end(reply);
	answer->n_rows++;
}

static void write_cohort_row(struct answer *answer, struct control_reply *reply,
			     const struct aggregate_row *row)
{
	control_integer(reply, row->time_us);
	control_text(reply, row->cohort->host);
	control_text(reply, row->cohort->name);
	control_number(reply, row->value);
	control_row_end(reply);
	answer->n_rows++;
}

/* Write the next rows. @return 1; 0: there are none; -errno */
static int write_samples(struct answer *answer, struct control_reply *reply)
{
	const struct query_row *rows;
	size_t n_rows;
	int result = query_next(answer->query, &rows, &n_rows);

	for (size_t i = 0; result > 0 && i < n_rows; i++)
		write_row(answer, reply, rows[i].time_us, rows[i].series, rows[i].value);
	return result;
}

static int write_windows(struct answer *answer, struct control_reply *reply)
{
	const struct aggregate_row *rows;
	size_t n_rows;
	int result = aggregate_next(answer->aggregate, &rows, &n_rows);

	for (size_t i = 0; result > 0 && i < n_rows; i++) {
		if (rows[i].series)
			write_row(answer, reply, rows[i].time_us, rows[i].series, rows[i].value);
		else
			write_cohort_row(answer, reply, &rows[i]);
	}
	return result;
}

static int write_all(struct answer *answer, struct worker *worker)
{
	struct control_reply *reply = worker_reply(worker);
	int result = 1;

	while (result > 0) {
		result = answer->aggregate ? write_windows(answer, reply)
					   : write_samples(answer, reply);
		if (result > 0 && worker_deliver(worker) < 0)
			result = -ECANCELED;
		if (result > 0 && worker_check(worker) < 0)
			result = worker_check(worker);
	}
	return result;
}

static int open_query(struct answer *answer, struct worker *worker)
{
	struct engine *engine = store_engine(answer->store);
	int result;

	answer->samples.max = answer->limits.memory_mib << 19;
	answer->window_memory.max = answer->samples.max;
	answer->options.limits = (struct limits){&answer->samples, worker_check, worker};
	if (answer->has_windows)
		answer->options.since_us = aggregate_read_since(&answer->windows);
	result = query_open(engine, &answer->options, &answer->query);
	if (result == 0 && answer->has_windows) {
		result = aggregate_new(engine, answer->query, &answer->windows,
				       &answer->window_memory, &answer->aggregate);
	}
	return result;
}

static void tell_lost(const struct answer *answer, struct control_reply *reply)
{
	uint64_t n_lost = query_n_lost(answer->query);
	char text[160];

	if (n_lost == 0)
		return;
	(void)snprintf(text, sizeof(text),
		       "%" PRIu64 " places of the store could not be read: something may be "
		       "missing; 'agentctl check' names them",
		       n_lost);
	control_note(reply, text);
}

static void end_answer(const struct answer *answer, struct control_reply *reply, int result)
{
	switch (result) {
	case 0:
		tell_lost(answer, reply);
		if (answer->n_rows > 0)
			control_end(reply, HM_CONTROL_OK, NULL);
		else
			control_end(reply, HM_CONTROL_NONE, "no sample in that range");
		break;
	case -ENOENT:
		control_end(reply, HM_CONTROL_NONE, "no series matches");
		break;
	case -E2BIG:
		control_end(reply, HM_CONTROL_USAGE, "by takes at most 64 labels");
		break;
	default:
		reply_fail_query(
			reply, result, &answer->limits,
			answer->has_windows
				? "a shorter time (--since, --until), for fewer series, or for a "
				  "longer --step"
				: "a shorter time (--since, --until), for fewer series");
	}
}

static void run(struct worker *worker, void *state)
{
	struct answer *answer = state;
	struct control_reply *reply = worker_reply(worker);
	int flushed = store_flush(answer->store, FLUSH_TIMEOUT_MS);
	int result = open_query(answer, worker);

	reply_sample_columns(reply);
	if (flushed < 0)
		control_note(reply, "the disk is slow: the last seconds may be missing");
	if (result == 0)
		result = write_all(answer, worker);
	if (result != -ECANCELED)
		end_answer(answer, reply, result);
}

void answer_query(void *context, const struct control_request *request, struct control_reply *reply)
{
	const struct verbs *verbs = context;
	struct worker_job job = {
		.run = run, .free_state = answer_free, .time_max_us = verbs->answer_limits.time_us};
	struct answer *answer;
	const char *problem;
	int result;

	if (!reply_require_series(request, reply))
		return;
	answer = calloc(1, sizeof(*answer));
	if (!answer) {
		reply_fail(reply, "cannot query", -ENOMEM);
		return;
	}
	answer->store = verbs->store;
	answer->limits = verbs->answer_limits;
	answer->options.is_latest_only = !control_argument(request, "all");
	problem = take_times(answer, request);
	if (!problem)
		problem = take_function(answer, request);
	result = problem ? -EINVAL : take_texts(answer, request);
	job.state = answer;
	if (result == 0) {
		reply_on_thread(reply, verbs->workers, &job, "cannot query");
		return;
	}
	answer_free(answer);
	if (problem)
		control_end(reply, HM_CONTROL_USAGE, problem);
	else
		reply_fail(reply, "cannot query", result);
}
