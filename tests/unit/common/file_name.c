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
	memset(name, '/', 66);
	name[66] = '\0';
	cr_expect_eq(strlen(escape(name)), 198);
	cr_expect_null(strchr(escaped, '~'));
}

Test(file_name, cuts_long_names_and_tells_them_apart)
{
	char name[1000];
	char first[FILE_NAME_MAX_BYTES];

	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	memcpy(first, escape(name), sizeof(first));
	cr_expect_eq(strlen(first), 200);
	cr_expect_eq(first[183], '~');
	cr_expect_eq(strspn(first + 184, "0123456789abcdef"), 16);

	name[sizeof(name) - 2] = 'b';
	cr_expect_str_neq(escape(name), first);
	cr_expect_eq(strncmp(escaped, first, 184), 0);
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
		cr_expect_leq(strlen(escaped), 200);
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

/* -- metrics' files -------------------------------------------------------------------------------- */

static void expect_name(const char *name, const char *metric, uint32_t part,
			uint64_t continues_bytes, bool is_odd)
{
	struct file_name found;
	char again[FILE_NAME_METRIC_BYTES];

	cr_assert_eq(file_name_parse(name, &found), 0, "%s", name);
	cr_expect(found.metric_length == strlen(metric) &&
			  strncmp(found.metric, metric, found.metric_length) == 0,
		  "%s", name);
	cr_expect(found.part == part && found.continues_bytes == continues_bytes &&
			  found.is_odd == is_odd,
		  "%s", name);
	file_name_format(&found, again);
	cr_expect_str_eq(again, name);
}

Test(file_name, says_which_part_of_which_metric_a_file_is)
{
	expect_name("m.hm", "m", 0, 0, false);
	expect_name("m.odd.hm", "m", 0, 0, true);
	expect_name("m~1.hm", "m", 1, FILE_NAME_ALL, false);
	expect_name("m~12.odd.hm", "m", 12, FILE_NAME_ALL, true);
	expect_name("m~1@0.hm", "m", 1, 0, false);
	expect_name("m~999999@18446744073709551614.odd.hm", "m", 999999, UINT64_MAX - 1, true);
	expect_name("m.n.hm", "m.n", 0, 0, false);
	/* The hash of a cut name is no number, also where it looks like one. */
	expect_name("m~1234567890123456.hm", "m~1234567890123456", 0, 0, false);
	expect_name("m~1234567890123456~3@7.hm", "m~1234567890123456", 3, 7, false);
}

Test(file_name, takes_for_a_part_only_what_is_written_as_one)
{
	static const char *const names[] = {
		"m~0",
		"m~01",
		"m~1000000",
		"m~99999999",
		"m~1@",
		"m~1@01",
		"m~1@18446744073709551615",
		"m~1@18446744073709551616",
		"m~1@99999999999999999999999",
		"m~@5",
		"m@5",
		"m~1@5@6",
		"m~",
		"~1",
		"~1@5",
		"@5",
		"m~-1",
		"m~+1",
		"m~1@-5",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "%s.hm", names[i]);
		expect_name(name, names[i], 0, 0, false);
		(void)snprintf(name, sizeof(name), "%s.odd.hm", names[i]);
		expect_name(name, names[i], 0, 0, true);
	}
}

Test(file_name, knows_what_is_no_metrics_file)
{
	struct file_name found;

	cr_expect_eq(file_name_parse("", &found), -EINVAL);
	cr_expect_eq(file_name_parse(".hm", &found), -EINVAL);
	cr_expect_eq(file_name_parse("m.hm.damaged", &found), -EINVAL);
	cr_expect_eq(file_name_parse(".host", &found), -EINVAL);
	/* It is the file of no metric, and told as such. */
	expect_name(".odd.hm", ".odd", 0, 0, false);
}

Test(file_name, has_room_for_the_longest_name_of_a_part_and_its_aside)
{
	struct file_name name = {
		.part = FILE_NAME_PART_MAX, .continues_bytes = UINT64_MAX - 1, .is_odd = true};
	char out[FILE_NAME_METRIC_BYTES];
	char metric[1000];

	memset(metric, '/', sizeof(metric));
	file_name_escape(metric, sizeof(metric), escaped);
	memset(metric, 'a', sizeof(metric));
	file_name_escape(metric, sizeof(metric), escaped);
	name.metric = escaped;
	name.metric_length = strlen(escaped);
	cr_assert_eq(name.metric_length, FILE_NAME_MAX_BYTES - 1);
	file_name_format(&name, out);
	cr_expect_leq(strlen(out) + strlen(".damaged-99"), 255);
	expect_name(out, escaped, FILE_NAME_PART_MAX, UINT64_MAX - 1, true);
}

Test(file_name, finds_the_number_of_a_folder)
{
	cr_expect_eq(file_name_folder_base("web01"), 5);
	cr_expect_eq(file_name_folder_base("web01~2"), 5);
	cr_expect_eq(file_name_folder_base("web01~4294967295"), 5);
	cr_expect_eq(file_name_folder_base("web~1234567890123456"), 20);
	cr_expect_eq(file_name_folder_base("~2"), 2);
	cr_expect_eq(file_name_folder_base("web~"), 4);
}
