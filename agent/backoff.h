/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BACKOFF_H
#define AGENT_BACKOFF_H

/* How long to wait before the next try: 1 to 30 seconds, doubling, with jitter. */

#include <stdint.h>

/* Zeroed = nothing has failed yet. */
struct backoff {
	int64_t base_ms;
};

/*
 * The wait after another failure: 1 to 2 s, then 2 to 4, 4 to 8, 8 to 16, then 15 to 30 s.
 * @param random  any number; a fleet whose collector went away must not come back in step
 */
int64_t backoff_next_ms(struct backoff *backoff, uint32_t random);

/* It works again. */
void backoff_reset(struct backoff *backoff);

#endif
