/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_BENCH_ROWS_H
#define TESTS_SUPPORT_BENCH_ROWS_H

/*
 * Holds the rows of `agentctl query -o plain` against what the agents of tests/bench/agents have made: a bit for each sample.
 * Ends the program where there is no memory.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/support/bench_source.h"

struct bench_rows {
	size_t n_agents;
	size_t n_series;
	uint64_t *first; /* of each agent, its first sample; then the end */
	uint8_t *seen;   /* a bit for each sample */
	/* What was found. */
	uint64_t n_read;
	uint64_t n_missing;
	uint64_t n_doubled;
	uint64_t n_invented; /* never made, or with another value */
	char example[256];   /* a row of those */
};

/* @param n_batches  of each agent; borrowed until the call returns. It ends by bench_rows_done(). */
void bench_rows_init(struct bench_rows *rows, const struct bench_source *source,
		     const uint64_t *n_batches, size_t n_agents);
void bench_rows_done(struct bench_rows *rows);

/* Take all rows up to the end of the file, and count. */
void bench_rows_read(struct bench_rows *rows, FILE *in);

#endif
