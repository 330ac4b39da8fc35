/* SPDX-License-Identifier: MIT */
/* Tests of agent/label.c: texts of firmware. */

#include <bsd/string.h>
#include <criterion/criterion.h>
#include <string.h>

#include "common/text.h"
#include "hostmetrics/sysfs.h"

#define REPLACEMENT "\xef\xbf\xbd"

static char text[64];

static const char *cleaned(const char *dirty)
{
	(void)strlcpy(text, dirty, sizeof(text));
	hm_label_clean(text, sizeof(text));
	cr_assert(text_is_clean(text, strlen(text)));
	return text;
}

Test(label, stays_as_it_is_when_it_is_clean)
{
	cr_expect_str_eq(cleaned(""), "");
	cr_expect_str_eq(cleaned("CPU 100 % \\ \"x\""), "CPU 100 % \\ \"x\"");
	cr_expect_str_eq(cleaned("Gehäuse °C 🌡"), "Gehäuse °C 🌡");
}

static const char *trimmed(const char *wide)
{
	(void)strlcpy(text, wide, sizeof(text));
	hm_trim(text);
	return text;
}

Test(label, loses_the_blanks_around_it_when_it_is_told_to)
{
	cr_expect_str_eq(trimmed(" \t LGC 1 \r\n"), "LGC 1");
	cr_expect_str_eq(trimmed("  \n "), "");
	cr_expect_str_eq(trimmed("LGC"), "LGC");
	cr_expect_str_eq(cleaned("Left side  "), "Left side  ");
}

/* As node_exporter does: "LNV-45N1" is what a battery of its fixtures calls itself, with rubbish behind. */
Test(label, has_one_mark_for_a_run_of_bytes_that_are_no_text)
{
	cr_expect_str_eq(cleaned("LNV-45N1\xcd\xff"), "LNV-45N1" REPLACEMENT);
	cr_expect_str_eq(cleaned("\xff"
				 "a\xc3"
				 "b"),
			 REPLACEMENT "a" REPLACEMENT "b");
	cr_expect_str_eq(cleaned("\xed\xa0\x80 \xf8\x88\x80\x80\x80"), REPLACEMENT " " REPLACEMENT);
}

Test(label, has_a_mark_for_each_control_character)
{
	cr_expect_str_eq(cleaned("a\x1b[31m\x7f"), "a" REPLACEMENT "[31m" REPLACEMENT);
	cr_expect_str_eq(cleaned("\x01\x02x\xc2\x85y"),
			 REPLACEMENT REPLACEMENT "x" REPLACEMENT "y");
}

Test(label, is_cut_between_characters_where_marks_leave_no_room)
{
	char small[8] = "\x01\x01\x01"
			"abc";

	hm_label_clean(small, sizeof(small));
	cr_expect_str_eq(small, REPLACEMENT REPLACEMENT);
}
