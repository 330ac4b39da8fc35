/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_NAMES_H
#define COLLECTOR_NAMES_H

/*
 * What the ids of agents' series mean, behind a checkpoint: what the log says of it before does not count any more, and
 * nothing beside the log says it. docs/format.md has why.
 */

struct catalog_host;
struct engine;

/*
 * A host's checkpoint is about to move. The next message brings the names again; for those that are being written at
 * this moment they are put beside them. With the mutex held.
 * @return 0 or -ENOMEM
 */
int names_tell_again(struct engine *engine, const struct catalog_host *host);

/*
 * A group has not all of a host: what its checkpoint leaves in the log must be understood there. Without the mutex.
 * @return 0 or -ENOMEM
 */
int names_tell_of_rest(struct engine *engine, const struct catalog_host *host);

#endif
