/* SPDX-License-Identifier: MIT */
/* Tests of agent/uplink.c, with a collector on loopback that the test plays. */

#include "agent/uplink.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/address.h"
#include "common/frame.h"
#include "common/timestamp.h"
#include "common/wire_ack.h"
#include "common/wire_end.h"
#include "common/wire_stamp.h"
#include "common/wire_welcome.h"
#include "tests/support/localhost.h"
#include "tests/support/test_spool.h"

#define SECOND_US INT64_C(1000000)

/* More than the kernel holds for a connection on loopback, in batches that the spool takes. */
#define LONG_BYTES ((size_t)200 << 10)
#define N_LONG     60

static struct loop *loop;
static struct spool *spool;
static struct uplink *uplink;
static struct address collector; /* where the test listens */
static char collector_text[ADDRESS_TEXT_MAX_BYTES];
static int listener = -1;
static int connection = -1;
static struct frame_reader reader;
static bool is_mute;    /* the collector answers nothing */
static size_t n_hellos; /* on this connection */
static uint64_t stored; /* sequence of the last message */
static uint32_t stored_crc;
static size_t n_stored;
static int n_drained;

static void note_drained(void *context)
{
	(void)context;
	n_drained++;
}

static void start_listening(void)
{
	int one = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	cr_assert_geq(listener, 0);
	cr_assert_eq(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	cr_assert_eq(bind(listener, &collector.any, collector.length), 0);
	cr_assert_eq(listen(listener, 8), 0);
	collector.length = sizeof(collector.storage);
	cr_assert_eq(getsockname(listener, &collector.any, &collector.length), 0);
	address_format(&collector, collector_text);
}

static void stop_listening(void)
{
	cr_assert_eq(close(listener), 0);
	listener = -1;
}

static void open_uplink(const char *text)
{
	uplink_free(uplink);
	cr_assert_eq(uplink_new(loop, spool, test_spool_id, text, &uplink), 0);
	uplink_on_drained(uplink, note_drained, NULL);
}

static void setup(void)
{
	cr_assert_eq(loop_new(&loop), 0);
	spool = test_spool_open(-1, "web01");
	cr_assert_eq(address_parse("127.0.0.1:0", 0, &collector), 0);
	start_listening();
	open_uplink(collector_text);
}

static void teardown(void)
{
	if (connection >= 0)
		close(connection);
	if (listener >= 0)
		close(listener);
	frame_reader_done(&reader);
	uplink_free(uplink);
	spool_free(spool);
	loop_free(loop);
}

TestSuite(uplink, .init = setup, .fini = teardown, .timeout = 120);

static void turn(void)
{
	cr_assert_eq(loop_turn(loop, 5), 0);
}

static void push(size_t n_bytes)
{
	test_spool_append(spool, n_bytes, 1);
	uplink_wake(uplink);
}

static void answer(enum hm_frame_type type, struct buffer *payload)
{
	struct buffer out = {0};

	frame_put(&out, type, payload->data, payload->length);
	cr_assert_eq(send(connection, out.data, out.length, MSG_NOSIGNAL), (ssize_t)out.length);
	buffer_done(&out);
	buffer_done(payload);
}

static void welcome(void)
{
	struct wire_welcome welcome = {
		.store_id = {1}, .durable = stored, .durable_crc = stored_crc, .max_unacked = 32};
	struct buffer payload = {0};

	wire_welcome_put(&payload, &welcome);
	answer(HM_FRAME_WELCOME, &payload);
}

static void store(const struct frame *frame)
{
	struct cursor cursor = {.at = frame->payload, .left = frame->length};
	struct buffer payload = {0};
	struct wire_stamp stamp;

	cr_assert_eq(wire_stamp_get(&cursor, &stamp), HM_REASON_NONE);
	cr_assert_eq(stamp.sequence, stored + 1);
	stored = stamp.sequence;
	stored_crc = frame->crc;
	n_stored++;
	wire_ack_put(&payload, stored);
	answer(HM_FRAME_ACK, &payload);
}

static void take_frame(const struct frame *frame)
{
	n_hellos += frame->type == HM_FRAME_HELLO;
	if (is_mute)
		return;
	if (frame->type == HM_FRAME_HELLO)
		welcome();
	else if (frame->type == HM_FRAME_BATCH)
		store(frame);
}

static void accept_connection(void)
{
	int64_t end_us = timestamp_monotonic_us() + 40 * SECOND_US;

	if (connection >= 0)
		(void)close(connection);
	do {
		turn();
		connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	} while (connection < 0 && timestamp_monotonic_us() < end_us);
	cr_assert_geq(connection, 0, "no connection");
	frame_reader_done(&reader);
	reader = (struct frame_reader){.max_bytes = HM_FRAME_MAX_BYTES};
	n_hellos = 0;
}

/* Be the collector with what has arrived now. */
static void receive(void)
{
	static char bytes[65536];
	ssize_t n_bytes;

	while ((n_bytes = read(connection, bytes, sizeof(bytes))) > 0) {
		struct cursor cursor = {.at = (const uint8_t *)bytes, .left = (size_t)n_bytes};
		struct frame frame;
		int result;

		while ((result = frame_reader_next(&reader, &cursor, &frame)) == 0)
			take_frame(&frame);
		cr_assert_eq(result, -EAGAIN);
	}
}

static void expect_stored(size_t n)
{
	int64_t end_us = timestamp_monotonic_us() + 20 * SECOND_US;

	while (n_stored < n && timestamp_monotonic_us() < end_us) {
		turn();
		receive();
	}
	cr_assert_eq(n_stored, n);
}

/* Turn until nothing is on its way. */
static void settle(void)
{
	for (int i = 0; i < 20; i++) {
		turn();
		receive();
	}
}

static struct uplink_stats stats(void)
{
	struct uplink_stats stats;

	uplink_get_stats(uplink, &stats);
	return stats;
}

static uint64_t n_waiting(void)
{
	struct spool_status status;

	spool_get_status(spool, &status);
	return status.n_samples;
}

/* Turn the loop until the uplink is in a state that begins so. */
static void wait_for_state(const char *beginning)
{
	int64_t end_us = timestamp_monotonic_us() + 20 * SECOND_US;

	while (strncmp(stats().state, beginning, strlen(beginning)) != 0 &&
	       timestamp_monotonic_us() < end_us)
		turn();
	cr_assert_eq(strncmp(stats().state, beginning, strlen(beginning)), 0, "'%s', not '%s'",
		     stats().state, beginning);
}

Test(uplink, sends_what_the_spool_has_and_what_it_gets)
{
	push(10);
	uplink_start(uplink);
	accept_connection();
	expect_stored(1);
	push(10);
	expect_stored(2);
	settle();

	cr_assert_eq(n_waiting(), 0);
	cr_assert_str_eq(stats().state, "connected");
	cr_assert_geq(n_drained, 2);
}

Test(uplink, sends_nothing_before_it_is_welcome)
{
	is_mute = true;
	push(10);
	uplink_start(uplink);
	accept_connection();
	settle();
	cr_assert_eq(n_hellos, 1);
	cr_assert_str_eq(stats().state, "waiting for the collector's answer");

	is_mute = false;
	welcome();
	expect_stored(1);
}

Test(uplink, gives_a_collector_up_that_does_not_answer)
{
	is_mute = true;
	uplink_start(uplink);
	accept_connection();
	wait_for_state("not connected");

	cr_assert_str_eq(stats().last_error, "no WELCOME came in time");
}

Test(uplink, comes_to_a_collector_that_was_not_there)
{
	int64_t begin_us;

	stop_listening();
	push(10);
	uplink_start(uplink);
	wait_for_state("not connected");
	cr_assert_str_eq(stats().last_error, "Connection refused");
	cr_assert_eq(n_waiting(), 1);

	begin_us = timestamp_monotonic_us();
	start_listening();
	accept_connection();
	expect_stored(1);
	cr_assert_leq(timestamp_monotonic_us() - begin_us, 3 * SECOND_US);
}

Test(uplink, comes_back_to_a_collector_that_closed_the_connection)
{
	push(10);
	uplink_start(uplink);
	accept_connection();
	expect_stored(1);
	settle();
	cr_assert_eq(shutdown(connection, SHUT_RDWR), 0);
	wait_for_state("not connected");
	cr_assert_str_eq(stats().last_error, "it closed the connection");
	push(10);
	accept_connection();

	expect_stored(2);
}

Test(uplink, does_not_wait_when_it_is_told_to_hurry)
{
	int64_t begin_us;

	stop_listening();
	uplink_start(uplink);
	wait_for_state("not connected");
	start_listening();
	push(10);
	begin_us = timestamp_monotonic_us();
	uplink_hurry(uplink);
	accept_connection();
	expect_stored(1);

	cr_assert_leq(timestamp_monotonic_us() - begin_us, SECOND_US / 2);
}

Test(uplink, waits_as_long_as_the_collector_says)
{
	const struct wire_end end = {
		.reason = HM_REASON_STORE_FAILED, .wait_ms = 3000, .text = {"full", 4}};
	struct buffer payload = {0};
	int64_t begin_us;

	is_mute = true;
	uplink_start(uplink);
	accept_connection();
	wire_end_put(&payload, &end);
	answer(HM_FRAME_BYE, &payload);
	begin_us = timestamp_monotonic_us();
	wait_for_state("not connected");
	cr_assert_str_eq(stats().last_error, "full");
	accept_connection();

	cr_assert_geq(timestamp_monotonic_us() - begin_us, 5 * SECOND_US / 2);
}

Test(uplink, goes_on_where_the_kernel_is_when_that_was_full)
{
	push(10);
	uplink_start(uplink);
	accept_connection();
	expect_stored(1);
	for (int i = 0; i < N_LONG; i++) {
		push(LONG_BYTES);
		turn();
		/* The spool is in memory, which holds a few only. */
		if (i % 3 == 0)
			expect_stored((size_t)i + 2);
	}
	expect_stored(N_LONG + 1);
	settle();
	cr_assert_eq(n_waiting(), 0);
}

Test(uplink, repeats_and_loses_nothing_that_was_not_acknowledged)
{
	push(10);
	uplink_start(uplink);
	accept_connection();
	expect_stored(1);
	is_mute = true;
	push(LONG_BYTES);
	push(LONG_BYTES);
	settle();
	cr_assert_eq(n_waiting(), 2);
	is_mute = false;

	cr_assert_eq(shutdown(connection, SHUT_RDWR), 0);
	wait_for_state("not connected");
	accept_connection();
	expect_stored(3);
	settle();
	cr_assert_eq(n_waiting(), 0);
}

Test(uplink, gives_up_what_is_no_collector)
{
	uplink_start(uplink);
	accept_connection();
	cr_assert_eq(write(connection, "HTTP/1.1 400\r\n\r\n", 16), 16);
	wait_for_state("not connected");

	cr_assert_str_eq(stats().last_error, "not a frame");
}

Test(uplink, goes_to_another_collector_at_once)
{
	open_uplink("127.0.0.1:1");
	push(10);
	uplink_start(uplink);
	wait_for_state("not connected");
	uplink_configure(uplink, collector_text);
	accept_connection();

	expect_stored(1);
}

Test(uplink, tries_the_other_addresses_of_a_name)
{
	char text[ADDRESS_TEXT_MAX_BYTES];

	if (!localhost_is_known())
		cr_skip_test("this system does not know the name localhost");
	/* Where localhost has an IPv6 address too, nobody listens there. */
	(void)snprintf(text, sizeof(text), "localhost:%d", address_port(&collector));
	open_uplink(text);
	push(10);
	uplink_start(uplink);
	accept_connection();

	expect_stored(1);
}

Test(uplink, says_when_a_name_is_not_known)
{
	open_uplink("no-such-host.invalid:1");
	uplink_start(uplink);
	wait_for_state("not connected");

	cr_assert_str_neq(stats().last_error, "");
}

Test(uplink, ends_with_a_message_half_sent)
{
	push(LONG_BYTES);
	uplink_start(uplink);
	accept_connection();
	settle();
	push(LONG_BYTES);
	turn();
	uplink_free(uplink);
	uplink = NULL;
	uplink_free(NULL);
}
