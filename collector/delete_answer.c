/* SPDX-License-Identifier: MIT */
/* The answer to the verb `delete`. */

#include "collector/delete_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/delete.h"
#include "collector/query.h"
#include "collector/reply.h"
#include "collector/selection.h"
#include "collector/verbs.h"
#include "common/array.h"

#define FLUSH_TIMEOUT_MS 1000

/* On a disk that takes nothing it is given up after so many. */
#define FLUSHES_MAX 10

/* Looking at all that is to be deleted may take its time; its client may break it off. */
#define TIME_MAX_US INT64_C(3600000000)

struct deleting {
	struct store *store;
	char *series;
	char *host;
	struct delete_range range;
	bool is_meant; /* and not only to be shown */
	struct budget memory;

	struct catalog_series **chosen; /* that have samples in the range */
	size_t n_chosen;
	size_t capacity;
	/* Of the series being shown: */
	const struct catalog_series *shown;
	uint64_t n_samples;
	int64_t first_us;
	int64_t last_us;
	struct buffer name;
};

static void deleting_free(void *state)
{
	struct deleting *deleting = state;

	buffer_done(&deleting->name);
	free(deleting->chosen);
	free(deleting->series);
	free(deleting->host);
	free(deleting);
}

/* Write the row of the series that was counted. */
static int end_series(struct deleting *deleting, struct control_reply *reply)
{
	struct catalog_series **grown;

	if (!deleting->shown)
		return 0;
	grown = array_grow(deleting->chosen, deleting->n_chosen, &deleting->capacity,
			   sizeof(struct catalog_series *));
	if (!grown)
		return -ENOMEM;
	deleting->chosen = grown;
	grown[deleting->n_chosen++] = (struct catalog_series *)deleting->shown;
	control_text(reply, deleting->shown->file->host->name);
	control_text(reply, selection_name(deleting->shown, &deleting->name));
	control_integer(reply, (int64_t)deleting->n_samples);
	control_integer(reply, deleting->first_us);
	control_integer(reply, deleting->last_us);
	control_row_end(reply);
	deleting->shown = NULL;
	return 0;
}

static int count_row(struct deleting *deleting, struct control_reply *reply,
		     const struct query_row *row)
{
	int result = 0;

	if (row->series != deleting->shown) {
		result = end_series(deleting, reply);
		deleting->shown = row->series;
		deleting->n_samples = 0;
		deleting->first_us = row->time_us;
	}
	deleting->n_samples++;
	deleting->last_us = row->time_us;
	return result;
}

/* Show what there is. @return 0; -ENOENT: no series; -errno */
static int show(struct deleting *deleting, struct worker *worker)
{
	struct control_reply *reply = worker_reply(worker);
	struct query_options options = {
		.series = deleting->series,
		.host = deleting->host,
		.since_us = deleting->range.since_us,
		.until_us = deleting->range.until_us,
		.limits = {&deleting->memory, worker_check, worker},
	};
	const struct query_row *rows;
	struct query *query;
	size_t n_rows;
	int result = query_open(store_engine(deleting->store), &options, &query);

	if (result < 0)
		return result;
	while (result >= 0 && (result = query_next(query, &rows, &n_rows)) > 0) {
		for (size_t i = 0; i < n_rows && result >= 0; i++)
			result = count_row(deleting, reply, &rows[i]);
		if (result >= 0 && worker_deliver(worker) < 0)
			result = -ECANCELED;
	}
	if (result == 0)
		result = end_series(deleting, reply);
	query_free(query);
	return result;
}

/* Have it logged, and wait until it is durable. @return 0; -ETIMEDOUT: it will be, not now; -errno */
static int log_delete(struct deleting *deleting)
{
	struct engine *engine = store_engine(deleting->store);
	uint64_t ticket;
	int result =
		delete_log(engine, deleting->chosen, deleting->n_chosen, &deleting->range, &ticket);

	if (result < 0)
		return result;
	for (int i = 0; i < FLUSHES_MAX && !delete_is_durable(engine, ticket); i++)
		(void)store_flush(deleting->store, FLUSH_TIMEOUT_MS);
	if (!delete_is_durable(engine, ticket))
		return -ETIMEDOUT;
	return delete_settle(engine, deleting->chosen, deleting->n_chosen, &deleting->range);
}

static void end_answer(const struct deleting *deleting, struct control_reply *reply, int result)
{
	if (result == -ENOENT) {
		control_end(reply, HM_CONTROL_NONE, "no series matches");
	} else if (result == -ETIMEDOUT) {
		control_end(reply, HM_CONTROL_FAILED,
			    "the log cannot be written now: nothing is deleted until it can");
	} else if (result < 0) {
		reply_fail(reply, "cannot delete", result);
	} else if (deleting->n_chosen == 0) {
		control_end(reply, HM_CONTROL_NONE, "no sample in that range");
	} else {
		control_end(reply, HM_CONTROL_OK, NULL);
	}
}

static void run(struct worker *worker, void *state)
{
	static const char *const columns[] = {"host:text", "series:text", "samples:number",
					      "first_time:time", "last_time:time"};
	struct deleting *deleting = state;
	struct control_reply *reply = worker_reply(worker);
	int result;

	/* What was taken before goes, too. */
	(void)store_flush(deleting->store, FLUSH_TIMEOUT_MS);
	control_columns(reply, "rows", columns, sizeof(columns) / sizeof(*columns));
	result = show(deleting, worker);
	if (result == 0 && deleting->is_meant && deleting->n_chosen > 0)
		result = log_delete(deleting);
	if (result != -ECANCELED)
		end_answer(deleting, reply, result);
}

static struct deleting *deleting_new(const struct verbs *verbs,
				     const struct control_request *request)
{
	struct deleting *deleting = calloc(1, sizeof(*deleting));
	const char *host = control_argument(request, "host");

	if (!deleting)
		return NULL;
	deleting->store = verbs->store;
	deleting->range = (struct delete_range){INT64_MIN, INT64_MAX};
	deleting->memory.max = verbs->answer_limits.memory_mib << 20;
	deleting->is_meant = control_argument(request, "yes") != NULL;
	deleting->series = strdup(control_argument(request, "series"));
	deleting->host = strdup(host ? host : "");
	if (deleting->series && deleting->host)
		return deleting;
	deleting_free(deleting);
	return NULL;
}

void delete_answer(void *context, const struct control_request *request,
		   struct control_reply *reply)
{
	const struct verbs *verbs = context;
	struct worker_job job = {
		.run = run, .free_state = deleting_free, .time_max_us = TIME_MAX_US};
	struct deleting *deleting;

	if (!reply_require_series(request, reply))
		return;
	deleting = deleting_new(verbs, request);
	if (!deleting) {
		reply_fail(reply, "cannot delete", -ENOMEM);
		return;
	}
	job.state = deleting;
	if (reply_time_argument(request, "since", &deleting->range.since_us) < 0 ||
	    reply_time_argument(request, "until", &deleting->range.until_us) < 0 ||
	    deleting->range.since_us > deleting->range.until_us) {
		deleting_free(deleting);
		control_end(reply, HM_CONTROL_USAGE,
			    "since and until are times in microseconds since 1970, in that order");
		return;
	}
	reply_on_thread(reply, verbs->workers, &job, "cannot delete");
}
