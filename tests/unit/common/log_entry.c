/* SPDX-License-Identifier: MIT */
/* Tests of the payloads of the log's records other than batches. */

#include "common/log_entry.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct buffer out;

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(log_entry, .fini = teardown);

static char long_name[300];

static struct series_text name_of(size_t length)
{
	memset(long_name, 'n', sizeof(long_name));
	return (struct series_text){long_name, length};
}

static struct cursor begin(void)
{
	return (struct cursor){.at = (const uint8_t *)out.data, .left = out.length};
}

static struct log_host make_host(uint32_t number, struct series_text name, uint32_t n_epochs)
{
	struct log_host host = {
		.number = number,
		.name = name,
		.last = 0x1122334455667788,
		.checkpoint = 0x99aabbccddeeff00,
		.n_epochs = n_epochs,
	};

	memset(host.id, (int)number, HM_ID_BYTES);
	return host;
}

static void put_host(const struct log_host *host)
{
	log_entry_put_host(&out, host);
	for (uint32_t i = 0; i < host->n_epochs; i++) {
		struct log_epoch epoch = {.id = {(uint8_t)i}, .sequence = UINT64_MAX - i};

		log_entry_put_epoch(&out, &epoch);
	}
}

static bool is_same(const struct log_host *a, const struct log_host *b)
{
	return a->number == b->number && memcmp(a->id, b->id, HM_ID_BYTES) == 0 &&
	       a->name.length == b->name.length &&
	       memcmp(a->name.start, b->name.start, a->name.length) == 0 && a->last == b->last &&
	       a->checkpoint == b->checkpoint && a->n_epochs == b->n_epochs;
}

static void expect_host(struct cursor *cursor, const struct log_host *host)
{
	struct log_host got;

	cr_assert_eq(log_entry_get_host(cursor, &got), 0);
	cr_assert(is_same(&got, host));
	for (uint32_t i = 0; i < got.n_epochs; i++) {
		struct log_epoch epoch;

		cr_assert_eq(log_entry_get_epoch(cursor, &epoch), 0);
		cr_expect(epoch.id[0] == (uint8_t)i && epoch.sequence == UINT64_MAX - i);
	}
}

Test(log_entry, hosts_with_their_epochs_come_back)
{
	struct log_host hosts[] = {
		make_host(1, (struct series_text){"web01", 5}, 0),
		make_host(UINT32_MAX, (struct series_text){"h\xc3\xb6st 2", 7}, 300),
		make_host(3, name_of(HM_HOST_NAME_MAX_BYTES), 1),
	};
	struct cursor cursor;
	struct log_host got;

	for (size_t i = 0; i < 3; i++)
		put_host(&hosts[i]);
	cursor = begin();

	for (size_t i = 0; i < 3; i++)
		expect_host(&cursor, &hosts[i]);
	cr_assert_eq(log_entry_get_host(&cursor, &got), -ENODATA);
}

static int get_one_host(struct series_text name, uint32_t number)
{
	struct log_host host = make_host(number, name, 0);
	struct cursor cursor;
	struct log_host got;

	buffer_clear(&out);
	log_entry_put_host(&out, &host);
	cursor = begin();
	return log_entry_get_host(&cursor, &got);
}

Test(log_entry, a_host_needs_a_number_and_a_good_name)
{
	cr_expect_eq(get_one_host((struct series_text){"a", 1}, 1), 0);
	cr_expect_eq(get_one_host((struct series_text){"a", 1}, 0), -EBADMSG);
	cr_expect_eq(get_one_host((struct series_text){"", 0}, 1), -EBADMSG);
	cr_expect_eq(get_one_host((struct series_text){"a\n", 2}, 1), -EBADMSG);
	cr_expect_eq(get_one_host((struct series_text){"a\0b", 3}, 1), -EBADMSG);
	cr_expect_eq(get_one_host((struct series_text){"\xc3", 1}, 1), -EBADMSG);
	cr_expect_eq(get_one_host(name_of(HM_HOST_NAME_MAX_BYTES), 1), 0);
	cr_expect_eq(get_one_host(name_of(HM_HOST_NAME_MAX_BYTES + 1), 1), -EBADMSG);
}

/* Read all of a payload. @return what ended it */
static int read_hosts(struct cursor *cursor)
{
	struct log_host host;
	struct log_epoch epoch;
	int result;

	do {
		result = log_entry_get_host(cursor, &host);
		for (uint32_t i = 0; result == 0 && i < host.n_epochs; i++)
			result = log_entry_get_epoch(cursor, &epoch);
	} while (result == 0);
	return result;
}

static int read_group(struct cursor *cursor)
{
	struct log_group_file file;
	uint64_t group;
	int result = log_entry_get_group(cursor, &group);

	while (result == 0)
		result = log_entry_get_group_file(cursor, &file);
	return result;
}

static int read_checkpoint(struct cursor *cursor)
{
	struct log_checkpoint checkpoint;
	uint64_t group;
	int result = log_entry_get_group(cursor, &group);

	while (result == 0)
		result = log_entry_get_checkpoint(cursor, &checkpoint);
	return result;
}

/* Cut at each byte: only where a whole number of entries is left is it none. */
static void expect_cuts(int (*read)(struct cursor *cursor), const size_t *whole, size_t n_whole)
{
	cr_assert_eq(whole[n_whole - 1], out.length);
	for (size_t length = 0; length <= out.length; length++) {
		uint8_t *exact = malloc(length + !length);
		struct cursor cursor = {.at = exact, .left = length};
		int wanted = -EBADMSG;

		memcpy(exact, out.data, length);
		for (size_t i = 0; i < n_whole; i++)
			wanted = whole[i] == length ? -ENODATA : wanted;
		cr_expect_eq(read(&cursor), wanted, "cut at %zu", length);
		free(exact);
	}
}

Test(log_entry, hosts_cut_anywhere_are_damage)
{
	struct log_host first = make_host(1, (struct series_text){"a", 1}, 2);
	struct log_host second = make_host(2, (struct series_text){"b", 1}, 0);
	size_t whole[3] = {0};

	put_host(&first);
	whole[1] = out.length;
	put_host(&second);
	whole[2] = out.length;

	expect_cuts(read_hosts, whole, 3);
}

Test(log_entry, groups_come_back_and_cut_anywhere_are_damage)
{
	struct log_group_file files[] = {
		{7, {"load.hm", 7}, 0},
		{UINT32_MAX, {".host", 5}, UINT64_MAX},
	};
	size_t whole[3];
	struct cursor cursor;
	uint64_t group;

	log_entry_put_group(&out, 0x123456789abcdef0);
	whole[0] = out.length;
	for (size_t i = 0; i < 2; i++) {
		log_entry_put_group_file(&out, &files[i]);
		whole[i + 1] = out.length;
	}
	cursor = begin();

	cr_assert_eq(log_entry_get_group(&cursor, &group), 0);
	cr_assert_eq(group, 0x123456789abcdef0);
	for (size_t i = 0; i < 2; i++) {
		struct log_group_file got;

		cr_assert_eq(log_entry_get_group_file(&cursor, &got), 0);
		cr_expect_eq(got.host, files[i].host);
		cr_expect_eq(got.name.length, files[i].name.length);
		cr_expect_eq(memcmp(got.name.start, files[i].name.start, got.name.length), 0);
		cr_expect_eq(got.length_bytes, files[i].length_bytes);
	}
	expect_cuts(read_group, whole, 3);
}

static int get_one_file(struct series_text name)
{
	struct log_group_file file = {1, name, 5};
	struct cursor cursor;

	buffer_clear(&out);
	log_entry_put_group_file(&out, &file);
	cursor = begin();
	return log_entry_get_group_file(&cursor, &file);
}

Test(log_entry, a_file_needs_a_good_name)
{
	cr_expect_eq(get_one_file((struct series_text){"a", 1}), 0);
	cr_expect_eq(get_one_file((struct series_text){"", 0}), -EBADMSG);
	cr_expect_eq(get_one_file((struct series_text){"a\0", 2}), -EBADMSG);
	cr_expect_eq(get_one_file(name_of(255)), 0);
	cr_expect_eq(get_one_file(name_of(256)), -EBADMSG);
}

Test(log_entry, checkpoints_come_back_and_cut_anywhere_are_damage)
{
	struct log_checkpoint hosts[] = {{1, 2}, {UINT32_MAX, UINT64_MAX}};
	size_t whole[3];
	struct cursor cursor;
	uint64_t group;

	log_entry_put_group(&out, 9);
	whole[0] = out.length;
	for (size_t i = 0; i < 2; i++) {
		log_entry_put_checkpoint(&out, &hosts[i]);
		whole[i + 1] = out.length;
	}
	cursor = begin();

	cr_assert_eq(log_entry_get_group(&cursor, &group), 0);
	cr_assert_eq(group, 9);
	for (size_t i = 0; i < 2; i++) {
		struct log_checkpoint got;

		cr_assert_eq(log_entry_get_checkpoint(&cursor, &got), 0);
		cr_expect_eq(got.host, hosts[i].host);
		cr_expect_eq(got.position, hosts[i].position);
	}
	expect_cuts(read_checkpoint, whole, 3);
}

static int read_marks(struct cursor *cursor)
{
	struct log_mark mark;
	int result;

	do {
		result = log_entry_get_mark(cursor, &mark);
	} while (result == 0);
	return result;
}

Test(log_entry, marks_come_back_and_cut_anywhere_are_damage)
{
	const struct log_mark marks[] = {
		{1, {0}, 0, 0},
		{UINT32_MAX, "0123456789abcde", UINT64_MAX, UINT32_MAX},
	};
	size_t whole[3] = {0};
	struct cursor cursor;

	for (size_t i = 0; i < 2; i++) {
		log_entry_put_mark(&out, &marks[i]);
		whole[i + 1] = out.length;
	}
	cursor = begin();

	for (size_t i = 0; i < 2; i++) {
		struct log_mark got;

		cr_assert_eq(log_entry_get_mark(&cursor, &got), 0);
		cr_expect_eq(got.host, marks[i].host);
		cr_expect_eq(memcmp(got.epoch, marks[i].epoch, HM_ID_BYTES), 0);
		cr_expect_eq(got.sequence, marks[i].sequence);
		cr_expect_eq(got.crc, marks[i].crc);
	}
	expect_cuts(read_marks, whole, 3);
}

Test(log_entry, a_mark_is_of_a_host)
{
	const struct log_mark mark = {.sequence = 1};
	struct cursor cursor;
	struct log_mark got;

	log_entry_put_mark(&out, &mark);
	cursor = begin();
	cr_expect_eq(log_entry_get_mark(&cursor, &got), -EBADMSG);
}
