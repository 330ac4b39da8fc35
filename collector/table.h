/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TABLE_H
#define COLLECTOR_TABLE_H

/* A hash table of things that are never taken out again. Zeroed = empty. The things are borrowed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_entry {
	uint64_t hash;
	void *item; /* NULL = free */
};

struct table {
	struct table_entry *entries;
	size_t n;
	size_t capacity; /* 0 or a power of two */
};

/* Is `item` the one that `key` names? Asked only where the hashes are equal. */
typedef bool (*table_matches)(const void *item, const void *key);

/* @return the item, or NULL */
void *table_find(const struct table *table, uint64_t hash, table_matches matches, const void *key);

/* Add an item that is not in it yet. @return 0 or -ENOMEM */
int table_add(struct table *table, uint64_t hash, void *item);

void table_done(struct table *table);

#endif
