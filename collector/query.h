/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_QUERY_H
#define COLLECTOR_QUERY_H

/*
 * The durable samples of some series in a range of time, in the order of series and times: those that
 * are in metric files, and those that only the log has yet. Read file by file: memory is bounded by
 * what one file has of them in its encoding, and the log of one host; and, where samples came late, by
 * all of one series.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/engine.h"
#include "collector/limits.h"

struct query;

struct query_row {
	const struct catalog_series *series;
	int64_t time_us;
	double value;
};

/* Samples of one series, by growing time; of equal times in the order in which they came. */
struct query_piece {
	const struct catalog_series *series;
	const int64_t *times_us;
	const double *values;
	size_t n;        /* not 0 */
	int64_t step_us; /* from each to the next; 0 = not known */
};

struct query_options {
	const char *series; /* as selection_new() */
	const char *host;
	/* Instead of these: just these series, in this order, those of a file beside each other. They
	 * are copied. NULL: not so. */
	struct catalog_series *const *chosen;
	size_t n_chosen;
	int64_t since_us; /* both belong to the range */
	int64_t until_us;
	bool is_latest_only; /* of one series and time only the last that was written */
	bool is_of_ticks; /* absences as well, and instead of values: 0 for a sample, the reason for
			      * an absence */
	struct limits limits;
};

/*
 * Where one file has more than the limit of memory holds, it is read several times, for some of its
 * series each.
 * @return 0; -ENOENT: no series matches; -EINVAL: `series` is no pattern; -ENOMEM; -errno of the limits
 */
int query_open(struct engine *engine, const struct query_options *options,
	       struct query **ret_query);

/*
 * The same with options of its own.
 * @param series, host        as selection_new()
 * @param since_us, until_us  both belong to the range
 * @return 0; -ENOENT: no series matches; -ENOMEM
 */
int query_new(struct engine *engine, const char *series, const char *host, int64_t since_us,
	      int64_t until_us, struct query **ret_query);

/* Give of samples of one series and one time only the last that was written, not all of them. */
void query_show_latest(struct query *query);

/* Takes NULL. */
void query_free(struct query *query);

/*
 * The next rows, sorted by host, series, time; of equal times in the order in which they came.
 * @param ret_rows  borrowed until the next call
 * @return 1 with at least one row; 0: no more; -ENOMEM; -EMFILE, -ENFILE; -ENOBUFS: one series has
 * more than the limit of memory holds; -errno of the limits, or of reading the log
 */
int query_next(struct query *query, const struct query_row **ret_rows, size_t *ret_n);

/* How many of the series, in their order, have been given whole, or had nothing; after -ENOBUFS: the
 * next one is that which has too much. */
size_t query_n_done(const struct query *query);

/*
 * The same as columns: all that follows from one series to the next, however many. Not together with
 * query_next().
 * @param ret_piece  borrowed until the next call
 * @return as query_next()
 */
int query_next_piece(struct query *query, struct query_piece *ret_piece);

/*
 * How many places could not be read so far: damaged ranges and batches, files that are gone. They were
 * counted and told; what lay there is not among the rows.
 */
uint64_t query_n_lost(const struct query *query);

#endif
