/* SPDX-License-Identifier: MIT */
#ifndef AGENT_ENCODER_H
#define AGENT_ENCODER_H

/*
 * Gathers the ticks of one ship interval and seals them into batches: all series that have the same ticks share a block,
 * and the samples of each series stay in the order in which they were taken, also where the clock went back.
 * The same ticks give the same batches.
 *
 * A batch has whole ticks, so that each supersedes what it holds: where one is not enough for an interval, the next
 * goes on with the ticks behind. Only one tick that is too long alone is divided by series.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/tick.h"
#include "common/buffer.h"

/* So many ticks are sealed together at most. */
#define ENCODER_TICKS_MAX ((size_t)4096)

/* What is in a batch; a GAP says it when the batch is gone. */
struct encoder_sealed {
	/*
	 * Number of the last tick of which all is sealed with it; 0: of the one that it has there is more, so it is
	 * superseded only with the next. A spool that has one of the two would have some samples sent twice: it is
	 * to have both at once.
	 */
	uint64_t last_tick;
	size_t n_samples;
	int64_t first_us; /* of all its ticks */
	int64_t last_us;
};

struct encoder; /* it keeps no memory of what is sealed */

/* @return NULL without memory */
struct encoder *encoder_new(void);

/* Takes NULL. */
void encoder_free(struct encoder *encoder);

/*
 * Take a tick. One in which nothing is set is passed over: the next one's batch supersedes it, too.
 * @param tick    copied
 * @param number  of its own: it grows from tick to tick; not 0
 * @return 0; -ENOSPC: seal what there is first; -EBUSY: sealing has begun and is to be done first; -ENOMEM
 */
int encoder_add(struct encoder *encoder, const struct tick *tick, uint64_t number);

/* Is what there is to be sealed now, before the interval is over? */
bool encoder_is_full(const struct encoder *encoder);

/*
 * Append the body of the next BATCH, what stands behind the stamp.
 * @param ret_sealed  what is in it
 * @return 0: there may be more; -ENODATA: there are no more samples, and ticks may be added again; -ENOMEM: nothing was
 * appended, and the next call tries it again
 */
int encoder_seal(struct encoder *encoder, struct buffer *out, struct encoder_sealed *ret_sealed);

#endif
