/* SPDX-License-Identifier: MIT */
/* Tests of the stamp of what is stored. */

#include "common/wire_stamp.h"

#include <criterion/criterion.h>
#include <string.h>

#include "common/batch.h"
#include "tests/support/native.h"

static struct buffer out;

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(wire_stamp, .fini = teardown);

static enum hm_reason read_stamp(const uint8_t *payload, size_t length)
{
	struct cursor cursor = {.at = payload, .left = length};
	struct wire_stamp stamp;
	enum hm_reason reason = wire_stamp_get(&cursor, &stamp);

	return reason == HM_REASON_NONE && cursor.left > 0 ? HM_REASON_BAD_MESSAGE : reason;
}

static enum hm_reason read_again(const struct wire_stamp *stamp)
{
	buffer_clear(&out);
	wire_stamp_put(&out, stamp);
	return read_stamp((const uint8_t *)out.data, out.length);
}

Test(wire_stamp, is_read_as_it_was_written)
{
	struct wire_stamp stamp = native_stamp(0x1122334455667788);
	struct wire_stamp got;
	struct cursor cursor;

	wire_stamp_put(&out, &stamp);
	cr_assert_eq(out.length, HM_STAMP_BYTES);
	cursor = (struct cursor){.at = (const uint8_t *)out.data, .left = out.length};

	cr_assert_eq(wire_stamp_get(&cursor, &got), HM_REASON_NONE);
	cr_expect_eq(got.sequence, stamp.sequence);
	cr_expect_eq(memcmp(got.host_id, stamp.host_id, HM_ID_BYTES), 0);
	cr_expect_eq(memcmp(got.epoch, stamp.epoch, HM_ID_BYTES), 0);
	cr_expect_eq(native_count_accepted(&out, read_stamp), 0);
}

Test(wire_stamp, a_sequence_has_limits)
{
	struct wire_stamp stamp = native_stamp(1);

	cr_expect_eq(read_again(&stamp), HM_REASON_NONE);
	stamp.sequence = HM_SEQUENCE_MAX;
	cr_expect_eq(read_again(&stamp), HM_REASON_NONE);
	stamp.sequence = 0;
	cr_expect_eq(read_again(&stamp), HM_REASON_BAD_SEQUENCE);
	stamp.sequence = HM_SEQUENCE_MAX + 1;
	cr_expect_eq(read_again(&stamp), HM_REASON_BAD_SEQUENCE);
	stamp.sequence = UINT64_MAX;
	cr_expect_eq(read_again(&stamp), HM_REASON_BAD_SEQUENCE);
}

Test(wire_stamp, ids_are_not_zeros)
{
	struct wire_stamp stamp = native_stamp(1);

	memset(stamp.epoch, 0, HM_ID_BYTES);
	cr_expect_eq(read_again(&stamp), HM_REASON_BAD_ID);
	stamp = native_stamp(1);
	memset(stamp.host_id, 0, HM_ID_BYTES);
	cr_expect_eq(read_again(&stamp), HM_REASON_BAD_ID);
	stamp.host_id[HM_ID_BYTES - 1] = 1;
	cr_expect_eq(read_again(&stamp), HM_REASON_NONE);
}

/* A reader of the log tells the two kinds of batches apart by their first byte. */
Test(wire_stamp, is_no_head_of_a_batch_with_names)
{
	struct wire_stamp stamp = native_stamp(1);
	struct batch_head head = {.sequence = 1, .host = {"web01", 5}};
	struct cursor cursor;

	wire_stamp_put(&out, &stamp);
	cursor = (struct cursor){.at = (const uint8_t *)out.data, .left = out.length};
	cr_expect_lt(batch_get_head(&cursor, &head), 0);
	for (int flags = 1; flags < 256; flags++) {
		out.data[0] = (char)flags;
		cr_expect_eq(read_stamp((const uint8_t *)out.data, out.length),
			     HM_REASON_BAD_MESSAGE, "%d", flags);
	}
}
