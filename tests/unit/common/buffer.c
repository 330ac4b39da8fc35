/* SPDX-License-Identifier: MIT */
/* Tests of common/buffer.c. */

#include "common/buffer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct buffer buffer;

static void teardown(void)
{
	buffer_done(&buffer);
}

TestSuite(buffer, .fini = teardown);

Test(buffer, zeroed_is_empty)
{
	cr_assert_str_eq(buffer_text(&buffer), "");
	cr_assert_eq(buffer.length, 0);
	cr_assert_not(buffer_failed(&buffer));
}

Test(buffer, appends_of_every_kind_stand_in_order)
{
	buffer_append(&buffer, "a\0b", 3);
	buffer_append(&buffer, NULL, 0);
	buffer_append_text(&buffer, "text");
	buffer_append_byte(&buffer, '!');
	buffer_printf(&buffer, "%d-%s", 7, "x");

	cr_assert_eq(buffer.length, 11);
	cr_assert_arr_eq(buffer_text(&buffer), "a\0btext!7-x", 12);
	cr_assert_eq(buffer.length, 11, "the NUL is not counted");
}

Test(buffer, grows_to_whatever_is_appended)
{
	for (int i = 0; i < 100000; i++)
		buffer_append_byte(&buffer, (char)('a' + i % 26));

	cr_assert_eq(buffer.length, 100000);
	cr_assert_geq(buffer.capacity, buffer.length);
	for (int i = 0; i < 100000; i++)
		cr_assert_eq(buffer.data[i], (char)('a' + i % 26));
}

Test(buffer, printf_writes_texts_of_every_length_around_the_capacity)
{
	static char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	for (size_t length = 0; length < 1100; length++) {
		buffer_done(&buffer);
		buffer_append_byte(&buffer, '<');
		buffer_printf(&buffer, "%.*s>", (int)length, text);

		cr_assert_eq(buffer.length, length + 2);
		cr_assert_eq(buffer.data[length], length ? 'x' : '<');
		cr_assert_eq(buffer.data[length + 1], '>');
	}
}

Test(buffer, reserve_makes_room_without_content)
{
	cr_assert_eq(buffer_reserve(&buffer, 10000), 0);

	cr_assert_eq(buffer.length, 0);
	cr_assert_geq(buffer.capacity, 10000);
	cr_assert_eq(buffer_reserve(&buffer, 0), 0);
}

Test(buffer, consume_drops_from_the_start)
{
	buffer_append_text(&buffer, "0123456789");

	buffer_consume(&buffer, 0);
	cr_assert_str_eq(buffer_text(&buffer), "0123456789");
	buffer_consume(&buffer, 7);
	cr_assert_str_eq(buffer_text(&buffer), "789");
	buffer_append_byte(&buffer, 'x');
	cr_assert_str_eq(buffer_text(&buffer), "789x");
	buffer_consume(&buffer, 4);
	cr_assert_str_eq(buffer_text(&buffer), "");
}

Test(buffer, failed_append_is_remembered_and_nothing_goes_behind_the_hole)
{
	buffer_append_text(&buffer, "kept");
	cr_assert_eq(buffer_reserve(&buffer, SIZE_MAX), -ENOMEM);
	buffer_append_text(&buffer, "lost");
	buffer_append_byte(&buffer, 'x');
	buffer_printf(&buffer, "%d", 1);

	cr_assert(buffer_failed(&buffer));
	cr_assert_eq(buffer.length, 4);
	cr_assert_eq(buffer_reserve(&buffer, 1), -ENOMEM);
	cr_assert_str_eq(buffer_text(&buffer), "");
}

Test(buffer, length_that_no_machine_has_is_refused)
{
	cr_assert_eq(buffer_reserve(&buffer, (size_t)1 << 62), -ENOMEM);
	cr_assert(buffer_failed(&buffer));
	cr_assert_null(buffer.data);
}

Test(buffer, clear_forgets_content_and_failure_and_keeps_the_memory)
{
	buffer_append_text(&buffer, "old");
	cr_assert_eq(buffer_reserve(&buffer, SIZE_MAX / 2), -ENOMEM);
	buffer_clear(&buffer);

	cr_assert_not(buffer_failed(&buffer));
	cr_assert_not_null(buffer.data);
	buffer_append_text(&buffer, "new");
	cr_assert_str_eq(buffer_text(&buffer), "new");
}

Test(buffer, trim_keeps_only_so_much_memory)
{
	buffer_append_text(&buffer, "old");
	buffer_trim(&buffer, buffer.capacity);
	cr_assert_not_null(buffer.data);
	cr_assert_eq(buffer.length, 0);

	cr_assert_eq(buffer_reserve(&buffer, SIZE_MAX / 2), -ENOMEM);
	buffer_trim(&buffer, buffer.capacity - 1);
	cr_assert_null(buffer.data);
	cr_assert_not(buffer_failed(&buffer));
}

Test(buffer, done_leaves_an_empty_buffer_that_can_be_used_again)
{
	buffer_append_text(&buffer, "old");
	buffer_done(&buffer);
	buffer_done(&buffer);

	cr_assert_null(buffer.data);
	cr_assert_eq(buffer.capacity, 0);
	buffer_append_text(&buffer, "new");
	cr_assert_str_eq(buffer_text(&buffer), "new");
}
