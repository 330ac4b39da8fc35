/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_QUERY_PART_H
#define COLLECTOR_QUERY_PART_H

/* What the parts of a query share: what it has read of a host's log and of a metric's files. */

#include "collector/id_map.h"
#include "collector/pile.h"
#include "collector/query.h"
#include "collector/query_mask.h"
#include "collector/selection.h"
#include "collector/strand.h"
#include "collector/table.h"
#include "collector/tail.h"

/* So many rows are given at once. */
#define ROWS_MAX ((size_t)1024)

/* What a host has in its files and in the log is looked at anew so often, when a checkpoint comes
 * between. */
#define QUERY_TRIES_MAX 8

/* The log is looked through for so few metrics; else for all. */
#define METRICS_MAX ((size_t)8)

struct query {
	struct engine *engine;
	struct selection selection;
	struct table wanted; /* where each series stands in the selection, by its address */
	int64_t since_us;
	int64_t until_us;
	bool is_latest_only;
	bool is_of_ticks;
	struct block_decoder *decoder;
	struct tail *tail;
	const struct catalog_host *host; /* of `logged`; NULL = none yet */
	uint64_t checkpoint;             /* of that host, when its log was read */
	int64_t horizon_us;              /* likewise */
	struct query_masks masks;        /* what it deleted since */
	struct tombstones tombstones;    /* of the file being read */
	struct pile logged;              /* what only the log has of it */
	size_t log_start;                /* of the series whose samples `logged` has */
	size_t log_end;
	size_t log_max; /* so many series at a time, as far as memory goes */
	size_t run_max;
	const char *metrics[METRICS_MAX]; /* of these series, borrowed */
	size_t n_metrics;                 /* 0 = they are many */
	struct limits limits;
	/* Positions in `logged` are those in the selection, in `stored` those in the run. */
	size_t run_start; /* series of one file that follow each other in the selection */
	size_t run_end;
	uint64_t n_damaged;      /* ranges in the files being read */
	uint64_t n_damaged_main; /* of them: in the run's main file */
	uint64_t n_lost;         /* places of all that was read */
	uint64_t n_lost_logged;  /* of them: in the log of `host` */
	struct id_map ids;       /* where the run's series stand in the selection */
	struct pile stored;      /* what the run's files have */
	int64_t stored_since_us; /* the file being read is read from there on */
	struct strand *strand;   /* NULL = nothing was read yet */
	bool is_open;            /* it has a series: the one at `at` */
	size_t at;               /* the next series of the run */
	uint64_t n_late
		[STRAND_SOURCES]; /* what the strand found damaged, as far as it was counted */

	struct query_piece piece; /* for rows */
	size_t n_given;
	struct query_row rows[ROWS_MAX];
};

/* Have the selection indexed by its series, for query_log_read(). @return 0 or -ENOMEM */
int query_log_index(struct query *query);

/* Have what only the log has of a host, and no file up to query->checkpoint. @return 0; -ENOBUFS; -ENOMEM;
 * -errno */
int query_log_read(struct query *query, const struct catalog_host *host);

/* Have what the run's files have. @return as query_log_read(); -ESTALE: a checkpoint took away some of it
 * since the host's log was read, which is to be read anew */
int query_file_read(struct query *query, struct catalog_file *file);

/* Count what was found damaged in a file, where it was not seen before. */
void query_file_count_damage(struct query *query, const struct catalog_file *file,
			     struct catalog_data *data);

#endif
