/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_MADE_METRIC_H
#define TESTS_SUPPORT_MADE_METRIC_H

/*
 * A file of the metric "a" of web01, as a made store has it: names, then a sample a second. Ends the test where it cannot be
 * made.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/block.h"
#include "tests/support/made_store.h"

/* Positions of the log: of what is in files, and of what a checkpoint was writing. */
#define MADE_METRIC_CONFIRMED   log_position(1, 200)
#define MADE_METRIC_UNCONFIRMED log_position(1, 3000)

struct made_metric {
	struct made_store *store; /* borrowed */
	struct block_encoder *encoder;
	uint32_t salt; /* this and the next two: what its header says */
	uint32_t part;
	uint64_t continues_bytes;
	/* Where the names begin, the samples of seconds 0 to 3, and the end. The last sample is not confirmed. */
	size_t offsets[6];
};

void made_metric_init(struct made_metric *metric, struct made_store *store);
void made_metric_done(struct made_metric *metric);

/* Begin the file anew. */
void made_metric_put_header(struct made_metric *metric);

/* That of the series without labels. @return where its block begins, as the others do */
size_t made_metric_put_names(struct made_metric *metric);

size_t made_metric_put_sample(struct made_metric *metric, int second, size_t names_offset,
			      uint64_t position);

/* End a block of another kind, which began there. */
void made_metric_end_block(struct made_metric *metric, size_t start);

/* All of it. */
void made_metric_put(struct made_metric *metric);

#endif
