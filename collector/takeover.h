/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TAKEOVER_H
#define COLLECTOR_TAKEOVER_H

/*
 * An engine that could not read or secure all that was there at start gives nothing to the disk. When
 * the disk works again, the store is opened anew, and the engine takes over what that says, with what
 * waits in memory. What it had before stays for whoever still looks at it.
 */

#include "collector/engine.h"

/*
 * Have everything that `fresh` has, and the samples that wait.
 * @param fresh  of the same store, with nothing in its way; left with nothing but memory to be released
 * @return 0 or -ENOMEM, with nothing taken over
 */
int takeover_run(struct engine *engine, struct engine *fresh);

/*
 * The series that has taken the place of one that was known before. With the mutex held.
 * @return 0; -ENOMEM; -ENOSPC; -errno
 */
int takeover_find(struct engine *engine, const struct catalog_series *before,
		  struct catalog_series **ret_series);

#endif
