/* SPDX-License-Identifier: MIT */
/* Tests of HELLO. */

#include "common/wire_hello.h"

#include <criterion/criterion.h>
#include <string.h>

#include "hostmetrics/wire.h"
#include "tests/support/native.h"

static struct buffer out;
static struct wire_hello hello;
static char long_text[UINT16_MAX];

static void setup(void)
{
	memset(long_text, 'h', sizeof(long_text));
	hello = (struct wire_hello){.host_id = {1},
				    .epoch = {2},
				    .boot_id = {3},
				    .now_us = -5,
				    .flags = 0x80000001,
				    .host = {"web01", 5},
				    .version = {"1.2.3", 5}};
}

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(wire_hello, .init = setup, .fini = teardown);

static enum hm_reason read_hello(const uint8_t *payload, size_t length)
{
	struct wire_hello got;

	return wire_hello_get(payload, length, &got);
}

static enum hm_reason read_again(void)
{
	buffer_clear(&out);
	wire_hello_put(&out, &hello);
	return read_hello((const uint8_t *)out.data, out.length);
}

Test(wire_hello, is_read_as_it_was_written)
{
	struct wire_hello got;

	wire_hello_put(&out, &hello);

	cr_assert_eq(wire_hello_get((const uint8_t *)out.data, out.length, &got), HM_REASON_NONE);
	cr_expect_eq(memcmp(got.host_id, hello.host_id, HM_ID_BYTES), 0);
	cr_expect_eq(memcmp(got.epoch, hello.epoch, HM_ID_BYTES), 0);
	cr_expect_eq(memcmp(got.boot_id, hello.boot_id, HM_ID_BYTES), 0);
	cr_expect_eq(got.now_us, hello.now_us);
	cr_expect_eq(got.flags, hello.flags, "those that are not known are no error");
	cr_expect_eq(got.host.length, 5);
	cr_expect_eq(memcmp(got.host.start, "web01", 5), 0);
	cr_expect_eq(got.version.length, 5);
	cr_expect_eq(memcmp(got.version.start, "1.2.3", 5), 0);
	cr_expect_eq(native_count_accepted(&out, read_hello), 0);
}

Test(wire_hello, ids_are_not_zeros)
{
	hello.host_id[0] = 0;
	cr_expect_eq(read_again(), HM_REASON_BAD_ID);
	hello.host_id[0] = 1;
	hello.epoch[0] = 0;
	cr_expect_eq(read_again(), HM_REASON_BAD_ID);
	hello.epoch[0] = 1;
	hello.boot_id[0] = 0;
	cr_expect_eq(read_again(), HM_REASON_BAD_ID);
}

Test(wire_hello, the_clock_says_a_time)
{
	hello.now_us = INT64_MIN + 1;
	cr_expect_eq(read_again(), HM_REASON_NONE);
	hello.now_us = INT64_MIN;
	cr_expect_eq(read_again(), HM_REASON_BAD_TIME);
}

Test(wire_hello, the_name_is_clean_and_has_a_limit)
{
	static const char *const bad[] = {"",         "a\nb",         "a\x1b[2J", "\xff",
					  "\xc0\xaf", "\xed\xa0\x80", "a\x7f",    "\xc2\x85"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		hello.host = (struct series_text){bad[i], strlen(bad[i])};
		cr_expect_eq(read_again(), HM_REASON_BAD_NAME, "%zu", i);
	}
	hello.host = (struct series_text){"a\0b", 3};
	cr_expect_eq(read_again(), HM_REASON_BAD_NAME, "NUL");
	hello.host = (struct series_text){long_text, HM_HOST_NAME_MAX_BYTES};
	cr_expect_eq(read_again(), HM_REASON_NONE);
	hello.host.length++;
	cr_expect_eq(read_again(), HM_REASON_BAD_NAME);
	hello.host.length = UINT16_MAX;
	cr_expect_eq(read_again(), HM_REASON_BAD_NAME);
}

Test(wire_hello, the_version_has_a_limit)
{
	hello.version = (struct series_text){"", 0};
	cr_expect_eq(read_again(), HM_REASON_NONE);
	hello.version = (struct series_text){long_text, HM_AGENT_VERSION_MAX_BYTES};
	cr_expect_eq(read_again(), HM_REASON_NONE);
	hello.version.length++;
	cr_expect_eq(read_again(), HM_REASON_BAD_MESSAGE);
	hello.version = (struct series_text){"1\n", 2};
	cr_expect_eq(read_again(), HM_REASON_BAD_MESSAGE);
}
