/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one item at a time. */

#include "common/array.h"

#include <stdlib.h>

#define CAPACITY_FIRST 8

void *array_grow(void *items, size_t n, size_t *capacity, size_t item_bytes)
{
	size_t wanted = *capacity ? *capacity * 2 : CAPACITY_FIRST;
	void *moved;

	if (n < *capacity)
		return items;
	moved = reallocarray(items, wanted, item_bytes);
	if (moved)
		*capacity = wanted;
	return moved;
}
