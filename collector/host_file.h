/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_HOST_FILE_H
#define COLLECTOR_HOST_FILE_H

/*
 * A host's own file that is made anew: after a failed sync, where its header is damaged, and where it has grown. The old one stays
 * as it is until the log says that the new one counts, and then gives it its name.
 */

#include "collector/group.h"

struct engine;

/* A shorter one is not made anew because of what does not matter any more. */
#define HOST_FILE_SMALL_BYTES ((uint64_t)64 << 10)

/* Have the file made anew where it has become twice as long as it was then: much of it may not matter any more. */
void host_file_look(struct engine *engine, struct catalog_host *host);

/* The file is never written again: the next checkpoint makes another one. With the mutex held. */
void host_file_leave(struct catalog_host *host);

/* The name of the one that a checkpoint writes to. */
const char *host_file_name(const struct catalog_host *host);

/* So much of the present one counts. With the mutex held. */
uint64_t host_file_bytes(const struct catalog_host *host);

/*
 * Append what a new one has of the old one: its messages, and what is told of those that are lost, as far as they
 * matter (see collector/host_history.h).
 * @return 0, also where it is damaged or gone; -ENOMEM; -errno: it cannot be read now
 */
int host_file_keep(struct engine *engine, const struct group_file *file, struct buffer *out);

/*
 * The log says that a group's files count: those that were made anew get their names.
 * @return 0; -EAGAIN: the old ones are being copied; -errno
 */
int host_file_replace(struct engine *engine, const struct group *group);

#endif
