/* SPDX-License-Identifier: MIT */
/* Tests of the hash table of numbers. */

#include "collector/number_table.h"

#include <criterion/criterion.h>

#define N_NUMBERS 5000

static struct number_table table;

static void teardown(void)
{
	number_table_done(&table);
}

TestSuite(number_table, .fini = teardown);

static bool is_number(uint32_t number, const void *key)
{
	return number == *(const uint32_t *)key;
}

static uint32_t find(uint64_t hash, uint32_t number)
{
	return number_table_find(&table, hash, is_number, &number);
}

Test(number_table, finds_nothing_while_it_is_empty)
{
	cr_assert_eq(find(1, 1), NUMBER_TABLE_NONE);
}

Test(number_table, finds_every_number_while_it_grows)
{
	for (uint32_t i = 0; i < N_NUMBERS; i++) {
		cr_assert_eq(number_table_add(&table, (uint64_t)i * 77, i), 0);
		for (uint32_t j = 0; j <= i; j += 97)
			cr_assert_eq(find((uint64_t)j * 77, j), j);
	}

	cr_assert_eq(find(77, N_NUMBERS), NUMBER_TABLE_NONE);
	cr_assert_eq(find(UINT64_C(78), 1), NUMBER_TABLE_NONE);
}

Test(number_table, tells_numbers_of_one_hash_apart)
{
	for (uint32_t i = 0; i < 100; i++)
		cr_assert_eq(number_table_add(&table, 5, i), 0);

	for (uint32_t i = 0; i < 100; i++)
		cr_assert_eq(find(5, i), i);
}

/* Only a part of the hash is kept. */
Test(number_table, tells_numbers_of_like_hashes_apart)
{
	for (uint32_t i = 0; i < 100; i++)
		cr_assert_eq(number_table_add(&table, (uint64_t)i << 32 | 9, i), 0);

	for (uint32_t i = 0; i < 100; i++)
		cr_assert_eq(find((uint64_t)i << 32 | 9, i), i);
}

Test(number_table, holds_the_highest_number)
{
	cr_assert_eq(number_table_add(&table, 3, NUMBER_TABLE_NONE - 1), 0);

	cr_assert_eq(find(3, NUMBER_TABLE_NONE - 1), NUMBER_TABLE_NONE - 1);
}
