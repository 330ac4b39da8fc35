/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one item at a time, and large ones. */

#include "common/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CAPACITY_FIRST 8

/* A huge page on nearly all machines; where it is none, nothing is lost. */
#define HUGE_BYTES ((size_t)2 << 20)

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

void *array_new(size_t n, size_t item_bytes)
{
	void *items;
	size_t n_bytes;

	if (__builtin_mul_overflow(n, item_bytes, &n_bytes) || n_bytes > PTRDIFF_MAX)
		return NULL;
	if (n_bytes < HUGE_BYTES)
		return malloc(n_bytes);
	n_bytes = (n_bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
	items = aligned_alloc(HUGE_BYTES, n_bytes);
	if (items)
		(void)madvise(items, n_bytes, MADV_HUGEPAGE);
	return items;
}
