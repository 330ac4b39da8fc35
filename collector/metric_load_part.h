/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_METRIC_LOAD_PART_H
#define COLLECTOR_METRIC_LOAD_PART_H

/* What the parts of the loading of a metric file share. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/metric_file.h"
#include "collector/metric_names.h"
#include "collector/tombstone.h"
#include "common/file_reader.h"

struct loading {
	const struct metric_file_place *place;
	const struct metric_file_visitor *visitor;
	struct block_decoder *decoder;
	struct file_reader reader;
	struct metric_file_end end;
	uint64_t position;
	bool has_highest; /* a DATA block was seen */
	bool has_names;
	struct metric_names names; /* sorted, when has_names */
	size_t *open_names;        /* backwards: those whose last sample may lie further ahead */
	size_t n_open;
	uint64_t header_bytes;   /* the reader's, where nothing of the file is left behind */
	uint64_t front_bytes;    /* nothing before it counts; 0 = all does */
	uint64_t front_position; /* that says so */
	struct tombstones tombstones;
	bool has_meta;
	struct store_file_meta meta;
	char unit[HM_UNIT_MAX_BYTES];
};

/* Count an id as used. The highest of all is no series' in practice; there is no next one. */
static inline void metric_load_use_id(struct loading *loading, uint32_t id)
{
	if (id >= loading->end.next_series_id)
		loading->end.next_series_id = id == UINT32_MAX ? id : id + 1;
}

/*
 * Last samples, from a DATA block before all that were looked at: names whose last sample is known then are no
 * longer open. @return 0; -EBADMSG; -ENOTSUP; -ENOMEM
 */
int metric_last_take_before(struct loading *loading, const struct store_file_block *block);

/* Likewise from one behind all that were looked at. */
int metric_last_take_behind(struct loading *loading, const struct store_file_block *block);

#endif
