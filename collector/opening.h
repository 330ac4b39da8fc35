/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_OPENING_H
#define COLLECTOR_OPENING_H

/*
 * How a store is opened, whatever happened before: the log, then the files, then a new segment. Where
 * not all of it can be listed or synced, or something is not given, what can be read is served, and nothing is written.
 */

struct engine;

/* Note what stands in the way of storing anything; the first such thing counts. @param error  -errno */
void opening_note(struct engine *engine, int error, const char *what);

/*
 * Read what there is, and begin to write if nothing stands in the way.
 * @param engine  new, with its folders open and its id known
 * @return 0; -ENOMEM; -errno: something cannot be read, and not because it is damaged
 */
int opening_run(struct engine *engine);

#endif
