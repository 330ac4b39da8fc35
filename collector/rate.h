/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_RATE_H
#define COLLECTOR_RATE_H

/*
 * How many things a second came lately: over the last five to ten minutes, from one arrival to the last
 * one, so that what comes once a minute has the same rate at any moment. Zeroed = nothing came yet.
 */

#include <stdbool.h>
#include <stdint.h>

/* What came longer ago than twice this does not count; nor anything, once nothing came for so long. */
#define RATE_WINDOW_US INT64_C(300000000)

struct rate {
	uint64_t n; /* in all */
	int64_t last_us;
	/* Two arrivals from which on it is counted: of the older one now, of the other one later. */
	int64_t since_us;
	uint64_t n_since;
	int64_t next_us;
	uint64_t n_next;
};

/* So many came. @param now_us  of a clock that does not go back */
void rate_add(struct rate *rate, uint64_t n, int64_t now_us);

/* @param ret_rate  things a second. @return false: they came only once, or for the first time after a
 * long while */
bool rate_get(const struct rate *rate, int64_t now_us, double *ret_rate);

#endif
