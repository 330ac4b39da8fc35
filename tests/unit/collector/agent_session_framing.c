/* SPDX-License-Identifier: MIT */
/* Tests of the collector's half of the native protocol: bytes that are no frames, or not all of one. */

#include <criterion/criterion.h>
#include <string.h>
#include <sys/resource.h>

#include "collector/agent_session.h"
#include "common/crc32c.h"
#include "common/frame.h"
#include "tests/support/agent_side.h"
#include "tests/support/agent_talk.h"
#include "tests/support/seeded.h"

#define EPOCH 0x22

/* Of a header's fields; docs/protocol.md. */
#define VERSION_AT    4
#define TYPE_AT       5
#define RESERVED_AT   6
#define LENGTH_AT     8
#define CRC_AT        12
#define HEADER_CRC_AT 16

static struct agent_talk talk;
static struct buffer bytes; /* of the agent */

static void setup(void)
{
	agent_talk_init(&talk);
}

static void teardown(void)
{
	agent_talk_done(&talk);
	buffer_done(&bytes);
}

TestSuite(agent_session_framing, .init = setup, .fini = teardown, .timeout = 60);

static const char *send_bytes(void)
{
	agent_talk_feed_buffer(&talk, &bytes);
	buffer_clear(&bytes);
	return agent_talk_words(&talk);
}

static void greet(void)
{
	agent_side_put_hello(&bytes, EPOCH);
	cr_assert_str_eq(send_bytes(), "WELCOME 0\n");
}

static void put_u32(size_t at, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		bytes.data[at + (size_t)i] = (char)(number >> 8 * i);
}

/* Give the header the checksum that it should have. */
static void mend_header(void)
{
	put_u32(HEADER_CRC_AT, crc32c(0, bytes.data, HEADER_CRC_AT));
}

/* A session, greeted or not, and a frame that it would take, which is to be spoiled. */
static void begin(bool is_greeted)
{
	agent_talk_again(&talk);
	buffer_clear(&bytes);
	if (is_greeted) {
		greet();
		agent_side_put_clock(&bytes, EPOCH, 1);
	} else {
		agent_side_put_hello(&bytes, EPOCH);
	}
}

/* That the bytes that were just fed were refused so, and that the store saw nothing. */
static void assert_words(enum hm_reason reason, const char *words, size_t n_hellos)
{
	cr_assert_str_eq(agent_talk_words(&talk), words);
	cr_assert_eq(talk.session.reason, reason);
	cr_assert_eq(talk.session.phase, AGENT_SESSION_ENDING);
	cr_assert(talk.store.n_hellos == n_hellos && talk.store.n_taken == 0);
}

/* That the bytes are refused so, at once and a byte at a time. */
static void assert_refused(enum hm_reason reason, const char *words)
{
	bool is_greeted = talk.session.phase == AGENT_SESSION_OPEN;
	size_t n_hellos = talk.store.n_hellos;
	struct buffer copy = {0};

	buffer_append(&copy, bytes.data, bytes.length);
	agent_talk_feed_buffer(&talk, &copy);
	assert_words(reason, words, n_hellos);
	begin(is_greeted);
	n_hellos = talk.store.n_hellos;
	for (size_t i = 0; i < copy.length; i++)
		agent_talk_feed(&talk, copy.data + i, 1);
	assert_words(reason, words, n_hellos);
	buffer_done(&copy);
}

Test(agent_session_framing, refuses_another_magic)
{
	for (int i = 0; i < 2 * HM_FRAME_MAGIC_BYTES; i++) {
		begin(i % 2);
		bytes.data[i / 2] ^= 0x20;
		mend_header();
		assert_refused(HM_REASON_FRAME_MAGIC, "ERROR frame_magic 60000\n");
	}
}

Test(agent_session_framing, answers_an_older_or_future_version_in_the_one_that_it_knows)
{
	static const uint8_t versions[] = {0, 2, 3, 0x80, 0xff};

	for (size_t i = 0; i < 2 * sizeof(versions); i++) {
		begin(i % 2);
		bytes.data[VERSION_AT] = (char)versions[i / 2];
		mend_header();
		assert_refused(HM_REASON_FRAME_VERSION, "ERROR frame_version 60000\n");
	}
}

Test(agent_session_framing, refuses_types_that_do_not_exist)
{
	static const uint8_t types[] = {0, HM_FRAME_TYPE_COUNT, 0x7f, 0x80, 0xff};

	for (size_t i = 0; i < 2 * sizeof(types); i++) {
		begin(i % 2);
		bytes.data[TYPE_AT] = (char)types[i / 2];
		mend_header();
		assert_refused(HM_REASON_FRAME_TYPE, "ERROR frame_type 60000\n");
	}
}

Test(agent_session_framing, refuses_reserved_bytes_that_are_not_zero)
{
	for (int i = 0; i < 4; i++) {
		begin(i % 2);
		bytes.data[RESERVED_AT + i / 2] = 1;
		mend_header();
		assert_refused(HM_REASON_FRAME_RESERVED, "ERROR frame_reserved 60000\n");
	}
}

Test(agent_session_framing, refuses_lengths_that_cannot_be)
{
	static const uint32_t lengths[] = {
		0,          1,          HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES + 1,
		0x7fffffff, 0x80000000, 0xffffffec,
		0xffffffff};

	for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
		begin(i % 2);
		put_u32(LENGTH_AT, lengths[i / 2]);
		if (i % 2)
			bytes.data[TYPE_AT] = HM_FRAME_BATCH;
		mend_header();
		assert_refused(HM_REASON_FRAME_LENGTH, "ERROR frame_length 60000\n");
		cr_assert_eq(talk.session.reader.kept.capacity, 0, "nothing is kept for it");
	}
}

Test(agent_session_framing, takes_a_frame_as_long_as_one_may_be_after_welcome_only)
{
	static uint8_t payload[HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES];
	struct buffer frame = {0};

	agent_side_put_clock(&frame, EPOCH, 1);
	memcpy(payload, frame.data + HM_FRAME_HEADER_BYTES, HM_STAMP_BYTES);
	frame_put(&bytes, HM_FRAME_BATCH, payload, sizeof(payload));
	cr_assert_eq(bytes.length, HM_FRAME_MAX_BYTES);
	cr_assert_str_eq(send_bytes(), "ERROR frame_length 60000\n");

	agent_talk_again(&talk);
	agent_side_put_hello(&bytes, EPOCH);
	frame_put(&bytes, HM_FRAME_BATCH, payload, sizeof(payload));
	agent_talk_feed(&talk, bytes.data, bytes.length - 1);
	cr_assert_leq(talk.session.reader.kept.capacity, HM_FRAME_MAX_BYTES);
	agent_talk_feed(&talk, bytes.data + bytes.length - 1, 1);
	cr_assert_str_eq(agent_talk_words(&talk), "WELCOME 0\n");
	cr_assert_eq(talk.store.n_taken, 1);
	buffer_done(&frame);
}

Test(agent_session_framing, refuses_checksums_of_a_header_that_are_wrong_or_zero)
{
	for (int i = 0; i < 4; i++) {
		begin(i % 2);
		put_u32(HEADER_CRC_AT, i / 2 ? 0 : crc32c(0, bytes.data, HEADER_CRC_AT) + 1);
		assert_refused(HM_REASON_FRAME_HEADER_CHECKSUM,
			       "ERROR frame_header_checksum 60000\n");
	}
}

Test(agent_session_framing, refuses_checksums_of_a_payload_that_are_wrong_or_zero)
{
	for (int i = 0; i < 4; i++) {
		begin(i % 2);
		if (i / 2)
			put_u32(CRC_AT, 0);
		else
			bytes.data[bytes.length - 1] ^= 1;
		mend_header();
		assert_refused(HM_REASON_FRAME_CHECKSUM, "ERROR frame_checksum 60000\n");
	}
}

Test(agent_session_framing, refuses_a_length_that_is_not_the_payloads)
{
	/* Too short: the payload's checksum does not hold, mended or not. */
	begin(false);
	put_u32(LENGTH_AT, (uint32_t)(bytes.length - HM_FRAME_HEADER_BYTES - 1));
	mend_header();
	assert_refused(HM_REASON_FRAME_CHECKSUM, "ERROR frame_checksum 60000\n");

	/* With the right checksum over the wrong length it is no message. */
	begin(false);
	put_u32(LENGTH_AT, (uint32_t)(bytes.length - HM_FRAME_HEADER_BYTES - 1));
	put_u32(CRC_AT, crc32c(0, bytes.data + HM_FRAME_HEADER_BYTES,
			       bytes.length - HM_FRAME_HEADER_BYTES - 1));
	mend_header();
	assert_refused(HM_REASON_BAD_MESSAGE, "ERROR bad_message 60000\n");

	/* Where a frame is whole, what trails it has to be a header. */
	begin(true);
	agent_side_put_clock(&bytes, EPOCH, 2);
	buffer_append(&bytes, "trailing", 8);
	cr_assert_str_eq(send_bytes(), "ERROR frame_magic 60000\n");
	cr_assert_eq(talk.store.n_taken, 2);
}

Test(agent_session_framing, tells_a_cut_frame_from_an_end_between_two)
{
	struct buffer whole = {0};
	size_t hello_bytes;

	agent_side_put_hello(&whole, EPOCH);
	hello_bytes = whole.length;
	agent_side_put_clock(&whole, EPOCH, 1);
	for (size_t i = 0; i < 2 * (whole.length + 1); i++) {
		size_t length = i / 2;
		bool is_broken = i % 2;
		bool is_cut = length != 0 && length != hello_bytes && length != whole.length;

		agent_talk_again(&talk);
		talk.store.is_fast = true;
		agent_talk_feed(&talk, whole.data, length);
		agent_session_finish(&talk.session, is_broken, talk.now_us);
		agent_talk_take(&talk, SIZE_MAX);
		cr_assert_eq(talk.session.reason, is_cut ? HM_REASON_FRAME_CUT : HM_REASON_NONE,
			     "after %zu", length);
		cr_assert_eq(talk.session.phase, AGENT_SESSION_OVER);
		cr_assert_eq(!!strstr(agent_talk_words(&talk), "ERROR frame_cut 60000\n"),
			     is_cut && !is_broken, "who only closed its side can read");
	}
	buffer_done(&whole);
}

Test(agent_session_framing, keeps_no_memory_between_frames)
{
	struct buffer frame = {0};

	talk.store.is_fast = true;
	greet();
	cr_assert_eq(talk.session.reader.kept.capacity, 0);
	agent_side_put_clock(&frame, EPOCH, 1);
	for (size_t cut = 1; cut < frame.length; cut++) {
		agent_talk_feed(&talk, frame.data, cut);
		cr_assert_leq(talk.session.reader.kept.capacity, 256);
		agent_talk_feed(&talk, frame.data + cut, frame.length - cut);
		cr_assert_eq(talk.session.reader.kept.capacity, 0);
	}
	cr_assert_eq(talk.session.phase, AGENT_SESSION_OPEN);
	cr_assert_leq(sizeof(talk.session) + talk.session.out.capacity, 1024);
	buffer_done(&frame);
}

/* No more address space than there is now. */
static void forbid_memory(struct rlimit *ret_before)
{
	struct rlimit none;

	cr_assert_eq(getrlimit(RLIMIT_AS, ret_before), 0);
	none = *ret_before;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
}

Test(agent_session_framing, says_that_there_is_no_memory_for_a_frame)
{
	static uint8_t payload[HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES];
	struct rlimit before;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	cr_skip_test("a sanitizer's own memory has no limit");
#endif
	greet();
	frame_put(&bytes, HM_FRAME_BATCH, payload, sizeof(payload));
	forbid_memory(&before);
	agent_session_feed(&talk.session, bytes.data, bytes.length - 1, talk.now_us, 1);
	cr_assert_eq(setrlimit(RLIMIT_AS, &before), 0);
	agent_talk_take(&talk, SIZE_MAX);

	cr_assert_str_eq(agent_talk_words(&talk), "ERROR no_memory 1000\n");
	cr_assert_eq(talk.session.reason, HM_REASON_NO_MEMORY);
}

Test(agent_session_framing, survives_garbage)
{
	static uint8_t garbage[64 * 1024];
	struct seeded seeded;

	seeded_init(&seeded);
	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (uint8_t)seeded_next(&seeded);
	for (int i = 0; i < 10000; i++) {
		/* Enough of it to be no header. */
		size_t at = seeded_below(&seeded, sizeof(garbage) - 100);

		agent_talk_again(&talk);
		if (i % 2)
			greet();
		/* What makes a connection one of an agent, or more of it. */
		agent_talk_feed(&talk, HM_FRAME_MAGIC "\1\4\0\0", 1 + seeded_below(&seeded, 8));
		agent_talk_feed(&talk, garbage + at, sizeof(garbage) - at);
		cr_assert_eq(talk.session.phase, AGENT_SESSION_ENDING);
		cr_assert_neq(talk.session.reason, HM_REASON_NONE);
	}
	cr_assert_eq(talk.store.n_taken, 0);
}
