/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/utf8.c. */

#include "agent/ctl/utf8.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

static size_t decode(const char *text, uint32_t *ret_code)
{
	return utf8_decode(text, strlen(text), ret_code);
}

Test(utf8, decodes_one_to_four_bytes)
{
	uint32_t code = 0;

	cr_expect_eq(decode("a", &code), 1);
	cr_expect_eq(code, 'a');
	cr_expect_eq(decode("\xc2\x80", &code), 2);
	cr_expect_eq(code, 0x80);
	cr_expect_eq(decode("\xe2\x82\xac", &code), 3);
	cr_expect_eq(code, 0x20ac);
	cr_expect_eq(decode("\xf4\x8f\xbf\xbf", &code), 4);
	cr_expect_eq(code, 0x10ffff);
}

Test(utf8, refuses_what_is_not_utf8)
{
	static const char *const texts[] = {
		"\x80",             /* continuation alone */
		"\xc0\xaf",         /* '/' overlong */
		"\xc1\xbf",         /* overlong */
		"\xe0\x80\xaf",     /* overlong */
		"\xf0\x80\x80\xaf", /* overlong */
		"\xed\xa0\x80",     /* surrogate */
		"\xf4\x90\x80\x80", /* beyond Unicode */
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x82",
		"\xe2(",
		"",
	};
	uint32_t code = 7;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(decode(texts[i], &code), 0, "text %zu", i);
	cr_expect_eq(code, 7, "written only on success");
}

Test(utf8, reads_no_byte_behind_the_length)
{
	uint32_t code;

	cr_expect_eq(utf8_decode("\xe2\x82\xac", 2, &code), 0);
	cr_expect_eq(utf8_decode("a", 0, &code), 0);
}

Test(utf8, knows_what_turns_the_direction_or_begins_a_line)
{
	cr_expect(utf8_is_deceptive(0x202e));
	cr_expect(utf8_is_deceptive(0x2066));
	cr_expect(utf8_is_deceptive(0x200f));
	cr_expect(utf8_is_deceptive(0x2028));
	cr_expect(utf8_is_deceptive(0x2029));
	cr_expect_not(utf8_is_deceptive('a'));
	cr_expect_not(utf8_is_deceptive(0x20ac));
}

Test(utf8, counts_columns_as_a_terminal_shows_them)
{
	cr_assert(setlocale(LC_CTYPE, "C.UTF-8"));
	cr_expect_eq(utf8_columns("abc", 3), 3);
	cr_expect_eq(utf8_columns("\xc3\xa4", 2), 1);
	cr_expect_eq(utf8_columns("\xe6\xb8\xa9", 3), 2, "a wide character");
	cr_expect_eq(utf8_columns("e\xcc\x81", 3), 1, "a combining one");
	cr_expect_eq(utf8_columns("\xff\xfe", 2), 2, "rubbish");
}

Test(utf8, fits_whole_characters)
{
	cr_assert(setlocale(LC_CTYPE, "C.UTF-8"));
	cr_expect_eq(utf8_fit("abc", 3, 2), 2);
	cr_expect_eq(utf8_fit("abc", 3, 9), 3);
	cr_expect_eq(utf8_fit("a\xe6\xb8\xa9", 4, 2), 1, "the wide one does not fit");
	cr_expect_eq(utf8_fit("a\xe6\xb8\xa9", 4, 3), 4);
	cr_expect_eq(utf8_fit("e\xcc\x81z", 4, 1), 3, "what combines belongs to it");
}
