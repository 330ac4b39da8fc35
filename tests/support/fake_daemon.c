/* SPDX-License-Identifier: MIT */
/* Something behind a control socket that answers every request with what a test wants it to. */

#include "tests/support/fake_daemon.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/buffer.h"

struct fake_daemon {
	const char *path;
	const char *answer;
	enum fake_daemon_manners manners;
	int listen_fd;
	int client_fd; /* -1 = nobody */
	int stop_fd;
	pthread_t thread;
	pthread_mutex_t mutex; /* of what follows */
	struct buffer requests;
	int n_connections;
};

static void require(int is_well, const char *what)
{
	if (!is_well) {
		perror(what);
		abort();
	}
}

static void drop_client(struct fake_daemon *daemon)
{
	if (daemon->client_fd >= 0)
		(void)close(daemon->client_fd);
	daemon->client_fd = -1;
}

/* @return 0 when the client does not take it */
static int send_all(const struct fake_daemon *daemon, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(daemon->client_fd, bytes, length, MSG_NOSIGNAL);

		if (n < 0)
			return 0;
		bytes += n;
		length -= (size_t)n;
	}
	return 1;
}

static void flood(const struct fake_daemon *daemon)
{
	char bytes[4096];

	memset(bytes, 'x', sizeof(bytes));
	while (send_all(daemon, bytes, sizeof(bytes)))
		;
}

static void answer_requests(struct fake_daemon *daemon, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length && daemon->client_fd >= 0; i++) {
		if (bytes[i] != '\n' || !daemon->answer)
			continue;
		if (send_all(daemon, daemon->answer, strlen(daemon->answer)) &&
		    daemon->manners == FAKE_DAEMON_FLOODS)
			flood(daemon);
		if (daemon->manners != FAKE_DAEMON_STAYS)
			drop_client(daemon);
	}
}

static void serve_client(struct fake_daemon *daemon)
{
	char bytes[4096];
	ssize_t n = recv(daemon->client_fd, bytes, sizeof(bytes), 0);

	if (n <= 0) {
		drop_client(daemon);
		return;
	}
	pthread_mutex_lock(&daemon->mutex);
	buffer_append(&daemon->requests, bytes, (size_t)n);
	pthread_mutex_unlock(&daemon->mutex);
	answer_requests(daemon, bytes, (size_t)n);
}

static void take_client(struct fake_daemon *daemon)
{
	drop_client(daemon);
	daemon->client_fd = accept4(daemon->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	require(daemon->client_fd >= 0, "accept");
	pthread_mutex_lock(&daemon->mutex);
	daemon->n_connections++;
	pthread_mutex_unlock(&daemon->mutex);
}

static void *run(void *context)
{
	struct fake_daemon *daemon = context;

	for (;;) {
		struct pollfd watched[] = {
			{.fd = daemon->stop_fd, .events = POLLIN},
			{.fd = daemon->listen_fd, .events = POLLIN},
			{.fd = daemon->client_fd, .events = POLLIN},
		};

		require(poll(watched, 3, -1) > 0, "poll");
		if (watched[0].revents)
			return NULL;
		if (watched[2].revents)
			serve_client(daemon);
		if (watched[1].revents)
			take_client(daemon);
	}
}

struct fake_daemon *fake_daemon_start(const char *path, const char *answer,
				      enum fake_daemon_manners manners)
{
	struct fake_daemon *daemon = calloc(1, sizeof(*daemon));
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	require(daemon != NULL, "calloc");
	require(strlen(path) < sizeof(address.sun_path), path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	daemon->path = path;
	daemon->answer = answer;
	daemon->manners = manners;
	daemon->client_fd = -1;
	daemon->stop_fd = eventfd(0, EFD_CLOEXEC);
	daemon->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(bind(daemon->listen_fd, (struct sockaddr *)&address, sizeof(address)) == 0, path);
	require(listen(daemon->listen_fd, 8) == 0, "listen");
	require(pthread_mutex_init(&daemon->mutex, NULL) == 0, "pthread_mutex_init");
	require(pthread_create(&daemon->thread, NULL, run, daemon) == 0, "pthread_create");
	return daemon;
}

char *fake_daemon_requests(struct fake_daemon *daemon)
{
	char *requests;

	pthread_mutex_lock(&daemon->mutex);
	requests = strdup(buffer_text(&daemon->requests));
	pthread_mutex_unlock(&daemon->mutex);
	require(requests != NULL, "strdup");
	return requests;
}

int fake_daemon_n_connections(struct fake_daemon *daemon)
{
	int n;

	pthread_mutex_lock(&daemon->mutex);
	n = daemon->n_connections;
	pthread_mutex_unlock(&daemon->mutex);
	return n;
}

void fake_daemon_stop(struct fake_daemon *daemon)
{
	if (!daemon)
		return;
	require(eventfd_write(daemon->stop_fd, 1) == 0, "eventfd_write");
	pthread_join(daemon->thread, NULL);
	drop_client(daemon);
	(void)close(daemon->listen_fd);
	(void)close(daemon->stop_fd);
	(void)unlink(daemon->path);
	pthread_mutex_destroy(&daemon->mutex);
	buffer_done(&daemon->requests);
	free(daemon);
}
