/* SPDX-License-Identifier: MIT */
/* A hash table with open addressing; at most three quarters full. */

#include "collector/table.h"

#include <errno.h>
#include <stdlib.h>

#define TABLE_CAPACITY_FIRST 16

void *table_find(const struct table *table, uint64_t hash, table_matches matches, const void *key)
{
	size_t mask = table->capacity - 1;

	if (table->capacity == 0)
		return NULL;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		const struct table_entry *entry = &table->entries[i];

		if (!entry->item)
			return NULL;
		if (entry->hash == hash && matches(entry->item, key))
			return entry->item;
	}
}

static void put(struct table_entry *entries, size_t capacity, uint64_t hash, void *item)
{
	size_t i = hash & (capacity - 1);

	while (entries[i].item)
		i = (i + 1) & (capacity - 1);
	entries[i] = (struct table_entry){hash, item};
}

static int grow(struct table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : TABLE_CAPACITY_FIRST;
	struct table_entry *entries = calloc(capacity, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < table->capacity; i++) {
		if (table->entries[i].item)
			put(entries, capacity, table->entries[i].hash, table->entries[i].item);
	}
	free(table->entries);
	table->entries = entries;
	table->capacity = capacity;
	return 0;
}

int table_add(struct table *table, uint64_t hash, void *item)
{
	if (table->n >= table->capacity / 4 * 3) {
		int result = grow(table);

		if (result < 0)
			return result;
	}
	put(table->entries, table->capacity, hash, item);
	table->n++;
	return 0;
}

void table_done(struct table *table)
{
	free(table->entries);
	*table = (struct table){0};
}
