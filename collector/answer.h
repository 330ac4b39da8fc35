/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_ANSWER_H
#define COLLECTOR_ANSWER_H

/*
 * The answer to the verb `query`, written on a thread of its own. Arguments of the request:
 *     series            SERIES or GLOB (common/match.h)
 *     host              a glob
 *     since, until      microseconds since 1970 UTC; both belong to the range
 *     all               of samples of one time all, not only the last that was written
 *     function          collector/window.h; with one of the other two: chosen by the metric's kind
 *     step              microseconds; without it there is one window
 *     by                labels (collector/cohort.h)
 */

#include <stddef.h>
#include <stdint.h>

#include "collector/reply.h"
#include "common/control.h"

/* @param context  a struct verbs */
void answer_query(void *context, const struct control_request *request,
		  struct control_reply *reply);

#endif
