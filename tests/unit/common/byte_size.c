/* SPDX-License-Identifier: MIT */
/* Tests of numbers of bytes as people write them. */

#include "common/byte_size.h"

#include <criterion/criterion.h>
#include <errno.h>

static uint64_t read_size(const char *text)
{
	uint64_t n_bytes = 0;

	cr_assert_eq(byte_size_parse(text, &n_bytes), 0, "%s", text);
	return n_bytes;
}

Test(byte_size, has_units_of_1024)
{
	cr_expect_eq(read_size("1K"), 1024);
	cr_expect_eq(read_size("512M"), UINT64_C(512) << 20);
	cr_expect_eq(read_size("50G"), UINT64_C(50) << 30);
	cr_expect_eq(read_size("16383T"), UINT64_C(16383) << 40);
	cr_expect_eq(read_size("0G"), 0);
}

Test(byte_size, is_nothing_else)
{
	static const char *const wrong[] = {"",    "G",   "5",   "5g",   "5GB", "5GiB", "5 G",
					    " 5G", "-5G", "+5G", "5.5G", "5GG", "0x5G", "30d"};
	uint64_t n_bytes = 7;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_eq(byte_size_parse(wrong[i], &n_bytes), -EINVAL, "%s", wrong[i]);
	cr_expect_eq(n_bytes, 7);
}

Test(byte_size, does_not_wrap_around)
{
	uint64_t n_bytes = 7;

	cr_expect_eq(byte_size_parse("16777216T", &n_bytes), -ERANGE);
	cr_expect_eq(byte_size_parse("18446744073709551615K", &n_bytes), -ERANGE);
	cr_expect_eq(byte_size_parse("18446744073709551616K", &n_bytes), -ERANGE);
	cr_expect_eq(n_bytes, 7);
}
