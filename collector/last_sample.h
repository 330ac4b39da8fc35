/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_LAST_SAMPLE_H
#define COLLECTOR_LAST_SAMPLE_H

/* The last samples of series, where they are not known any more since something was deleted. */

#include <stddef.h>
#include <stdint.h>

#include "collector/catalog.h"
#include "collector/tail.h"

struct engine;

/* Series whose last sample is to be looked for. Zeroed = none. */
struct last_samples {
	struct catalog_series **series;
	size_t n;
	size_t capacity;
	struct catalog_host **hosts; /* whose newest sample it was */
	size_t n_hosts;
	size_t hosts_capacity;
};

void last_samples_done(struct last_samples *wanted);

/* Forget the last sample of a series where it lies in a range of time. With the engine's mutex held.
 * @return 0 or -ENOMEM */
int last_samples_forget(struct last_samples *wanted, struct catalog_series *series,
			int64_t since_us, int64_t until_us);

/*
 * Look for them, and then for the newest ones of their hosts, in files and in the log. Takes the engine's mutex.
 * @return 0; -ENOMEM; -errno of reading the log
 */
int last_samples_find(struct last_samples *wanted, struct engine *engine);

#endif
