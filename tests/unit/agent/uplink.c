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
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/address.h"
#include "common/timestamp.h"
#include "tests/support/localhost.h"

#define DECLARATIONS "# TYPE a gauge\n"
#define ROUND        "1 a{x=\"1\"} 1\n1 a{x=\"2\"} 2\n"

#define SECOND_US INT64_C(1000000)

/* More than the kernel holds for a connection on loopback. */
#define N_ROUNDS  300
#define N_SAMPLES 300000

static struct loop *loop;
static struct queue *queue;
static struct uplink *uplink;
static struct address collector; /* where the test listens */
static char collector_text[ADDRESS_TEXT_MAX_BYTES];
static int listener = -1;
static int connection = -1;
static char received[16 << 20];
static size_t n_received;
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

static void setup(void)
{
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(queue_new(QUEUE_MAX_BYTES, &queue), 0);
	cr_assert_eq(address_parse("127.0.0.1:0", 0, &collector), 0);
	start_listening();
	cr_assert_eq(uplink_new(loop, queue, collector_text, DECLARATIONS, &uplink), 0);
	uplink_on_drained(uplink, note_drained, NULL);
}

static void teardown(void)
{
	if (connection >= 0)
		close(connection);
	if (listener >= 0)
		close(listener);
	uplink_free(uplink);
	queue_free(queue);
	loop_free(loop);
}

TestSuite(uplink, .init = setup, .fini = teardown, .timeout = 120);

static void turn(void)
{
	cr_assert_eq(loop_turn(loop, 5), 0);
}

static void push(const char *text)
{
	size_t n_lines = 0;

	for (const char *at = text; *at; at++)
		n_lines += *at == '\n';
	cr_assert_eq(queue_push(queue, text, strlen(text), n_lines), 0);
	queue_ship(queue);
	uplink_wake(uplink);
}

static void accept_connection(void)
{
	int64_t end_us = timestamp_monotonic_us() + 40 * SECOND_US;

	do {
		turn();
		connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	} while (connection < 0 && timestamp_monotonic_us() < end_us);
	cr_assert_geq(connection, 0, "no connection");
	n_received = 0;
}

/* Take what has arrived now. */
static void receive(void)
{
	ssize_t n_bytes;

	do {
		n_bytes =
			read(connection, received + n_received, sizeof(received) - n_received - 1);
		if (n_bytes > 0)
			n_received += (size_t)n_bytes;
	} while (n_bytes > 0);
	received[n_received] = '\0';
}

static void expect_received(const char *text)
{
	int64_t end_us = timestamp_monotonic_us() + 10 * SECOND_US;

	while (n_received < strlen(text) && timestamp_monotonic_us() < end_us) {
		turn();
		receive();
	}
	cr_assert_str_eq(received, text);
}

static struct uplink_stats stats(void)
{
	struct uplink_stats stats;

	uplink_get_stats(uplink, &stats);
	return stats;
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

Test(uplink, sends_declarations_then_rounds)
{
	push(ROUND);
	uplink_start(uplink);
	accept_connection();
	expect_received(DECLARATIONS ROUND);
	push("2 a 3\n");
	expect_received(DECLARATIONS ROUND "2 a 3\n");

	cr_assert_eq(stats().n_sent_samples, 3);
	cr_assert_eq(stats().n_waiting_samples, 0);
	cr_assert_str_eq(stats().state, "connected");
	cr_assert_geq(n_drained, 2);
}

Test(uplink, sends_nothing_that_was_not_shipped)
{
	cr_assert_eq(queue_push(queue, ROUND, strlen(ROUND), 2), 0);
	uplink_start(uplink);
	accept_connection();
	expect_received(DECLARATIONS);
	for (int i = 0; i < 5; i++)
		turn();
	receive();

	cr_assert_str_eq(received, DECLARATIONS);
	cr_assert_eq(stats().n_waiting_samples, 2);
}

Test(uplink, comes_to_a_collector_that_was_not_there)
{
	int64_t begin_us;

	stop_listening();
	push(ROUND);
	uplink_start(uplink);
	wait_for_state("not connected");
	cr_assert_str_eq(stats().last_error, "Connection refused");
	cr_assert_eq(stats().n_waiting_samples, 2);

	begin_us = timestamp_monotonic_us();
	start_listening();
	accept_connection();
	expect_received(DECLARATIONS ROUND);
	cr_assert_leq(timestamp_monotonic_us() - begin_us, 3 * SECOND_US);
}

Test(uplink, comes_back_to_a_collector_that_closed_the_connection)
{
	uplink_start(uplink);
	accept_connection();
	expect_received(DECLARATIONS);
	cr_assert_eq(close(connection), 0);
	wait_for_state("not connected");
	push(ROUND);
	accept_connection();

	expect_received(DECLARATIONS ROUND);
}

Test(uplink, does_not_wait_when_it_is_told_to_hurry)
{
	int64_t begin_us;

	stop_listening();
	uplink_start(uplink);
	wait_for_state("not connected");
	start_listening();
	push(ROUND);
	begin_us = timestamp_monotonic_us();
	uplink_hurry(uplink);
	accept_connection();
	expect_received(DECLARATIONS ROUND);

	cr_assert_leq(timestamp_monotonic_us() - begin_us, SECOND_US / 2);
}

/* Enough that the kernel cannot hold it. @return the bytes of all rounds */
static size_t push_much(int n_rounds)
{
	static char text[100000];
	size_t n_bytes = 0;

	for (int i = 0; i < n_rounds; i++) {
		size_t length = 0;

		for (int j = 0; j < 1000; j++)
			length += (size_t)snprintf(text + length, sizeof(text) - length,
						   "%d much{i=\"%d\"} %d\n", i, j, i * 1000 + j);
		push(text);
		n_bytes += length;
	}
	return n_bytes;
}

/* Check that the samples that were received are these, one after the other, and whole. */
static int expect_samples_from(int first)
{
	const char *line = received;
	const char *newline;
	int next = first;

	for (; (newline = strchr(line, '\n')); line = newline + 1) {
		const char *value = memrchr(line, ' ', (size_t)(newline - line));

		if (*line == '#')
			continue;
		cr_assert_not_null(value, "%.60s", line);
		cr_assert_eq(strtol(value, NULL, 10), next, "%.60s instead of %d", line, next);
		next++;
	}
	return next;
}

Test(uplink, goes_on_where_the_kernel_is_when_that_was_full)
{
	size_t n_bytes = strlen(DECLARATIONS);

	uplink_start(uplink);
	accept_connection();
	n_bytes += push_much(N_ROUNDS);
	for (int i = 0; i < 20; i++)
		turn();
	cr_assert_gt(stats().n_waiting_samples, 0, "the kernel took it all: this proves nothing");

	while (n_received < n_bytes) {
		turn();
		receive();
	}
	cr_assert_eq(expect_samples_from(0), N_SAMPLES);
	cr_assert_eq(stats().n_sent_samples, N_SAMPLES);
}

Test(uplink, repeats_and_loses_nothing_that_the_kernel_had_not_wholly_taken)
{
	size_t n_waiting;
	int n_whole;

	uplink_start(uplink);
	accept_connection();
	push_much(N_ROUNDS);
	for (int i = 0; i < 20; i++)
		turn();
	n_waiting = stats().n_waiting_samples;
	cr_assert_gt(n_waiting, 0);
	cr_assert_eq(stats().n_sent_samples, N_SAMPLES - n_waiting);

	/* Closed with bytes unread: a reset. */
	cr_assert_eq(close(connection), 0);
	wait_for_state("not connected");
	cr_assert_eq(stats().n_waiting_samples, n_waiting);

	accept_connection();
	while (stats().n_waiting_samples > 0) {
		turn();
		receive();
	}
	for (int i = 0; i < 20; i++) {
		turn();
		receive();
	}
	cr_assert_eq(strncmp(received, DECLARATIONS, strlen(DECLARATIONS)), 0);
	n_whole = expect_samples_from(N_SAMPLES - (int)n_waiting);
	cr_assert_eq(n_whole, N_SAMPLES);
	cr_assert_eq(stats().n_sent_samples, N_SAMPLES);
}

Test(uplink, passes_over_what_a_collector_says)
{
	uplink_start(uplink);
	accept_connection();
	expect_received(DECLARATIONS);
	cr_assert_eq(write(connection, "HTTP/1.1 400\r\n\r\n", 16), 16);
	push(ROUND);

	expect_received(DECLARATIONS ROUND);
}

Test(uplink, tries_the_other_addresses_of_a_name)
{
	char text[ADDRESS_TEXT_MAX_BYTES];

	if (!localhost_is_known())
		cr_skip_test("this system does not know the name localhost");
	/* Where localhost has an IPv6 address too, nobody listens there. */
	(void)snprintf(text, sizeof(text), "localhost:%d", address_port(&collector));
	uplink_free(uplink);
	cr_assert_eq(uplink_new(loop, queue, text, DECLARATIONS, &uplink), 0);
	push(ROUND);
	uplink_start(uplink);
	accept_connection();

	expect_received(DECLARATIONS ROUND);
}

Test(uplink, says_when_a_name_is_not_known)
{
	uplink_free(uplink);
	cr_assert_eq(uplink_new(loop, queue, "no-such-host.invalid:1", DECLARATIONS, &uplink), 0);
	uplink_start(uplink);
	wait_for_state("not connected");

	cr_assert_str_neq(stats().last_error, "");
}

Test(uplink, ends_with_a_round_half_sent)
{
	uplink_start(uplink);
	accept_connection();
	push_much(N_ROUNDS);
	for (int i = 0; i < 20; i++)
		turn();
	uplink_free(uplink);
	uplink = NULL;
	uplink_free(NULL);
}
