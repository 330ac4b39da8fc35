/* SPDX-License-Identifier: MIT */
/* How many things a second came lately. */

#include "collector/rate.h"

#include "common/timestamp.h"

void rate_add(struct rate *rate, uint64_t n, int64_t now_us)
{
	bool is_new = rate->n == 0 || now_us - rate->last_us > RATE_WINDOW_US;

	rate->n += n;
	rate->last_us = now_us;
	if (!is_new && now_us - rate->next_us < RATE_WINDOW_US)
		return;
	/* What came with the first arrival came in the time before it. */
	rate->since_us = is_new ? now_us : rate->next_us;
	rate->n_since = is_new ? rate->n : rate->n_next;
	rate->next_us = now_us;
	rate->n_next = rate->n;
}

bool rate_get(const struct rate *rate, int64_t now_us, double *ret_rate)
{
	bool is_silent = now_us - rate->last_us > RATE_WINDOW_US;

	if (rate->n == 0 || (!is_silent && rate->last_us <= rate->since_us))
		return false;
	*ret_rate = 0;
	if (!is_silent) {
		*ret_rate = (double)(rate->n - rate->n_since) * (double)TIMESTAMP_SECOND_US /
			    (double)(rate->last_us - rate->since_us);
	}
	return true;
}
