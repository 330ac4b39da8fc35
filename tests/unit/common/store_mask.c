/* SPDX-License-Identifier: MIT */
/* Tests of the blocks that say what of a metric file does not count any more. */

#include "common/store_mask.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct buffer out;

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(store_mask, .fini = teardown);

static struct store_file_block block_of(enum hm_block_type type)
{
	return (struct store_file_block){
		.type = (uint8_t)type,
		.payload = (const uint8_t *)out.data,
		.payload_bytes = (uint32_t)out.length,
	};
}

static void put_tombstone(int64_t since_us, int64_t until_us)
{
	const struct store_mask_tombstone tombstone = {
		.names_offset = 77,
		.position = UINT64_MAX - 1,
		.since_us = since_us,
		.until_us = until_us,
	};

	buffer_clear(&out);
	store_mask_put_tombstone(&out, &tombstone);
}

static int get_tombstone(struct store_mask_tombstone *ret_tombstone)
{
	const struct store_file_block block = block_of(HM_BLOCK_TOMBSTONE);

	return store_mask_get_tombstone(&block, ret_tombstone);
}

Test(store_mask, a_tombstone_comes_back_with_its_ids)
{
	struct store_mask_tombstone tombstone;
	uint32_t id;

	put_tombstone(INT64_MIN, INT64_MAX);
	store_mask_put_id(&out, 0);
	store_mask_put_id(&out, 300);
	store_mask_put_id(&out, UINT32_MAX);
	cr_assert_eq(get_tombstone(&tombstone), 0);
	cr_expect_eq(tombstone.names_offset, 77);
	cr_expect_eq(tombstone.position, UINT64_MAX - 1);
	cr_expect_eq(tombstone.since_us, INT64_MIN);
	cr_expect_eq(tombstone.until_us, INT64_MAX);
	cr_assert(store_mask_next_id(&tombstone, &id));
	cr_expect_eq(id, 0);
	cr_assert(store_mask_next_id(&tombstone, &id));
	cr_expect_eq(id, 300);
	cr_assert(store_mask_next_id(&tombstone, &id));
	cr_expect_eq(id, UINT32_MAX);
	cr_expect_not(store_mask_next_id(&tombstone, &id));
}

Test(store_mask, a_tombstone_of_nothing_is_none)
{
	struct store_mask_tombstone tombstone;

	put_tombstone(0, 0);
	cr_expect_eq(get_tombstone(&tombstone), -EBADMSG, "no ids");
	put_tombstone(1, 0);
	store_mask_put_id(&out, 1);
	cr_expect_eq(get_tombstone(&tombstone), -EBADMSG, "an empty range of time");
	put_tombstone(0, 0);
	store_mask_put_id(&out, 1);
	cr_expect_eq(get_tombstone(&tombstone), 0);
}

Test(store_mask, ids_that_do_not_grow_or_are_cut_are_refused)
{
	struct store_mask_tombstone tombstone;

	put_tombstone(0, 9);
	store_mask_put_id(&out, 5);
	store_mask_put_id(&out, 5);
	cr_expect_eq(get_tombstone(&tombstone), -EBADMSG);
	put_tombstone(0, 9);
	store_mask_put_id(&out, 5);
	store_mask_put_id(&out, 4);
	cr_expect_eq(get_tombstone(&tombstone), -EBADMSG);
	put_tombstone(0, 9);
	store_mask_put_id(&out, 300);
	out.length--;
	cr_expect_eq(get_tombstone(&tombstone), -EBADMSG);
	put_tombstone(0, 9);
	/* 2^32, which is no id, and 0 in two bytes. */
	buffer_append(&out, "\x80\x80\x80\x80\x10", 5);
	cr_expect_eq(get_tombstone(&tombstone), -EBADMSG);
	put_tombstone(0, 9);
	buffer_append(&out, "\x80\x00", 2);
	cr_expect_eq(get_tombstone(&tombstone), -EBADMSG);
}

Test(store_mask, every_cut_of_a_tombstone_and_of_a_front_is_refused)
{
	const struct store_mask_front written = {.names_offset = 1, .offset = 2, .horizon_us = -3};
	struct store_mask_tombstone tombstone;
	struct store_mask_front front;
	struct store_file_block block;

	put_tombstone(0, 9);
	store_mask_put_id(&out, 1);
	block = block_of(HM_BLOCK_TOMBSTONE);
	while (block.payload_bytes-- > 0)
		cr_expect_eq(store_mask_get_tombstone(&block, &tombstone), -EBADMSG);
	buffer_clear(&out);
	store_mask_put_front(&out, &written);
	block = block_of(HM_BLOCK_FRONT);
	cr_assert_eq(store_mask_get_front(&block, &front), 0);
	cr_expect(front.names_offset == 1 && front.offset == 2 && front.horizon_us == -3);
	while (block.payload_bytes-- > 0)
		cr_expect_eq(store_mask_get_front(&block, &front), -EBADMSG);
	buffer_append_byte(&out, 0);
	block = block_of(HM_BLOCK_FRONT);
	cr_expect_eq(store_mask_get_front(&block, &front), -EBADMSG, "too long");
}

Test(store_mask, names_before_are_told_of_both_types_and_of_no_other)
{
	const struct store_mask_front written = {.names_offset = 5};
	struct store_file_block block;
	uint64_t offset = 0;

	put_tombstone(0, 9);
	store_mask_put_id(&out, 1);
	block = block_of(HM_BLOCK_TOMBSTONE);
	cr_assert_eq(store_mask_get_names_offset(&block, &offset), 0);
	cr_expect_eq(offset, 77);
	block.type = HM_BLOCK_FRONT;
	cr_expect_eq(store_mask_get_names_offset(&block, &offset), -EBADMSG);
	buffer_clear(&out);
	store_mask_put_front(&out, &written);
	block = block_of(HM_BLOCK_FRONT);
	cr_assert_eq(store_file_get_names_offset(&block, &offset), 0);
	cr_expect_eq(offset, 5);
	block.type = HM_BLOCK_TOMBSTONE;
	cr_expect_eq(store_mask_get_names_offset(&block, &offset), -EBADMSG);
}
