/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/view.c. */

#include "agent/ctl/view.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "agent/ctl/keyboard.h"

static struct view view;

static void type(const char *keys)
{
	for (; *keys != '\0'; keys++)
		cr_expect_eq(view_take_key(&view, (unsigned char)*keys), VIEW_CHANGED, "%c", *keys);
}

static void expect_keys(const char *words)
{
	struct buffer out = {0};

	view_append_keys(&view, &out);
	cr_expect(strstr(buffer_text(&out), words), "%s: %s", words, buffer_text(&out));
	buffer_done(&out);
}

static void expect_order(const char *column, bool is_descending)
{
	cr_assert_not_null(view.order.column);
	cr_expect_str_eq(view.order.column, column);
	cr_expect_eq(view.order.is_descending, is_descending, "%s", column);
}

Test(view, reads_an_order)
{
	struct board_order order = {0};

	cr_assert_eq(view_parse_order("-value", &order), 0);
	cr_expect_str_eq(order.column, "value");
	cr_expect(order.is_descending);
	cr_assert_eq(view_parse_order("age", &order), 0);
	cr_expect_str_eq(order.column, "age");
	cr_expect_not(order.is_descending);
	cr_expect_eq(view_parse_order("time", &order), -EINVAL);
	cr_expect_eq(view_parse_order("", &order), -EINVAL);
	cr_expect_eq(view_parse_order("-", &order), -EINVAL);
	cr_expect_eq(view_parse_order("--age", &order), -EINVAL);
}

Test(view, sorts_by_letters_and_turns_round)
{
	struct buffer out = {0};

	type("v");
	expect_order("value", true);
	type("v");
	expect_order("value", false);
	type("r");
	expect_order("rate", true);
	type("h");
	expect_order("host", false);
	type("s");
	expect_order("series", false);
	type("u");
	expect_order("unit", false);
	type("a");
	expect_order("age", false);
	type("a");
	expect_order("age", true);
	view_append_order(&view, &out);
	cr_expect_str_eq(buffer_text(&out), ", by age, descending");
	buffer_done(&out);
}

Test(view, takes_every_letter_that_it_names)
{
	struct buffer out = {0};
	const char *at;

	view_append_keys(&view, &out);
	at = strstr(buffer_text(&out), "sort:");
	cr_assert_not_null(at);
	for (at += strlen("sort:"); at[0] == ' ' && at[1] != '(';) {
		char letter = at[1];
		size_t length = strcspn(at + 3, " ");

		cr_expect_eq(view_take_key(&view, letter), VIEW_CHANGED);
		cr_expect_eq(strncmp(view.order.column, at + 3, length), 0, "%c", letter);
		at += 3 + length;
	}
	buffer_done(&out);
}

Test(view, filters_while_one_types)
{
	type("/load");
	cr_expect_str_eq(view.filter, "load");
	cr_expect(view.is_typing);
	expect_keys("filter: load");
	cr_expect_eq(view_take_key(&view, 'q'), VIEW_CHANGED, "a letter of the filter");
	cr_expect_eq(view_take_key(&view, KEYBOARD_BACKSPACE), VIEW_CHANGED);
	type("\n");
	cr_expect_not(view.is_typing);
	cr_expect_str_eq(view.filter, "load");
	expect_keys("filter: load (Esc ends it)  q quit");
	type("/1\n");
	cr_expect_str_eq(view.filter, "load1");
	cr_expect_eq(view_take_key(&view, KEYBOARD_ESCAPE), VIEW_CHANGED);
	cr_expect_str_eq(view.filter, "");
}

Test(view, takes_whole_characters_away)
{
	type("/a\xc3\xa4");
	cr_expect_eq(view_take_key(&view, KEYBOARD_BACKSPACE), VIEW_CHANGED);
	cr_expect_str_eq(view.filter, "a");
	for (int i = 0; i < 3; i++)
		cr_expect_eq(view_take_key(&view, KEYBOARD_BACKSPACE), VIEW_CHANGED);
	cr_expect_str_eq(view.filter, "");
	type("xyz");
	cr_expect_eq(view_take_key(&view, KEYBOARD_CLEAR), VIEW_CHANGED);
	cr_expect_str_eq(view.filter, "");
	type("xyz");
	cr_expect_eq(view_take_key(&view, KEYBOARD_ESCAPE), VIEW_CHANGED);
	cr_expect_str_eq(view.filter, "");
	cr_expect_not(view.is_typing);
}

Test(view, takes_no_more_than_a_filter_holds)
{
	view.is_typing = true;
	for (size_t i = 0; i < (size_t)2 * VIEW_FILTER_MAX_BYTES; i++)
		(void)view_take_key(&view, 'x');
	cr_expect_eq(strlen(view.filter), VIEW_FILTER_MAX_BYTES - 1);
	cr_expect_eq(view_take_key(&view, KEYBOARD_UP), VIEW_SAME);
	cr_expect_eq(view_take_key(&view, '\t'), VIEW_SAME);
}

Test(view, lets_no_filter_control_the_terminal)
{
	view.is_typing = true;
	for (int key = 0x80; key < 0xa0; key++)
		(void)view_take_key(&view, key);
	expect_keys("filter: \\x80\\x81");
}

Test(view, ends_with_q)
{
	cr_expect_eq(view_take_key(&view, 'q'), VIEW_QUIT);
	cr_expect_eq(view_take_key(&view, 'Q'), VIEW_SAME);
	cr_expect_eq(view_take_key(&view, KEYBOARD_OTHER), VIEW_SAME);
}
