/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_STATUS_H
#define COLLECTOR_STATUS_H

/* What the collector says of itself. */

#include "common/control.h"

/* Answer the verb `status`. @param context  a struct verbs */
void status_answer(void *context, const struct control_request *request,
		   struct control_reply *reply);

#endif
