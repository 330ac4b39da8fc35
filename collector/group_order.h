/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_GROUP_ORDER_H
#define COLLECTOR_GROUP_ORDER_H

/*
 * Puts the samples of a group in order: by file, side, series, time, and order in the log. They come
 * nearly so: round after round of the same series. Takes O(n), but for series whose times are not in
 * order.
 */

#include <stddef.h>

#include "collector/group.h"

/*
 * @param samples   n below 2^32, in the order of the log; an array of their own takes their place
 * @param capacity  what that has room for, n or more
 * @return 0; -ENOMEM: the array is the same, with other numbers
 */
int group_order(struct group_sample **samples, size_t n, size_t capacity);

#endif
