/* SPDX-License-Identifier: MIT */
#ifndef AGENT_COST_H
#define AGENT_COST_H

/* CPU time that the agent takes itself. */

#include <stdbool.h>
#include <stdint.h>

/* The clocks are system calls, so it is one round in so many that is measured, and the first ones. */
#define COST_ROUNDS 16

/* The mean of the last rounds that were measured; newer ones count more. Zeroed = of none. */
struct cost_mean {
	int64_t ns;
	uint32_t n;
};

/* What has been spent up to a moment, since the agent's start. */
struct cost_mark {
	uint64_t n_rounds;
	uint64_t n_written;  /* of these, by the sampler's thread itself */
	int64_t process_ns;  /* all threads, ended ones included */
	int64_t main_ns;     /* the main thread */
	int64_t recorder_ns; /* of that: what the spool takes, but for those rounds */
	uint64_t n_spool_bytes;
	uint64_t n_wire_bytes;
};

/* CPU time of this thread. */
int64_t cost_thread_ns(void);

/* CPU time of this process, all its threads, ended ones included. */
int64_t cost_process_ns(void);

/* Is a plugin's round to be measured? @param n_rounds  that it has had */
bool cost_is_turn(uint64_t n_rounds);

/* Take a round that was measured. The very first one, which starts things, counts as long as it is alone. */
void cost_mean_add(struct cost_mean *mean, int64_t ns);

#endif
