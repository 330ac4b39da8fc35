/* SPDX-License-Identifier: MIT */
/* A connection to a daemon's control socket: one question at a time. */

#include "agent/ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES 65536

static int connect_socket(int fd, const struct sockaddr_un *address, int patience_ms)
{
	/* Bounds connect(2) too, which waits while the daemon's queue is full. */
	struct timeval patience = {
		.tv_sec = patience_ms / 1000,
		.tv_usec = patience_ms % 1000 * 1000L,
	};

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

int client_open(struct client *client, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error;

	client->fd = -1;
	client->patience_ms = CLIENT_PATIENCE_MS;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return -errno;
	error = connect_socket(client->fd, &address, client->patience_ms);
	if (error < 0)
		client_close(client);
	return error;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		(void)close(client->fd);
	client->fd = -1;
}

static int send_request(const struct client *client, const struct buffer *request)
{
	size_t n_sent = 0;

	while (n_sent < request->length) {
		ssize_t n = send(client->fd, request->data + n_sent, request->length - n_sent,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		n_sent += (size_t)n;
	}
	return 0;
}

/* @return 1 when there is something to read, 0 when not yet */
static int wait_readable(const struct client *client, const struct client_interrupt *interrupt)
{
	struct pollfd watched[] = {
		{.fd = client->fd, .events = POLLIN},
		{.fd = interrupt ? interrupt->fd : -1, .events = POLLIN},
	};
	int n = poll(watched, 2, client->patience_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ETIMEDOUT;
	if (interrupt && watched[1].revents && interrupt->take(interrupt->context))
		return -EINTR;
	return watched[0].revents != 0;
}

static int read_some(const struct client *client, struct answer *answer)
{
	char bytes[READ_BYTES];
	ssize_t n = recv(client->fd, bytes, sizeof(bytes), 0);

	if (n < 0)
		return -errno;
	if (n > 0)
		return answer_feed(answer, bytes, (size_t)n);
	return answer->has_begun ? -ECONNABORTED : -ECONNRESET;
}

int client_ask(struct client *client, const struct buffer *request, struct answer *answer,
	       const struct client_interrupt *interrupt)
{
	int result = send_request(client, request);

	while (result == 0) {
		result = wait_readable(client, interrupt);
		if (result > 0)
			result = read_some(client, answer);
	}
	return result < 0 ? result : 0;
}
