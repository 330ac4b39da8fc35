/* SPDX-License-Identifier: MIT */
/* Tests of agent/text.c. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/host.h"
#include "hostmetrics/sysfs.h"
#include "tests/support/fake_root.h"
#include "tests/support/scratch.h"

static const char *root;
static struct hm_host host;
static struct hm_text text;

static void setup(void)
{
	root = scratch_folder();
	cr_assert_eq(host_init(&host, root), 0);
}

static void teardown(void)
{
	hm_text_close(&text);
	host_done(&host);
	scratch_remove(root);
}

TestSuite(text, .init = setup, .fini = teardown);

static struct hm_span span(const char *word)
{
	return (struct hm_span){word, strlen(word)};
}

/* Open an attribute of this content. */
static int open_attribute(const char *content)
{
	fake_root_write(root, "/attribute", content);

	int fd = hm_open(&host, "/attribute");

	cr_assert_geq(fd, 0);
	return fd;
}

Test(text, stays_closed_when_there_is_no_file)
{
	cr_expect_eq(hm_text_open(&text, &host, "/nothing"), -ENOENT);
	cr_expect_not(text.is_open);
	hm_text_close(&text);
}

Test(text, reads_a_file_of_any_length)
{
	static const size_t lengths[] = {0, 1, 4094, 4095, 4096, 4097, 65536, 1000003};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char *bytes = malloc(lengths[i] + 1);

		cr_assert_not_null(bytes);
		for (size_t k = 0; k < lengths[i]; k++)
			bytes[k] = (char)('a' + k % 23);
		fake_root_write_bytes(root, "/file", bytes, lengths[i]);

		cr_assert_eq(hm_text_open(&text, &host, "/file"), 0);
		cr_expect_eq(hm_text_read(&text), 0);

		cr_expect_eq(text.length, lengths[i]);
		cr_expect_eq(memcmp(text.data, bytes, lengths[i]), 0);
		cr_expect_eq(text.data[lengths[i]], '\0');
		hm_text_close(&text);
		free(bytes);
	}
}

Test(text, reads_what_a_kept_descriptor_shows_now)
{
	fake_root_write(root, "/file", "long enough\n");
	cr_assert_eq(hm_text_open(&text, &host, "/file"), 0);
	cr_assert_eq(hm_text_read(&text), 0);

	fake_root_write(root, "/file", "short\n");
	cr_assert_eq(hm_text_read(&text), 0);

	cr_expect_str_eq(text.data, "short\n");
	cr_expect_eq(text.length, 6);
}

Test(text, keeps_its_buffer_between_rounds)
{
	fake_root_write(root, "/file", "1 2 3\n");
	cr_assert_eq(hm_text_open(&text, &host, "/file"), 0);
	cr_assert_eq(hm_text_read(&text), 0);

	const char *data = text.data;

	for (int i = 0; i < 100; i++)
		cr_assert_eq(hm_text_read(&text), 0);

	cr_expect_eq(text.data, data);
}

/* Reads of this process so far. */
static long count_reads(void)
{
	FILE *file = fopen("/proc/self/io", "re");
	static const char name[] = "syscr: ";
	char line[64];
	long n_reads = 0;

	if (!file)
		cr_skip_test("the kernel counts no reads");
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, sizeof(name) - 1) == 0)
			n_reads = strtol(line + sizeof(name) - 1, NULL, 10);
	}
	(void)fclose(file);
	return n_reads;
}

/* How many reads a text took, those of counting not counted. */
static long count_reads_of(struct hm_text *read)
{
	long n_none = count_reads();
	long before = count_reads();

	n_none = before - n_none;
	cr_assert_eq(hm_text_read(read), 0);
	return count_reads() - before - n_none;
}

static size_t count_lines(const struct hm_text *read)
{
	const char *cursor = read->data;
	struct hm_span line;
	size_t n = 0;

	while (hm_next_line(&cursor, &line))
		n++;
	return n;
}

/* Of files of /proc: all lines, by fewer reads. */
Test(text, sees_the_end_of_short_records_without_another_read)
{
	static const char *const files[] = {"/proc/diskstats", "/proc/net/dev", "/proc/meminfo"};
	struct hm_host real;

	cr_assert_eq(host_init(&real, ""), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t n_lines;
		long n_reads;

		cr_assert_eq(hm_text_open(&text, &real, files[i]), 0);
		/* The buffer grows. */
		cr_assert_eq(hm_text_read(&text), 0);
		n_reads = count_reads_of(&text);
		n_lines = count_lines(&text);
		text.record_max_bytes = i == 2 ? HM_TEXT_ONE_RECORD : HM_TEXT_SHORT_RECORDS;
		cr_expect_eq(count_reads_of(&text), n_reads - 1, "%s", files[i]);
		cr_expect_eq(count_lines(&text), n_lines, "%s", files[i]);
		hm_text_close(&text);
	}
	host_done(&real);
}

Test(text, goes_on_where_a_longer_record_may_follow)
{
	char bytes[4000];

	memset(bytes, 'a', sizeof(bytes));
	fake_root_write_bytes(root, "/file", bytes, sizeof(bytes));
	cr_assert_eq(hm_text_open(&text, &host, "/file"), 0);
	/* The buffer grows. */
	cr_assert_eq(hm_text_read(&text), 0);
	text.record_max_bytes = HM_TEXT_SHORT_RECORDS;
	cr_expect_eq(count_reads_of(&text), 2);
	text.record_max_bytes = 64;
	cr_expect_eq(count_reads_of(&text), 1);
	cr_expect_eq(text.length, sizeof(bytes));
}

Test(text, is_empty_when_it_cannot_be_read)
{
	fake_root_write(root, "/folder/file", "");
	cr_assert_eq(hm_text_open(&text, &host, "/folder"), 0);
	cr_expect_str_eq(text.data, "");

	cr_expect_eq(hm_text_read(&text), -EISDIR);

	cr_expect_str_eq(text.data, "");
	cr_expect_eq(text.length, 0);
}

Test(text, refuses_a_file_over_the_limit)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/file", root);
	fake_root_write(root, "/file", "");
	cr_assert_eq(truncate(path, (off_t)HM_TEXT_MAX_BYTES), 0);
	cr_assert_eq(hm_text_open(&text, &host, "/file"), 0);
	cr_expect_eq(hm_text_read(&text), 0);
	cr_expect_eq(text.length, HM_TEXT_MAX_BYTES);

	cr_assert_eq(truncate(path, (off_t)HM_TEXT_MAX_BYTES + 1), 0);
	cr_expect_eq(hm_text_read(&text), -EFBIG);
	cr_expect_eq(text.length, 0);
}

Test(text, gives_each_line_once)
{
	const char *cursor = "first\n\n last";
	struct hm_span line;

	cr_assert(hm_next_line(&cursor, &line));
	cr_expect(hm_span_equals(line, "first"));
	cr_assert(hm_next_line(&cursor, &line));
	cr_expect(hm_span_equals(line, ""));
	cr_assert(hm_next_line(&cursor, &line));
	cr_expect(hm_span_equals(line, " last"));
	cr_expect_not(hm_next_line(&cursor, &line));
	cr_expect_not(hm_next_line(&cursor, &line));
}

Test(text, gives_each_word_of_a_line_once)
{
	struct hm_span line = span(" \tcpu  10\t20 ");
	struct hm_span word;

	cr_assert(hm_next_word(&line, &word));
	cr_expect(hm_span_equals(word, "cpu"));
	cr_assert(hm_next_word(&line, &word));
	cr_expect(hm_span_equals(word, "10"));
	cr_assert(hm_next_word(&line, &word));
	cr_expect(hm_span_equals(word, "20"));
	cr_expect_not(hm_next_word(&line, &word));
	cr_expect_not(hm_next_word(&line, &word));
}

Test(text, compares_whole_words)
{
	cr_expect(hm_span_equals(span("cpu"), "cpu"));
	cr_expect(hm_span_equals(span(""), ""));
	cr_expect_not(hm_span_equals(span("cpu0"), "cpu"));
	cr_expect_not(hm_span_equals(span("cp"), "cpu"));
	cr_expect_not(hm_span_equals(span("cpx"), "cpu"));
}

Test(text, reads_unsigned_integers)
{
	static const struct {
		const char *word;
		int result;
		uint64_t value;
	} cases[] = {
		{"0", 0, 0},
		{"007", 0, 7},
		{"18446744073709551615", 0, UINT64_MAX},
		{"00000000000000000000000000000018446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"184467440737095516150000000", -ERANGE, 0},
		{"99999999999999999999x", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1\n", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1.0", -EINVAL, 0},
		{"/", -EINVAL, 0},
		{":", -EINVAL, 0},
		{"\xb1", -EINVAL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 0;

		cr_expect_eq(hm_span_uint64(span(cases[i].word), &value), cases[i].result, "'%s'",
			     cases[i].word);
		cr_expect_eq(value, cases[i].value, "'%s'", cases[i].word);
	}
}

Test(text, reads_signed_integers)
{
	static const struct {
		const char *word;
		int result;
		int64_t value;
	} cases[] = {
		{"0", 0, 0},
		{"-0", 0, 0},
		{"-273200", 0, -273200},
		{"9223372036854775807", 0, INT64_MAX},
		{"-9223372036854775808", 0, INT64_MIN},
		{"9223372036854775808", -ERANGE, 0},
		{"-9223372036854775809", -ERANGE, 0},
		{"-18446744073709551616", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{"--1", -EINVAL, 0},
		{"- 1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t value = 0;

		cr_expect_eq(hm_span_int64(span(cases[i].word), &value), cases[i].result, "'%s'",
			     cases[i].word);
		cr_expect_eq(value, cases[i].value, "'%s'", cases[i].word);
	}
}

Test(text, reads_decimal_numbers)
{
	static const struct {
		const char *word;
		int result;
		double value;
	} cases[] = {
		{"0.71", 0, 0.71},        {"-1.5", 0, -1.5},     {"212", 0, 212},
		{"1e3", 0, 1000},         {"1e999", -ERANGE, 0}, {"-1e999", -ERANGE, 0},
		{"nan", -EINVAL, 0},      {"-NAN", -EINVAL, 0},  {"inf", -EINVAL, 0},
		{"INFINITY", -EINVAL, 0}, {"0x1p3", -EINVAL, 0}, {"1,5", -EINVAL, 0},
		{"1.5x", -EINVAL, 0},     {"", -EINVAL, 0},      {".", -EINVAL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double value = 0;

		cr_expect_eq(hm_span_double(span(cases[i].word), &value), cases[i].result, "'%s'",
			     cases[i].word);
		cr_expect(value == cases[i].value, "'%s'", cases[i].word);
	}
}

Test(text, reads_only_the_span_of_a_number)
{
	struct hm_span word = {"0.719", 3};
	uint64_t whole;
	double value;

	cr_assert_eq(hm_span_double(word, &value), 0);
	cr_expect(value == 0.7);
	cr_assert_eq(hm_span_uint64((struct hm_span){"1234", 2}, &whole), 0);
	cr_expect_eq(whole, 12);
}

Test(text, reads_the_first_line_of_an_attribute)
{
	static const struct {
		const char *content;
		int result;
		const char *text;
	} cases[] = {
		{"acpitz\n", 0, "acpitz"},
		{"acpitz", 0, "acpitz"},
		{"", 0, ""},
		{"\nb\n", 0, ""},
		{"a b\nc\n", 0, "a b"},
		{"1234567\n", 0, "1234567"},
		{"1234567", 0, "1234567"},
		{"12345678\n", -ERANGE, ""},
		{"12345678", -ERANGE, ""},
		{"1\n23456789abcdef", 0, "1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[8] = "before";
		int fd = open_attribute(cases[i].content);

		cr_expect_eq(hm_read_string(fd, out, sizeof(out)), cases[i].result, "'%s'",
			     cases[i].content);
		cr_expect_str_eq(out, cases[i].text);
		close(fd);
	}
}

Test(text, says_why_an_attribute_cannot_be_read)
{
	char out[8] = "before";
	int64_t value = 7;

	fake_root_write(root, "/folder/file", "");

	int fd = hm_open(&host, "/folder");

	cr_expect_eq(hm_read_string(fd, out, sizeof(out)), -EISDIR);
	cr_expect_str_eq(out, "");
	cr_expect_eq(hm_read_int64(fd, &value), -EISDIR);
	cr_expect_eq(hm_read_int64(-1, &value), -EBADF);
	cr_expect_eq(value, 7);
	close(fd);
}

Test(text, reads_an_attribute_that_is_one_integer)
{
	static const struct {
		const char *content;
		int result;
		int64_t value;
	} cases[] = {
		{"45000\n", 0, 45000},
		{"-273200\n", 0, -273200},
		{"45000", 0, 45000},
		{" 45000 \n", 0, 45000},
		{"-9223372036854775808\n", 0, INT64_MIN},
		{"9223372036854775808\n", -ERANGE, 0},
		{"00000000000000000000000000000000000000001\n", -ERANGE, 0},
		{"45000 46000\n", -EINVAL, 0},
		{"45.5\n", -EINVAL, 0},
		{"\n45000\n", -EINVAL, 0},
		{"\n", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t value = 0;
		int fd = open_attribute(cases[i].content);

		cr_expect_eq(hm_read_int64(fd, &value), cases[i].result, "'%s'", cases[i].content);
		cr_expect_eq(value, cases[i].value, "'%s'", cases[i].content);
		close(fd);
	}
}

Test(text, takes_hexadecimal_numbers_of_any_case)
{
	static const struct {
		const char *word;
		int result;
		uint64_t value;
	} cases[] = {
		{"0000000f", 0, 15},
		{"00015c73", 0, 89203},
		{"F0000769", 0, 0xf0000769},
		{"aBcDeF", 0, 0xabcdef},
		{"ffffffffffffffff", 0, UINT64_MAX},
		{"0000000000000000000001", 0, 1},
		{"10000000000000000", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"0x1", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"g", -EINVAL, 0},
		{"@", -EINVAL, 0},
		{"`", -EINVAL, 0},
		{"G", -EINVAL, 0},
		{"\x11", -EINVAL, 0},
		{"\x1a", -EINVAL, 0},
		{"\xff", -EINVAL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 0;

		cr_expect_eq(hm_span_hex(span(cases[i].word), &value), cases[i].result, "'%s'",
			     cases[i].word);
		cr_expect_eq(value, cases[i].value, "'%s'", cases[i].word);
	}
}

Test(text, follows_a_file_that_is_replaced)
{
	char path[256];
	char other[256];

	(void)snprintf(path, sizeof(path), "%s/etc/file", root);
	(void)snprintf(other, sizeof(other), "%s/etc/other", root);
	cr_assert_eq(hm_text_read_newest(&text, &host, "/etc/file"), -ENOENT);
	fake_root_write(root, "/etc/file", "one");
	cr_assert_eq(hm_text_read_newest(&text, &host, "/etc/file"), 0);
	cr_expect_str_eq(text.data, "one");

	fake_root_write(root, "/etc/other", "two");
	cr_assert_eq(rename(other, path), 0);
	cr_assert_eq(hm_text_read_newest(&text, &host, "/etc/file"), 0);
	cr_expect_str_eq(text.data, "two");
	fake_root_write(root, "/etc/file", "three");
	cr_assert_eq(hm_text_read_newest(&text, &host, "/etc/file"), 0);
	cr_expect_str_eq(text.data, "three");

	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(hm_text_read_newest(&text, &host, "/etc/file"), -ENOENT);
	cr_expect_not(text.is_open);
}
