/* SPDX-License-Identifier: MIT */
/* A TCP connection. */

#include "collector/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the kernel keeps for an agent that does not read; it doubles that. Answers are short. */
#define AGENT_SEND_BYTES 16384

int connection_new(int fd, const struct address *peer, const char *hostname,
		   const struct agent_store *agents, struct connection **ret_connection)
{
	struct connection *connection;
	char host[ADDRESS_TEXT_MAX_BYTES];
	size_t length;

	if (!address_is_loopback(peer)) {
		address_format_host(peer, host);
		hostname = host;
	}
	length = strlen(hostname);
	connection = malloc(sizeof(*connection) + length + 1);
	if (!connection)
		return -ENOMEM;
	*connection = (struct connection){.fd = fd, .agents = agents};
	memcpy(connection->host, hostname, length + 1);
	session_init(&connection->session, connection->host);
	*ret_connection = connection;
	return 0;
}

void connection_free(struct connection *connection)
{
	if (!connection)
		return;
	session_done(&connection->session);
	if (connection->agent)
		agent_session_done(connection->agent);
	free(connection->agent);
	(void)close(connection->fd);
	free(connection);
}

/* The first bytes have come: is it an agent? @return 0 or -ENOMEM */
static int begin(struct connection *connection, uint8_t first, int64_t now_us)
{
	const int send_bytes = AGENT_SEND_BYTES;
	const int yes = 1;

	connection->has_begun = true;
	if (!connection->agents || first != HM_FRAME_FIRST_BYTE)
		return 0;
	connection->agent = calloc(1, sizeof(*connection->agent));
	if (!connection->agent)
		return -ENOMEM;
	/* An ACK does not wait for the agent's kernel to confirm the one before. */
	(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	(void)setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
	return agent_session_init(connection->agent, connection->agents, now_us);
}

/* @return 0 or -ENOMEM */
static int take(struct connection *connection, const char *bytes, size_t length, int64_t now_us,
		struct bundle *out)
{
	int result = 0;

	connection->active_us = now_us;
	if (!connection->has_begun)
		result = begin(connection, (uint8_t)bytes[0], now_us);
	if (result < 0)
		connection->reason = HM_REASON_NO_MEMORY;
	else if (connection->agent)
		agent_session_feed(connection->agent, bytes, length, now_us, out->now_us);
	else
		session_feed(&connection->session, bytes, length, out);
	return result;
}

/* No more will come. An agent may still have to be told something. */
static enum connection_state finish(struct connection *connection, bool is_broken, int64_t now_us,
				    struct bundle *out)
{
	if (connection->agent) {
		agent_session_finish(connection->agent, is_broken, now_us);
		return CONNECTION_DRAINED;
	}
	session_end(&connection->session, is_broken ? SESSION_ENDING_BROKEN : SESSION_ENDING_CLOSED,
		    out);
	return CONNECTION_ENDED;
}

static enum connection_state read_all(struct connection *connection, char *room, size_t n_bytes,
				      int64_t now_us, struct bundle *out)
{
	size_t left = n_bytes;

	while (left > 0) {
		ssize_t n_read = recv(connection->fd, room, left, MSG_DONTWAIT);

		if (n_read > 0) {
			if (take(connection, room, (size_t)n_read, now_us, out) < 0)
				return CONNECTION_ENDED;
			left -= (size_t)n_read;
		} else if (n_read == 0) {
			return finish(connection, false, now_us, out);
		} else if (errno == EAGAIN) {
			return CONNECTION_DRAINED;
		} else if (errno != EINTR) {
			return finish(connection, true, now_us, out);
		}
	}
	return CONNECTION_MORE;
}

enum connection_state connection_read(struct connection *connection, char *room, size_t n_bytes,
				      int64_t now_us, struct bundle *out)
{
	enum connection_state state = read_all(connection, room, n_bytes, now_us, out);

	if (state != CONNECTION_ENDED && connection->agent &&
	    connection_write(connection, now_us) == CONNECTION_ENDED)
		state = CONNECTION_ENDED;
	return state;
}

enum connection_state connection_write(struct connection *connection, int64_t now_us)
{
	struct agent_session *agent = connection->agent;
	const void *output;
	size_t length;

	while ((output = agent_session_output(agent, now_us, &length))) {
		ssize_t n_sent = send(connection->fd, output, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n_sent >= 0)
			agent_session_sent(agent, (size_t)n_sent, now_us);
		else if (errno == EAGAIN)
			return CONNECTION_DRAINED;
		else if (errno != EINTR)
			agent_session_finish(agent, true, now_us);
	}
	if (agent->phase == AGENT_SESSION_OVER)
		return CONNECTION_ENDED;
	if (agent->phase == AGENT_SESSION_ENDING && !connection->is_shut) {
		(void)shutdown(connection->fd, SHUT_WR);
		connection->is_shut = true;
	}
	return CONNECTION_DRAINED;
}

bool connection_is_drained(const struct connection *connection)
{
	char byte;

	return recv(connection->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       errno == EAGAIN;
}

enum hm_reason connection_reason(const struct connection *connection)
{
	if (connection->reason == HM_REASON_NONE && connection->agent)
		return connection->agent->reason;
	return connection->reason;
}
