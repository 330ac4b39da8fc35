/* SPDX-License-Identifier: MIT */
#ifndef COMMON_ARRAY_H
#define COMMON_ARRAY_H

/* Arrays that grow by one item at a time. */

#include <stddef.h>

/*
 * Make room for one item more.
 * @param items     the array, or NULL
 * @param n         items in it
 * @param capacity  items that there is room for; doubled where that is not enough
 * @return the array, moved perhaps; NULL without memory, with the old one as it was
 */
void *array_grow(void *items, size_t n, size_t *capacity, size_t item_bytes);

#endif
