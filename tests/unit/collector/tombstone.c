/* SPDX-License-Identifier: MIT */
/* Tests of what is deleted of the series of one file. */

#include "collector/tombstone.h"

#include <criterion/criterion.h>
#include <string.h>

static struct tombstones tombstones;
static struct metric_file_sample samples[10]; /* of the times 0 to 9 */

static void setup(void)
{
	for (int i = 0; i < 10; i++)
		samples[i] = (struct metric_file_sample){i, i * 1.5};
}

static void teardown(void)
{
	tombstones_done(&tombstones);
}

TestSuite(tombstone, .init = setup, .fini = teardown);

static void add(uint32_t id, uint64_t position, int64_t since_us, int64_t until_us)
{
	const struct tombstone tombstone = {id, position, since_us, until_us};

	cr_assert_eq(tombstones_add(&tombstones, &tombstone), 0);
	tombstones_sort(&tombstones);
}

/* @return which times stay, as bits */
static unsigned mask(uint32_t id, uint64_t position)
{
	size_t n = tombstones_mask(&tombstones, position, id, samples, 10);
	unsigned times = 0;

	for (size_t i = 0; i < n; i++) {
		cr_assert(i == 0 || samples[i].time_us > samples[i - 1].time_us);
		cr_assert_float_eq(samples[i].value, (double)samples[i].time_us * 1.5, 0);
		times |= 1u << samples[i].time_us;
	}
	setup();
	return times;
}

Test(tombstone, none_takes_nothing)
{
	cr_expect_eq(mask(1, 0), 0x3ff);
	cr_expect_not(tombstones_has(&tombstones, 1));
}

Test(tombstone, both_ends_belong_to_what_goes)
{
	add(1, 100, 2, 4);
	cr_expect_eq(mask(1, 99), 0x3ff & ~0x1cu);
	add(1, 100, 9, INT64_MAX);
	cr_expect_eq(mask(1, 0), 0x1ff & ~0x1cu);
	add(1, 100, INT64_MIN, INT64_MAX);
	cr_expect_eq(mask(1, 99), 0);
}

Test(tombstone, blocks_of_its_position_and_later_ones_stay)
{
	add(1, 100, INT64_MIN, INT64_MAX);
	cr_expect_eq(mask(1, 100), 0x3ff);
	cr_expect_eq(mask(1, 101), 0x3ff);
	add(1, UINT64_MAX, 0, 0);
	cr_expect_eq(mask(1, 101), 0x3fe);
}

Test(tombstone, those_of_other_series_do_not_matter)
{
	const struct tombstone *first;

	add(7, 100, 0, 1);
	add(3, 100, 0, 2);
	add(7, 200, 5, 5);
	add(9, 100, 0, 3);
	cr_expect_eq(mask(7, 0), 0x3ff & ~0x23u);
	cr_expect_eq(mask(3, 0), 0x3f8);
	cr_expect_eq(mask(8, 0), 0x3ff);
	cr_expect_eq(tombstones_find(&tombstones, 7, &first), 2);
	cr_expect_eq(first[0].id, 7);
	cr_expect_eq(first[1].id, 7);
	cr_expect_eq(tombstones_find(&tombstones, 8, &first), 0);
	cr_expect_null(first);
	cr_expect(tombstones_has(&tombstones, 3));
	cr_expect_not(tombstones_has(&tombstones, 10));
}

Test(tombstone, a_block_adds_one_for_each_of_its_series)
{
	struct buffer ids = {0};
	struct store_mask_tombstone block = {.position = 100, .since_us = 0, .until_us = 4};

	store_mask_put_id(&ids, 2);
	store_mask_put_id(&ids, 1000);
	block.ids = (const uint8_t *)ids.data;
	block.ids_bytes = ids.length;
	cr_assert_eq(tombstones_add_block(&tombstones, &block), 0);
	tombstones_sort(&tombstones);
	cr_expect_eq(tombstones.n, 2);
	cr_expect_eq(mask(2, 0), 0x3e0);
	cr_expect_eq(mask(1000, 0), 0x3e0);
	buffer_done(&ids);
}

Test(tombstone, room_that_was_reserved_is_enough)
{
	struct tombstones other = {0};
	const struct tombstone *at;

	for (uint32_t i = 0; i < 100; i++)
		add(i, 1, 0, 0);
	cr_assert_eq(tombstones_reserve(&other, 100), 0);
	at = other.at;
	cr_assert_eq(tombstones_add_all(&other, &tombstones), 0);
	cr_expect_eq(other.at, at);
	cr_expect_eq(other.n, 100);
	tombstones_done(&other);
	cr_expect_null(other.at);
}
