/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WHY_HOST_H
#define COLLECTOR_WHY_HOST_H

/* Why there are holes in series of one host: reads what there is of them, and of the host. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/engine.h"
#include "collector/limits.h"
#include "collector/why_list.h"

struct why_wish {
	struct catalog_series *const *series; /* of one host, those of a file beside each other */
	size_t n_series;
	int64_t since_us;
	int64_t until_us; /* the same: this moment */
	int64_t now_us;
	bool is_whole; /* all that there is of a host: nobody asked for what has no interval */
	struct limits limits;   /* of all that is found out, and of time */
	struct budget *samples; /* what reading them may take */
};

/*
 * @param list             gets what is found out; key and limits are set
 * @param ret_n_intervals  of so many series it is known how often they are sampled
 * @param n_lost           grows by the places that could not be read
 * @return 0; -ENOMEM; -ENOBUFS: more than the limit of memory holds; -errno of the limits, or of reading
 */
int why_host_read(struct engine *engine, const struct why_wish *wish, struct why_list *list,
		  uint64_t *ret_n_intervals, uint64_t *n_lost);

#endif
