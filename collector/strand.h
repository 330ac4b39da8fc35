/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_STRAND_H
#define COLLECTOR_STRAND_H

/*
 * The samples of one series in the order of their times, drawn from piles of columns. Where columns
 * follow each other in time, which is the normal case, each is decoded and handed on as it is. Where
 * samples came late, or two have one time and only the last is wanted, they are gathered and sorted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/limits.h"
#include "collector/pile.h"

struct strand;

struct strand_options {
	struct limits limits;
	int64_t span_us[2];  /* both ends belong to it; the piles are of the same */
	bool is_latest_only; /* of samples of one time only the last that was written */
	bool is_of_ticks; /* instead of values: 0 for a sample, the reason for an absence; the piles
			      * have these */
};

/* Columns of the series, in the order in which they were written. */
struct strand_source {
	const struct pile *pile; /* borrowed until the next series */
	const struct pile_column *columns;
	size_t n;
};

/* Samples that follow each other. */
struct strand_piece {
	const int64_t *times_us; /* never decreasing */
	const double *values;
	size_t n;        /* not 0 */
	int64_t step_us; /* from each to the next; 0 = not known */
};

/* Two sources: files, and behind them what only the log has. */
#define STRAND_SOURCES ((size_t)2)

/* @return 0 or -ENOMEM */
int strand_new(const struct strand_options *options, struct strand **ret_strand);

/* Takes NULL. */
void strand_free(struct strand *strand);

/* Begin with a series. */
void strand_begin(struct strand *strand, const struct strand_source sources[static STRAND_SOURCES]);

/* End with it, and release the memory for sorting. */
void strand_forget(struct strand *strand);

/*
 * The next samples of it.
 * @param ret_piece  borrowed until the next call
 * @return 1; 0: there are no more; -ENOMEM; -ENOBUFS: what must be sorted is too much; -errno of the
 * limits
 */
int strand_next(struct strand *strand, struct strand_piece *ret_piece);

/* How many blocks of a source were found so far to have columns that cannot be decoded. */
uint64_t strand_n_damaged(const struct strand *strand, size_t source);

#endif
