/* SPDX-License-Identifier: MIT */
#ifndef AGENT_DESK_H
#define AGENT_DESK_H

/* A place where one thread at a time can work. Who may not wait leaves it to others; who waits is told that it takes long. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct desk {
	pthread_mutex_t lock; /* of is_taken only: never held for longer than a moment */
	pthread_cond_t left;
	bool is_taken;
	bool is_awaited;
};

/* @return 0 or -errno */
int desk_init(struct desk *desk);
void desk_done(struct desk *desk);

/* Take it, if nobody has it. */
bool desk_try(struct desk *desk);

/* Wait for it, up to so long. On one thread only. @return false: somebody else still has it */
bool desk_wait(struct desk *desk, int64_t timeout_us);

void desk_leave(struct desk *desk);

#endif
