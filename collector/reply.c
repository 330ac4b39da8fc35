/* SPDX-License-Identifier: MIT */
/* What the answers of several verbs have in common. */

#include "collector/reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/match.h"
#include "common/timestamp.h"

void reply_fail(struct control_reply *reply, const char *what, int error)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s: %s", what, strerror(-error));
	control_end(reply, HM_CONTROL_FAILED, text);
}

int reply_time_argument(const struct control_request *request, const char *name, int64_t *ret_us)
{
	const char *text = control_argument(request, name);
	intmax_t us;
	char *end;

	if (!text || text[0] == '\0')
		return 0;
	errno = 0;
	us = strtoimax(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return -EINVAL;
	*ret_us = us;
	return 0;
}

int reply_text_argument(const struct control_request *request, const char *name, char **ret_text)
{
	const char *text = control_argument(request, name);

	if (!text)
		return 0;
	*ret_text = strdup(text);
	return *ret_text ? 0 : -ENOMEM;
}

void reply_on_thread(struct control_reply *reply, struct workers *workers,
		     const struct worker_job *job, const char *what)
{
	int result = workers_start(workers, job, reply);

	if (result == 0)
		return;
	job->free_state(job->state);
	if (result == -EAGAIN) {
		control_end(reply, HM_CONTROL_FAILED,
			    "too many queries run already: try again, or raise queries in "
			    "collector.conf");
	} else {
		reply_fail(reply, what, result);
	}
}

void reply_over_limit(struct control_reply *reply, const char *limit, const char *advice,
		      const char *setting)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "the query takes more than %s: ask for %s, or raise %s in collector.conf",
		       limit, advice, setting);
	control_end(reply, HM_CONTROL_FAILED, text);
}

void reply_fail_query(struct control_reply *reply, int error, const struct answer_limits *limits,
		      const char *advice)
{
	char limit[64];

	switch (error) {
	case -ENOBUFS:
		(void)snprintf(limit, sizeof(limit), "%" PRId64 " MiB of memory",
			       limits->memory_mib);
		reply_over_limit(reply, limit, advice, "query_memory_mib");
		break;
	case -ETIME:
		duration_format(limits->time_us, limit);
		reply_over_limit(reply, limit, advice, "query_time");
		break;
	default:
		reply_fail(reply, "cannot read the store", error);
	}
}

bool reply_check_pattern(struct control_reply *reply, const char *pattern)
{
	char problem[MATCHER_PROBLEM_BYTES];
	struct match *match;
	int result = match_new(pattern, &match, problem);

	if (result == 0)
		match_free(match);
	else if (result == -EINVAL)
		control_end(reply, HM_CONTROL_USAGE, problem);
	else
		reply_fail(reply, "cannot choose series", result);
	return result == 0;
}

void reply_sample_columns(struct control_reply *reply)
{
	static const char *const columns[] = {"time:time", "host:text", "series:text",
					      "value:number"};

	control_columns(reply, "rows", columns, sizeof(columns) / sizeof(columns[0]));
}

const char *reply_require_series(const struct control_request *request, struct control_reply *reply)
{
	const char *series = control_argument(request, "series");

	if (!series || series[0] == '\0') {
		control_end(reply, HM_CONTROL_USAGE,
			    "which SERIES? A name as list-metrics shows "
			    "it, or a GLOB over metric names");
		return NULL;
	}
	return reply_check_pattern(reply, series) ? series : NULL;
}
