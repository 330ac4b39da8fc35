/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_REPLY_H
#define COLLECTOR_REPLY_H

/* What the answers of several verbs have in common. */

#include <stdbool.h>
#include <stdint.h>

#include "collector/worker.h"
#include "common/control.h"

/* What one query may take. */
struct answer_limits {
	int64_t time_us;
	int64_t memory_mib;
};

/* End an answer with what could not be done, and why. @param error  -errno */
void reply_fail(struct control_reply *reply, const char *what, int error);

/* Read an argument in microseconds. @param ret_us  stays as it is where there is none. @return 0 or -EINVAL */
int reply_time_argument(const struct control_request *request, const char *name, int64_t *ret_us);

/* Copy an argument. @param ret_text  the caller's; stays as it is where there is none. @return 0 or -ENOMEM */
int reply_text_argument(const struct control_request *request, const char *name, char **ret_text);

/*
 * Have the rest of an answer written on a thread; where that cannot be, the answer says so.
 * @param job   its state is released in any case
 * @param what  "cannot query"
 */
void reply_on_thread(struct control_reply *reply, struct workers *workers,
		     const struct worker_job *job, const char *what);

/*
 * End an answer for which `limit` was not enough.
 * @param advice   what to do about it, before ", or raise"
 * @param setting  what to raise
 */
void reply_over_limit(struct control_reply *reply, const char *limit, const char *advice,
		      const char *setting);

/*
 * End the answer of a query that could not be finished.
 * @param error   -ENOBUFS, -ETIME: a limit; or any other -errno
 * @param advice  as in reply_over_limit()
 */
void reply_fail_query(struct control_reply *reply, int error, const struct answer_limits *limits,
		      const char *advice);

/* Is it a pattern (common/match.h)? If not, the answer says what is wrong with it. */
bool reply_check_pattern(struct control_reply *reply, const char *pattern);

/* The columns of get and query. */
void reply_sample_columns(struct control_reply *reply);

/* The argument `series`, without which there is no answer. @return NULL: the answer says so */
const char *reply_require_series(const struct control_request *request,
				 struct control_reply *reply);

#endif
