/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_BOARD_H
#define AGENT_CTL_BOARD_H

/*
 * The rows of an answer to list-metrics, kept until the next one: with the rates of counters between
 * the two, filtered, and in an order.
 */

#include <stdbool.h>
#include <stddef.h>

#include "agent/ctl/answer.h"

struct board_row;

/* All rows of one answer. */
struct board_rows {
	struct answer_columns columns; /* the answer's, with `rate` behind `value` */
	size_t rate_at;                /* which of them that is */
	struct board_row **at;         /* owned */
	size_t n;
	size_t capacity;
};

/* By what the rows are sorted. */
struct board_order {
	const char *column; /* a name of the answer's, "rate" or "age"; NULL = as they came */
	bool is_descending;
};

/* Zeroed = empty. */
struct board {
	struct board_rows rows;   /* of the last whole answer, by host and series */
	struct board_rows coming; /* of the one that is being read */
	struct board_row **shown; /* those that match, in the order; borrowed from rows */
	size_t n_shown;
};

/* Release the memory. */
void board_done(struct board *board);

/* Begin with an answer: what came of one that was not whole is forgotten. */
void board_begin(struct board *board);

/* Takes the answer; its context is the board. */
extern const struct answer_handler board_handler;

/*
 * The answer is whole: it replaces the last one. A counter has a rate when both have a sample of it,
 * the newer one with a later time and no smaller value; while no new sample comes the rate stays.
 */
void board_end(struct board *board);

/*
 * Choose and sort what is shown.
 * @param filter  a GLOB (common/match.h) of series or hosts when it has one of *?[, else a piece of
 *                either, in any case; NULL or "": all
 * @return 0, or -ENOMEM: nothing is shown
 */
int board_arrange(struct board *board, const char *filter, const struct board_order *order);

/* The words of a row that is shown, one a column. */
char *const *board_words(const struct board *board, size_t i);

/* The host of all rows, or NULL: there are several, or none. */
const char *board_only_host(const struct board *board);

#endif
