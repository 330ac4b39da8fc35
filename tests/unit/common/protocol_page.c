/* SPDX-License-Identifier: MIT */
/* Tests that docs/protocol.md shows the bytes that are sent. */

#include <criterion/criterion.h>
#include <errno.h>

#include "common/frame.h"
#include "common/wire_batch.h"
#include "tests/support/hex_page.h"
#include "tests/support/native.h"

static struct buffer session;
static struct buffer payload;

static void teardown(void)
{
	buffer_done(&session);
	buffer_done(&payload);
}

TestSuite(protocol_page, .fini = teardown);

static void write_session(void)
{
	for (size_t i = 0; i < NATIVE_N_MESSAGES; i++) {
		buffer_clear(&payload);
		native_messages[i].put(&payload);
		frame_put(&session, native_messages[i].type, payload.data, payload.length);
	}
}

Test(protocol_page, shows_the_bytes_of_a_session)
{
	write_session();

	cr_expect(hex_page_shows("docs/protocol.md", "session", &session),
		  "docs/protocol.md shows other bytes than these");
}

Test(protocol_page, the_session_is_one_that_is_understood)
{
	struct frame_reader reader = {.max_bytes = HM_FRAME_LOGIN_MAX_BYTES};
	struct block_decoder *decoder = block_decoder_new();
	struct wire_batch_content content = {0};
	enum hm_reason reason = HM_REASON_EMPTY;
	struct cursor cursor;
	struct frame frame;

	write_session();
	cursor = (struct cursor){.at = (const uint8_t *)session.data, .left = session.length};
	for (size_t i = 0; i < NATIVE_N_MESSAGES; i++) {
		cr_assert_eq(frame_reader_next(&reader, &cursor, &frame), 0, "%zu", i);
		cr_expect_eq(frame.type, native_messages[i].type);
		if (frame.type == HM_FRAME_BATCH)
			reason =
				wire_batch_check(decoder, frame.payload, frame.length, 2, &content);
	}
	cr_expect_eq(frame_reader_next(&reader, &cursor, &frame), -EAGAIN);
	cr_expect_eq(reason, HM_REASON_NONE);
	cr_expect_eq(content.n_samples, 5);
	block_decoder_free(decoder);
}
