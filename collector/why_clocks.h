/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WHY_CLOCKS_H
#define COLLECTOR_WHY_CLOCKS_H

/*
 * What follows from what the agents of a host tell of their clocks, and of their starts and ends: the spans of time in
 * which nothing could be sampled. No descriptors, no locks.
 */

#include <stdbool.h>

#include "collector/why_causes.h"

/* Were they told in one boot of the host? */
bool why_clock_is_same_boot(const struct why_clock *a, const struct why_clock *b);

/* Add spans to `known`, `ended`, `untold` and `starts`, in no order; why_causes_settle() is the one to call. @return 0 or -ENOMEM */
int why_clocks_settle(struct why_causes *causes);

#endif
