/* SPDX-License-Identifier: MIT */
/* Tests of the collector's half of the native protocol: who says what, and what is acknowledged. */

#include "collector/agent_session.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/frame.h"
#include "tests/support/agent_side.h"
#include "tests/support/agent_talk.h"
#include "tests/support/native.h"

#define EPOCH 0x22

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

TestSuite(agent_session, .init = setup, .fini = teardown, .timeout = 60);

/* Send what was put into `bytes`. @return what came back */
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

/* Send messages of the epoch with these sequences. */
static const char *send_clocks(uint64_t first, uint64_t last)
{
	for (uint64_t sequence = first; sequence <= last; sequence++)
		agent_side_put_clock(&bytes, EPOCH, sequence);
	return send_bytes();
}

static const char *commit(void)
{
	agent_talk_commit(&talk);
	return agent_talk_words(&talk);
}

/* The frame's type, with nothing in it that is looked at before its turn is. */
static const char *send_empty(enum hm_frame_type type, size_t length)
{
	static const uint8_t nothing[HM_FRAME_MAX_BYTES];

	frame_put(&bytes, type, nothing, length);
	return send_bytes();
}

/* That it ends so, and for good. */
static void assert_ended(enum hm_reason reason)
{
	size_t n_taken = talk.store.n_taken;

	cr_assert_eq(talk.session.phase, AGENT_SESSION_ENDING);
	agent_side_put_clock(&bytes, EPOCH, n_taken + 1);
	cr_assert_str_eq(send_bytes(), "", "nothing follows an end");
	cr_assert_str_eq(commit(), "");
	cr_assert_eq(talk.store.n_taken, n_taken);
	agent_session_finish(&talk.session, false, talk.now_us);
	cr_assert(talk.session.phase == AGENT_SESSION_OVER && talk.session.reason == reason);
}

Test(agent_session, says_what_the_page_shows)
{
	struct buffer expected = {0};

	talk.store.is_fast = true;
	for (size_t i = 0; i < NATIVE_N_MESSAGES; i++) {
		const struct native_message *message = &native_messages[i];
		struct buffer payload = {0};

		if (message->type == HM_FRAME_WELCOME || message->type == HM_FRAME_ACK) {
			message->put(&payload);
			frame_put(&expected, message->type, payload.data, payload.length);
			buffer_done(&payload);
			continue;
		}
		agent_side_put_example(&bytes, i, 1);
		/* The page's ACKs come when the store has synced. */
		talk.store.is_fast =
			native_messages[i + 1 < NATIVE_N_MESSAGES ? i + 1 : i].type == HM_FRAME_ACK;
		(void)send_bytes();
	}

	cr_assert_eq(talk.came.length, expected.length);
	cr_assert_arr_eq(talk.came.data, expected.data, expected.length);
	cr_assert_eq(talk.store.n_taken, 5);
	buffer_done(&expected);
}

Test(agent_session, is_the_same_however_its_bytes_were_cut)
{
	struct buffer whole = {0};

	agent_side_put_example(&whole, 0, NATIVE_N_MESSAGES);
	for (size_t cut = 0; cut <= whole.length; cut++) {
		agent_talk_done(&talk);
		agent_talk_init(&talk);
		agent_talk_feed(&talk, whole.data, cut);
		agent_talk_feed(&talk, whole.data + cut, whole.length - cut);
		cr_assert_str_eq(agent_talk_words(&talk), "WELCOME 0\n", "cut at %zu", cut);
		cr_assert_eq(talk.store.n_taken, 5, "cut at %zu", cut);
		cr_assert_eq(talk.session.phase, AGENT_SESSION_LEAVING);
		cr_assert_str_eq(commit(), "ACK 6\n", "cut at %zu", cut);
		cr_assert_eq(talk.session.phase, AGENT_SESSION_ENDING);
		cr_assert_eq(talk.session.reason, HM_REASON_NONE);
	}
	buffer_done(&whole);
}

Test(agent_session, takes_a_byte_at_a_time_and_sends_a_byte_at_a_time)
{
	struct buffer whole = {0};

	agent_side_put_example(&whole, 0, NATIVE_N_MESSAGES);
	for (size_t i = 0; i < whole.length; i++) {
		agent_session_feed(&talk.session, whole.data + i, 1, talk.now_us, 1);
		agent_talk_take(&talk, 1);
	}
	fake_agent_store_commit(&talk.store);
	agent_session_acknowledge(&talk.session, talk.now_us);
	agent_talk_take(&talk, 1);

	cr_assert_str_eq(agent_talk_words(&talk), "WELCOME 0\nACK 6\n");
	buffer_done(&whole);
}

Test(agent_session, gives_the_store_messages_and_checksums_as_they_came)
{
	greet();
	agent_side_put_example(&bytes, 2, 3);
	(void)send_bytes();

	cr_assert_str_eq(buffer_text(&talk.store.log), "6 1 5f094eeb\n3 2 0e72c0bc\n4 3 a49df7c8\n",
			 "as the page shows them");
}

Test(agent_session, acknowledges_nothing_before_it_is_durable_and_then_all_at_once)
{
	greet();
	cr_assert_str_eq(send_clocks(1, 3), "");
	cr_assert(agent_session_is_awaiting(&talk.session));
	agent_session_acknowledge(&talk.session, talk.now_us);
	agent_talk_take(&talk, SIZE_MAX);
	cr_assert_str_eq(agent_talk_words(&talk), "");

	talk.store.epochs[0].durable = 2;
	agent_session_acknowledge(&talk.session, talk.now_us);
	agent_talk_take(&talk, SIZE_MAX);
	cr_assert_str_eq(agent_talk_words(&talk), "ACK 2\n");
	cr_assert(agent_session_is_awaiting(&talk.session));
	cr_assert_str_eq(send_clocks(4, 9), "");
	cr_assert_str_eq(commit(), "ACK 9\n");
	cr_assert(!agent_session_is_awaiting(&talk.session));
}

Test(agent_session, acknowledges_nothing_that_another_session_of_the_epoch_has_sent)
{
	greet();
	cr_assert_str_eq(send_clocks(1, 3), "");
	talk.store.epochs[0].durable = 9;
	agent_session_acknowledge(&talk.session, talk.now_us);
	agent_talk_take(&talk, SIZE_MAX);
	cr_assert_str_eq(agent_talk_words(&talk), "ACK 3\n");
	cr_assert(!agent_session_is_awaiting(&talk.session));
}

Test(agent_session, joins_the_acks_that_an_agent_did_not_take_yet)
{
	size_t length;

	greet();
	for (uint64_t sequence = 1; sequence <= 20; sequence++) {
		agent_side_put_clock(&bytes, EPOCH, sequence);
		agent_session_feed(&talk.session, bytes.data, bytes.length, talk.now_us, 1);
		buffer_clear(&bytes);
		fake_agent_store_commit(&talk.store);
		agent_session_acknowledge(&talk.session, talk.now_us);
		/* Of the first it takes a part. */
		if (sequence == 1) {
			(void)agent_session_output(&talk.session, talk.now_us, &length);
			buffer_append(&talk.came, talk.session.out.data, 5);
			agent_session_sent(&talk.session, 5, talk.now_us);
		}
	}
	agent_talk_take(&talk, SIZE_MAX);

	cr_assert_str_eq(agent_talk_words(&talk), "ACK 1\nACK 20\n");
}

Test(agent_session, says_in_welcome_what_is_durable)
{
	greet();
	(void)send_clocks(1, 5);
	talk.store.epochs[0].durable = 3;
	agent_talk_again(&talk);
	agent_side_put_hello(&bytes, EPOCH);
	cr_assert_str_eq(send_bytes(), "WELCOME 3\n");

	cr_assert_str_eq(send_clocks(4, 5), "");
	cr_assert_eq(talk.store.n_taken, 5, "the store has them already");
	cr_assert_str_eq(commit(), "ACK 5\n");
}

Test(agent_session, acknowledges_again_what_comes_again)
{
	greet();
	(void)send_clocks(1, 5);
	cr_assert_str_eq(commit(), "ACK 5\n");
	cr_assert_str_eq(send_clocks(1, 5), "ACK 5\n");
	cr_assert_eq(talk.store.n_taken, 5);

	/* What another session sent became durable before this one sent it, so nobody tells. */
	(void)send_clocks(6, 6);
	agent_talk_again(&talk);
	agent_side_put_hello(&bytes, EPOCH);
	cr_assert_str_eq(send_bytes(), "WELCOME 5\n");
	fake_agent_store_commit(&talk.store);
	cr_assert_str_eq(send_clocks(6, 6), "ACK 6\n");
}

Test(agent_session, lets_so_many_frames_wait_as_welcome_says)
{
	greet();
	cr_assert_str_eq(send_clocks(1, AGENT_SESSION_UNACKED_MAX), "");
	cr_assert_str_eq(commit(), "ACK 32\n");
	cr_assert_str_eq(send_clocks(33, 32 + AGENT_SESSION_UNACKED_MAX), "");
	talk.store.epochs[0].durable = 33;
	agent_session_acknowledge(&talk.session, talk.now_us);
	cr_assert_str_eq(send_clocks(65, 65), "ACK 33\n");
	cr_assert_str_eq(send_clocks(33, 33), "ACK 33\n", "it does not wait");
	cr_assert_str_eq(send_clocks(66, 66), "ERROR out_of_turn 60000\n");
	cr_assert_eq(talk.store.n_taken, 65);
	assert_ended(HM_REASON_OUT_OF_TURN);
}

Test(agent_session, refuses_a_thousand_frames_in_one_write_but_for_the_first)
{
	greet();
	cr_assert_str_eq(send_clocks(1, 1000), "ERROR out_of_turn 60000\n");
	cr_assert_eq(talk.store.n_taken, AGENT_SESSION_UNACKED_MAX);
	assert_ended(HM_REASON_OUT_OF_TURN);
}

Test(agent_session, answers_a_thousand_that_it_has_with_one_ack)
{
	greet();
	(void)send_clocks(1, 10);
	(void)commit();
	for (int i = 0; i < 100; i++)
		for (uint64_t sequence = 1; sequence <= 10; sequence++)
			agent_side_put_clock(&bytes, EPOCH, sequence);
	cr_assert_str_eq(send_bytes(), "ACK 10\n");
}

Test(agent_session, refuses_all_but_hello_at_first)
{
	static const struct {
		enum hm_frame_type type;
		size_t length;
	} early[] = {{HM_FRAME_WELCOME, 48}, {HM_FRAME_DECLARE, 60}, {HM_FRAME_BATCH, 60},
		     {HM_FRAME_GAP, 75},     {HM_FRAME_CLOCK, 82},   {HM_FRAME_ACK, 8}};

	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		agent_talk_again(&talk);
		cr_assert_str_eq(send_empty(early[i].type, early[i].length),
				 "ERROR out_of_turn 60000\n", "type %d", early[i].type);
		cr_assert_eq(talk.store.n_hellos, 0);
		assert_ended(HM_REASON_OUT_OF_TURN);
	}
}

Test(agent_session, refuses_what_only_a_collector_says_and_a_second_hello)
{
	greet();
	cr_assert_str_eq(send_empty(HM_FRAME_ACK, 8), "ERROR out_of_turn 60000\n");
	agent_talk_again(&talk);
	greet();
	cr_assert_str_eq(send_empty(HM_FRAME_WELCOME, 48), "ERROR out_of_turn 60000\n");
	agent_talk_again(&talk);
	greet();
	agent_side_put_hello(&bytes, EPOCH);
	cr_assert_str_eq(send_bytes(), "ERROR out_of_turn 60000\n");
	cr_assert_eq(talk.store.n_hellos, 3);
	assert_ended(HM_REASON_OUT_OF_TURN);
}

Test(agent_session, refuses_a_hello_that_is_none)
{
	cr_assert_str_eq(send_empty(HM_FRAME_HELLO, 70), "ERROR bad_message 60000\n");
	cr_assert_eq(talk.store.n_hellos, 0);
	assert_ended(HM_REASON_BAD_MESSAGE);
}

Test(agent_session, refuses_a_stamp_of_another_host_or_epoch_or_none)
{
	struct wire_stamp stamp = native_stamp(1);
	struct buffer payload = {0};

	greet();
	agent_side_put_clock(&bytes, 0x23, 1);
	cr_assert_str_eq(send_bytes(), "ERROR other_stamp 60000\n");
	agent_talk_again(&talk);
	greet();
	stamp.host_id[15]++;
	wire_stamp_put(&payload, &stamp);
	frame_put(&bytes, HM_FRAME_BATCH, payload.data, payload.length);
	cr_assert_str_eq(send_bytes(), "ERROR other_stamp 60000\n");
	agent_talk_again(&talk);
	greet();
	cr_assert_str_eq(send_empty(HM_FRAME_BATCH, 60), "ERROR bad_id 60000\n");
	agent_talk_again(&talk);
	greet();
	cr_assert_str_eq(send_clocks(0, 0), "ERROR bad_sequence 60000\n");
	cr_assert_eq(talk.store.n_taken, 0);
	assert_ended(HM_REASON_BAD_SEQUENCE);
	buffer_done(&payload);
}

Test(agent_session, passes_on_why_the_store_refuses_and_when_to_come_again)
{
	static const struct {
		enum hm_reason reason;
		const char *words;
	} refusals[] = {
		{HM_REASON_NO_MEMORY, "ERROR no_memory 1000\n"},
		{HM_REASON_STORE_FAILED, "ERROR store_failed 1000\n"},
		{HM_REASON_SEQUENCE_AHEAD, "ERROR sequence_ahead 1000\n"},
		{HM_REASON_SEQUENCE_OTHER, "ERROR sequence_other 60000\n"},
		{HM_REASON_TOO_MANY_EPOCHS, "ERROR too_many_epochs 60000\n"},
		{HM_REASON_BAD_BLOCK, "ERROR bad_block 60000\n"},
	};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		agent_talk_again(&talk);
		talk.store.refuse = refusals[i].reason;
		agent_side_put_hello(&bytes, EPOCH);
		cr_assert_str_eq(send_bytes(), refusals[i].words, "in HELLO");
		talk.store.refuse = HM_REASON_NONE;
		agent_talk_again(&talk);
		greet();
		talk.store.refuse = refusals[i].reason;
		cr_assert_str_eq(send_clocks(1, 1), refusals[i].words, "in a message");
		assert_ended(refusals[i].reason);
	}
}

Test(agent_session, says_what_was_durable_before_it_refuses)
{
	greet();
	(void)send_clocks(1, 2);
	fake_agent_store_commit(&talk.store);
	agent_session_acknowledge(&talk.session, talk.now_us);
	agent_session_end(&talk.session, HM_REASON_REPLACED, talk.now_us);
	agent_talk_take(&talk, SIZE_MAX);

	cr_assert_str_eq(agent_talk_words(&talk), "ACK 2\nERROR replaced 60000\n");
	agent_session_end(&talk.session, HM_REASON_STOPPING, talk.now_us);
	assert_ended(HM_REASON_REPLACED);
}

Test(agent_session, leaves_by_a_bye)
{
	greet();
	agent_session_end(&talk.session, HM_REASON_STOPPING, talk.now_us);
	agent_talk_take(&talk, SIZE_MAX);
	cr_assert_str_eq(agent_talk_words(&talk), "BYE stopping 1000\n");
	assert_ended(HM_REASON_STOPPING);
}

Test(agent_session, acknowledges_what_came_before_an_agent_left)
{
	greet();
	(void)send_clocks(1, 2);
	(void)send_empty(HM_FRAME_BYE, 8);
	cr_assert_eq(talk.session.phase, AGENT_SESSION_LEAVING);
	cr_assert_str_eq(send_clocks(3, 3), "", "nothing follows a BYE");
	agent_session_finish(&talk.session, false, talk.now_us);
	cr_assert_eq(talk.session.phase, AGENT_SESSION_LEAVING);
	cr_assert_str_eq(commit(), "ACK 2\n");
	cr_assert_eq(talk.session.phase, AGENT_SESSION_OVER);
	cr_assert_eq(talk.session.reason, HM_REASON_NONE);
	cr_assert_eq(talk.store.n_taken, 2);
}

Test(agent_session, acknowledges_what_came_before_an_agent_closed_its_side)
{
	greet();
	(void)send_clocks(1, 2);
	agent_session_finish(&talk.session, false, talk.now_us);
	cr_assert_eq(talk.session.phase, AGENT_SESSION_LEAVING);
	cr_assert_str_eq(commit(), "ACK 2\n");
	cr_assert_eq(talk.session.phase, AGENT_SESSION_OVER);
	cr_assert_eq(talk.session.reason, HM_REASON_NONE);
}

Test(agent_session, takes_a_bye_or_error_at_any_time)
{
	cr_assert_str_eq(send_empty(HM_FRAME_BYE, 8), "");
	cr_assert_eq(talk.session.phase, AGENT_SESSION_ENDING, "nothing is left to do");
	agent_talk_again(&talk);
	greet();
	cr_assert_str_eq(send_empty(HM_FRAME_ERROR, 8), "");
	assert_ended(HM_REASON_NONE);
	agent_talk_again(&talk);
	greet();
	cr_assert_str_eq(send_empty(HM_FRAME_ERROR, 12), "ERROR bad_message 60000\n");
	assert_ended(HM_REASON_BAD_MESSAGE);
}
