/* SPDX-License-Identifier: MIT */
/* Tests of receiving datagrams. */

#include "collector/datagram.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/endpoint.h"
#include "tests/support/sample_lines.h"

static struct endpoint endpoint;
static struct traffic traffic;
static struct bundle bundle;
static struct datagram *datagram;
static int client_fd;

static void setup(void)
{
	struct address address = {.length = sizeof(address.storage)};

	sample_lines_init(&bundle);
	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 1), 0);
	cr_assert_eq(datagram_new(endpoint.udp_fds[0], "here", &traffic, &datagram), 0);
	client_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(getsockname(endpoint.udp_fds[0], &address.any, &address.length), 0);
	cr_assert_eq(connect(client_fd, &address.any, address.length), 0);
}

static void teardown(void)
{
	(void)close(client_fd);
	datagram_free(datagram);
	endpoint_close(&endpoint);
	sample_lines_done(&bundle);
}

TestSuite(datagram, .init = setup, .fini = teardown);

static void send_text(const char *text)
{
	cr_assert_eq(send(client_fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void assert_bundle(const char *expected)
{
	struct buffer text = {0};

	sample_lines_format(&bundle, &text);
	cr_assert_str_eq(buffer_text(&text), expected);
	buffer_done(&text);
}

Test(datagram, may_hold_several_lines_and_an_unterminated_last_one)
{
	send_text("1 a 1\n2 b 2\r\n3 c 3");
	send_text("4 d 4\n");
	send_text("");
	cr_assert_not(datagram_receive(datagram, DATAGRAMS_PER_TURN, &bundle));

	assert_bundle("1000000 here a 1 0 \n2000000 here b 2 0 \n3000000 here c 3 0 \n"
		      "4000000 here d 4 0 \n");
	cr_assert_eq(traffic.udp_datagrams, 3);
	cr_assert_eq(traffic.udp_truncated, 0);
}

Test(datagram, declares_for_itself_only)
{
	send_text("# TYPE a counter\n1 a 1");
	send_text("2 a 2");
	cr_assert_not(datagram_receive(datagram, DATAGRAMS_PER_TURN, &bundle));

	assert_bundle("1000000 here a 1 2 \n2000000 here a 2 0 \n");
}

Test(datagram, is_read_some_each_turn_until_none_is_left)
{
	int n_datagrams = (int)DATAGRAMS_PER_TURN + 10;

	for (int i = 0; i < n_datagrams; i++)
		send_text("1 a 1");
	cr_assert(datagram_receive(datagram, DATAGRAMS_PER_TURN, &bundle));
	cr_assert_eq(bundle.n_samples, DATAGRAMS_PER_TURN);
	cr_assert_not(datagram_receive(datagram, DATAGRAMS_PER_TURN, &bundle));

	cr_assert_eq(bundle.n_samples, n_datagrams);
}

Test(datagram, does_not_count_the_last_line_where_its_end_is_missing)
{
	struct address peer;
	const char text[] = "1 a 1\n2 b 25";

	cr_assert_eq(address_parse("192.0.2.7:5", 0, &peer), 0);
	datagram_take(datagram, &peer, text, strlen(text), true, &bundle);

	assert_bundle("1000000 192.0.2.7 a 1 0 \n");
	cr_assert_eq(traffic.udp_truncated, 1);
}

Test(datagram, has_its_sender_for_a_host)
{
	struct address peer;

	cr_assert_eq(address_parse("[2001:db8::1]:5", 0, &peer), 0);
	datagram_take(datagram, &peer, "1 a 1", 5, false, &bundle);
	cr_assert_eq(address_parse("[::1]:5", 0, &peer), 0);
	datagram_take(datagram, &peer, "1 a 1", 5, false, &bundle);

	assert_bundle("1000000 2001:db8::1 a 1 0 \n1000000 here a 1 0 \n");
}

Test(datagram, of_any_bytes_does_no_harm)
{
	static char bytes[65000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * i + i / 7);
	cr_assert_eq(send(client_fd, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	send_text("1 a 1");
	cr_assert_not(datagram_receive(datagram, DATAGRAMS_PER_TURN, &bundle));

	assert_bundle("1000000 here a 1 0 \n");
	cr_assert_gt(rejects_total(bundle.rejects), 0);
}
