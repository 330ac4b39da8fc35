/* SPDX-License-Identifier: MIT */
/* Tests of the agent's half of a session of the native protocol: what goes wrong on either side. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "agent/delivery.h"
#include "tests/support/delivery_peer.h"
#include "tests/support/native.h"

static struct delivery_peer peer;

static void setup(void)
{
	peer_init(&peer);
}

static void teardown(void)
{
	peer_done(&peer);
}

TestSuite(delivery_refusals, .init = setup, .fini = teardown, .timeout = 60);

Test(delivery_refusals, spool_and_store_that_disagree_end_the_epoch)
{
	peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer.resume_error = -ESTALE;
	peer_welcome(&peer, 9, 0);

	peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
	cr_expect_str_eq(peer_sent(&peer), "BYE 0\n");
	cr_expect_eq(peer.n_asked, 0);
}

Test(delivery_refusals, a_spool_that_cannot_go_on_ends_the_epoch)
{
	(void)peer_sent(&peer);
	peer.next_error = -ESTALE;
	peer_welcome(&peer, 0, 0);
	peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
	cr_expect_str_eq(peer_sent(&peer), "BYE 0\n");
}

Test(delivery_refusals, a_hole_in_the_spool_ends_the_epoch)
{
	peer_store(&peer, HM_FRAME_BATCH, 10);
	peer_store(&peer, HM_FRAME_BATCH, 10)->sequence = 3;
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
	cr_expect_str_eq(peer_sent(&peer), "BATCH 1\nBYE 0\n");
}

Test(delivery_refusals, what_a_spool_should_not_give_is_not_sent)
{
	static const enum hm_frame_type types[] = {HM_FRAME_HELLO, HM_FRAME_ACK, HM_FRAME_BYE};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		peer_forget(&peer);
		peer_store(&peer, types[i], 10);
		peer_begin(&peer);
		(void)peer_sent(&peer);
		peer_welcome(&peer, 0, 0);
		peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
	}
	peer_forget(&peer);
	peer_store(&peer, HM_FRAME_BATCH,
		   HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES - HM_STAMP_BYTES + 1);
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
	/* One that was given before. */
	peer_forget(&peer);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	peer.gives_any = true;
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	cr_expect_str_eq(peer_sent(&peer), "BATCH 1\nBYE 0\n");
	peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
	peer.gives_any = false;
	/* A GAP that is too short, and one that begins too late. */
	peer_forget(&peer);
	peer_store(&peer, HM_FRAME_GAP, 7);
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
	peer_forget(&peer);
	peer_store_gap(&peer, 3);
	peer.stored[0].body.data[0] = 2;
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
}

Test(delivery_refusals, what_has_the_stamp_of_another_is_not_sent)
{
	/* A byte of the epoch, the sequence, and the host. */
	static const size_t places[] = {1, 18, 40};

	peer_store_declare(&peer);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		peer.spoiled_at = places[i];
		for (uint64_t durable = 0; durable < 2; durable++) {
			peer_begin(&peer);
			(void)peer_sent(&peer);
			peer_welcome(&peer, durable, 0);
			peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
			cr_expect_str_eq(peer_sent(&peer), "BYE 0\n");
		}
	}
}

Test(delivery_refusals, declares_that_are_none_end_the_epoch)
{
	peer_store_declare(&peer);
	(void)peer_sent(&peer);
	/* The length of its unit: it is too short for that. */
	peer.spoiled_at = HM_STAMP_BYTES + 4 + 1 + 1;
	peer_welcome(&peer, 1, 0);
	peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
	/* What is no DECLARE, given as one. */
	peer.spoiled_at = 0;
	peer.stored[0].type = HM_FRAME_CLOCK;
	peer.gives_any = true;
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 1, 0);
	peer_expect_end(&peer, DELIVERY_NEW_EPOCH, HM_REASON_NONE);
}

Test(delivery_refusals, a_spool_that_cannot_be_read_now_ends_the_session_only)
{
	static const struct {
		int error;
		enum hm_reason reason;
	} cases[] = {{-EIO, HM_REASON_STORE_FAILED}, {-ENOMEM, HM_REASON_NO_MEMORY}};

	peer_store_declare(&peer);
	for (size_t i = 0; i < 2; i++) {
		peer_begin(&peer);
		(void)peer_sent(&peer);
		peer.resume_error = cases[i].error;
		peer_welcome(&peer, 0, 0);
		peer_expect_end(&peer, DELIVERY_AGAIN, cases[i].reason);
		peer.resume_error = 0;
		peer.next_error = cases[i].error;
		for (uint64_t durable = 0; durable < 2; durable++) {
			peer_begin(&peer);
			(void)peer_sent(&peer);
			peer_welcome(&peer, durable, 0);
			peer_expect_end(&peer, DELIVERY_AGAIN, cases[i].reason);
			cr_expect_str_eq(peer_sent(&peer), i == 0 ? "BYE 10\n" : "BYE 9\n");
		}
		peer.next_error = 0;
	}
}

Test(delivery_refusals, an_ack_of_what_was_not_sent_is_refused)
{
	peer_store(&peer, HM_FRAME_BATCH, 10);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	(void)peer_sent(&peer);
	peer_ack(&peer, 3);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_BAD_SEQUENCE);
	cr_expect_str_eq(peer_sent(&peer), "ERROR 27\n");
	cr_expect_eq(peer.acked, 0);
}

Test(delivery_refusals, what_was_not_wholly_written_was_not_sent)
{
	const size_t n_bytes = HM_FRAME_HEADER_BYTES + HM_STAMP_BYTES + 10;

	peer_store(&peer, HM_FRAME_BATCH, 10);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	peer_write(&peer, 2 * n_bytes - 1, SIZE_MAX);
	peer_ack(&peer, 1);
	cr_expect_eq(peer.acked, 1);
	peer_ack(&peer, 2);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_BAD_SEQUENCE);
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	peer_write(&peer, 2 * n_bytes, 11);
	peer_ack(&peer, 2);
	cr_expect_eq(peer.acked, 2);
	cr_expect(delivery_is_idle(&peer.delivery));
}

Test(delivery_refusals, an_ack_does_not_go_back)
{
	peer_store(&peer, HM_FRAME_BATCH, 10);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	(void)peer_sent(&peer);
	peer_ack(&peer, 2);
	peer_ack(&peer, 2);
	cr_expect_not(delivery_is_ended(&peer.delivery), "it may say the same again");
	peer_ack(&peer, 1);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_BAD_SEQUENCE);
	cr_expect_eq(peer.acked, 2);
}

Test(delivery_refusals, frames_come_in_their_turn)
{
	/* Before WELCOME. */
	peer_put_ack(&peer, 1);
	peer_flush(&peer);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_OUT_OF_TURN);
	cr_expect_str_eq(peer_sent(&peer), "HELLO\nERROR 37\n");
	/* Twice. */
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	peer_welcome(&peer, 0, 0);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_OUT_OF_TURN);
	cr_expect_str_eq(peer_sent(&peer), "ERROR 37\n");
}

Test(delivery_refusals, agents_do_not_get_what_agents_send)
{
	for (size_t i = 0; i < NATIVE_N_MESSAGES; i++) {
		struct buffer payload = {0};
		enum hm_frame_type type = native_messages[i].type;

		if (type != HM_FRAME_HELLO && type != HM_FRAME_DECLARE && type != HM_FRAME_BATCH &&
		    type != HM_FRAME_GAP && type != HM_FRAME_CLOCK && type != HM_FRAME_SCHEDULE)
			continue;
		for (int has_welcome = 0; has_welcome < 2; has_welcome++) {
			peer_begin(&peer);
			(void)peer_sent(&peer);
			if (has_welcome)
				peer_welcome(&peer, 0, 0);
			native_messages[i].put(&payload);
			peer_put(&peer, type, &payload);
			peer_flush(&peer);
			peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_OUT_OF_TURN);
			cr_expect_str_eq(peer_sent(&peer), "ERROR 37\n");
		}
	}
}

Test(delivery_refusals, a_long_frame_is_refused_at_its_length)
{
	uint8_t header[HM_FRAME_HEADER_BYTES];
	struct frame frame = {.type = HM_FRAME_BATCH, .length = 100000};

	(void)peer_sent(&peer);
	frame_write_header(&frame, header);
	peer_give(&peer, header, sizeof(header));
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_FRAME_LENGTH);
}

Test(delivery_refusals, bytes_that_are_no_frame_are_refused)
{
	(void)peer_sent(&peer);
	peer_give(&peer, "HTTP/1.1 400 Bad Request\r\n", 26);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_FRAME_MAGIC);
	cr_expect_str_eq(peer_sent(&peer), "ERROR 17\n");
	/* What comes behind it does not matter any more. */
	peer_welcome(&peer, 0, 0);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_FRAME_MAGIC);
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_put_welcome(&peer, 0, 0, 32);
	peer.from_collector.data[HM_FRAME_HEADER_BYTES] ^= 1;
	peer_flush(&peer);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_FRAME_CHECKSUM);
}

Test(delivery_refusals, messages_that_are_none_are_refused)
{
	struct buffer payload = {0};

	(void)peer_sent(&peer);
	peer_put_welcome(&peer, 0, 0, 0);
	peer_flush(&peer);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_BAD_MESSAGE);
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_put_welcome(&peer, 0, HM_EPOCH_SERIES_MAX + 1, 1);
	peer_flush(&peer);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_TOO_MANY_SERIES);
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	peer_put_ack(&peer, 0);
	peer_flush(&peer);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_BAD_SEQUENCE);
	peer_begin(&peer);
	(void)peer_sent(&peer);
	buffer_append(&payload, "\0\0\0\0\0\0\x9\0", 8);
	peer_put(&peer, HM_FRAME_BYE, &payload);
	peer_flush(&peer);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_BAD_MESSAGE);
	cr_expect_not(peer.delivery.end.is_theirs);
}

Test(delivery_refusals, an_error_or_bye_says_how_long_to_wait)
{
	static const enum hm_frame_type types[] = {HM_FRAME_ERROR, HM_FRAME_BYE};

	for (int i = 0; i < 4; i++) {
		peer_begin(&peer);
		(void)peer_sent(&peer);
		if (i % 2)
			peer_welcome(&peer, 0, 0);
		peer_put_end(&peer, types[i / 2], HM_REASON_TOO_MANY_CONNECTIONS, 45000,
			     "too many");
		peer_flush(&peer);
		peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_TOO_MANY_CONNECTIONS);
		cr_expect(peer.delivery.end.is_theirs);
		cr_expect_eq(peer.delivery.end.wait_ms, 45000);
		cr_expect_str_eq(peer.delivery.end.text, "too many");
		cr_expect_str_eq(peer_sent(&peer), "", "there is no answer");
	}
}

Test(delivery_refusals, every_reason_is_taken_and_no_wait_is_for_ever)
{
	for (int reason = 0; reason < 100; reason++) {
		enum delivery_outcome outcome =
			reason == HM_REASON_DECLARED_OTHERWISE || reason == HM_REASON_SEQUENCE_OTHER
				? DELIVERY_NEW_EPOCH
				: DELIVERY_AGAIN;

		peer_begin(&peer);
		(void)peer_sent(&peer);
		peer_put_end(&peer, HM_FRAME_ERROR, (enum hm_reason)reason, UINT32_MAX, "");
		peer_flush(&peer);
		peer_expect_end(&peer, outcome, (enum hm_reason)reason);
		cr_expect_eq(peer.delivery.end.wait_ms, DELIVERY_WAIT_MAX_MS);
	}
}

Test(delivery_refusals, the_longest_text_is_taken)
{
	char text[HM_END_TEXT_MAX_BYTES + 1];

	memset(text, 'x', HM_END_TEXT_MAX_BYTES);
	text[HM_END_TEXT_MAX_BYTES] = '\0';
	(void)peer_sent(&peer);
	peer_put_end(&peer, HM_FRAME_BYE, HM_REASON_NONE, 0, text);
	peer_flush(&peer);
	cr_expect_str_eq(peer.delivery.end.text, text);
	cr_expect_eq(peer.delivery.end.wait_ms, 0);
}

Test(delivery_refusals, another_version_is_waited_for)
{
	(void)peer_sent(&peer);
	peer_put_end(&peer, HM_FRAME_ERROR, HM_REASON_FRAME_VERSION, 0, "");
	peer_flush(&peer);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_FRAME_VERSION);
	cr_expect(peer.delivery.end.is_theirs);
	cr_expect_eq(peer.delivery.end.wait_ms, 60000);
	/* The answer in a version of its own. */
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_put_end(&peer, HM_FRAME_ERROR, HM_REASON_FRAME_VERSION, 0, "");
	peer.from_collector.data[HM_FRAME_MAGIC_BYTES] = HM_FRAME_VERSION + 1;
	peer_flush(&peer);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_FRAME_VERSION);
	cr_expect_not(peer.delivery.end.is_theirs);
	cr_expect_eq(peer.delivery.end.wait_ms, 60000);
	cr_expect_str_eq(peer_sent(&peer), "ERROR 18\n");
}
