/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_NUMBER_TABLE_H
#define COLLECTOR_NUMBER_TABLE_H

/*
 * A hash table of numbers of things that are never taken out again: half as large as a struct table, for
 * what there are millions of. Zeroed = empty.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_TABLE_NONE UINT32_MAX

struct number_table_entry {
	uint32_t hash;  /* a part of it: as much as the largest table needs */
	uint32_t place; /* the number + 1; 0 = free */
};

struct number_table {
	struct number_table_entry *entries;
	size_t n;
	size_t capacity; /* 0 or a power of two */
};

/* Is the thing of this number the one that `key` names? Asked where the hashes look equal. */
typedef bool (*number_table_matches)(uint32_t number, const void *key);

/* @return the number, or NUMBER_TABLE_NONE */
uint32_t number_table_find(const struct number_table *table, uint64_t hash,
			   number_table_matches matches, const void *key);

/* Add a number below NUMBER_TABLE_NONE that is not in it yet. @return 0 or -ENOMEM */
int number_table_add(struct number_table *table, uint64_t hash, uint32_t number);

void number_table_done(struct number_table *table);

#endif
