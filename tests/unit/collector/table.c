/* SPDX-License-Identifier: MIT */
/* Tests of the hash table. */

#include "collector/table.h"

#include <criterion/criterion.h>

#define N_ITEMS 1000

static struct table table;

static void teardown(void)
{
	table_done(&table);
}

TestSuite(table, .fini = teardown);

static bool is_number(const void *item, const void *key)
{
	return *(const int *)item == *(const int *)key;
}

Test(table, finds_nothing_while_it_is_empty)
{
	int key = 1;

	cr_assert_null(table_find(&table, 1, is_number, &key));
}

Test(table, finds_every_item_while_it_grows)
{
	int items[N_ITEMS];
	int missing = N_ITEMS;

	for (int i = 0; i < N_ITEMS; i++) {
		items[i] = i;
		cr_assert_eq(table_add(&table, (uint64_t)i * 77, &items[i]), 0);
	}

	for (int i = 0; i < N_ITEMS; i++)
		cr_assert_eq(table_find(&table, (uint64_t)i * 77, is_number, &i), &items[i]);
	cr_assert_null(table_find(&table, 77, is_number, &missing));
}

Test(table, tells_items_of_one_hash_apart)
{
	int items[100];

	for (int i = 0; i < 100; i++) {
		items[i] = i;
		cr_assert_eq(table_add(&table, 5, &items[i]), 0);
	}

	for (int i = 0; i < 100; i++)
		cr_assert_eq(table_find(&table, 5, is_number, &i), &items[i]);
}
