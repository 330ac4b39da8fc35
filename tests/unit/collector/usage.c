/* SPDX-License-Identifier: MIT */
/* Tests of counting what a host's files take on the disk. */

#include "collector/usage.h"

#include <criterion/criterion.h>

Test(usage, follows_files_that_grow_shrink_and_go)
{
	struct usage usage = {0};
	uint32_t a = 0;
	uint32_t b = 0;

	cr_expect_eq(usage_inodes(&usage), 0);
	usage_add_file(&usage);
	usage_set(&usage, &a, 4096);
	cr_expect_eq(usage_bytes(&usage), 4096);
	cr_expect_eq(usage_inodes(&usage), 2, "a folder, too");
	usage_add_file(&usage);
	usage_set(&usage, &b, 512);
	usage_set(&usage, &a, 12288);
	cr_expect_eq(usage_bytes(&usage), 12800);
	usage_set(&usage, &a, 8192);
	cr_expect_eq(usage_bytes(&usage), 8704);
	usage_remove_file(&usage, &a);
	cr_expect_eq(a, 0);
	cr_expect_eq(usage_bytes(&usage), 512);
	cr_expect_eq(usage_inodes(&usage), 2);
	usage_remove_file(&usage, &b);
	cr_expect_eq(usage_bytes(&usage), 0);
	cr_expect_eq(usage_inodes(&usage), 0);
}

Test(usage, counts_no_more_than_2_tib_of_a_file_and_forgets_nothing_of_it)
{
	struct usage usage = {0};
	uint32_t n_sectors = 0;

	usage_add_file(&usage);
	usage_set(&usage, &n_sectors, UINT64_MAX);
	cr_expect_eq(usage_bytes(&usage), UINT64_C(512) * UINT32_MAX);
	usage_set(&usage, &n_sectors, 1024);
	cr_expect_eq(usage_bytes(&usage), 1024);
}
