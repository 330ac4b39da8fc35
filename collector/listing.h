/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_LISTING_H
#define COLLECTOR_LISTING_H

/* What there is: hosts, and series with their last values. */

#include "common/control.h"

/* Answer list-metrics, get. @param context  a struct verbs */
void listing_answer_metrics(void *context, const struct control_request *request,
			    struct control_reply *reply);
void listing_answer_get(void *context, const struct control_request *request,
			struct control_reply *reply);

/* Answer list-hosts: sorted by name, or as the argument `sort` says, a column, with a - in front the
 * largest first. @param context  a struct verbs */
void listing_answer_hosts(void *context, const struct control_request *request,
			  struct control_reply *reply);

#endif
