/* SPDX-License-Identifier: MIT */
/* A round of samples as the sampler's thread hands it over. */

#include "agent/round.h"

#include <string.h>

void round_put(struct buffer *out, const struct round_sample *sample)
{
	buffer_append(out, sample, sizeof(*sample));
	buffer_append(out, sample->name.start, sample->name.length);
}

bool round_next(const char **at, const char *end, struct round_sample *ret_sample)
{
	if (*at == end)
		return false;
	/* Names have any length, so nothing is aligned. */
	memcpy(ret_sample, *at, sizeof(*ret_sample));
	ret_sample->name.start = *at + sizeof(*ret_sample);
	*at += sizeof(*ret_sample) + ret_sample->name.length;
	return true;
}
