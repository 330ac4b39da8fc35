/* SPDX-License-Identifier: MIT */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

/* Signals as events of a loop. */

#include "common/loop.h"

struct signals;

/* Called on the loop's thread. @param number  SIGTERM, ... */
typedef void (*signals_callback)(void *context, int number);

/*
 * Block SIGTERM, SIGINT and SIGHUP for this thread and those it makes from now on, ignore SIGPIPE,
 * and deliver the three to the callback. Call before the first thread is made.
 * @return 0 or -errno
 */
int signals_new(struct loop *loop, signals_callback callback, void *context,
		struct signals **ret_signals);

/* Takes NULL. The signals stay blocked. */
void signals_free(struct signals *signals);

#endif
