/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WHY_ANSWER_H
#define COLLECTOR_WHY_ANSWER_H

/*
 * The answer to the verb `why`, written on a thread of its own: where samples are missing, and for which reasons.
 * Arguments of the request:
 *     series            the name of a host, or SERIES or GLOB (common/match.h)
 *     host              a glob; then `series` is none of a host
 *     since, until      microseconds since 1970 UTC
 *     at                the same; instead of both
 * A row for each hole; what is the same of several series of a host is told once. With `at` also a row that says why
 * there is no hole then.
 */

#include "common/control.h"

/* @param context  a struct verbs */
void why_answer(void *context, const struct control_request *request, struct control_reply *reply);

#endif
