/* SPDX-License-Identifier: MIT */
/* Tests of which folders below hosts/ are whose. */

#include "collector/host_folders.h"

#include <criterion/criterion.h>
#include <string.h>

static struct host_folders folders;

static void teardown(void)
{
	host_folders_done(&folders);
}

TestSuite(host_folders, .fini = teardown);

static void assert_chooses(const char *host, const char *expected)
{
	char folder[HOST_FOLDERS_NAME_BYTES];

	host_folders_choose(&folders, host, folder);
	cr_assert_str_eq(folder, expected);
	cr_assert(host_folders_has(&folders, folder));
}

Test(host_folders, have_the_names_of_their_hosts)
{
	assert_chooses("web01", "web01");
	assert_chooses("a/b", "a%2Fb");
	cr_expect_not(host_folders_has(&folders, "web01~2"), "nothing else has the other name");
}

Test(host_folders, have_the_first_number_that_is_not_taken)
{
	cr_assert_eq(host_folders_take(&folders, "web01"), 0);
	assert_chooses("web01", "web01~2");
	cr_expect_not(host_folders_has(&folders, "web01"));
	cr_assert_eq(host_folders_take(&folders, "web01~2"), 0);
	cr_assert_eq(host_folders_take(&folders, "web01~2"), 0);
	assert_chooses("web01", "web01~3");
	assert_chooses("web02", "web02");
}

Test(host_folders, with_names_that_are_cut_have_numbers_too)
{
	char host[201];
	char first[HOST_FOLDERS_NAME_BYTES];
	char second[HOST_FOLDERS_NAME_BYTES];

	memset(host, '/', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	host_folders_choose(&folders, host, first);
	cr_assert_eq(host_folders_take(&folders, first), 0);
	host_folders_choose(&folders, host, second);
	cr_expect_str_neq(first, second);
	cr_expect_eq(strncmp(first, second, strlen(first)), 0);
	cr_expect(host_folders_has(&folders, second));
}
