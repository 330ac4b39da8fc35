/* SPDX-License-Identifier: MIT */
/* Accepts TCP connections. */

#include "collector/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/message.h"
#include "common/timestamp.h"

/* That descriptors ran out is said at most this often. */
#define SAY_AGAIN_US (60 * TIMESTAMP_SECOND_US)

struct listener {
	int fd;
	int spare_fd; /* given up to be able to refuse when no descriptor is left; -1 = none */
	struct loop_source *source;
	struct traffic *traffic;
	listener_callback callback;
	void *context;
	int64_t said_us; /* 0 = never */
};

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool on_ready(void *context, uint32_t events)
{
	(void)events;
	return listener_accept(context, LISTENER_ACCEPTS_PER_TURN);
}

int listener_open(struct loop *loop, int fd, struct traffic *traffic, listener_callback callback,
		  void *context, struct listener **ret_listener)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	int result;

	if (!listener)
		return -ENOMEM;
	*listener = (struct listener){
		.fd = fd,
		.spare_fd = open_spare(),
		.traffic = traffic,
		.callback = callback,
		.context = context,
	};
	result = listener->spare_fd < 0 ? -errno : 0;
	if (result == 0)
		result = loop_add(loop, fd, on_ready, listener, &listener->source);
	if (result < 0)
		listener_close(listener);
	else
		*ret_listener = listener;
	return result;
}

void listener_close(struct listener *listener)
{
	if (!listener)
		return;
	loop_remove(listener->source);
	if (listener->spare_fd >= 0)
		(void)close(listener->spare_fd);
	free(listener);
}

void listener_count_refusal(struct traffic *traffic, enum hm_reason reason,
			    const struct address *peer)
{
	char text[ADDRESS_TEXT_MAX_BYTES];

	traffic->connections_refused++;
	address_format(peer, text);
	rejects_add(traffic->closed, reason, text, strlen(text));
}

static void say_exhausted(struct listener *listener, int error)
{
	int64_t now_us = timestamp_monotonic_us();

	if (listener->said_us != 0 && now_us - listener->said_us < SAY_AGAIN_US)
		return;
	listener->said_us = now_us;
	message_warning("refusing connections: %s (said once a minute)", strerror(error));
}

/*
 * No descriptor is left. With edge triggering a connection that stays in the queue would be
 * forgotten, and its sender would wait for ever: take it with the spare one and close it.
 * @return true = one was refused
 */
static bool refuse_one(struct listener *listener, int error)
{
	struct address peer = {.length = sizeof(peer.storage)};
	int fd = -1;

	say_exhausted(listener, error);
	if (listener->spare_fd >= 0) {
		(void)close(listener->spare_fd);
		fd = accept4(listener->fd, &peer.any, &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			(void)close(fd);
	}
	listener->spare_fd = open_spare();
	if (fd < 0)
		return false;
	listener_count_refusal(listener->traffic,
			       error == EMFILE || error == ENFILE ? HM_REASON_NO_DESCRIPTOR
								  : HM_REASON_NO_MEMORY,
			       &peer);
	return true;
}

/* Is the error of accept4(2) one of the connection, and not ours? See accept(2). */
static bool concerns_peer(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN ||
	       error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET ||
	       error == EHOSTUNREACH || error == ENETUNREACH || error == EPERM;
}

bool listener_accept(struct listener *listener, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct address peer = {.length = sizeof(peer.storage)};
		int fd = accept4(listener->fd, &peer.any, &peer.length,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			listener->callback(listener->context, fd, &peer);
			continue;
		}
		if (errno == EAGAIN)
			return false;
		if (concerns_peer(errno))
			continue;
		/* Where even that fails the queue is looked at with the next connection. */
		if (!refuse_one(listener, errno))
			return false;
	}
	return true;
}
