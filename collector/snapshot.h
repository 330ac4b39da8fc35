/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_SNAPSHOT_H
#define COLLECTOR_SNAPSHOT_H

/*
 * The verb `snapshot`: a copy of the store as it is at one moment, on which a second collector can start,
 * made on a thread of its own while samples and checkpoints go on. docs/format.md says why it is whole.
 * Arguments of the request:
 *     folder  an absolute path, as the collector sees it: of nothing, or of an empty folder
 * The copy is made in FOLDER.partial, synced, and then renamed.
 */

#include "common/control.h"

/* @param context  a struct verbs */
void snapshot_answer(void *context, const struct control_request *request,
		     struct control_reply *reply);

#endif
