/* SPDX-License-Identifier: MIT */
/* Tests of common/varint.c. */

#include "common/varint.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

TestSuite(varint);

static int get(const void *bytes, size_t length, uint64_t *ret_value)
{
	struct varint_reader reader = {bytes, (const uint8_t *)bytes + length};
	int error = varint_get(&reader, ret_value);

	cr_assert_eq(reader.at, error == 0 ? reader.end : (const uint8_t *)bytes,
		     "all is consumed, or nothing");
	return error;
}

Test(varint, numbers_of_every_length_come_back)
{
	for (unsigned shift = 0; shift < 64; shift++) {
		for (uint64_t i = 0; i < 3; i++) {
			uint64_t value = ((uint64_t)1 << shift) + i - 1;
			uint8_t bytes[VARINT_MAX_BYTES];
			size_t length = varint_put(bytes, value);
			uint64_t again;

			cr_assert_eq(length, varint_length(value));
			cr_assert_eq(get(bytes, length, &again), 0);
			cr_assert_eq(again, value);
		}
	}
	cr_assert_eq(varint_length(UINT64_MAX), VARINT_MAX_BYTES);
}

Test(varint, signed_numbers_come_back)
{
	static const int64_t values[] = {0, -1, 1, -64, 64, INT64_MIN, INT64_MAX};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		uint8_t bytes[VARINT_MAX_BYTES];
		struct varint_reader reader = {bytes, bytes + varint_put_signed(bytes, values[i])};
		int64_t again;

		cr_assert_eq(varint_get_signed(&reader, &again), 0);
		cr_assert_eq(again, values[i]);
	}
	cr_assert_eq(varint_fold(-1), 1);
	cr_assert_eq(varint_fold(1), 2);
}

Test(varint, what_is_cut_or_longer_than_needed_or_too_large_is_refused)
{
	uint64_t value;

	cr_assert_eq(get("", 0, &value), -EBADMSG);
	cr_assert_eq(get("\x80", 1, &value), -EBADMSG);
	cr_assert_eq(get("\xff\xff", 2, &value), -EBADMSG);
	cr_assert_eq(get("\x80\x00", 2, &value), -EBADMSG);
	cr_assert_eq(get("\xff\x80\x00", 3, &value), -EBADMSG);
	cr_assert_eq(get("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, &value), 0);
	cr_assert_eq(value, UINT64_MAX);
	cr_assert_eq(get("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, &value), -EBADMSG);
	cr_assert_eq(get("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", 11, &value), -EBADMSG);
}

Test(varint, limits_are_kept_and_consume_nothing)
{
	const uint8_t bytes[] = {0x80, 0x01, 7};
	struct varint_reader reader = {bytes, bytes + 3};
	uint64_t value;
	uint8_t byte;

	cr_assert_eq(varint_get_limited(&reader, 127, &value), -EBADMSG);
	cr_assert_eq(varint_get_limited(&reader, 128, &value), 0);
	cr_assert_eq(value, 128);
	cr_assert_eq(varint_left(&reader), 1);
	cr_assert_eq(varint_get_byte(&reader, &byte), 0);
	cr_assert_eq(byte, 7);
	cr_assert_eq(varint_get_byte(&reader, &byte), -EBADMSG);
}
