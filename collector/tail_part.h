/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TAIL_PART_H
#define COLLECTOR_TAIL_PART_H

/* What the parts of the tail share: where the records are, and scratch memory to decode them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/tail.h"
#include "common/batch.h"
#include "common/block.h"
#include "common/log_segment.h"

/* So many segments are open at a time. */
#define OPEN_MAX 4

struct tail {
	struct engine *engine;
	struct log_segment segments[OPEN_MAX];
	size_t next_segment; /* to be closed when another is to be opened */
	struct withheld withheld;
	bool is_awaited; /* what the disk does not give */
	struct block_decoder *decoder;
	uint64_t *positions;
	size_t n_positions;
	size_t positions_capacity;
	struct tail_range range; /* that was looked for last */
	uint64_t n_damaged;      /* places of it */
	struct tail_hole *holes; /* of it, where they were asked for */
	size_t n_holes;
	size_t holes_capacity;
	struct catalog_series *series[BATCH_SERIES_MAX]; /* of the batch being decoded */
	struct catalog_series **epoch_series; /* of the epoch of the message being decoded */
	const struct epoch *epoch;            /* whose these are; NULL = nobody's */
	size_t n_epoch_series;
	size_t epoch_series_capacity;
	struct catalog_series **masked; /* of the delete being decoded */
	size_t n_masked;
	size_t masked_capacity;
};

/* The open segment of a number. @return 0; as log_segment_open(), but -EBADMSG for -EIO and -EUCLEAN where that is not
 * waited for; -EXDEV: another store's */
int tail_get_segment(struct tail *tail, uint32_t number, struct log_segment **ret_segment);

/* Read a record, wherever it is. @return as log_segment_read(); -errno */
int tail_read(struct tail *tail, uint64_t position, struct log_record *ret_record);

/* Does a record belong to the chain of a host? What is damaged but for its payload still has its back link. */
bool tail_is_link(const struct log_record *record, uint32_t host);

/* Which results say that bytes are damaged, and not that they cannot be had. */
bool tail_is_damage(int result);

#endif
