/* SPDX-License-Identifier: MIT */
#ifndef AGENT_ROUND_H
#define AGENT_ROUND_H

/* A round of samples as the sampler's thread hands it over, in memory: they lie one behind the other. */

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/series.h"
#include "hostmetrics/format.h"
#include "hostmetrics/plugin.h"

/*
 * One without a name is about all series of its metric that the round says nothing of, whichever there are: an agent that
 * has begun anew does not know those it had before.
 */
struct round_sample {
	int64_t time_us;
	double value;
	enum hm_reason reason;          /* why there is no value; HM_REASON_NONE = there is one */
	const struct hm_metric *metric; /* lives as long as the plugins are loaded */
	uint64_t
		order; /* no other series has or had it, so that the name need not be looked at; 0: not known */
	struct series_text name; /* canonical, without the label host */
};

static inline bool round_is_of_rest(const struct round_sample *sample)
{
	return sample->name.length == 0;
}

/* Append one; `failed` of the buffer tells when there was no memory. */
void round_put(struct buffer *out, const struct round_sample *sample);

/*
 * Take the next one of a round that round_put() made.
 * @param at          where it begins; goes on behind it
 * @param ret_sample  its name is borrowed from the round
 * @return false: it was the last
 */
bool round_next(const char **at, const char *end, struct round_sample *ret_sample);

#endif
