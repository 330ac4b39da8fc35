/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WAKEUP_H
#define COMMON_WAKEUP_H

/* A way for another thread to have a callback run on a loop's thread (an eventfd). */

#include "common/loop.h"

struct wakeup;

typedef void (*wakeup_callback)(void *context);

/* @return 0 or -errno */
int wakeup_new(struct loop *loop, wakeup_callback callback, void *context,
	       struct wakeup **ret_wakeup);

/* Have the callback called soon, once for any number of calls before it ran. From any thread. */
void wakeup_send(struct wakeup *wakeup);

/* Takes NULL. Only on the loop's thread and when no other thread can send any more. */
void wakeup_free(struct wakeup *wakeup);

#endif
