/* SPDX-License-Identifier: MIT */
/* Tests of the map from series ids. */

#include "collector/id_map.h"

#include <criterion/criterion.h>
#include <errno.h>

static struct id_map map;

static void teardown(void)
{
	id_map_done(&map);
}

TestSuite(id_map, .fini = teardown);

Test(id_map, knows_what_was_set_and_nothing_else)
{
	int a;
	int b;

	cr_assert_null(id_map_get(&map, 0));
	cr_assert_eq(id_map_set(&map, 0, &a), 0);
	cr_assert_eq(id_map_set(&map, 5000, &b), 0);

	cr_assert_eq(id_map_get(&map, 0), &a);
	cr_assert_null(id_map_get(&map, 1));
	cr_assert_eq(id_map_get(&map, 5000), &b);
	cr_assert_null(id_map_get(&map, UINT32_MAX));
}

Test(id_map, refuses_ids_that_no_file_of_ours_has)
{
	int a;

	cr_assert_eq(id_map_set(&map, ID_MAP_MAX, &a), -ERANGE);
	cr_assert_eq(id_map_set(&map, UINT32_MAX, &a), -ERANGE);
	cr_assert_eq(map.capacity, 0);
}
