/* SPDX-License-Identifier: MIT */
/* Tests of things that never move. */

#include "collector/pool.h"

#include <criterion/criterion.h>
#include <stdint.h>

#define N_ITEMS (3 * POOL_PIECE_ITEMS + 7)

struct item {
	uint64_t number;
	char text[8];
};

static struct pool pool = {.item_bytes = sizeof(struct item)};

static void teardown(void)
{
	pool_done(&pool);
}

TestSuite(pool, .fini = teardown);

static struct item *add(uint64_t number)
{
	struct item *item = pool_make(&pool);

	cr_assert_not_null(item);
	cr_assert_eq(item->number, 0);
	item->number = number;
	pool.n++;
	return item;
}

Test(pool, leaves_all_of_them_where_they_are)
{
	static struct item *items[N_ITEMS];

	for (size_t i = 0; i < N_ITEMS; i++)
		items[i] = add(i + 1);

	for (size_t i = 0; i < N_ITEMS; i++) {
		cr_assert_eq(pool_at(&pool, i), items[i]);
		cr_assert_eq(items[i]->number, i + 1);
	}
	cr_assert_eq(pool.n, N_ITEMS);
}

Test(pool, gives_the_room_again_of_one_that_does_not_count)
{
	struct item *item;

	add(1);
	item = pool_make(&pool);
	cr_assert_not_null(item);
	item->number = 9;

	cr_assert_eq(add(2), item);
	cr_assert_eq(pool.n, 2);
}

Test(pool, is_empty_again_when_it_is_done)
{
	add(1);
	pool_done(&pool);

	cr_assert_eq(pool.n, 0);
	cr_assert_eq(add(2)->number, 2);
}
