/* SPDX-License-Identifier: MIT */
/* Tests of little-endian numbers in bytes. */

#include "common/cursor.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ALL_BYTES 15 /* of one number of each width */

static struct buffer out;

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(cursor, .fini = teardown);

static void put_all(void)
{
	buffer_append_byte(&out, (char)0x81);
	cursor_put_u16(&out, 0xf203);
	cursor_put_u32(&out, 0xe4050607);
	cursor_put_u64(&out, 0xd808090a0b0c0d0e);
}

static struct cursor begin(size_t length)
{
	return (struct cursor){.at = (const uint8_t *)out.data, .left = length};
}

Test(cursor, numbers_lie_lowest_byte_first)
{
	static const uint8_t wanted[ALL_BYTES] = {0x81, 0x03, 0xf2, 0x07, 0x06, 0x05, 0xe4, 0x0e,
						  0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 0xd8};

	put_all();

	cr_assert_eq(out.length, sizeof(wanted));
	cr_assert_eq(memcmp(out.data, wanted, sizeof(wanted)), 0);
}

Test(cursor, what_was_put_is_got)
{
	struct cursor cursor;

	put_all();
	cursor = begin(out.length);

	cr_assert_eq(cursor_get_u8(&cursor), 0x81);
	cr_assert_eq(cursor_get_u16(&cursor), 0xf203);
	cr_assert_eq(cursor_get_u32(&cursor), 0xe4050607);
	cr_assert(!cursor_is_done(&cursor));
	cr_assert_eq(cursor_get_u64(&cursor), 0xd808090a0b0c0d0e);
	cr_assert(cursor_is_done(&cursor));
	cr_assert(!cursor_failed(&cursor));
}

/* Read all from memory of just that length: a sanitizer sees what reads behind it. */
Test(cursor, bytes_cut_anywhere_are_a_failure)
{
	put_all();
	for (size_t length = 0; length < ALL_BYTES; length++) {
		uint8_t *exact = malloc(length + !length);
		struct cursor cursor = {.at = exact, .left = length};
		uint64_t last;

		memcpy(exact, out.data, length);
		(void)cursor_get_u8(&cursor);
		(void)cursor_get_u16(&cursor);
		(void)cursor_get_u32(&cursor);
		last = cursor_get_u64(&cursor);

		cr_expect(cursor_failed(&cursor), "%zu", length);
		cr_expect(!cursor_is_done(&cursor), "%zu", length);
		cr_expect_eq(last, 0, "%zu", length);
		free(exact);
	}
}

Test(cursor, after_a_failure_nothing_is_got)
{
	struct cursor cursor;

	put_all();
	cursor = begin(3);

	cr_assert_eq(cursor_get_u32(&cursor), 0);
	cr_assert_eq(cursor_get_u8(&cursor), 0);
	cr_assert_null(cursor_get_bytes(&cursor, 0));
	cr_assert(cursor_failed(&cursor));
	cr_assert(!cursor_is_done(&cursor));
}

Test(cursor, bytes_are_borrowed)
{
	struct cursor cursor;

	put_all();
	cursor = begin(ALL_BYTES);

	cr_assert_eq(cursor_get_bytes(&cursor, 5), (const uint8_t *)out.data);
	cr_assert_eq(cursor_get_bytes(&cursor, 10), (const uint8_t *)out.data + 5);
	cr_assert(cursor_is_done(&cursor));
	cr_assert_not_null(cursor_get_bytes(&cursor, 0));
	cr_assert_null(cursor_get_bytes(&cursor, 1));
}

Test(cursor, a_length_without_bounds_is_a_failure)
{
	struct cursor cursor;

	put_all();
	cursor = begin(ALL_BYTES);

	cr_assert_null(cursor_get_bytes(&cursor, SIZE_MAX));
	cr_assert(cursor_failed(&cursor));
}
