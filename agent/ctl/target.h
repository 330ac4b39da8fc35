/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_TARGET_H
#define AGENT_CTL_TARGET_H

/* The daemon that is asked: which socket, and why it cannot be reached. */

#include "agent/ctl/client.h"
#include "agent/ctl/verb.h"
#include "common/buffer.h"

#define TARGET_PATHS_MAX 2

struct target {
	size_t n_paths;
	const char *paths[TARGET_PATHS_MAX]; /* tried in this order; borrowed */
	const char *path;                    /* the one that answers, or was tried last */
	struct client client;
};

/*
 * @param scope   which daemon knows the verb
 * @param socket  the only one to try; NULL = the collector's where there is one and it knows the
 * verb, else the agent's
 */
void target_init(struct target *target, enum verb_scope scope, const char *socket);

/*
 * Connect to the first socket behind which there is a daemon, unless connected. The one that
 * answered stays the only one.
 * @return 0, or -errno of client_open() for target->path
 */
int target_open(struct target *target);

bool target_is_open(const struct target *target);

void target_close(struct target *target);

/* Append why the daemon cannot be reached and what to do. @param error  -errno of target_open() or
 * client_ask() */
void target_explain(const struct target *target, int error, struct buffer *out);

#endif
