/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WHY_PART_H
#define COLLECTOR_WHY_PART_H

/* What the parts of collector/why.h share: where samples are missing, and for which reasons. */

#include "collector/why.h"

/* Samples that are missing, between two times. */
struct why_part {
	int64_t from_us;
	int64_t to_us;                     /* WHY_STILL: up to now */
	const struct why_segment *segment; /* how they were to be taken */
};

/* So long there need not be a sample. */
static inline int64_t why_patience(const struct why_segment *segment)
{
	return segment->interval_us + segment->interval_us / 2;
}

/* Go on to what is in force at a time. @return NULL: nothing yet */
const struct why_segment *why_segment_at(struct why *why, int64_t time_us);

/* Tell of a hole, behind all that were told; it may go on. @return 0 or -errno of who takes holes */
int why_tell(struct why *why, int64_t from_us, int64_t to_us, enum hm_reason reason);

/* Tell of what is missing for which reasons. @return likewise; -ENOMEM */
int why_explain(struct why *why, const struct why_part *part);

#endif
