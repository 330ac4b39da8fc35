/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TICKS_H
#define TESTS_SUPPORT_TICKS_H

/*
 * The times of a series: those of its samples, and those at which it has none and was said why, its absences.
 * From files and the log as a query sees them: what is durable, and neither deleted nor too old.
 */

#include <stdint.h>

#include "collector/engine.h"

struct ticks_wish {
	struct catalog_series *series; /* borrowed */
	int64_t since_us;              /* both belong to the span */
	int64_t until_us;
	void *context;
	/*
	 * A time, later than all before it.
	 * @param reason  0 (HM_REASON_NONE): it has a sample, or several; else it has none, and that is
	 * enum hm_reason of the one that was written last
	 * @return 0, or -errno to end with
	 */
	int (*take)(void *context, int64_t time_us, uint8_t reason);
	/* Asked now and then, as that of struct limits. NULL = go on */
	int (*check)(void *context);
};

/*
 * Give the times of a series in their order. It is read in pieces: a long one takes no more memory than a
 * short one. Takes the engine's mutex now and then. Any thread that may query.
 * @param ret_n_lost  places that could not be read: what lay there is missing. Also after a failure
 * @return 0; -ENOMEM; -EMFILE, -ENFILE; -ENOBUFS: too many samples of one time; -errno of reading the log or
 * of the wish
 */
int ticks_read(struct engine *engine, const struct ticks_wish *wish, uint64_t *ret_n_lost);

#endif
