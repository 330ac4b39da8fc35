/* SPDX-License-Identifier: MIT */
/* Tests of common/file_name.c. */

#include "common/file_name.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static char escaped[FILE_NAME_MAX_BYTES];

static const char *escape(const char *name)
{
	memset(escaped, 'x', sizeof(escaped));
	file_name_escape(name, strlen(name), escaped);
	return escaped;
}

TestSuite(file_name);

Test(file_name, leaves_usual_names_as_they_are)
{
	cr_expect_str_eq(escape("node_cpu_seconds_total"), "node_cpu_seconds_total");
	cr_expect_str_eq(escape("web-01.Example.org:9999"), "web-01.Example.org:9999");
	cr_expect_str_eq(escape("2001:db8::1"), "2001:db8::1");
}

Test(file_name, lets_no_name_leave_its_folder)
{
	cr_expect_str_eq(escape("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd");
	cr_expect_str_eq(escape("/abs"), "%2Fabs");
	cr_expect_str_eq(escape("."), "%2E");
	cr_expect_str_eq(escape(".."), "%2E.");
	cr_expect_str_eq(escape(".host"), "%2Ehost");
	cr_expect_str_eq(escape(""), "%");
}

Test(file_name, escapes_every_other_byte)
{
	cr_expect_str_eq(escape("a b;$(id)`%n\x1b\x7f"), "a%20b%3B%24%28id%29%60%25n%1B%7F");
	cr_expect_str_eq(escape("a~2"), "a%7E2");
	cr_expect_str_eq(escape("\xc3\xa4"), "%C3%A4");
	cr_expect_str_eq(escape("trailing. "), "trailing.%20");

	file_name_escape("a\0b", 3, escaped);
	cr_expect_str_eq(escaped, "a%00b");
}

Test(file_name, keeps_what_fits)
{
	char name[FILE_NAME_MAX_BYTES];

	memset(name, 'a', sizeof(name));
	name[FILE_NAME_MAX_BYTES - 1] = '\0';
	cr_expect_str_eq(escape(name), name);
	memset(name, '/', 80);
	name[80] = '\0';
	cr_expect_eq(strlen(escape(name)), 240);
	cr_expect_null(strchr(escaped, '~'));
}

Test(file_name, cuts_long_names_and_tells_them_apart)
{
	char name[1000];
	char first[FILE_NAME_MAX_BYTES];

	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	memcpy(first, escape(name), sizeof(first));
	cr_expect_eq(strlen(first), 240);
	cr_expect_eq(first[223], '~');
	cr_expect_eq(strspn(first + 224, "0123456789abcdef"), 16);

	name[sizeof(name) - 2] = 'b';
	cr_expect_str_neq(escape(name), first);
	cr_expect_eq(strncmp(escaped, first, 224), 0);
}

Test(file_name, cuts_no_escape_in_two)
{
	char name[1000];

	for (size_t n_before = 0; n_before < 3; n_before++) {
		memset(name, 'a', n_before);
		memset(name + n_before, '/', sizeof(name) - n_before);
		name[sizeof(name) - 1] = '\0';

		char *hash = strchr(escape(name), '~');

		cr_assert_not_null(hash);
		cr_expect_eq(strlen(hash), 17);
		cr_expect_eq((size_t)(hash - escaped) % 3, n_before);
		cr_expect_leq(strlen(escaped), 240);
	}
}

Test(file_name, keeps_metrics_apart_from_the_second_files_of_others)
{
	cr_expect_str_eq(escape("x.odd"), "x%2Eodd");
	cr_expect_str_eq(escape("x.odd.odd"), "x.odd%2Eodd");
	cr_expect_str_eq(escape("x.odd.y"), "x.odd.y");
	cr_expect_str_eq(escape("x.od"), "x.od");
	cr_expect_str_eq(escape(".odd"), "%2Eodd");
}

static int unescape(const char *name)
{
	char out[FILE_NAME_MAX_BYTES];
	char saved[FILE_NAME_MAX_BYTES];
	int length;

	(void)snprintf(saved, sizeof(saved), "%s", name);
	length = file_name_unescape(saved, strlen(saved), out);
	if (length >= 0)
		cr_expect_str_eq(escape(out), saved);
	return length;
}

Test(file_name, finds_the_name_again_unless_it_was_cut)
{
	char name[1000];

	cr_expect_eq(unescape(escape("node_load1")), 10);
	cr_expect_eq(unescape(escape("../a b%\xc3\xa9")), 9);
	cr_expect_eq(unescape(escape("x.odd")), 5);
	cr_expect_eq(unescape(escape("")), 0);
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	cr_expect_eq(unescape(escape(name)), -EINVAL);
	cr_expect_eq(unescape("%4"), -EINVAL);
	cr_expect_eq(unescape("%2f"), -EINVAL);
	cr_expect_eq(unescape("%41"), -EINVAL, "that is no escape of ours");
	cr_expect_eq(unescape("a/b"), -EINVAL);
}

/* The hash is part of the store's format: another one would not find the files again. */
Test(file_name, keeps_to_its_hash)
{
	char name[301];

	memset(name, 'a', 300);
	name[300] = '\0';
	cr_expect_str_eq(strchr(escape(name), '~'), "~28a2afac267402a1");
	cr_expect_null(strchr(escape("a"), '~'));
}
