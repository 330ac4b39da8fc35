/* SPDX-License-Identifier: MIT */
#ifndef COMMON_CONTROL_SERVER_H
#define COMMON_CONTROL_SERVER_H

/* A daemon's control socket: accepts agentctl, answers its requests, all on the loop's thread. */

#include <stddef.h>
#include <stdint.h>

#include "common/control.h"
#include "common/loop.h"
#include "hostmetrics/format.h"

/*
 * At most this many clients at once. Further ones wait in the kernel's queue until one goes; or gives
 * way, because it has neither sent nor taken anything for CONTROL_PATIENCE_US.
 */
#define CONTROL_CLIENTS_MAX 64
#define CONTROL_PATIENCE_US INT64_C(400000)

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

/* Let fewer clients in at once, 1 to CONTROL_CLIENTS_MAX. */
void control_server_set_clients_max(struct control_server *server, size_t n);

/*
 * How many clients were sent away: HM_REASON_IDLE and HM_REASON_NOT_READING of those that gave way,
 * HM_REASON_NO_DESCRIPTOR of those that never got in.
 */
uint64_t control_server_n_closed(const struct control_server *server, enum hm_reason reason);

/* Close all clients, remove the socket and the pid file. Takes NULL. */
void control_server_close(struct control_server *server);

#endif
