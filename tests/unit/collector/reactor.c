/* SPDX-License-Identifier: MIT */
/* Tests of the network's thread: edge triggering, fairness, limits, clean ends. */

#include "collector/reactor.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/connection.h"
#include "collector/endpoint.h"
#include "collector/rejects.h"
#include "common/message.h"
#include "common/timestamp.h"
#include "tests/support/sample_lines.h"

#define BIG_BYTES ((size_t)1 << 20)

/* In place of libc's: what is asked of epoll, by anybody in this program. */
static int n_added;
static int n_modified;
static int n_level_triggered;

int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
	if (operation == EPOLL_CTL_MOD)
		n_modified++;
	if (operation == EPOLL_CTL_ADD) {
		n_added++;
		if (!(event->events & EPOLLET))
			n_level_triggered++;
	}
	return (int)syscall(SYS_epoll_ctl, epoll_fd, operation, fd, event);
}

static struct endpoint endpoint;
static struct rejects *rejects;
static struct rejects *closed;
static struct traffic traffic;
static struct reactor *reactor;
static struct reactor_options options;
static size_t n_bundles;
static size_t largest_bundle_bytes;
static struct buffer delivered; /* what sample_lines_format() makes of it all */

static void deliver(void *context, struct bundle *bundle)
{
	(void)context;
	n_bundles++;
	if (bundle_bytes(bundle) > largest_bundle_bytes)
		largest_bundle_bytes = bundle_bytes(bundle);
	sample_lines_format(bundle, &delivered);
}

static void setup(void)
{
	static const struct hash_key key = {{7, 8}};

	message_init("test");
	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 1), 0);
	cr_assert_eq(rejects_new(&rejects), 0);
	cr_assert_eq(rejects_new(&closed), 0);
	traffic.connections_max = 1000;
	traffic.idle_us = 600 * TIMESTAMP_SECOND_US;
	traffic.declarations.max = INT64_MAX;
	traffic.closed = closed;
	options = (struct reactor_options){
		.tcp_fd = endpoint.tcp_fds[0],
		.udp_fd = endpoint.udp_fds[0],
		.hostname = "here",
		.key = &key,
		.rejects = rejects,
		.traffic = &traffic,
		.deliver = deliver,
	};
	cr_assert_eq(reactor_new(&options, &reactor), 0);
}

static void teardown(void)
{
	reactor_free(reactor);
	rejects_free(rejects);
	rejects_free(closed);
	endpoint_close(&endpoint);
	buffer_done(&delivered);
}

TestSuite(reactor, .init = setup, .fini = teardown);

static int dial(int type)
{
	struct address address = {.length = sizeof(address.storage)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(getsockname(endpoint.tcp_fds[0], &address.any, &address.length), 0);
	cr_assert_eq(connect(fd, &address.any, address.length), 0);
	return fd;
}

/* So many connections were refused or cut for that reason, one of them of this peer. */
static void assert_closed(enum hm_reason reason, uint64_t n, const char *peer)
{
	struct reject reject;

	rejects_get(closed, reason, &reject);
	cr_assert_eq(reject.n, n);
	cr_assert_eq(strncmp(reject.example, peer, strlen(peer)), 0, "%s", reject.example);
}

static void send_text(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void turn(int n_turns)
{
	for (int i = 0; i < n_turns; i++)
		cr_assert_eq(reactor_turn(reactor, 0), 0);
}

static size_t n_delivered(const char *metric)
{
	size_t n = 0;

	for (const char *at = buffer_text(&delivered); (at = strstr(at, metric)); at++)
		n++;
	return n;
}

/* As many lines "big 1" as the kernel takes without anybody reading. @return how many */
static size_t fill(int fd)
{
	static char lines[6 * 1024];
	size_t sent = 0;
	int size = (int)BIG_BYTES;

	for (size_t i = 0; i < sizeof(lines); i++)
		lines[i] = "big 1\n"[i % 6];
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	while (sent < BIG_BYTES) {
		ssize_t n_bytes =
			send(fd, lines + sent % 6, sizeof(lines) - sent % 6, MSG_DONTWAIT);

		if (n_bytes <= 0)
			break;
		sent += (size_t)n_bytes;
	}
	cr_assert_gt(sent, 2 * CONNECTION_TURN_BYTES, "more than a turn's worth: %zu", sent);
	return sent / 6;
}

Test(reactor, registers_everything_once_and_edge_triggered)
{
	int fd = dial(SOCK_STREAM);

	turn(2);
	send_text(fd, "a 1\n");
	turn(2);
	send_text(fd, "a 2\n");
	turn(2);

	cr_assert_eq(n_delivered("a"), 2);
	cr_assert_geq(n_added, 5, "stop, sweep, UDP, TCP and the connection");
	cr_assert_eq(n_level_triggered, 0);
	cr_assert_eq(n_modified, 0);
}

Test(reactor, reads_all_of_what_one_edge_brought)
{
	int fd = dial(SOCK_STREAM);
	size_t n_lines;

	turn(2);
	n_lines = fill(fd);
	/* One edge at most comes of this, and no further byte is sent: the kernel will not say it
	 * again. Turns that do not wait come to an end only where nothing is left to do. */
	turn((int)(n_lines * 6 / CONNECTION_TURN_BYTES) + 3);

	cr_assert_geq(n_delivered("big"), n_lines);
	cr_assert_leq(largest_bundle_bytes, REACTOR_BUNDLE_MAX_BYTES + (4 << 20));
}

Test(reactor, serves_others_between_the_turns_of_a_busy_sender)
{
	int busy = dial(SOCK_STREAM);
	int other = dial(SOCK_STREAM);
	size_t n_lines;
	const char *text;

	turn(2);
	n_lines = fill(busy);
	send_text(other, "small 1\n");
	turn((int)(n_lines * 6 / CONNECTION_TURN_BYTES) + 3);

	text = buffer_text(&delivered);
	cr_assert_not_null(strstr(text, "small"));
	delivered.length = (size_t)(strstr(text, "small") - text);
	cr_assert_leq(n_delivered("big"), CONNECTION_TURN_BYTES / 6 + 1,
		      "the small sender waited for one turn at most");
}

#define N_BUSY 60

Test(reactor, serves_others_soon_between_the_turns_of_many_busy_senders)
{
	int quiet = dial(SOCK_STREAM);
	int fds[N_BUSY];

	for (int i = 0; i < N_BUSY; i++)
		fds[i] = dial(SOCK_STREAM);
	turn(2);
	for (int i = 0; i < N_BUSY; i++)
		(void)fill(fds[i]);
	turn(1);
	buffer_clear(&delivered);
	turn(1);
	cr_assert_leq(n_delivered("big") * 6, (size_t)3 << 20);
	send_text(quiet, "small 1\n");
	turn(2);

	cr_assert_eq(n_delivered("small"), 1);
	cr_assert_leq(n_delivered("big") * 6, (size_t)9 << 20);
}

Test(reactor, gathers_all_senders_of_a_turn_into_one_bundle)
{
	int fds[10];

	for (int i = 0; i < 10; i++)
		fds[i] = dial(SOCK_STREAM);
	turn(2);
	for (int i = 0; i < 10; i++)
		send_text(fds[i], "a 1\n");
	n_bundles = 0;
	turn(1);

	cr_assert_eq(n_delivered("a"), 10);
	cr_assert_eq(n_bundles, 1);
}

Test(reactor, takes_datagrams_on_the_same_port)
{
	int fd = dial(SOCK_DGRAM);

	for (int i = 0; i < 200; i++)
		send_text(fd, "u 1\nu 2");
	turn(6);

	cr_assert_eq(n_delivered("u"), 400);
	cr_assert_eq(traffic.udp_datagrams, 200);
}

Test(reactor, counts_connections_and_refuses_more_than_may_be)
{
	int fd;

	traffic.connections_max = 2;
	(void)dial(SOCK_STREAM);
	fd = dial(SOCK_STREAM);
	turn(2);
	(void)dial(SOCK_STREAM);
	turn(2);
	cr_assert_eq(traffic.connections, 2);
	cr_assert_eq(traffic.connections_total, 2);
	cr_assert_eq(traffic.connections_refused, 1);
	assert_closed(HM_REASON_TOO_MANY_CONNECTIONS, 1, "127.0.0.1:");

	(void)close(fd);
	turn(2);
	cr_assert_eq(traffic.connections, 1);
	(void)dial(SOCK_STREAM);
	turn(2);
	cr_assert_eq(traffic.connections, 2);
}

/* End a connection by a reset. */
static void reset(int fd)
{
	struct linger linger = {1, 0};

	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	(void)close(fd);
}

Test(reactor, takes_whole_lines_only_after_a_reset_at_every_byte)
{
	static const char text[] = "1 a 1\n2 a 2\n";

	for (size_t length = 0; length < sizeof(text); length++) {
		size_t expected = length < 6 ? 0 : length < 12 ? 1 : 2;
		int fd = dial(SOCK_STREAM);

		buffer_clear(&delivered);
		turn(1);
		cr_assert_eq(send(fd, text, length, 0), (ssize_t)length);
		turn(1);
		reset(fd);
		turn(2);
		cr_assert_eq(n_delivered(" a "), expected, "%zu bytes", length);
	}
	cr_assert_eq(traffic.connections, 0);
	cr_assert_eq(rejects_total(rejects), 0);
}

Test(reactor, gives_lines_without_a_time_the_time_when_they_came)
{
	int fd = dial(SOCK_STREAM);
	int64_t before_us;
	int64_t time_us;

	turn(2);
	(void)usleep(20000);
	before_us = timestamp_now_us();
	send_text(fd, "a 1\n");
	turn(2);

	time_us = strtoll(buffer_text(&delivered), NULL, 10);
	cr_assert_geq(time_us, before_us);
	cr_assert_leq(time_us, timestamp_now_us());
}

Test(reactor, closes_connections_that_are_idle_and_no_others)
{
	char byte;
	int idle;
	int busy;

	reactor_free(reactor);
	traffic.idle_us = 200000;
	cr_assert_eq(reactor_new(&options, &reactor), 0);
	idle = dial(SOCK_STREAM);
	busy = dial(SOCK_STREAM);
	for (int i = 0; i < 40; i++) {
		send_text(busy, "a 1\n");
		(void)usleep(10000);
		turn(1);
	}

	cr_assert_eq(recv(idle, &byte, 1, MSG_DONTWAIT), 0, "closed");
	cr_assert_eq(recv(busy, &byte, 1, MSG_DONTWAIT), -1, "open");
	cr_assert_eq(traffic.connections, 1);
	cr_assert_eq(n_delivered("a"), 40);
	assert_closed(HM_REASON_IDLE, 1, "here");
}

Test(reactor, takes_what_has_arrived_before_it_calls_a_connection_idle)
{
	int line;
	int end;

	reactor_free(reactor);
	traffic.idle_us = 100000;
	cr_assert_eq(reactor_new(&options, &reactor), 0);
	line = dial(SOCK_STREAM);
	end = dial(SOCK_STREAM);
	turn(2);
	send_text(end, "b 1");
	turn(2);
	/* The thread was held up; the timer is the first event that it sees then. */
	(void)usleep(200000);
	send_text(line, "a 1\n");
	cr_assert_eq(close(end), 0);
	turn(3);

	cr_assert_eq(n_delivered("a"), 1);
	cr_assert_eq(n_delivered("b"), 1);
	cr_assert_eq(traffic.connections, 1);
}

Test(reactor, takes_what_has_arrived_before_it_ends)
{
	int fds[20];
	int64_t start_us;

	for (int i = 0; i < 20; i++)
		fds[i] = dial(SOCK_STREAM);
	for (int i = 0; i < 20; i++)
		send_text(fds[i], "a 1\nno end");
	send_text(dial(SOCK_DGRAM), "u 1");
	/* Told to stop before it has as much as accepted anybody. */
	reactor_stop(reactor);
	start_us = timestamp_monotonic_us();
	cr_assert_eq(reactor_start(reactor), 0);
	reactor_join(reactor);

	cr_assert_eq(n_delivered("a"), 20);
	cr_assert_eq(n_delivered("u"), 1);
	cr_assert_lt(timestamp_monotonic_us() - start_us, REACTOR_DRAIN_US);
	reactor_join(reactor);
}

static void *send_without_end(void *context)
{
	static char lines[6 * 1024];
	int fd = *(int *)context;

	for (size_t i = 0; i < sizeof(lines); i++)
		lines[i] = "big 1\n"[i % 6];
	while (send(fd, lines, sizeof(lines), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void drop(void *context, struct bundle *bundle)
{
	(void)context;
	(void)bundle;
}

Test(reactor, ends_in_spite_of_a_sender_that_does_not)
{
	pthread_t thread;
	int64_t start_us;
	int fd = dial(SOCK_STREAM);

	reactor_free(reactor);
	options.deliver = drop;
	cr_assert_eq(reactor_new(&options, &reactor), 0);
	cr_assert_eq(reactor_start(reactor), 0);
	cr_assert_eq(pthread_create(&thread, NULL, send_without_end, &fd), 0);
	(void)usleep(200000);
	start_us = timestamp_monotonic_us();
	reactor_stop(reactor);
	reactor_join(reactor);

	/* It reads on for so long; then the machine may have others to run first. */
	cr_assert_lt(timestamp_monotonic_us() - start_us, 4 * REACTOR_DRAIN_US);
	reactor_free(reactor);
	reactor = NULL;
	cr_assert_eq(pthread_join(thread, NULL), 0);
}
