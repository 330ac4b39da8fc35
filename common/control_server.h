/* SPDX-License-Identifier: MIT */
#ifndef COMMON_CONTROL_SERVER_H
#define COMMON_CONTROL_SERVER_H

/* A daemon's control socket: accepts agentctl, answers its requests, all on the loop's thread. */

#include "common/control.h"
#include "common/loop.h"

/* At most this many clients at once; further ones wait in the kernel's queue. */
#define CONTROL_CLIENTS_MAX 64

/* One verb of a daemon. `answer` writes columns, rows and the end, or sets a producer. */
struct control_verb {
	const char *name;
	void (*answer)(void *context, const struct control_request *request,
		       struct control_reply *reply);
};

struct control_server;

/*
 * Listen on a socket at `path` (mode 0660), replacing a dead one. A second daemon is kept out by a
 * pid file beside it, PATH.pid, held locked as long as the server lives.
 * @param program  for the answer to a verb that is not in `verbs`: "the agent of host web01";
 * borrowed
 * @param verbs    ended by an entry without name; borrowed
 * @param ret_pid  the pid of the daemon that has the socket, when the result is -EEXIST
 * @return 0; -EEXIST; -ENAMETOOLONG (a socket's path holds 107 bytes); -errno
 */
int control_server_open(struct loop *loop, const char *path, const char *program,
			const struct control_verb *verbs, void *context,
			struct control_server **ret_server, int *ret_pid);

/* What a producer waits for may have come. On the loop's thread. */
void control_server_wake(struct control_server *server);

/* Close all clients, remove the socket and the pid file. Takes NULL. */
void control_server_close(struct control_server *server);

#endif
