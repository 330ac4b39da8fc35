/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_EXPORT_H
#define COLLECTOR_EXPORT_H

/*
 * The answer to the verb `export`: all samples of some series, any number of them, written on a thread of
 * its own with memory that does not grow with them. Arguments of the request:
 *     series        SERIES or GLOB (common/match.h); without it: all
 *     host          a glob
 *     since, until  microseconds since 1970 UTC; both belong to the range
 *     order         "metric": all hosts of a metric beside each other, and before the first sample a row
 *                   without one for each metric of each host. Else: all metrics of a host
 * Columns host, metric, labels, kind, unit and shared say nothing where they are as in the row before.
 * `shared` is "yes" where all hosts of a metric agree on its kind and unit, and a counter X_total has no
 * metric X beside it. `bits` are those of a NaN that is not the usual one, in hexadecimal.
 */

#include "common/control.h"

/* @param context  a struct verbs */
void export_answer(void *context, const struct control_request *request,
		   struct control_reply *reply);

#endif
