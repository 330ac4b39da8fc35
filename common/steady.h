/* SPDX-License-Identifier: MIT */
#ifndef COMMON_STEADY_H
#define COMMON_STEADY_H

/*
 * Integers that go on by the same step, but for a few breaks: times on a grid, counters that stand
 * still. Most columns of times are, and need no search for how to encode them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEADY_BREAKS_MAX 32U

struct steady {
	int64_t step;
	size_t n_breaks;
	size_t places[STEADY_BREAKS_MAX];       /* which differences of neighbours are others */
	int64_t differences[STEADY_BREAKS_MAX]; /* those */
};

/*
 * Look for steps and breaks.
 * @param n  two or more
 * @return false: there are more breaks, or they go the other way than the steps do
 */
bool steady_find(const int64_t *values, size_t n, struct steady *ret_steady);

#endif
