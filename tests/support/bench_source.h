/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_BENCH_SOURCE_H
#define TESTS_SUPPORT_BENCH_SOURCE_H

/*
 * What the agents of tests/bench/agents have to say. Each message is known from its agent and its sequence, so none is kept:
 * who wants one again has it made again, the same to the bit. Sequence 1 declares all series, each later one is a batch.
 * Ends the program where there is no memory.
 */

#include <stddef.h>
#include <stdint.h>

#include "agent/delivery_message.h"
#include "common/block.h"
#include "common/buffer.h"
#include "common/wire_hello.h"

#define BENCH_SERIES_MAX 1000
#define BENCH_TIMES_MAX  1000

/* The first sample of each series; the others follow at a second each. */
#define BENCH_START_US INT64_C(1795416000000000)

struct bench_source {
	size_t n_series;
	size_t n_times; /* of a batch */
	/* ------------------------------------------------------------------------------------------ */
	struct block_encoder *encoder;
	struct buffer payload;
	struct buffer block;
	char host[32];
	int64_t times_us[BENCH_TIMES_MAX];
	double values[BENCH_SERIES_MAX][BENCH_TIMES_MAX];
	struct block_column columns[BENCH_SERIES_MAX];
};

/* It is large. It ends by bench_source_free(). */
struct bench_source *bench_source_new(size_t n_series, size_t n_times);
void bench_source_free(struct bench_source *source);

/* The n-th sample of a series. */
double bench_source_value(unsigned agent, size_t series, uint64_t n);

/* @param ret_hello  its texts are borrowed until the next call */
void bench_source_hello(struct bench_source *source, unsigned agent, struct wire_hello *ret_hello);

/* @param ret_message  borrowed until the next call */
void bench_source_message(struct bench_source *source, unsigned agent, uint64_t sequence,
			  struct delivery_message *ret_message);

#endif
