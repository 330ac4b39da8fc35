/* SPDX-License-Identifier: MIT */
/* Sends a session over a real connection. */

#include "tests/support/tcp_replay.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/bench.h"

struct ends {
	int asks;
	int answers;
};

static int open_socket(void)
{
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || tcp_traffic_limit(fd) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		bench_die("no socket");
	return fd;
}

static void connect_ends(struct ends *ends)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = open_socket();

	ends->asks = open_socket();
	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
	    connect(ends->asks, (struct sockaddr *)&address, length) < 0)
		bench_die("no connection");
	ends->answers = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (ends->answers < 0)
		bench_die("no connection");
	(void)close(listener);
}

static void wait_a_little(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* What was sent is acknowledged, by who sends nothing. */
static void wait_acked(int fd)
{
	int n_unacked = 1;

	while (n_unacked > 0) {
		if (ioctl(fd, SIOCOUTQ, &n_unacked) < 0)
			bench_die("no queue");
		if (n_unacked > 0)
			wait_a_little();
	}
}

static void say(int from, int to, const char *bytes, size_t n_bytes)
{
	size_t n_sent = 0;
	size_t n_taken = 0;

	while (n_taken < n_bytes) {
		char taken[65536];
		ssize_t n = 0;

		if (n_sent < n_bytes)
			n = send(from, bytes + n_sent, n_bytes - n_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			bench_die("cannot send");
		n_sent += n > 0 ? (size_t)n : 0;
		n = recv(to, taken, sizeof(taken), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			bench_die("cannot receive");
		n_taken += n > 0 ? (size_t)n : 0;
	}
	wait_acked(from);
}

static bool is_at_rest(int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
		bench_die("no TCP_INFO");
	return info.tcpi_last_data_recv * UINT64_C(1000) > info.tcpi_rto &&
	       info.tcpi_last_data_sent * UINT64_C(1000) > info.tcpi_rto;
}

static void rest(const struct ends *ends)
{
	while (!is_at_rest(ends->asks) || !is_at_rest(ends->answers))
		wait_a_little();
}

static void close_end(int fd, int other_fd)
{
	char byte;

	if (shutdown(fd, SHUT_WR) < 0 || recv(other_fd, &byte, 1, 0) != 0)
		bench_die("the end did not come");
}

void tcp_replay(const struct buffer *asked, const struct buffer *answered,
		const struct tcp_turn *turns, size_t n_turns, struct tcp_traffic *ret_traffic)
{
	struct tcp_turn at = {0};
	struct ends ends;

	connect_ends(&ends);
	for (size_t i = 0; i < n_turns; i++) {
		say(ends.asks, ends.answers, asked->data + at.asked_end,
		    turns[i].asked_end - at.asked_end);
		say(ends.answers, ends.asks, answered->data + at.answered_end,
		    turns[i].answered_end - at.answered_end);
		at = turns[i];
		rest(&ends);
	}
	say(ends.asks, ends.answers, asked->data + at.asked_end, asked->length - at.asked_end);
	close_end(ends.asks, ends.answers);
	close_end(ends.answers, ends.asks);
	*ret_traffic = (struct tcp_traffic){0};
	if (tcp_traffic_add(ret_traffic, ends.asks) < 0)
		bench_die("no TCP_INFO");
	(void)close(ends.asks);
	(void)close(ends.answers);
}
