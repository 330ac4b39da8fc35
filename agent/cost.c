/* SPDX-License-Identifier: MIT */
/* CPU time that the agent takes itself. */

#include "agent/cost.h"

#include <time.h>

/* A newer round counts as much as this part of all before it. */
#define MEAN_WEIGHT 8

static int64_t read_clock(clockid_t clock)
{
	struct timespec time = {0};

	(void)clock_gettime(clock, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int64_t cost_thread_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int64_t cost_process_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

bool cost_is_turn(uint64_t n_rounds)
{
	return n_rounds < 2 || n_rounds % COST_ROUNDS == 0;
}

void cost_mean_add(struct cost_mean *mean, int64_t ns)
{
	int64_t weight = mean->n < MEAN_WEIGHT ? mean->n : MEAN_WEIGHT;

	if (mean->n < 2)
		mean->ns = ns;
	else
		mean->ns += (ns - mean->ns) / weight;
	if (mean->n < MEAN_WEIGHT)
		mean->n++;
}
