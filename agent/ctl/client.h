/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_CLIENT_H
#define AGENT_CTL_CLIENT_H

/* A connection to a daemon's control socket: one question at a time. */

#include "agent/ctl/answer.h"
#include "common/buffer.h"

/* A daemon that says nothing for so long is taken for stopped. */
#define CLIENT_PATIENCE_MS 30000

struct client {
	int fd; /* -1 = not connected */
	int patience_ms;
};

/* What may happen while an answer is waited for. */
struct client_interrupt {
	int fd;                      /* when it becomes readable ... */
	bool (*take)(void *context); /* ... this reads it, and says whether to give up */
	void *context;
};

/*
 * Connect to the socket at `path`.
 * @return 0; -ENAMETOOLONG (a socket's path holds 107 bytes); -ETIMEDOUT; -errno of socket(2) and
 * connect(2): -ENOENT, -ECONNREFUSED (nobody listens any more), -EACCES. On failure the client is
 * closed.
 */
int client_open(struct client *client, const char *path);

/* Takes one that is not connected. */
void client_close(struct client *client);

/*
 * Send a request and read its answer to the end.
 * @param request    a whole line
 * @param interrupt  NULL = nothing else happens
 * @return 0: answer->status says how it ended; -EINTR; -ETIMEDOUT; -ECONNRESET or -EPIPE: the
 * daemon closed the connection before it answered; -ECONNABORTED: within its answer; -EPROTO: no
 * answer that makes sense (answer->problem); -ENOMEM; what a handler of the answer returned. After a
 * failure the connection is good for nothing more.
 */
int client_ask(struct client *client, const struct buffer *request, struct answer *answer,
	       const struct client_interrupt *interrupt);

#endif
