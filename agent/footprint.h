/* SPDX-License-Identifier: MIT */
#ifndef AGENT_FOOTPRINT_H
#define AGENT_FOOTPRINT_H

/* How much memory of the host the agent takes up, beyond what it uses. */

#include <stdint.h>

/* Let malloc() hold on to little. To be called first, before there are other threads. */
void footprint_init(void);

/* Zeroed = nothing was given back yet. */
struct footprint {
	int64_t next_us;
	int64_t interval_us; /* up to then */
};

/*
 * Give memory back to the host: what malloc() has free, and what is mapped of programs and libraries, of which most is
 * needed to start only; what is needed again comes back from the page cache. At once, and then ever more seldom, up to once in
 * 50 s, since it takes half as long as a round. To be called when much was freed.
 */
void footprint_trim(struct footprint *footprint, int64_t monotonic_us);

#endif
