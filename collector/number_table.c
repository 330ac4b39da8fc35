/* SPDX-License-Identifier: MIT */
/* A hash table of numbers, with open addressing; at most three quarters full. */

#include "collector/number_table.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_FIRST ((size_t)16)
#define CAPACITY_MAX   ((size_t)1 << 31)

uint32_t number_table_find(const struct number_table *table, uint64_t hash,
			   number_table_matches matches, const void *key)
{
	size_t mask = table->capacity - 1;
	uint32_t part = (uint32_t)hash;

	if (table->capacity == 0)
		return NUMBER_TABLE_NONE;
	for (size_t i = part & mask;; i = (i + 1) & mask) {
		const struct number_table_entry *entry = &table->entries[i];

		if (entry->place == 0)
			return NUMBER_TABLE_NONE;
		if (entry->hash == part && matches(entry->place - 1, key))
			return entry->place - 1;
	}
}

static void put(struct number_table_entry *entries, size_t capacity,
		const struct number_table_entry *entry)
{
	size_t i = entry->hash & (capacity - 1);

	while (entries[i].place > 0)
		i = (i + 1) & (capacity - 1);
	entries[i] = *entry;
}

static int grow(struct number_table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : CAPACITY_FIRST;
	struct number_table_entry *entries;

	if (capacity > CAPACITY_MAX)
		return -ENOMEM;
	entries = calloc(capacity, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < table->capacity; i++) {
		if (table->entries[i].place > 0)
			put(entries, capacity, &table->entries[i]);
	}
	free(table->entries);
	table->entries = entries;
	table->capacity = capacity;
	return 0;
}

int number_table_add(struct number_table *table, uint64_t hash, uint32_t number)
{
	struct number_table_entry entry = {.hash = (uint32_t)hash, .place = number + 1};

	if (table->n >= table->capacity / 4 * 3) {
		int result = grow(table);

		if (result < 0)
			return result;
	}
	put(table->entries, table->capacity, &entry);
	table->n++;
	return 0;
}

void number_table_done(struct number_table *table)
{
	free(table->entries);
	*table = (struct number_table){0};
}
