/* SPDX-License-Identifier: MIT */
/* Tests of accepting connections. */

#include "collector/listener.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/endpoint.h"
#include "common/message.h"

#define N_CLIENTS 600

static struct endpoint endpoint;
static struct loop *loop;
static struct listener *listener;
static struct rejects *closed;
static struct traffic traffic;
static int accepted[N_CLIENTS];
static int n_accepted;

static void on_accepted(void *context, int fd, const struct address *peer)
{
	(void)context;
	cr_assert(address_is_loopback(peer));
	cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	accepted[n_accepted++] = fd;
}

static void setup(void)
{
	message_init("test");
	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 1), 0);
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(rejects_new(&closed), 0);
	traffic.closed = closed;
	cr_assert_eq(
		listener_open(loop, endpoint.tcp_fds[0], &traffic, on_accepted, NULL, &listener),
		0);
}

static void teardown(void)
{
	listener_close(listener);
	loop_free(loop);
	rejects_free(closed);
	endpoint_close(&endpoint);
}

TestSuite(listener, .init = setup, .fini = teardown);

static int dial(void)
{
	struct address address = {.length = sizeof(address.storage)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(getsockname(endpoint.tcp_fds[0], &address.any, &address.length), 0);
	cr_assert_eq(connect(fd, &address.any, address.length), 0);
	return fd;
}

Test(listener, accepts_all_that_came_in_one_edge_some_each_turn)
{
	int n_clients = LISTENER_ACCEPTS_PER_TURN + 44;

	for (int i = 0; i < n_clients; i++)
		(void)dial();
	cr_assert_eq(loop_turn(loop, 1000), 0);
	cr_assert_eq(n_accepted, LISTENER_ACCEPTS_PER_TURN);
	cr_assert_eq(loop_turn(loop, 0), 0);

	cr_assert_eq(n_accepted, n_clients);
}

/* Is the connection ended from the other side? */
static bool is_ended(int fd)
{
	char byte;

	return recv(fd, &byte, 1, 0) <= 0;
}

Test(listener, refuses_who_comes_when_no_descriptor_is_left_and_goes_on_after)
{
	struct rlimit limit;
	struct reject reject;
	int clients[3];
	int highest;

	for (int i = 0; i < 3; i++)
		clients[i] = dial();
	highest = clients[2];
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)highest + 1;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (dup(0) >= 0)
		;
	for (int i = 0; i < 4; i++)
		cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_eq(n_accepted, 0);
	cr_assert_eq(traffic.connections_refused, 3);
	rejects_get(closed, HM_REASON_NO_DESCRIPTOR, &reject);
	cr_assert_eq(reject.n, 3);
	for (int i = 0; i < 3; i++)
		cr_assert(is_ended(clients[i]));

	limit.rlim_cur = (rlim_t)highest + 20;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	(void)dial();
	cr_assert_eq(loop_turn(loop, 1000), 0);
	cr_assert_eq(n_accepted, 1);
}
