/* SPDX-License-Identifier: MIT */
/* Tests of CLOCK. */

#include "common/wire_clock.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/native.h"

static struct buffer out;
static struct wire_clock event;

static void setup(void)
{
	event = (struct wire_clock){.stamp = native_stamp(3),
				    .event = HM_CLOCK_STEPPED,
				    .boot_id = {5},
				    .now_us = INT64_MAX,
				    .since_boot_us = 77,
				    .change_us = -3600000000};
}

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(wire_clock, .init = setup, .fini = teardown);

static enum hm_reason read_clock(const uint8_t *payload, size_t length)
{
	struct wire_clock got;

	return wire_clock_get(payload, length, &got);
}

static enum hm_reason read_again(void)
{
	buffer_clear(&out);
	wire_clock_put(&out, &event);
	return read_clock((const uint8_t *)out.data, out.length);
}

static enum hm_reason read_change(int number, int64_t change_us)
{
	event.event = (enum hm_clock_event)number;
	event.change_us = change_us;
	return read_again();
}

Test(wire_clock, is_read_as_it_was_written)
{
	struct wire_clock got;

	wire_clock_put(&out, &event);

	cr_assert_eq(wire_clock_get((const uint8_t *)out.data, out.length, &got), HM_REASON_NONE);
	cr_expect_eq(got.stamp.sequence, 3);
	cr_expect_eq(got.event, HM_CLOCK_STEPPED);
	cr_expect_eq(memcmp(got.boot_id, event.boot_id, HM_ID_BYTES), 0);
	cr_expect_eq(got.now_us, INT64_MAX);
	cr_expect_eq(got.since_boot_us, 77);
	cr_expect_eq(got.change_us, -3600000000);
	cr_expect_eq(native_count_accepted(&out, read_clock), 0);
}

Test(wire_clock, a_change_fits_its_event)
{
	cr_expect_eq(read_change(HM_CLOCK_STARTED, 0), HM_REASON_NONE);
	cr_expect_eq(read_change(HM_CLOCK_STARTED, 1), HM_REASON_BAD_CLOCK);
	cr_expect_eq(read_change(HM_CLOCK_STOPPED, 0), HM_REASON_NONE);
	cr_expect_eq(read_change(HM_CLOCK_STOPPED, -1), HM_REASON_BAD_CLOCK);
	cr_expect_eq(read_change(HM_CLOCK_STEPPED, -INT64_MAX), HM_REASON_NONE);
	cr_expect_eq(read_change(HM_CLOCK_STEPPED, INT64_MIN), HM_REASON_BAD_CLOCK);
	cr_expect_eq(read_change(HM_CLOCK_STEPPED, 0), HM_REASON_BAD_CLOCK);
	cr_expect_eq(read_change(HM_CLOCK_RESUMED, 1), HM_REASON_NONE);
	cr_expect_eq(read_change(HM_CLOCK_RESUMED, 0), HM_REASON_BAD_CLOCK);
	cr_expect_eq(read_change(HM_CLOCK_RESUMED, -1), HM_REASON_BAD_CLOCK);
	cr_expect_eq(read_change(0, 0), HM_REASON_BAD_CLOCK, "no event");
	cr_expect_eq(read_change(HM_CLOCK_HELD_UP, 1), HM_REASON_NONE);
	cr_expect_eq(read_change(HM_CLOCK_HELD_UP, 0), HM_REASON_BAD_CLOCK);
	cr_expect_eq(read_change(HM_CLOCK_LOST, 1), HM_REASON_NONE);
	cr_expect_eq(read_change(HM_CLOCK_LOST, -1), HM_REASON_BAD_CLOCK);
	cr_expect_eq(read_change(HM_CLOCK_LOST + 1, 1), HM_REASON_BAD_CLOCK);
	cr_expect_eq(read_change(255, 1), HM_REASON_BAD_CLOCK);
}

Test(wire_clock, has_a_boot_and_times)
{
	event.boot_id[0] = 0;
	cr_expect_eq(read_again(), HM_REASON_BAD_ID, "boot id all zero");
	event.boot_id[0] = 1;
	event.now_us = INT64_MIN;
	cr_expect_eq(read_again(), HM_REASON_BAD_TIME);
	event.now_us = 0;
	event.since_boot_us = -1;
	cr_expect_eq(read_again(), HM_REASON_BAD_CLOCK);
}
