/* SPDX-License-Identifier: MIT */
/* Tests of WELCOME. */

#include "common/wire_welcome.h"

#include <criterion/criterion.h>
#include <string.h>

#include "hostmetrics/wire.h"
#include "tests/support/native.h"

static struct buffer out;
static struct wire_welcome welcome;

static void setup(void)
{
	welcome = (struct wire_welcome){.store_id = {7},
					.durable = 0x0102030405060708,
					.durable_crc = 0x11223344,
					.n_series = 459,
					.max_unacked = 32,
					.now_us = INT64_MAX,
					.flags = 0xffffffff};
}

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(wire_welcome, .init = setup, .fini = teardown);

static enum hm_reason read_welcome(const uint8_t *payload, size_t length)
{
	struct wire_welcome got;

	return wire_welcome_get(payload, length, &got);
}

static enum hm_reason read_again(void)
{
	buffer_clear(&out);
	wire_welcome_put(&out, &welcome);
	return read_welcome((const uint8_t *)out.data, out.length);
}

Test(wire_welcome, is_read_as_it_was_written)
{
	struct wire_welcome got;

	wire_welcome_put(&out, &welcome);

	cr_assert_eq(wire_welcome_get((const uint8_t *)out.data, out.length, &got), HM_REASON_NONE);
	cr_expect_eq(memcmp(got.store_id, welcome.store_id, HM_ID_BYTES), 0);
	cr_expect_eq(got.durable, welcome.durable);
	cr_expect_eq(got.durable_crc, welcome.durable_crc);
	cr_expect_eq(got.n_series, welcome.n_series);
	cr_expect_eq(got.max_unacked, welcome.max_unacked);
	cr_expect_eq(got.now_us, welcome.now_us);
	cr_expect_eq(got.flags, welcome.flags);
	cr_expect_eq(native_count_accepted(&out, read_welcome), 0);
}

Test(wire_welcome, has_limits)
{
	welcome.durable = 0;
	cr_expect_eq(read_again(), HM_REASON_NONE, "nothing is durable yet");
	welcome.durable = HM_SEQUENCE_MAX + 1;
	cr_expect_eq(read_again(), HM_REASON_BAD_SEQUENCE);
	welcome.durable = 1;
	welcome.n_series = HM_EPOCH_SERIES_MAX;
	cr_expect_eq(read_again(), HM_REASON_NONE);
	welcome.n_series++;
	cr_expect_eq(read_again(), HM_REASON_TOO_MANY_SERIES);
	welcome.n_series = 0;
	welcome.max_unacked = 0;
	cr_expect_eq(read_again(), HM_REASON_BAD_MESSAGE, "nothing may be sent");
	welcome.max_unacked = 1;
	welcome.store_id[0] = 0;
	cr_expect_eq(read_again(), HM_REASON_BAD_ID);
}
