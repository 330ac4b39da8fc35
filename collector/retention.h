/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_RETENTION_H
#define COLLECTOR_RETENTION_H

/* How long samples are kept, by the rules of the section [retention]: horizons follow from them. */

struct engine;
struct retention;

/*
 * From now on these rules count, for what is there as well. Any thread; takes the engine's mutex.
 * @param text  of retention_rules_read(); copied; NULL: no rules. @return 0 or -ENOMEM
 */
int retention_set(struct engine *engine, const char *text);

/*
 * Have the horizons logged that are to move. For the thread of the checkpoint. Takes the engine's mutex.
 * @return 0; 1: for the sake of a size; it shall be called again once they are logged and all files are
 * trimmed; -ENOMEM
 */
int retention_run(struct engine *engine);

/* Takes NULL. */
void retention_free(struct retention *retention);

#endif
