/* SPDX-License-Identifier: MIT */
/* Tests of common/crc32c.c. */

#include "common/crc32c.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(crc32c);

Test(crc32c, gives_the_known_sums)
{
	uint8_t bytes[32] = {0};

	cr_expect_eq(crc32c(0, "", 0), 0);
	cr_expect_eq(crc32c(0, "123456789", 9), 0xe3069283);
	cr_expect_eq(crc32c_by_table(0, "123456789", 9), 0xe3069283);
	/* RFC 3720, B.4 */
	cr_expect_eq(crc32c(0, bytes, sizeof(bytes)), 0x8a9136aa);
	cr_expect_eq(crc32c_by_table(0, bytes, sizeof(bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	cr_expect_eq(crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	cr_expect_eq(crc32c(0, bytes, sizeof(bytes)), 0x46dd794e);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(sizeof(bytes) - 1 - i);
	cr_expect_eq(crc32c(0, bytes, sizeof(bytes)), 0x113fdb5c);
}

Test(crc32c, is_the_same_by_instruction_and_by_table)
{
	uint8_t bytes[5000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + i / 256 * 59 + 13);
	for (size_t begin = 0; begin < 9; begin++) {
		for (size_t length = 0; length < sizeof(bytes) - begin;
		     length += 1 + length / 300 * 7) {
			cr_assert_eq(crc32c(7, bytes + begin, length),
				     crc32c_by_table(7, bytes + begin, length), "%zu bytes at %zu",
				     length, begin);
		}
	}
}

Test(crc32c, goes_on_where_it_stopped)
{
	static const char text[] = "The quick brown fox jumps over the lazy dog";
	uint32_t whole = crc32c(0, text, strlen(text));

	for (size_t cut = 0; cut <= strlen(text); cut++) {
		uint32_t begin = crc32c(0, text, cut);

		cr_expect_eq(crc32c(begin, text + cut, strlen(text) - cut), whole);
		cr_expect_eq(crc32c_by_table(begin, text + cut, strlen(text) - cut), whole);
	}
}
