/* SPDX-License-Identifier: MIT */
#ifndef COMMON_TIMER_H
#define COMMON_TIMER_H

/* A timer (CLOCK_MONOTONIC) in a loop. */

#include <stdint.h>

#include "common/loop.h"

struct timer;

/* Called on the loop's thread; however late, once for all expirations that were missed. */
typedef void (*timer_callback)(void *context);

/* @return 0 or -errno. The timer stands still until timer_start(). */
int timer_new(struct loop *loop, timer_callback callback, void *context, struct timer **ret_timer);

/* Fire after first_ms, then every interval_ms (0 = once). Starting again replaces what was set;
 * first_ms 0 = at once. */
int timer_start(struct timer *timer, int64_t first_ms, int64_t interval_ms);

/* Stand still. */
void timer_stop(struct timer *timer);

/* Takes NULL; may be called from the timer's own callback. */
void timer_free(struct timer *timer);

#endif
