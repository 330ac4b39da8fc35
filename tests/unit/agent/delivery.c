/* SPDX-License-Identifier: MIT */
/* Tests of the agent's half of a session of the native protocol: what is usual, deadlines, ends. */

#include "agent/delivery.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/delivery_peer.h"

#define SECOND_US INT64_C(1000000)

static struct delivery_peer peer;

static void setup(void)
{
	peer_init(&peer);
}

static void teardown(void)
{
	peer_done(&peer);
}

TestSuite(delivery, .init = setup, .fini = teardown, .timeout = 60);

/* -- the usual session ---------------------------------------------------------------------------- */

Test(delivery, sends_what_the_spool_has_and_tells_it_what_is_durable)
{
	peer_store(&peer, HM_FRAME_CLOCK, 41);
	peer_store_declare(&peer);
	peer_store(&peer, HM_FRAME_BATCH, 300);

	cr_expect_str_eq(peer_sent(&peer), "HELLO\n");
	cr_expect_eq(peer.n_asked, 0, "not before WELCOME");
	peer_welcome(&peer, 0, 0);
	cr_expect_eq(peer.resumed, 0);
	cr_expect_str_eq(peer_sent(&peer), "CLOCK 1\nDECLARE 2\nBATCH 3\n");
	cr_expect_not(delivery_is_idle(&peer.delivery));
	peer_ack(&peer, 2);
	cr_expect_eq(peer.acked, 2);
	cr_expect_eq(peer.delivery.acked, 2);
	peer_ack(&peer, 3);
	cr_expect_eq(peer.acked, 3);
	cr_expect(delivery_is_idle(&peer.delivery));
	peer_store_gap(&peer, 5);
	peer_store(&peer, HM_FRAME_BATCH, 1);
	peer_store(&peer, HM_FRAME_SCHEDULE, 30);
	cr_expect_str_eq(peer_sent(&peer), "");
	delivery_wake(&peer.delivery, PEER_NOW_US);
	cr_expect_str_eq(peer_sent(&peer), "GAP 8\nBATCH 9\nSCHEDULE 10\n");
	peer_ack(&peer, 10);
	cr_expect_eq(peer.acked, 10);
	delivery_stop(&peer.delivery, "stopping");
	cr_expect_str_eq(peer_sent(&peer), "BYE 0\n");
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_NONE);
}

Test(delivery, goes_on_behind_what_is_durable)
{
	peer_store_declare(&peer);
	for (int i = 0; i < 4; i++)
		peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_put_welcome(&peer, 3, 1, 32);
	peer_flush(&peer);

	cr_expect_eq(peer.resumed, 3);
	cr_expect_eq(peer.resumed_crc, 0xabcdef);
	cr_expect_str_eq(peer_sent(&peer), "BATCH 4\nBATCH 5\n");
	peer_ack(&peer, 4);
	/* The connection breaks; the collector has the last one all the same. */
	delivery_hang_up(&peer.delivery);
	peer_begin(&peer);
	cr_expect_str_eq(peer_sent(&peer), "HELLO\n");
	peer_welcome(&peer, 4, 1);
	cr_expect_str_eq(peer_sent(&peer), "BATCH 5\n");
	delivery_hang_up(&peer.delivery);
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 5, 1);
	cr_expect_str_eq(peer_sent(&peer), "");
	cr_expect(delivery_is_idle(&peer.delivery));
}

Test(delivery, a_collector_that_was_rolled_back_gets_all_that_is_left)
{
	peer_store_declare(&peer);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	(void)peer_sent(&peer);
	peer_ack(&peer, 3);
	delivery_hang_up(&peer.delivery);
	/* It has forgotten all of it, and the spool has dropped the batches. */
	while (peer.n_stored > 1)
		buffer_done(&peer.stored[--peer.n_stored].body);
	peer_store_gap(&peer, 2);
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	cr_expect_eq(peer.acked, 0);
	cr_expect_str_eq(peer_sent(&peer), "DECLARE 1\nGAP 3\n");
	peer_ack(&peer, 3);
	cr_expect(delivery_is_idle(&peer.delivery));
}

Test(delivery, a_gap_may_begin_before_what_is_durable)
{
	peer_store_declare(&peer);
	peer_store_gap(&peer, 10);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 6, 1);
	cr_expect_str_eq(peer_sent(&peer), "GAP 11\nBATCH 12\n");
	peer_ack(&peer, 12);
	cr_expect(delivery_is_idle(&peer.delivery));
}

Test(delivery, declares_again_what_the_collector_does_not_know_any_more)
{
	peer_store_declare(&peer);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	peer_store_declare(&peer);
	peer_store_declare(&peer);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	peer_store_declare(&peer);
	(void)peer_sent(&peer);
	/* The last one is not in what it has: it comes in its turn. */
	peer_put_welcome(&peer, 5, 2, 1);
	peer_flush(&peer);
	cr_expect_str_eq(peer_sent(&peer), "DECLARE 1\nDECLARE 3\nDECLARE 4\nDECLARE 6\n");
	peer_ack(&peer, 6);
	cr_expect(delivery_is_idle(&peer.delivery));
	cr_expect_eq(peer.acked, 6);
	delivery_hang_up(&peer.delivery);
	peer_begin(&peer);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 6, 4);
	cr_expect_str_eq(peer_sent(&peer), "", "it knows all of them");
}

Test(delivery, goes_on_when_all_declares_were_repeated)
{
	peer_store_declare(&peer);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 2, 0);

	cr_expect_str_eq(peer_sent(&peer), "DECLARE 1\nBATCH 3\n");
}

Test(delivery, is_no_further_ahead_than_the_collector_allows)
{
	for (int i = 0; i < 100; i++)
		peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_put_welcome(&peer, 0, 0, 3);
	peer_flush(&peer);

	cr_expect_str_eq(peer_sent(&peer), "BATCH 1\nBATCH 2\nBATCH 3\n");
	peer_ack(&peer, 2);
	cr_expect_str_eq(peer_sent(&peer), "BATCH 4\nBATCH 5\n");
	peer_ack(&peer, 2);
	cr_expect_str_eq(peer_sent(&peer), "");
	peer_ack(&peer, 5);
	cr_expect_str_eq(peer_sent(&peer), "BATCH 6\nBATCH 7\nBATCH 8\n");
}

Test(delivery, is_no_further_ahead_than_it_can_keep)
{
	for (int i = 0; i < 300; i++)
		peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_put_welcome(&peer, 0, 0, UINT32_MAX);
	peer_flush(&peer);

	(void)peer_sent(&peer);
	cr_expect_eq(peer.delivery.sent, DELIVERY_UNACKED_MAX);
	for (uint64_t i = 1; i <= 300; i++) {
		peer_ack(&peer, i);
		(void)peer_sent(&peer);
	}
	cr_expect(delivery_is_idle(&peer.delivery));
	cr_expect_eq(peer.acked, 300);
}

Test(delivery, asks_the_spool_only_when_there_is_room)
{
	const void *bytes;

	for (int i = 0; i < 40; i++)
		peer_store(&peer, HM_FRAME_BATCH, HM_SEAL_MAX_BYTES - HM_STAMP_BYTES);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);

	cr_expect_eq(peer.n_asked, 1);
	while (peer.delivery.sent < 32) {
		cr_assert_lt(delivery_output(&peer.delivery, &bytes), HM_FRAME_MAX_BYTES);
		cr_assert_leq(peer.delivery.out.capacity, 2 * HM_FRAME_MAX_BYTES);
		peer_write(&peer, 1000, 1000);
	}
	(void)peer_sent(&peer);
	cr_expect_leq(peer.delivery.out.capacity, 4096, "nothing is kept");
}

Test(delivery, the_same_comes_of_it_however_the_bytes_are_cut)
{
	struct buffer script = {0};

	peer_store_declare(&peer);
	peer_store(&peer, HM_FRAME_BATCH, 100);
	peer_store_gap(&peer, 3);
	peer_put_welcome(&peer, 0, 0, 32);
	buffer_append(&script, peer.from_collector.data, peer.from_collector.length);
	buffer_clear(&peer.from_collector);
	peer_put_ack(&peer, 1);
	peer_put_ack(&peer, 5);
	peer_put_end(&peer, HM_FRAME_BYE, HM_REASON_NONE, 1000, "stopping");
	buffer_append(&script, peer.from_collector.data, peer.from_collector.length);
	for (size_t cut = 0; cut <= script.length; cut++) {
		peer.acked = 0;
		peer_begin(&peer);
		buffer_clear(&peer.seen);
		peer_write(&peer, SIZE_MAX, 1 + cut % 97);
		/* The agent's bytes must be there before they are acknowledged. */
		for (size_t at = 0; at < script.length;) {
			size_t n = at < cut ? cut - at : script.length - at;

			if (at < HM_FRAME_HEADER_BYTES + 48 && at + n > HM_FRAME_HEADER_BYTES + 48)
				n = HM_FRAME_HEADER_BYTES + 48 - at;
			peer_give(&peer, script.data + at, n);
			peer_write(&peer, SIZE_MAX, 1 + cut % 97);
			at += n;
		}
		cr_expect_str_eq(buffer_text(&peer.seen), "HELLO\nDECLARE 1\nBATCH 2\nGAP 5\n",
				 "cut at %zu", cut);
		peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_NONE);
		cr_expect_eq(peer.delivery.end.wait_ms, 1000);
		cr_expect_eq(peer.acked, 5);
	}
	buffer_done(&script);
}

Test(delivery, the_connection_may_break_at_every_byte)
{
	size_t n_bytes = 0;
	const void *bytes;

	for (int i = 0; i < 5; i++)
		peer_store(&peer, HM_FRAME_BATCH, 20);
	peer_begin(&peer);
	while (peer.acked < 5) {
		/* A collector that has what came whole, and tells it only at the next WELCOME. */
		size_t n_frames = 0;

		peer_begin(&peer);
		buffer_clear(&peer.seen);
		peer_put_welcome(&peer, peer.acked, 0, 32);
		peer_write(&peer, SIZE_MAX, SIZE_MAX);
		peer_flush(&peer);
		buffer_clear(&peer.seen);
		peer_write(&peer, n_bytes, 7);
		for (size_t i = 0; i < peer.seen.length; i++)
			n_frames += peer.seen.data[i] == '\n';
		cr_assert_eq(peer.delivery.sent, 5);
		peer.acked += n_frames;
		cr_expect(peer.acked == 5 || delivery_output(&peer.delivery, &bytes) > 0);
		delivery_hang_up(&peer.delivery);
		n_bytes++;
	}
	cr_expect_gt(n_bytes, 20);
}

/* -- deadlines ------------------------------------------------------------------------------------ */

static void expect_due(int64_t due_us)
{
	cr_assert_eq(delivery_due_us(&peer.delivery), due_us);
	delivery_expire(&peer.delivery, due_us - 1);
	cr_assert_not(delivery_is_ended(&peer.delivery));
	delivery_expire(&peer.delivery, due_us);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_TOO_SLOW);
	cr_expect_str_eq(peer_sent(&peer), "ERROR 43\n");
}

Test(delivery, welcome_comes_within_5_seconds)
{
	(void)peer_sent(&peer);
	expect_due(PEER_NOW_US + 5 * SECOND_US);
}

Test(delivery, a_frame_comes_within_10_seconds)
{
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	cr_expect_eq(delivery_due_us(&peer.delivery), INT64_MAX);
	delivery_expire(&peer.delivery, INT64_MAX - 1);
	peer_put_ack(&peer, 1);
	delivery_take(&peer.delivery, peer.from_collector.data, 1, PEER_NOW_US + 20 * SECOND_US);
	delivery_take(&peer.delivery, peer.from_collector.data + 1, 1,
		      PEER_NOW_US + 29 * SECOND_US);
	expect_due(PEER_NOW_US + 30 * SECOND_US);
}

Test(delivery, each_frame_has_a_time_of_its_own)
{
	(void)peer_sent(&peer);
	peer_put_welcome(&peer, 0, 0, 1);
	peer_put_end(&peer, HM_FRAME_BYE, HM_REASON_NONE, 0, "");
	delivery_take(&peer.delivery, peer.from_collector.data, 3, PEER_NOW_US);
	delivery_take(&peer.delivery, peer.from_collector.data + 3, peer.from_collector.length - 4,
		      PEER_NOW_US + 4 * SECOND_US);
	expect_due(PEER_NOW_US + 14 * SECOND_US);
}

Test(delivery, an_ack_comes_within_a_minute_of_the_one_before)
{
	for (int i = 0; i < 3; i++)
		peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	(void)peer_sent(&peer);
	cr_expect_eq(delivery_due_us(&peer.delivery), PEER_NOW_US + 60 * SECOND_US);
	peer_put_ack(&peer, 1);
	delivery_take(&peer.delivery, peer.from_collector.data, peer.from_collector.length,
		      PEER_NOW_US + 50 * SECOND_US);
	/* The same once more is no progress. */
	delivery_take(&peer.delivery, peer.from_collector.data, peer.from_collector.length,
		      PEER_NOW_US + 55 * SECOND_US);
	expect_due(PEER_NOW_US + 110 * SECOND_US);
}

Test(delivery, a_slow_line_is_no_reason_as_long_as_bytes_go)
{
	const void *bytes;

	peer_store(&peer, HM_FRAME_BATCH, 100000);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	for (int64_t i = 0; i < 10; i++) {
		cr_assert_gt(delivery_output(&peer.delivery, &bytes), 10);
		delivery_advance(&peer.delivery, 10, PEER_NOW_US + 50 * i * SECOND_US);
	}
	cr_expect_eq(delivery_due_us(&peer.delivery), PEER_NOW_US + 510 * SECOND_US);
	delivery_advance(&peer.delivery, 0, PEER_NOW_US + 500 * SECOND_US);
	delivery_expire(&peer.delivery, PEER_NOW_US + 510 * SECOND_US);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_TOO_SLOW);
}

Test(delivery, nothing_is_due_when_all_is_acknowledged)
{
	peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_welcome(&peer, 0, 0);
	(void)peer_sent(&peer);
	peer_ack(&peer, 1);
	cr_expect_eq(delivery_due_us(&peer.delivery), INT64_MAX);
	peer_store(&peer, HM_FRAME_BATCH, 10);
	delivery_wake(&peer.delivery, PEER_NOW_US + 1000 * SECOND_US);
	cr_expect_eq(delivery_due_us(&peer.delivery), PEER_NOW_US + 1060 * SECOND_US);
}

/* -- ends ----------------------------------------------------------------------------------------- */

Test(delivery, a_connection_that_ends_within_a_frame_was_cut)
{
	(void)peer_sent(&peer);
	peer_put_welcome(&peer, 0, 0, 1);
	peer_give(&peer, peer.from_collector.data, 30);
	delivery_hang_up(&peer.delivery);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_FRAME_CUT);
	cr_expect(peer.delivery.end.is_theirs);
	peer_begin(&peer);
	delivery_hang_up(&peer.delivery);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_NONE);
}

Test(delivery, a_text_that_is_too_long_for_a_frame_is_cut)
{
	char text[HM_END_TEXT_MAX_BYTES + 2];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)peer_sent(&peer);
	delivery_stop(&peer.delivery, text);
	cr_expect_str_eq(peer_sent(&peer), "BYE 0\n");
	cr_expect_eq(strlen(peer.delivery.end.text), HM_END_TEXT_MAX_BYTES);
}

Test(delivery, what_ended_stays_as_it_was)
{
	peer_store(&peer, HM_FRAME_BATCH, 10);
	(void)peer_sent(&peer);
	peer_put_end(&peer, HM_FRAME_ERROR, HM_REASON_NO_MEMORY, 5, "first");
	peer_flush(&peer);
	delivery_hang_up(&peer.delivery);
	delivery_stop(&peer.delivery, "second");
	delivery_wake(&peer.delivery, PEER_NOW_US);
	delivery_expire(&peer.delivery, PEER_NOW_US + 1000 * SECOND_US);
	peer_welcome(&peer, 0, 0);
	peer_expect_end(&peer, DELIVERY_AGAIN, HM_REASON_NO_MEMORY);
	cr_expect_str_eq(peer.delivery.end.text, "first");
	cr_expect_str_eq(peer_sent(&peer), "");
}

Test(delivery, one_that_was_not_begun_does_nothing)
{
	const void *bytes;

	delivery_done(&peer.delivery);
	delivery_take(&peer.delivery, "x", 1, PEER_NOW_US);
	delivery_wake(&peer.delivery, PEER_NOW_US);
	delivery_expire(&peer.delivery, PEER_NOW_US);
	delivery_stop(&peer.delivery, "");
	delivery_hang_up(&peer.delivery);
	cr_expect_eq(peer.delivery.state, DELIVERY_IDLE);
	cr_expect_eq(delivery_output(&peer.delivery, &bytes), 0);
	cr_expect_eq(delivery_due_us(&peer.delivery), INT64_MAX);
	cr_expect_not(delivery_is_idle(&peer.delivery));
}
