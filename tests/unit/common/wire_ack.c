/* SPDX-License-Identifier: MIT */
/* Tests of ACK. */

#include "common/wire_ack.h"

#include <criterion/criterion.h>

#include "hostmetrics/wire.h"
#include "tests/support/native.h"

static struct buffer out;

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(wire_ack, .fini = teardown);

static enum hm_reason read_ack(const uint8_t *payload, size_t length)
{
	uint64_t sequence;

	return wire_ack_get(payload, length, &sequence);
}

static enum hm_reason read_again(uint64_t sequence, uint64_t *ret_sequence)
{
	buffer_clear(&out);
	wire_ack_put(&out, sequence);
	return wire_ack_get((const uint8_t *)out.data, out.length, ret_sequence);
}

Test(wire_ack, is_read_as_it_was_written)
{
	uint64_t sequence;

	cr_assert_eq(read_again(0x0102030405060708, &sequence), HM_REASON_NONE);
	cr_expect_eq(sequence, 0x0102030405060708);
	cr_expect_eq(native_count_accepted(&out, read_ack), 0);
}

Test(wire_ack, a_sequence_has_limits)
{
	uint64_t sequence;

	cr_expect_eq(read_again(0, &sequence), HM_REASON_BAD_SEQUENCE);
	cr_expect_eq(read_again(1, &sequence), HM_REASON_NONE);
	cr_expect_eq(read_again(HM_SEQUENCE_MAX, &sequence), HM_REASON_NONE);
	cr_expect_eq(read_again(HM_SEQUENCE_MAX + 1, &sequence), HM_REASON_BAD_SEQUENCE);
	cr_expect_eq(read_again(UINT64_MAX, &sequence), HM_REASON_BAD_SEQUENCE);
}
