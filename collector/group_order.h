/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_GROUP_ORDER_H
#define COLLECTOR_GROUP_ORDER_H

/*
 * Puts the runs of a group in order: by file, side and series, those of a series as they are in the
 * log. They come nearly so: batch after batch of the same series. Takes O(n).
 */

#include <stddef.h>

#include "collector/group.h"

/*
 * @param runs      n below 2^32, in the order of the log; an array of their own takes their place
 * @param capacity  what that has room for, n or more
 * @return 0; -ENOMEM: the array is the same, with other indices
 */
int group_order(struct group_run **runs, size_t n, size_t capacity);

#endif
