/* SPDX-License-Identifier: MIT */
/* Tests of ERROR and BYE. */

#include "common/wire_end.h"

#include <criterion/criterion.h>
#include <string.h>

#include "hostmetrics/wire.h"
#include "tests/support/native.h"

static struct buffer out;
static char long_text[HM_END_TEXT_MAX_BYTES + 1];

static void setup(void)
{
	memset(long_text, 'e', sizeof(long_text));
}

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(wire_end, .init = setup, .fini = teardown);

static enum hm_reason read_end(const uint8_t *payload, size_t length)
{
	struct wire_end got;

	return wire_end_get(payload, length, &got);
}

static enum hm_reason read_again(const struct wire_end *end)
{
	buffer_clear(&out);
	wire_end_put(&out, end);
	return read_end((const uint8_t *)out.data, out.length);
}

Test(wire_end, is_read_as_it_was_written)
{
	struct wire_end end = {HM_REASON_FRAME_VERSION, 0xfffffffe, {"speak version 1", 15}};
	struct wire_end got;

	wire_end_put(&out, &end);

	cr_assert_eq(wire_end_get((const uint8_t *)out.data, out.length, &got), HM_REASON_NONE);
	cr_expect_eq(got.reason, HM_REASON_FRAME_VERSION);
	cr_expect_eq(got.wait_ms, 0xfffffffe);
	cr_expect_eq(got.text.length, 15);
	cr_expect_eq(memcmp(got.text.start, "speak version 1", 15), 0);
	cr_expect_eq(native_count_accepted(&out, read_end), 0);
}

Test(wire_end, a_reason_of_a_later_version_is_no_error)
{
	struct wire_end end = {(enum hm_reason)UINT16_MAX, 0, {"", 0}};

	cr_expect_eq(read_again(&end), HM_REASON_NONE);
}

Test(wire_end, its_text_is_clean_and_has_a_limit)
{
	struct wire_end end = {HM_REASON_NONE, 0, {long_text, HM_END_TEXT_MAX_BYTES}};

	cr_expect_eq(read_again(&end), HM_REASON_NONE);
	end.text.length++;
	cr_expect_eq(read_again(&end), HM_REASON_BAD_MESSAGE);
	end.text = (struct series_text){"a\x1b[2J", 5};
	cr_expect_eq(read_again(&end), HM_REASON_BAD_MESSAGE);
}
