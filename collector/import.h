/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_IMPORT_H
#define COLLECTOR_IMPORT_H

/*
 * The verbs `import`, which takes samples as a sender of text lines brings them, and `sync`, which says
 * when all that was taken is durable. The argument `samples` of `import` is text, lines of
 *     nHOST<TAB>KIND<TAB>UNIT<TAB>SERIES    what follows belongs to: a host ("" = the collector's), kind
 *                                           (gauge, counter or ""), unit, canonical series
 *     sTIME VALUE                           microseconds since 1970 UTC; the 64 bits of the double in
 *                                           hexadecimal
 * The answer has a row for each `s` that is refused: which it is, from 0, and why. All others are in
 * memory, in their order, as soon as it has ended.
 */

#include "common/control.h"

/* @param context  a struct verbs; so with the other */
void import_answer(void *context, const struct control_request *request,
		   struct control_reply *reply);
void import_answer_sync(void *context, const struct control_request *request,
			struct control_reply *reply);

#endif
