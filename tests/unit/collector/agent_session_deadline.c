/* SPDX-License-Identifier: MIT */
/* Tests of the collector's half of the native protocol: time, and agents that do not read. */

#include <criterion/criterion.h>
#include <string.h>

#include "collector/agent_session.h"
#include "tests/support/agent_side.h"
#include "tests/support/agent_talk.h"

#define EPOCH     0x22
#define SECOND_US INT64_C(1000000)

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

TestSuite(agent_session_deadline, .init = setup, .fini = teardown, .timeout = 60);

static void greet(void)
{
	agent_side_put_hello(&bytes, EPOCH);
	agent_talk_feed_buffer(&talk, &bytes);
	buffer_clear(&bytes);
	cr_assert_str_eq(agent_talk_words(&talk), "WELCOME 0\n");
}

static void put_clocks(uint64_t first, uint64_t last)
{
	for (uint64_t sequence = first; sequence <= last; sequence++)
		agent_side_put_clock(&bytes, EPOCH, sequence);
}

/* That nothing happens for so long, and these words come a moment later. */
static void assert_ends_in(int64_t us, const char *words)
{
	cr_assert_eq(agent_session_deadline(&talk.session), talk.now_us + us);
	agent_talk_wait(&talk, us - 1);
	cr_assert_str_eq(agent_talk_words(&talk), "");
	cr_assert_neq(talk.session.phase, AGENT_SESSION_OVER);
	agent_talk_wait(&talk, 1);
	cr_assert_str_eq(agent_talk_words(&talk), words);
}

Test(agent_session_deadline, has_hello_come_in_time)
{
	assert_ends_in(AGENT_SESSION_HELLO_US, "ERROR too_slow 1000\n");
	cr_assert_eq(talk.session.reason, HM_REASON_TOO_SLOW);

	agent_talk_again(&talk);
	agent_talk_feed(&talk, HM_FRAME_MAGIC, 1);
	assert_ends_in(AGENT_SESSION_HELLO_US, "ERROR too_slow 1000\n");
}

Test(agent_session_deadline, does_not_wait_for_a_hello_of_a_byte_a_second)
{
	agent_side_put_hello(&bytes, EPOCH);
	for (size_t i = 0; talk.session.phase == AGENT_SESSION_GREETING; i++) {
		cr_assert_lt(i, 6);
		agent_talk_feed(&talk, bytes.data + i, 1);
		agent_talk_wait(&talk, SECOND_US);
	}
	cr_assert_str_eq(agent_talk_words(&talk), "ERROR too_slow 1000\n");
}

Test(agent_session_deadline, has_a_frame_come_in_time)
{
	greet();
	put_clocks(1, 3);
	/* Each frame has its time from its own first byte on. */
	agent_talk_feed(&talk, bytes.data, 5);
	agent_talk_wait(&talk, AGENT_SESSION_FRAME_US - 1);
	agent_talk_feed(&talk, bytes.data + 5, bytes.length / 3);
	agent_talk_wait(&talk, 7 * SECOND_US);
	agent_talk_feed(&talk, bytes.data + 5 + bytes.length / 3, 1);
	assert_ends_in(3 * SECOND_US, "ERROR too_slow 1000\n");
	cr_assert_eq(talk.session.reason, HM_REASON_TOO_SLOW);
	cr_assert_eq(talk.store.n_taken, 1);
}

Test(agent_session_deadline, counts_a_frames_time_from_its_first_byte_on)
{
	greet();
	agent_talk_wait(&talk, 100 * SECOND_US);
	agent_talk_feed(&talk, HM_FRAME_MAGIC, 1);
	assert_ends_in(AGENT_SESSION_FRAME_US, "ERROR too_slow 1000\n");
}

Test(agent_session_deadline, lets_an_idle_agent_be_for_ten_minutes)
{
	greet();
	agent_talk_wait(&talk, 599 * SECOND_US);
	put_clocks(1, 1);
	agent_talk_feed_buffer(&talk, &bytes);
	agent_talk_wait(&talk, 599 * SECOND_US);
	agent_talk_commit(&talk);
	cr_assert_str_eq(agent_talk_words(&talk), "ACK 1\n");
	assert_ends_in(600 * SECOND_US, "BYE idle 0\n");
	cr_assert_eq(talk.session.reason, HM_REASON_IDLE);
}

Test(agent_session_deadline, does_not_wait_for_ever_for_the_last_acks)
{
	greet();
	put_clocks(1, 1);
	agent_talk_feed_buffer(&talk, &bytes);
	agent_session_finish(&talk.session, false, talk.now_us);
	cr_assert_eq(talk.session.phase, AGENT_SESSION_LEAVING);
	assert_ends_in(AGENT_SESSION_LEAVE_US, "");
	cr_assert_eq(talk.session.phase, AGENT_SESSION_OVER);
	cr_assert_eq(talk.session.reason, HM_REASON_NONE);
	cr_assert_eq(agent_session_deadline(&talk.session), INT64_MAX);
}

Test(agent_session_deadline, does_not_wait_for_ever_for_an_agent_to_close)
{
	agent_talk_feed(&talk, "\xfagarbage", 8);
	cr_assert_str_eq(agent_talk_words(&talk), "ERROR frame_magic 60000\n");
	agent_talk_wait(&talk, 5 * SECOND_US);
	agent_talk_feed(&talk, "more of it", 10);
	assert_ends_in(AGENT_SESSION_LEAVE_US - 5 * SECOND_US, "");
	cr_assert_eq(talk.session.phase, AGENT_SESSION_OVER);
	cr_assert_eq(talk.session.reason, HM_REASON_FRAME_MAGIC);
}

/* Send, and have the store sync; nothing that comes back is taken. */
static void send_unread(uint64_t sequence)
{
	buffer_clear(&bytes);
	put_clocks(sequence, sequence);
	agent_session_feed(&talk.session, bytes.data, bytes.length, talk.now_us, 1);
	fake_agent_store_commit(&talk.store);
	agent_session_acknowledge(&talk.session, talk.now_us);
}

Test(agent_session_deadline, ends_with_an_agent_that_does_not_read)
{
	size_t length;

	greet();
	for (uint64_t sequence = 1; sequence <= 1000; sequence++) {
		send_unread(sequence);
		cr_assert_not_null(agent_session_output(&talk.session, talk.now_us, &length));
		cr_assert_eq(length, HM_FRAME_HEADER_BYTES + 8, "no more than one ACK is kept");
		if (sequence == 500) {
			talk.now_us += SECOND_US;
			agent_session_sent(&talk.session, 1, talk.now_us);
			(void)agent_session_output(&talk.session, talk.now_us, &length);
			agent_session_sent(&talk.session, length, talk.now_us);
		}
	}
	cr_assert_eq(talk.store.n_taken, 1000);
	talk.now_us += AGENT_SESSION_FRAME_US - 1;
	send_unread(1001);
	agent_session_check(&talk.session, talk.now_us);
	cr_assert_eq(talk.session.phase, AGENT_SESSION_OPEN);
	talk.now_us++;
	agent_session_check(&talk.session, talk.now_us);
	cr_assert_eq(talk.session.phase, AGENT_SESSION_OVER);
	cr_assert_eq(talk.session.reason, HM_REASON_NOT_READING);
	cr_assert_null(agent_session_output(&talk.session, talk.now_us, &length));
}

Test(agent_session_deadline, gives_an_agent_more_time_that_reads_slowly)
{
	size_t length;

	greet();
	send_unread(1);
	(void)agent_session_output(&talk.session, talk.now_us, &length);
	for (size_t i = 1; i < length; i++) {
		talk.now_us += AGENT_SESSION_FRAME_US - 1;
		agent_session_check(&talk.session, talk.now_us);
		agent_session_sent(&talk.session, 1, talk.now_us);
	}
	cr_assert_eq(talk.session.phase, AGENT_SESSION_OPEN);
}

Test(agent_session_deadline, has_room_for_an_error_behind_what_was_not_read)
{
	size_t capacity = talk.session.out.capacity;
	size_t length;

	greet();
	send_unread(1);
	(void)agent_session_output(&talk.session, talk.now_us, &length);
	agent_session_sent(&talk.session, 1, talk.now_us);
	send_unread(2);
	agent_session_end(&talk.session, HM_REASON_REPLACED, talk.now_us);
	talk.came.length = talk.n_read;
	agent_session_sent(&talk.session, HM_FRAME_HEADER_BYTES + 7, talk.now_us);
	agent_talk_take(&talk, SIZE_MAX);

	cr_assert_str_eq(agent_talk_words(&talk), "ACK 2\nERROR replaced 60000\n");
	cr_assert_eq(talk.session.out.capacity, capacity, "sending takes no memory");
}

Test(agent_session_deadline, cuts_one_that_does_not_take_the_error)
{
	size_t length;

	agent_session_feed(&talk.session, "\xfagarbage", 8, talk.now_us, 1);
	cr_assert_not_null(agent_session_output(&talk.session, talk.now_us, &length));
	talk.now_us += AGENT_SESSION_LEAVE_US - 1;
	agent_session_check(&talk.session, talk.now_us);
	cr_assert_eq(talk.session.phase, AGENT_SESSION_ENDING);
	talk.now_us++;
	agent_session_check(&talk.session, talk.now_us);
	cr_assert_eq(talk.session.phase, AGENT_SESSION_OVER);
	cr_assert_eq(talk.session.reason, HM_REASON_FRAME_MAGIC);
}
