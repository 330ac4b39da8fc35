/* SPDX-License-Identifier: MIT */
/* Tests of a connection. */

#include "collector/connection.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/sample_lines.h"

static char room[CONNECTION_TURN_BYTES];
static struct bundle bundle;
static struct connection *connection;
static int client_fd;

static void setup(void)
{
	struct address peer;
	int fds[2];

	sample_lines_init(&bundle);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	client_fd = fds[0];
	cr_assert_eq(address_parse("192.0.2.7:5", 0, &peer), 0);
	cr_assert_eq(connection_new(fds[1], &peer, "here", &connection), 0);
}

static void teardown(void)
{
	connection_free(connection);
	if (client_fd >= 0)
		(void)close(client_fd);
	sample_lines_done(&bundle);
}

TestSuite(connection, .init = setup, .fini = teardown);

static void send_text(const char *text)
{
	cr_assert_eq(send(client_fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

static enum connection_state read_now(int64_t now_us)
{
	return connection_read(connection, room, sizeof(room), now_us, &bundle);
}

Test(connection, gives_lines_of_its_peer_and_notes_when)
{
	struct identity identity;

	send_text("a 1\nb");
	cr_assert_eq(read_now(5), CONNECTION_DRAINED);
	cr_assert_eq(connection->active_us, 5);
	cr_assert_eq(read_now(9), CONNECTION_DRAINED);
	cr_assert_eq(connection->active_us, 5, "nothing came");

	cr_assert_eq(bundle.n_samples, 1);
	identity = bundle_identity(&bundle, &bundle.samples[0]);
	cr_assert_str_eq(identity_host(&identity), "192.0.2.7");
}

Test(connection, takes_the_last_line_when_it_is_closed)
{
	send_text("a 1\nb 2");
	(void)close(client_fd);
	client_fd = -1;

	cr_assert_eq(read_now(5), CONNECTION_ENDED);
	cr_assert_eq(bundle.n_samples, 2);
}

Test(connection, reads_one_turn_at_a_time)
{
	static char lines[3 * CONNECTION_TURN_BYTES];
	int size_bytes = sizeof(lines);
	size_t n_turns = 0;
	ssize_t sent;

	for (size_t i = 0; i < sizeof(lines); i++)
		lines[i] = "a 1\n"[i % 4];
	cr_assert_eq(setsockopt(client_fd, SOL_SOCKET, SO_SNDBUF, &size_bytes, sizeof(size_bytes)),
		     0);
	sent = send(client_fd, lines, sizeof(lines), MSG_DONTWAIT);
	cr_assert_gt(sent, (ssize_t)CONNECTION_TURN_BYTES);
	while (read_now(5) == CONNECTION_MORE) {
		n_turns++;
		cr_assert_eq(bundle.n_samples, n_turns * CONNECTION_TURN_BYTES / 4);
	}

	cr_assert_geq(n_turns, 1);
	cr_assert_eq(bundle.n_samples, (size_t)sent / 4);
}
