/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SERIES_LIMIT_H
#define AGENT_SERIES_LIMIT_H

/*
 * How many series the agent has, all plugins together (`series_max`). Who comes first gets a place, and keeps it as long as it
 * lives. On one thread: that of the plugins' verbs. Every function takes NULL, which is no limit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct series_limit {
	size_t max;
	size_t n_placed;
	/* Series that are remembered without having a place: left out, excluded, or gone with a total to be kept. Of
	 * new ones at most `max` are, so that no host makes the agent grow beyond that. */
	size_t n_kept;
	uint64_t last_order; /* that the last one got with its place */
};

bool series_limit_has_place(const struct series_limit *limit);

/* Have a place, where there is one. @return its order: lower than that of all who come later; without a limit 0 */
uint64_t series_limit_take(struct series_limit *limit);

void series_limit_give_back(struct series_limit *limit);

/* May one more be remembered that has no place? */
bool series_limit_may_keep(const struct series_limit *limit);

/* One more is, or one less. */
void series_limit_keep(struct series_limit *limit);
void series_limit_forget(struct series_limit *limit);

#endif
