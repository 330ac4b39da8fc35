/* SPDX-License-Identifier: MIT */
#ifndef AGENT_VALUES_H
#define AGENT_VALUES_H

/* The last values of the series of all plugins, copied, for the control socket. */

#include <stddef.h>

#include "agent/plugin_set.h"
#include "common/buffer.h"
#include "common/match.h"

/* Zeroed = empty. Points into `texts`. */
struct values {
	struct plugin_value *rows; /* sorted by series */
	size_t n_rows;
	size_t capacity;
	struct buffer texts;
};

/*
 * Copy the last values of the series that are chosen.
 * @param match  NULL: all
 * @param host   of all of them
 * @return 0 or -ENOMEM
 */
int values_copy(struct values *values, const struct plugin_set *set, struct match *match,
		const char *host);

/* Takes zeroed ones. */
void values_done(struct values *values);

#endif
