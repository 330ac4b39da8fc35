/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_DELETE_ANSWER_H
#define COLLECTOR_DELETE_ANSWER_H

/*
 * The answer to the verb `delete`, written on a thread of its own: what is deleted, series by series.
 * Arguments of the request:
 *     series            as of `query`
 *     host              a glob
 *     since, until      microseconds since 1970 UTC; both belong to the range
 *     yes               delete it; without this it is only shown
 */

#include "common/control.h"

/* @param context  a struct verbs */
void delete_answer(void *context, const struct control_request *request,
		   struct control_reply *reply);

#endif
