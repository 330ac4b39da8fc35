/* SPDX-License-Identifier: MIT */
#ifndef COMMON_ARRAY_H
#define COMMON_ARRAY_H

/* Arrays that grow by one item at a time, and large ones. */

#include <stddef.h>

/*
 * Make room for one item more.
 * @param items     the array, or NULL
 * @param n         items in it
 * @param capacity  items that there is room for; doubled where that is not enough
 * @return the array, moved perhaps; NULL without memory, with the old one as it was
 */
void *array_grow(void *items, size_t n, size_t *capacity, size_t item_bytes);

/*
 * Have memory for an array that is filled at once and may be large. It is in huge pages then, where the
 * kernel has them: without, a virtual machine may spend more on the pages than on what is done with them.
 * What is not touched takes no memory. array_grow() goes on from there.
 * @return NULL without memory; for free(3)
 */
void *array_new(size_t n, size_t item_bytes);

#endif
