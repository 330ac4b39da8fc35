/* SPDX-License-Identifier: MIT */
/* A TCP connection of a sender of text lines. */

#include "collector/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int connection_new(int fd, const struct address *peer, const char *hostname,
		   struct connection **ret_connection)
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
	*connection = (struct connection){.fd = fd};
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
	(void)close(connection->fd);
	free(connection);
}

enum connection_state connection_read(struct connection *connection, char *room, size_t n_bytes,
				      int64_t now_us, struct bundle *out)
{
	size_t left = n_bytes;

	while (left > 0) {
		ssize_t n_read = recv(connection->fd, room, left, MSG_DONTWAIT);

		if (n_read > 0) {
			session_feed(&connection->session, room, (size_t)n_read, out);
			connection->active_us = now_us;
			left -= (size_t)n_read;
		} else if (n_read == 0) {
			session_end(&connection->session, SESSION_ENDING_CLOSED, out);
			return CONNECTION_ENDED;
		} else if (errno == EAGAIN) {
			return CONNECTION_DRAINED;
		} else if (errno != EINTR) {
			session_end(&connection->session, SESSION_ENDING_BROKEN, out);
			return CONNECTION_ENDED;
		}
	}
	return CONNECTION_MORE;
}

bool connection_is_drained(const struct connection *connection)
{
	char byte;

	return recv(connection->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       errno == EAGAIN;
}
