/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WINDOW_GROUP_H
#define COLLECTOR_WINDOW_GROUP_H

/*
 * Windows that follow each other and have equally many samples each, as a sender with a steady step
 * makes them, added up side by side: the samples of each in their order, so to the same bits as
 * window_take() does it one by one. For sums and what is made of sums only.
 */

#include "collector/window.h"

/* So many at most, and so many at least. */
#define WINDOW_GROUP     ((size_t)16)
#define WINDOW_GROUP_MIN ((size_t)4)

/* Windows with more samples gain nothing by it. */
#define WINDOW_GROUP_SAMPLES_MAX ((size_t)64)

/* Such windows, as they would be in a struct window. */
struct window_group {
	size_t n_windows;
	int64_t start_us; /* of the first */
	int64_t step_us;
	int64_t covered_us[WINDOW_GROUP];
	int64_t n[WINDOW_GROUP];
	double value[WINDOW_GROUP];
	double lost[WINDOW_GROUP];
};

/*
 * Take the next windows, if they are whole and such, and the first is not the one that the walk is in.
 * @param samples  what comes next; of the last window to be taken there are no more behind them
 * @return how many samples they have together; 0: take the next window by itself
 */
size_t window_group_take(struct window_group *group, struct window_walk *walk,
			 const struct window_rule *rule, const struct window_samples *samples);

/* One of them. */
struct window window_group_get(const struct window_group *group, size_t index);

/*
 * What window_result() gives for each.
 * @return the lowest group->n_windows bits: which of them have a result
 */
unsigned window_group_results(const struct window_group *group, const struct window_rule *rule,
			      double ret_results[static WINDOW_GROUP]);

#endif
