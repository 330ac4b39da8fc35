/* SPDX-License-Identifier: MIT */
/* The address on which the collector listens. */

#include "collector/endpoint.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/wire.h"

/* Room for a burst of datagrams; the kernel gives less where net.core.rmem_max says so. */
#define UDP_RECEIVE_BYTES (4 << 20)

static int resolve(const char *text, struct address *ret_address)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char host[ADDRESS_HOST_MAX_BYTES];
	char service[16];
	int port;
	int result = address_split(text, HM_COLLECTOR_PORT, host, &port);

	if (result < 0)
		return result;
	(void)snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return -EADDRNOTAVAIL;
	memcpy(&ret_address->storage, found->ai_addr, found->ai_addrlen);
	ret_address->length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static void set_port(struct address *address, int port)
{
	if (address->any.sa_family == AF_INET6)
		address->in6.sin6_port = htons((uint16_t)port);
	else
		address->in.sin_port = htons((uint16_t)port);
}

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_options(int fd, const struct address *address, int type, bool shared)
{
	int result = 0;

	if (address->any.sa_family == AF_INET6)
		result = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	/* For TCP it means: after a restart, in spite of old connections. For UDP it would let two
	 * daemons share the port. */
	if (result == 0 && type == SOCK_STREAM)
		result = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* Urgent bytes are bytes: one taken out of a number would leave another number. */
	if (result == 0 && type == SOCK_STREAM)
		result = set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	if (result == 0 && shared)
		result = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (type == SOCK_DGRAM && set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_RECEIVE_BYTES) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, UDP_RECEIVE_BYTES);
	return result;
}

/* @return a socket bound to the address, listening if it can; or -errno */
static int open_socket(const struct address *address, int type, bool shared)
{
	int fd = socket(address->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return -errno;
	result = set_options(fd, address, type, shared);
	if (result == 0 && bind(fd, &address->any, address->length) < 0)
		result = -errno;
	if (result == 0 && type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0)
		result = -errno;
	if (result < 0) {
		(void)close(fd);
		return result;
	}
	return fd;
}

static int bound_port(int fd, int *ret_port)
{
	struct address address = {.length = sizeof(address.storage)};

	if (getsockname(fd, &address.any, &address.length) < 0)
		return -errno;
	*ret_port = address_port(&address);
	return 0;
}

/*
 * Sockets that share their port let anybody of the same user in who shares it too. So first take
 * the port for ourselves: that fails where another process has it. Also finds a free port.
 */
static int try_alone(struct address *address)
{
	int tcp_fd = open_socket(address, SOCK_STREAM, false);
	int result = tcp_fd;
	int port = 0;

	if (tcp_fd < 0)
		return result;
	result = bound_port(tcp_fd, &port);
	if (result == 0) {
		int udp_fd;

		set_port(address, port);
		udp_fd = open_socket(address, SOCK_DGRAM, false);
		result = udp_fd < 0 ? udp_fd : 0;
		if (udp_fd >= 0)
			(void)close(udp_fd);
	}
	(void)close(tcp_fd);
	return result;
}

/* Add one pair of sockets. The port of the first holds for all. */
static int open_pair(struct endpoint *endpoint, struct address *address, bool shared)
{
	int tcp_fd = open_socket(address, SOCK_STREAM, shared);
	int result = tcp_fd;
	int udp_fd = -1;
	int port = 0;

	if (tcp_fd < 0)
		return result;
	result = bound_port(tcp_fd, &port);
	if (result == 0) {
		set_port(address, port);
		result = udp_fd = open_socket(address, SOCK_DGRAM, shared);
	}
	if (result < 0) {
		(void)close(tcp_fd);
		return result;
	}
	endpoint->tcp_fds[endpoint->n] = tcp_fd;
	endpoint->udp_fds[endpoint->n] = udp_fd;
	endpoint->n++;
	return 0;
}

static int find_address(const char *text, struct address *ret_address)
{
	int result = address_parse(text, HM_COLLECTOR_PORT, ret_address);

	return result == -EADDRNOTAVAIL ? resolve(text, ret_address) : result;
}

/* @param shares  the port is ours already: share it with the sockets that have it */
static int open_pairs(struct endpoint *endpoint, struct address *address, size_t n, bool shares)
{
	int result = 0;

	*endpoint = (struct endpoint){0};
	if (n > 1 && !shares)
		result = try_alone(address);
	for (size_t i = 0; result == 0 && i < n; i++)
		result = open_pair(endpoint, address, n > 1 || shares);
	if (result < 0)
		endpoint_close(endpoint);
	else
		address_format(address, endpoint->text);
	return result;
}

int endpoint_open(struct endpoint *endpoint, const char *address_text, size_t n)
{
	struct address address = {0};
	int result = find_address(address_text, &address);

	*endpoint = (struct endpoint){0};
	if (n == 0 || n > ENDPOINT_REACTORS_MAX)
		return -EINVAL;
	return result == 0 ? open_pairs(endpoint, &address, n, false) : result;
}

/* Let sockets share their port with others of the same user, or no longer. */
static void set_shared(const struct endpoint *endpoint, bool shared)
{
	/* More than one share it among themselves, always. */
	for (size_t i = 0; endpoint->n == 1 && i < endpoint->n; i++) {
		(void)set_option(endpoint->tcp_fds[i], SOL_SOCKET, SO_REUSEPORT, shared);
		(void)set_option(endpoint->udp_fds[i], SOL_SOCKET, SO_REUSEPORT, shared);
	}
}

static bool has_port(const struct endpoint *endpoint, const struct address *address)
{
	int port = 0;

	return endpoint->n > 0 && bound_port(endpoint->tcp_fds[0], &port) == 0 &&
	       address_port(address) == port;
}

int endpoint_replace(struct endpoint *endpoint, const char *address_text)
{
	struct address address = {0};
	struct endpoint next;
	int result = find_address(address_text, &address);
	bool shares = result == 0 && has_port(endpoint, &address);

	if (result < 0)
		return result;
	set_shared(endpoint, shares);
	result = open_pairs(&next, &address, endpoint->n, shares);
	set_shared(result < 0 ? endpoint : &next, false);
	if (result < 0)
		return result;
	next.udp_drops_before = endpoint_udp_drops(endpoint);
	endpoint_close(endpoint);
	*endpoint = next;
	return 0;
}

void endpoint_close(struct endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->n; i++) {
		(void)close(endpoint->tcp_fds[i]);
		(void)close(endpoint->udp_fds[i]);
	}
	endpoint->n = 0;
}

long long endpoint_udp_drops(const struct endpoint *endpoint)
{
	uint32_t memory[SK_MEMINFO_VARS];
	long long drops = endpoint->udp_drops_before;

	for (size_t i = 0; i < endpoint->n; i++) {
		socklen_t length = sizeof(memory);

		if (getsockopt(endpoint->udp_fds[i], SOL_SOCKET, SO_MEMINFO, memory, &length) ==
			    0 &&
		    length == sizeof(memory))
			drops += memory[SK_MEMINFO_DROPS];
	}
	return drops;
}
