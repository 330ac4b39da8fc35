/* SPDX-License-Identifier: MIT */
/* The socket of a connection to the collector. */

#include "agent/uplink_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Who sends nothing for a minute asks whether the collector is still there. */
#define KEEPALIVE_IDLE_SECONDS  60
#define KEEPALIVE_PROBE_SECONDS 15
#define KEEPALIVE_PROBES        4

/*
 * Who sends something learns it after the same two minutes; by default it would be a quarter of an hour. The session's own
 * deadline does not see it: what is sent once a minute goes, into the buffer of this side.
 */
#define UNACKED_MAX_MS                                                                             \
	((KEEPALIVE_IDLE_SECONDS + KEEPALIVE_PROBES * KEEPALIVE_PROBE_SECONDS) * 1000)

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* All of these only make things better: without them the connection works as well. */
static void tune_socket(int fd)
{
	(void)set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	(void)set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	(void)set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS);
	(void)set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_PROBE_SECONDS);
	(void)set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
	(void)set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKED_MAX_MS);
}

int uplink_socket_open(const struct address *address)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	tune_socket(fd);
	if (connect(fd, &address->any, address->length) == 0 || errno == EINPROGRESS)
		return fd;
	error = errno;
	(void)close(fd);
	return -error;
}

/*
 * A try at a port of this machine that nobody listens on may, once in many thousand, get that very
 * port for its own end, and so reach itself.
 */
static bool is_own_echo(int fd)
{
	struct address here = {.length = sizeof(here.storage)};
	struct address there = {.length = sizeof(there.storage)};

	return getsockname(fd, &here.any, &here.length) == 0 &&
	       getpeername(fd, &there.any, &there.length) == 0 && here.length == there.length &&
	       memcmp(&here.storage, &there.storage, here.length) == 0;
}

int uplink_socket_finish(int fd, uint32_t events)
{
	socklen_t length = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return -errno;
	if (error)
		return -error;
	if (!(events & EPOLLOUT))
		return -EAGAIN;
	return is_own_echo(fd) ? -ECONNREFUSED : 0;
}
