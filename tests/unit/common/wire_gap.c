/* SPDX-License-Identifier: MIT */
/* Tests of GAP. */

#include "common/wire_gap.h"

#include <criterion/criterion.h>

#include "tests/support/native.h"

static struct buffer out;
static struct wire_gap gap;

static void setup(void)
{
	gap = (struct wire_gap){.stamp = native_stamp(20),
				.first = 11,
				.first_us = -7,
				.last_us = 9,
				.n_samples = UINT64_MAX,
				.reason = HM_REASON_STORE_FAILED};
}

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(wire_gap, .init = setup, .fini = teardown);

static enum hm_reason read_gap(const uint8_t *payload, size_t length)
{
	struct wire_gap got;

	return wire_gap_get(payload, length, &got);
}

static enum hm_reason read_again(void)
{
	buffer_clear(&out);
	wire_gap_put(&out, &gap);
	return read_gap((const uint8_t *)out.data, out.length);
}

Test(wire_gap, is_read_as_it_was_written)
{
	struct wire_gap got;

	wire_gap_put(&out, &gap);

	cr_assert_eq(wire_gap_get((const uint8_t *)out.data, out.length, &got), HM_REASON_NONE);
	cr_expect_eq(got.stamp.sequence, 20);
	cr_expect_eq(got.first, 11);
	cr_expect_eq(got.first_us, -7);
	cr_expect_eq(got.last_us, 9);
	cr_expect_eq(got.n_samples, UINT64_MAX);
	cr_expect_eq(got.reason, HM_REASON_STORE_FAILED);
	cr_expect_eq(native_count_accepted(&out, read_gap), 0);
}

Test(wire_gap, sequences_are_in_order)
{
	gap.first = 20;
	cr_expect_eq(read_again(), HM_REASON_NONE, "one batch");
	gap.first = 21;
	cr_expect_eq(read_again(), HM_REASON_BAD_GAP, "first beyond last");
	gap.first = UINT64_MAX;
	cr_expect_eq(read_again(), HM_REASON_BAD_GAP);
	gap.first = 0;
	cr_expect_eq(read_again(), HM_REASON_BAD_GAP);
}

Test(wire_gap, does_not_cover_everything)
{
	gap.first = 1;
	gap.stamp.sequence = HM_GAP_SEQUENCES_MAX;
	cr_expect_eq(read_again(), HM_REASON_NONE);
	gap.stamp.sequence++;
	cr_expect_eq(read_again(), HM_REASON_BAD_GAP);
	gap.stamp.sequence = HM_SEQUENCE_MAX;
	cr_expect_eq(read_again(), HM_REASON_BAD_GAP);
	gap.stamp.sequence = UINT64_MAX;
	cr_expect_eq(read_again(), HM_REASON_BAD_SEQUENCE);
}

Test(wire_gap, times_are_in_order)
{
	gap.first_us = gap.last_us;
	cr_expect_eq(read_again(), HM_REASON_NONE);
	gap.first_us++;
	cr_expect_eq(read_again(), HM_REASON_BAD_GAP);
	gap.first_us = INT64_MIN;
	cr_expect_eq(read_again(), HM_REASON_BAD_TIME);
	gap.first_us = INT64_MIN + 1;
	gap.last_us = INT64_MAX;
	cr_expect_eq(read_again(), HM_REASON_NONE);
}

Test(wire_gap, has_a_reason)
{
	gap.reason = HM_REASON_NONE;
	cr_expect_eq(read_again(), HM_REASON_BAD_MESSAGE);
	gap.reason = (enum hm_reason)UINT16_MAX;
	cr_expect_eq(read_again(), HM_REASON_NONE, "one of a later version");
}
