/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_SPOOL_H
#define TESTS_SUPPORT_SIM_SPOOL_H

/* A spool of the agent, of few and small segments, on a simulated disk. Ends the test where something cannot be done. */

#include <stddef.h>
#include <stdint.h>

#include "agent/spool.h"
#include "common/wire_gap.h"
#include "tests/support/sim_disk.h"

#define SIM_SPOOL_SEGMENT_BYTES ((uint64_t)16 << 10)

struct sim_spool {
	struct sim_counts counts;
	struct sim_disk *sim;
	struct spool_options options;
	struct spool *spool;
};

/* Of the host web01. */
void sim_spool_open(struct sim_spool *test);
void sim_spool_close(struct sim_spool *test);

void sim_spool_reopen(struct sim_spool *test);

/* The power fails, and the spool is opened again. */
void sim_spool_lose_power(struct sim_spool *test, uint64_t seed);

struct spool_status sim_spool_status(const struct sim_spool *test);

/* @return its number */
uint64_t sim_spool_tick(struct sim_spool *test, const char *text);

/* A message with a text for a body; a BATCH has ten samples. @return its sequence */
uint64_t sim_spool_append(struct sim_spool *test, enum hm_frame_type type, const char *text,
			  uint64_t ticks);

/* A DECLARE of the series 0, a gauge without unit. */
uint64_t sim_spool_append_series(struct sim_spool *test, const char *name);

/* A batch of so many bytes, synced. */
uint64_t sim_spool_append_large(struct sim_spool *test, size_t n_bytes);

struct spool_epoch_info sim_spool_epoch(const struct sim_spool *test, size_t i);

/* The body of the message behind a sequence of an epoch; "" = none, "gap" = a GAP. Borrowed until the next call. */
const char *sim_spool_next(struct sim_spool *test, size_t epoch, uint64_t after);

/* The message behind it, which is a GAP. */
struct wire_gap sim_spool_gap(struct sim_spool *test, size_t epoch, uint64_t after);

/* The sequence of the first DECLARE behind it; 0 = there is none. */
uint64_t sim_spool_declared(struct sim_spool *test, size_t epoch, uint64_t after);

#endif
