/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_LISTENER_H
#define COLLECTOR_LISTENER_H

/* Accepts TCP connections on a reactor's loop. */

#include "collector/traffic.h"
#include "common/address.h"
#include "common/loop.h"

/* So many connections are accepted in one turn before the others have theirs. */
#define LISTENER_ACCEPTS_PER_TURN 256

struct listener;

/* Count, with its reason, a connection that is not taken. */
void listener_count_refusal(struct traffic *traffic, enum hm_reason reason,
			    const struct address *peer);

/* Called for each connection. @param fd  non-blocking; taken over */
typedef void (*listener_callback)(void *context, int fd, const struct address *peer);

/*
 * @param fd       listening, non-blocking; borrowed until listener_close()
 * @param traffic  connections that cannot be had are counted there, with their reason; borrowed
 * @return 0 or -errno
 */
int listener_open(struct loop *loop, int fd, struct traffic *traffic, listener_callback callback,
		  void *context, struct listener **ret_listener);

/* Accept what waits now, up to `n` connections. @return true = there may be more */
bool listener_accept(struct listener *listener, size_t n);

/* Takes NULL. */
void listener_close(struct listener *listener);

#endif
