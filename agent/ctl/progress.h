/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_PROGRESS_H
#define AGENT_CTL_PROGRESS_H

/* A line on the terminal that tells how far long work is; nothing where standard error is none. */

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* was done with the samples: "exported" */
	bool is_wanted;
	bool is_shown;
	int64_t begin_us; /* CLOCK_MONOTONIC; so is the other */
	int64_t shown_us;
};

/* @param what  borrowed */
void progress_init(struct progress *progress, const char *what);

/* Show it, a few times a second at most. @param where  a host or a place in a file; any text */
void progress_show(struct progress *progress, uint64_t n_samples, const char *where);

/* Take the line away. */
void progress_clear(struct progress *progress);

#endif
