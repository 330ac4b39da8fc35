/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_METRIC_APPEND_PART_H
#define COLLECTOR_METRIC_APPEND_PART_H

/* What the parts of the writing of a metric file share. */

#include <stddef.h>
#include <stdint.h>

#include "collector/column_group.h"
#include "collector/metric_entries.h"
#include "collector/metric_file.h"

/* A block takes no more samples and absences than this, so that who wants a few does not decode millions; and
 * whatever they are, they fit into its bytes. */
#define METRIC_PART_SAMPLES_MAX ((size_t)1 << 20)

_Static_assert(METRIC_PART_SAMPLES_MAX <= BLOCK_SAMPLES_MAX &&
		       METRIC_PART_SAMPLES_MAX >= BLOCK_COLUMNS_MAX,
	       "a block holds one row of all its columns");

struct appending {
	struct block_encoder *encoder;
	const struct metric_file_addition *addition;
	struct metric_file_end end;
	struct buffer *out;
	size_t out_start; /* of the addition in `out` */
	uint64_t start;   /* of the addition in the file */
	struct metric_entries entries;
	/* For a group at a time: */
	size_t *next;  /* by column of the group: the first sample not written yet */
	size_t *after; /* likewise, behind the rows that are being written */
	/* What is given to the encoder, for a part at a time. */
	struct block_column *columns;
	size_t n_columns;
	struct block_run *runs;
	size_t n_runs;
	double *values;
	size_t n_values;
	size_t n_absences;
	size_t entries_max; /* so many there may be of both */
};

/* A part of a group that becomes a block. */
struct metric_part {
	const struct column_group *group;
	size_t first_column;
	size_t n_columns;
	size_t first_row;
	size_t n_rows;
};

/* Collect all columns of a part, for the encoder. @return 0; -EMSGSIZE: there are too many samples */
int metric_part_collect(struct appending *appending, const struct metric_part *part);

#endif
