/* SPDX-License-Identifier: MIT */
/* Tests of common/text.c. */

#include "common/text.h"

#include <criterion/criterion.h>
#include <string.h>

/* The same text at every place of a longer one, so that no path over eight bytes is left out. */
static bool is_clean_everywhere(const char *text, size_t length, bool is_clean)
{
	for (size_t before = 0; before < 17; before++) {
		for (size_t behind = 0; behind < 17; behind++) {
			char padded[64];

			memset(padded, 'a', sizeof(padded));
			memcpy(padded + before, text, length);
			if (text_is_clean(padded, before + length + behind) != is_clean)
				return false;
		}
	}
	return true;
}

static bool is_printed_as(const char *text, size_t length, const char *expected)
{
	struct buffer out = {0};
	bool is_same;

	text_append_printable(&out, text, length);
	is_same = strcmp(buffer_text(&out), expected) == 0;
	buffer_done(&out);
	return is_same;
}

TestSuite(text);

Test(text, counts_printable_ascii_at_the_beginning)
{
	static const char text[] = "0123456789 ~abcdefghi";
	char changed[sizeof(text)];

	for (size_t length = 0; length < sizeof(text); length++) {
		cr_expect_eq(text_count_plain(text, length), length);
		for (size_t at = 0; at < length; at++) {
			memcpy(changed, text, sizeof(text));
			changed[at] = at % 2 ? '\x7f' : '\x1f';
			cr_expect_eq(text_count_plain(changed, length), at);
			changed[at] = '\xc3';
			cr_expect_eq(text_count_plain(changed, length), at);
		}
	}
}

Test(text, takes_utf_8)
{
	static const char *const texts[] = {
		"",
		" ",
		"~",
		"plain",
		"\xc2\xa0",
		"\xc3\xa4",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xe2\x82\xac",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf0\x9f\x8c\xa1",
		"\xf4\x8f\xbf\xbf",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(is_clean_everywhere(texts[i], strlen(texts[i]), true), "number %zu", i);
}

Test(text, refuses_what_is_not_utf_8)
{
	static const char *const texts[] = {
		"\x80",
		"\xbf",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xc3",
		"\xc3(",
		"\xe0\x80\xaf",
		"\xe0\x9f\xbf",
		"\xe2\x82",
		"\xe2(\xa1",
		"\xe2\x82(",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x80\x80\xaf",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x8c",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(is_clean_everywhere(texts[i], strlen(texts[i]), false), "number %zu", i);
}

Test(text, refuses_control_characters)
{
	for (int byte = 0; byte < 0x80; byte++) {
		char text = (char)byte;

		cr_expect(is_clean_everywhere(&text, 1, byte >= 0x20 && byte != 0x7f), "byte %d",
			  byte);
	}
	for (int byte = 0x80; byte < 0xc0; byte++) {
		char text[] = {'\xc2', (char)byte};

		cr_expect(is_clean_everywhere(text, sizeof(text), byte >= 0xa0), "U+%04X", byte);
	}
}

Test(text, reads_no_byte_behind_its_end)
{
	cr_expect_not(text_is_clean("\xc3\xa4", 1));
	cr_expect_not(text_is_clean("\xe2\x82\xac", 2));
	cr_expect(text_is_clean("abc\n", 3));
}

Test(text, shows_every_unclean_byte)
{
	cr_expect(is_printed_as("web\xc3\xa4", 5, "web\xc3\xa4"));
	cr_expect(is_printed_as("a\x1b[31m\n", 7, "a\\x1b[31m\\x0a"));
	cr_expect(is_printed_as("\0", 1, "\\x00"));
	cr_expect(is_printed_as("\xc0\xaf", 2, "\\xc0\\xaf"));
	cr_expect(is_printed_as("\xe2\x82", 2, "\\xe2\\x82"));
	cr_expect(is_printed_as("\xc2\x9b"
				"2J",
				4, "\\xc2\\x9b2J"));
}

Test(text, finds_the_nearest_word)
{
	static const char *const words[] = {"interval", "ship_interval", "collector",
					    "hostname", "user",          NULL};

	cr_expect_str_eq(text_nearest("intervall", words), "interval");
	cr_expect_str_eq(text_nearest("intreval", words), "interval");
	cr_expect_str_eq(text_nearest("shipinterval", words), "ship_interval");
	cr_expect_str_eq(text_nearest("colector", words), "collector");
	cr_expect_str_eq(text_nearest("host_name", words), "hostname");
	cr_expect_str_eq(text_nearest("usr", words), "user");
	cr_expect_str_eq(text_nearest("user", words), "user");
}

Test(text, finds_none_where_none_is_near)
{
	static const char *const words[] = {"interval", "a", "", NULL};
	static const char *const none[] = {NULL};
	char longer[1000];

	memset(longer, 'i', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';

	cr_expect_null(text_nearest("frequency", words));
	cr_expect_null(text_nearest("x", words));
	cr_expect_null(text_nearest("", none));
	cr_expect_null(text_nearest(longer, words));
}
