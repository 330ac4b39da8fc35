/* SPDX-License-Identifier: MIT */
/* The answer to the verb `why`. */

#include "collector/why_answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/reply.h"
#include "collector/selection.h"
#include "collector/verbs.h"
#include "collector/why_host.h"
#include "common/timestamp.h"

/* What has just arrived is waited for so long. */
#define FLUSH_TIMEOUT_MS 1000

struct why_answer {
	struct store *store;
	struct answer_limits limits;
	struct budget memory; /* each has half of it */
	struct budget samples;
	char *series;
	char *host;
	int64_t since_us;
	int64_t until_us;

	struct selection selection;
	bool is_whole; /* all series of a host are meant */
	struct buffer name;
	uint64_t n_lost;
};

static void answer_free(void *state)
{
	struct why_answer *answer = state;

	selection_done(&answer->selection);
	buffer_done(&answer->name);
	free(answer->series);
	free(answer->host);
	free(answer);
}

/* -- which series ---------------------------------------------------------------------------------- */

/* A glob that only this name is chosen by. */
static void put_glob(struct buffer *out, const char *name)
{
	for (; *name; name++) {
		if (strchr("*?[\\", *name))
			buffer_append_byte(out, '\\');
		buffer_append_byte(out, *name);
	}
}

/* Choose all series of the host of that name, if there is one. */
static int choose_host(struct why_answer *answer, const struct limits *limits)
{
	struct engine *engine = store_engine(answer->store);
	struct buffer glob = {0};
	int result;

	put_glob(&glob, answer->series);
	result = buffer_failed(&glob) ? -ENOMEM
				      : selection_new(engine, NULL, buffer_text(&glob), limits,
						      &answer->selection);
	buffer_done(&glob);
	answer->is_whole = result == 0 && answer->selection.n > 0;
	return result;
}

static int choose(struct why_answer *answer, const struct limits *limits)
{
	int result = answer->host ? 0 : choose_host(answer, limits);

	if (result < 0 || answer->is_whole)
		return result;
	selection_done(&answer->selection);
	result = selection_new(store_engine(answer->store), answer->series, answer->host, limits,
			       &answer->selection);
	return result == 0 && answer->selection.n == 0 ? -ENOENT : result;
}

/* -- rows ------------------------------------------------------------------------------------------ */

static void write_time(struct control_reply *reply, int64_t time_us, int64_t none_us)
{
	if (time_us == none_us)
		control_nothing(reply);
	else
		control_integer(reply, time_us);
}

static void write_row(struct why_answer *answer, struct control_reply *reply,
		      const struct why_finding *finding, uint64_t n_of)
{
	write_time(reply, finding->from_us, INT64_MIN);
	write_time(reply, finding->to_us, finding->to_us == WHY_STILL ? WHY_STILL : INT64_MIN);
	control_text(reply, why_key(finding->what));
	control_text(reply, why_text(finding->what));
	control_text(reply, finding->series->file->host->name);
	control_text(reply, finding->n_series == 1 ? selection_name(finding->series, &answer->name)
						   : NULL);
	control_integer(reply, (int64_t)finding->n_series);
	control_integer(reply, (int64_t)n_of);
	control_row_end(reply);
}

static int write_list(struct why_answer *answer, struct worker *worker, const struct why_list *list,
		      uint64_t n_of)
{
	const struct why_finding **sorted;
	int result = why_list_sort(list, &sorted);

	if (result < 0)
		return result;
	for (size_t i = 0; i < list->findings.n && result == 0; i++) {
		write_row(answer, worker_reply(worker), sorted[i], n_of);
		result = worker_deliver(worker);
	}
	free(sorted);
	return result;
}

/* @param first, end  of the selection: all that are of one host */
static int write_host(struct why_answer *answer, struct worker *worker, size_t first, size_t end)
{
	struct engine *engine = store_engine(answer->store);
	const struct why_wish wish = {
		.series = answer->selection.series + first,
		.n_series = end - first,
		.since_us = answer->since_us,
		.until_us = answer->until_us,
		.now_us = timestamp_now_us(),
		.is_whole = answer->is_whole,
		.limits = {&answer->memory, worker_check, worker},
		.samples = &answer->samples,
	};
	struct why_list list = {.key = &engine->options.key, .limits = &wish.limits};
	uint64_t n_intervals = 0;
	int result = why_host_read(engine, &wish, &list, &n_intervals, &answer->n_lost);

	/* Of a host those do not matter that nobody knows the interval of. */
	if (!answer->is_whole || n_intervals == 0)
		n_intervals = end - first;
	if (result == 0)
		result = write_list(answer, worker, &list, n_intervals);
	why_list_done(&list);
	return result;
}

static int write_all(struct why_answer *answer, struct worker *worker)
{
	const struct selection *selection = &answer->selection;
	size_t first = 0;
	int result = 0;

	while (first < selection->n && result == 0) {
		size_t end = first + 1;

		while (end < selection->n &&
		       selection->series[end]->file->host == selection->series[first]->file->host)
			end++;
		result = write_host(answer, worker, first, end);
		if (result == 0)
			result = worker_check(worker);
		first = end;
	}
	return result;
}

/* -- the end --------------------------------------------------------------------------------------- */

static void tell_lost(const struct why_answer *answer, struct control_reply *reply)
{
	char text[160];

	if (answer->n_lost == 0)
		return;
	(void)snprintf(text, sizeof(text),
		       "%" PRIu64
		       " places of the store could not be read: 'agentctl check' names them",
		       answer->n_lost);
	control_note(reply, text);
}

static void end_answer(const struct why_answer *answer, struct control_reply *reply, int result)
{
	switch (result) {
	case 0:
		tell_lost(answer, reply);
		control_end(reply, HM_CONTROL_OK, NULL);
		break;
	case -ENOENT:
		control_end(reply, HM_CONTROL_NONE, "no series matches, and no host has that name");
		break;
	default:
		reply_fail_query(reply, result, &answer->limits,
				 "a shorter time (--since, --until), for fewer series");
	}
}

static void run(struct worker *worker, void *state)
{
	static const char *const columns[] = {"from:time",       "to:time",         "reason:text",
					      "text:text",       "host:text",       "series:text",
					      "n_series:number", "of_series:number"};
	struct why_answer *answer = state;
	struct control_reply *reply = worker_reply(worker);
	const struct limits limits = {NULL, worker_check, worker};
	int result;

	(void)store_flush(answer->store, FLUSH_TIMEOUT_MS);
	answer->memory.max = answer->limits.memory_mib << 19;
	answer->samples.max = answer->memory.max;
	result = choose(answer, &limits);
	/* Where there is no row, there is no hole. */
	if (result == 0) {
		control_columns(reply, "rows", columns, sizeof(columns) / sizeof(columns[0]));
		result = write_all(answer, worker);
	}
	if (result != -ECANCELED)
		end_answer(answer, reply, result);
}

/* -- what is asked --------------------------------------------------------------------------------- */

/* @return NULL, or what is wrong */
static const char *take_times(struct why_answer *answer, const struct control_request *request)
{
	int64_t at_us = INT64_MIN;

	answer->since_us = INT64_MIN;
	answer->until_us = INT64_MAX;
	if (reply_time_argument(request, "since", &answer->since_us) < 0 ||
	    reply_time_argument(request, "until", &answer->until_us) < 0 ||
	    reply_time_argument(request, "at", &at_us) < 0)
		return "at, since and until are times in microseconds since 1970";
	if (control_argument(request, "at"))
		answer->since_us = answer->until_us = at_us;
	else if (answer->since_us >= answer->until_us)
		return "since is to be earlier than until";
	return NULL;
}

void why_answer(void *context, const struct control_request *request, struct control_reply *reply)
{
	const struct verbs *verbs = context;
	struct worker_job job = {
		.run = run, .free_state = answer_free, .time_max_us = verbs->answer_limits.time_us};
	struct why_answer *answer;
	const char *problem;
	int result;

	if (!reply_require_series(request, reply))
		return;
	answer = calloc(1, sizeof(*answer));
	if (!answer) {
		reply_fail(reply, "cannot tell why", -ENOMEM);
		return;
	}
	answer->store = verbs->store;
	answer->limits = verbs->answer_limits;
	problem = take_times(answer, request);
	result = problem ? -EINVAL : reply_text_argument(request, "series", &answer->series);
	if (result == 0)
		result = reply_text_argument(request, "host", &answer->host);
	job.state = answer;
	if (result == 0) {
		reply_on_thread(reply, verbs->workers, &job, "cannot tell why");
		return;
	}
	answer_free(answer);
	if (problem)
		control_end(reply, HM_CONTROL_USAGE, problem);
	else
		reply_fail(reply, "cannot tell why", result);
}
