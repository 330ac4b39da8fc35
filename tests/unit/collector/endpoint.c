/* SPDX-License-Identifier: MIT */
/* Tests of binding the collector's address. */

#include "collector/endpoint.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/localhost.h"

static struct endpoint endpoint;

static void teardown(void)
{
	endpoint_close(&endpoint);
}

TestSuite(endpoint, .fini = teardown);

static int port_of(int fd)
{
	struct address address = {.length = sizeof(address.storage)};

	cr_assert_eq(getsockname(fd, &address.any, &address.length), 0);
	return address_port(&address);
}

Test(endpoint, has_one_real_port_for_tcp_and_udp)
{
	int port;

	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 1), 0);

	cr_assert_eq(endpoint.n, 1);
	port = port_of(endpoint.tcp_fds[0]);
	cr_assert_gt(port, 0);
	cr_assert_eq(port_of(endpoint.udp_fds[0]), port);
	cr_assert_eq(strtol(strchr(endpoint.text, ':') + 1, NULL, 10), port);
}

Test(endpoint, has_as_many_sockets_as_there_are_reactors)
{
	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 4), 0);

	cr_assert_eq(endpoint.n, 4);
	for (size_t i = 1; i < 4; i++)
		cr_assert_eq(port_of(endpoint.tcp_fds[i]), port_of(endpoint.tcp_fds[0]));
}

Test(endpoint, is_refused_where_somebody_listens)
{
	struct endpoint second;

	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 1), 0);

	cr_assert_eq(endpoint_open(&second, endpoint.text, 1), -EADDRINUSE);
	cr_assert_eq(endpoint_open(&second, endpoint.text, 4), -EADDRINUSE);
	cr_assert_eq(second.n, 0);
}

Test(endpoint, is_refused_where_somebody_shares_a_port_among_reactors)
{
	struct endpoint second;

	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 2), 0);

	cr_assert_eq(endpoint_open(&second, endpoint.text, 1), -EADDRINUSE);
	cr_assert_eq(endpoint_open(&second, endpoint.text, 2), -EADDRINUSE);
}

Test(endpoint, is_refused_where_only_the_udp_port_is_taken)
{
	struct endpoint second;

	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 1), 0);
	(void)close(endpoint.tcp_fds[0]);
	endpoint.tcp_fds[0] = -1;

	cr_assert_eq(endpoint_open(&second, endpoint.text, 1), -EADDRINUSE);
	cr_assert_eq(endpoint_open(&second, endpoint.text, 2), -EADDRINUSE);
}

Test(endpoint, can_be_bound_again_at_once)
{
	char text[ADDRESS_TEXT_MAX_BYTES];

	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 2), 0);
	memcpy(text, endpoint.text, sizeof(text));
	endpoint_close(&endpoint);

	cr_assert_eq(endpoint_open(&endpoint, text, 2), 0);
}

Test(endpoint, takes_names_and_ipv6)
{
	if (!localhost_is_known())
		cr_skip_test("this system does not know the name localhost");
	cr_assert_eq(endpoint_open(&endpoint, "localhost:0", 1), 0);
	endpoint_close(&endpoint);
	cr_assert_eq(endpoint_open(&endpoint, "[::1]:0", 2), 0);
	cr_assert_eq(strncmp(endpoint.text, "[::1]:", 6), 0);
}

Test(endpoint, says_what_is_wrong_with_an_address)
{
	cr_assert_eq(endpoint_open(&endpoint, "192.0.2.1:0", 1), -EADDRNOTAVAIL);
	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:70000", 1), -EINVAL);
	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 0), -EINVAL);
	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", ENDPOINT_REACTORS_MAX + 1), -EINVAL);
}

Test(endpoint, counts_datagrams_that_the_kernel_dropped)
{
	static const char datagram[60000];
	struct address address = {.length = sizeof(address.storage)};
	int fd;

	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 1), 0);
	cr_assert_eq(getsockname(endpoint.udp_fds[0], &address.any, &address.length), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(endpoint_udp_drops(&endpoint), 0);
	for (int i = 0; i < 500; i++)
		(void)sendto(fd, datagram, sizeof(datagram), 0, &address.any, address.length);
	(void)close(fd);

	cr_assert_gt(endpoint_udp_drops(&endpoint), 0);
}
