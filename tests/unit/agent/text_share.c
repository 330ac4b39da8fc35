/* SPDX-License-Identifier: MIT */
/* Tests of agent/text_share.c: files that more than one plugin reads. */

#include "agent/text_share.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/host.h"
#include "tests/support/fake_root.h"
#include "tests/support/scratch.h"

static const char *root;
static struct hm_host host;
static struct hm_text text;
static struct text_share share;

static void setup(void)
{
	root = scratch_folder();
	cr_assert_eq(host_init(&host, root), 0);
}

static void teardown(void)
{
	host_done(&host);
	scratch_remove(root);
}

TestSuite(text_share, .init = setup, .fini = teardown);

Test(text_share, is_read_once_in_a_turn_for_all_who_share_it)
{
	struct hm_text other = {.is_open = false};

	share.turn = 1;
	host.texts = &share;
	fake_root_write(root, "/proc/stat", "one");
	cr_assert_eq(hm_text_share(&text, &host, "/proc/stat"), 0);
	cr_assert_eq(hm_text_share(&other, &host, "/proc/stat"), 0);
	cr_expect_eq(text.fd, other.fd);
	cr_assert_eq(hm_text_read(&text), 0);
	fake_root_write(root, "/proc/stat", "the second");
	cr_assert_eq(hm_text_read(&other), 0);
	cr_expect_str_eq(other.data, "one");
	cr_expect_eq(other.length, 3);

	share.turn = 2;
	cr_assert_eq(hm_text_read(&other), 0);
	cr_expect_str_eq(other.data, "the second");
	fake_root_write(root, "/proc/stat", "three");
	cr_assert_eq(hm_text_read(&text), 0);
	cr_expect_str_eq(text.data, "the second");

	/* Outside of turns each reads by itself. */
	share.turn = 0;
	cr_assert_eq(hm_text_read(&text), 0);
	cr_expect_str_eq(text.data, "three");
	fake_root_write(root, "/proc/stat", "four");
	cr_assert_eq(hm_text_read(&other), 0);
	cr_expect_str_eq(other.data, "four");
	share.turn = 2;
	fake_root_write(root, "/proc/stat", "five");
	cr_assert_eq(hm_text_read(&text), 0);
	cr_expect_str_eq(text.data, "five");

	hm_text_close(&text);
	cr_expect_not(text.is_open);
	share.turn = 3;
	cr_assert_eq(hm_text_read(&other), 0);
	cr_expect_str_eq(other.data, "five");
	hm_text_close(&other);
	cr_expect_null(share.first);
	host.texts = NULL;
}

Test(text_share, that_is_shared_grows_and_fails_for_all)
{
	struct hm_text other = {.is_open = false};
	struct hm_text third = {.is_open = false};
	char *large = calloc(1, 20001);

	cr_assert_not_null(large);
	memset(large, 'x', 20000);
	share.turn = 1;
	host.texts = &share;
	cr_expect_eq(hm_text_share(&text, &host, "/proc/stat"), -ENOENT);
	cr_expect_not(text.is_open);
	fake_root_write(root, "/proc/folder/file", "");
	fake_root_write(root, "/proc/stat", "");
	cr_assert_eq(hm_text_share(&third, &host, "/proc/folder"), 0);
	cr_assert_eq(hm_text_share(&text, &host, "/proc/stat"), 0);
	cr_assert_eq(hm_text_share(&other, &host, "/proc/stat"), 0);
	cr_assert_eq(hm_text_read(&text), 0);
	fake_root_write(root, "/proc/stat", large);
	share.turn = 2;
	cr_assert_eq(hm_text_read(&other), 0);
	cr_expect_eq(other.length, 20000);
	cr_assert_eq(hm_text_read(&text), 0);
	cr_expect_eq(text.length, 20000);
	cr_expect_str_eq(text.data, large);

	cr_expect_eq(hm_text_read(&third), -EISDIR);
	cr_expect_eq(hm_text_read(&third), -EISDIR);
	cr_expect_str_eq(third.data, "");
	hm_text_close(&third);
	hm_text_close(&other);
	hm_text_close(&text);
	host.texts = NULL;
	free(large);
}
