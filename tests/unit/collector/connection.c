/* SPDX-License-Identifier: MIT */
/* Tests of a connection. */

#include "collector/connection.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/agent_side.h"
#include "tests/support/fake_agent_store.h"
#include "tests/support/sample_lines.h"

static char room[CONNECTION_TURN_BYTES];
static struct bundle bundle;
static struct connection *connection;
static struct fake_agent_store store;
static int client_fd;

static void setup(void)
{
	struct address peer;
	int fds[2];

	sample_lines_init(&bundle);
	fake_agent_store_init(&store);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	client_fd = fds[0];
	cr_assert_eq(address_parse("192.0.2.7:5", 0, &peer), 0);
	cr_assert_eq(connection_new(fds[1], &peer, "here", &store.functions, &connection), 0);
}

static void teardown(void)
{
	connection_free(connection);
	if (client_fd >= 0)
		(void)close(client_fd);
	fake_agent_store_done(&store);
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

/* Send HELLO, or messages of its epoch. */
static void send_as_agent(uint64_t sequence)
{
	struct buffer bytes = {0};

	if (sequence == 0)
		agent_side_put_hello(&bytes, 0x22);
	else
		agent_side_put_clock(&bytes, 0x22, sequence);
	cr_assert_eq(send(client_fd, bytes.data, bytes.length, 0), (ssize_t)bytes.length);
	buffer_done(&bytes);
}

/* What the agent has got, in words. */
static void assert_receives(const char *expected)
{
	static char came[4096];
	struct buffer bytes = {0};
	struct buffer words = {0};
	ssize_t n_bytes = recv(client_fd, came, sizeof(came), MSG_DONTWAIT);

	cr_assert_gt(n_bytes, 0);
	buffer_append(&bytes, came, (size_t)n_bytes);
	agent_side_read(&bytes, &words);
	cr_assert_str_eq(buffer_text(&words), expected);
	buffer_done(&bytes);
	buffer_done(&words);
}

Test(connection, tells_an_agent_by_its_first_byte)
{
	send_as_agent(0);
	cr_assert_eq(read_now(5), CONNECTION_DRAINED);
	cr_assert_not_null(connection->agent);
	assert_receives("WELCOME 0\n");
	send_text("a 1\n");
	cr_assert_eq(read_now(5), CONNECTION_DRAINED);
	assert_receives("ERROR frame_magic 60000\n");
	cr_assert_eq(bundle.n_samples, 0);
	cr_assert_eq(connection_reason(connection), HM_REASON_FRAME_MAGIC);
}

Test(connection, has_only_text_without_a_store_for_agents)
{
	connection->agents = NULL;
	send_as_agent(0);
	cr_assert_eq(read_now(5), CONNECTION_DRAINED);
	cr_assert_null(connection->agent);
	cr_assert_eq(store.n_hellos, 0);
}

Test(connection, drops_what_an_agent_sends_behind_the_end_and_closes_after_it)
{
	char byte;

	send_text("\xfagarbage");
	cr_assert_eq(read_now(5), CONNECTION_DRAINED);
	assert_receives("ERROR frame_magic 60000\n");
	cr_assert_eq(recv(client_fd, &byte, 1, MSG_DONTWAIT), 0, "it says no more");
	send_text("more of it");
	cr_assert_eq(read_now(5), CONNECTION_DRAINED);
	(void)close(client_fd);
	client_fd = -1;
	cr_assert_eq(read_now(5), CONNECTION_ENDED);
	cr_assert_eq(connection_reason(connection), HM_REASON_FRAME_MAGIC);
}

Test(connection, keeps_little_for_an_agent_that_does_not_read_and_ends_it)
{
	uint64_t sequence = 0;

	store.is_fast = true;
	do {
		send_as_agent(sequence++);
		cr_assert_eq(read_now(5), CONNECTION_DRAINED);
		cr_assert_lt(sequence, 100, "the kernel takes no more");
	} while (connection->agent->out.length == 0);
	/* However much it goes on to send. */
	for (int i = 0; i < 100; i++) {
		send_as_agent(sequence++);
		cr_assert_eq(read_now(6), CONNECTION_DRAINED);
	}
	cr_assert_eq(store.n_taken, sequence - 1);
	agent_session_check(connection->agent, 5 + AGENT_SESSION_FRAME_US - 1);
	cr_assert_eq(connection_write(connection, 6), CONNECTION_DRAINED);
	agent_session_check(connection->agent, 5 + AGENT_SESSION_FRAME_US);
	cr_assert_eq(connection_write(connection, 6), CONNECTION_ENDED);
	cr_assert_eq(connection_reason(connection), HM_REASON_NOT_READING);
}

Test(connection, goes_on_with_an_agent_that_reads_at_last)
{
	static char room_of_agent[1 << 20];
	uint64_t sequence = 0;

	store.is_fast = true;
	do {
		send_as_agent(sequence++);
		cr_assert_eq(read_now(5), CONNECTION_DRAINED);
		cr_assert_lt(sequence, 100, "the kernel takes no more");
	} while (connection->agent->out.length == 0);
	for (int i = 0; i < 20; i++)
		send_as_agent(sequence++);
	cr_assert_eq(read_now(6), CONNECTION_DRAINED);
	cr_assert_gt(recv(client_fd, room_of_agent, sizeof(room_of_agent), MSG_DONTWAIT), 0);
	/* The descriptor is ready again: nothing came, and all is sent. */
	cr_assert_eq(read_now(7), CONNECTION_DRAINED);
	cr_assert_eq(connection->agent->out.length, 0);
	cr_assert_eq(connection->agent->acknowledged, sequence - 1);
}

Test(connection, takes_it_as_a_reset_where_nothing_can_be_sent)
{
	send_as_agent(0);
	cr_assert_eq(read_now(5), CONNECTION_DRAINED);
	send_as_agent(1);
	cr_assert_eq(read_now(5), CONNECTION_DRAINED);
	(void)close(client_fd);
	client_fd = -1;
	fake_agent_store_commit(&store);
	agent_session_acknowledge(connection->agent, 6);
	cr_assert_eq(connection_write(connection, 6), CONNECTION_ENDED);
	cr_assert_eq(connection_reason(connection), HM_REASON_NONE);
}
