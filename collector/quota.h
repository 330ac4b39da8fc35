/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_QUOTA_H
#define COLLECTOR_QUOTA_H

/*
 * How a limit on the size of hosts' files is kept: once they take more, the horizon of all of them moves
 * on in small steps, so that what is oldest goes first, until they take a 64th less. How many bytes a step
 * gives back is not known before, only about; so it is measured, and the next step follows from that.
 * Knows nothing of files: no lock, no disk.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* It is begun at the limit and ends at so much less. */
#define QUOTA_SPARE_PART 64

/* So much of the time that there is when it begins is never touched, at its newer end: from the oldest
 * sample of a host that could give something back to the newest of all. */
#define QUOTA_KEPT_PART 16

/* What one host has, as it is now. */
struct quota_host {
	int64_t oldest_us;     /* a horizon up to this time gives nothing back */
	int64_t newest_us;     /* one behind it gives all back but what is kept */
	uint64_t n_bytes;      /* that its files take */
	uint64_t n_kept_bytes; /* of these: stay, wherever the horizon is */
};

/* Zeroed but for the limit to begin. */
struct quota {
	uint64_t limit_bytes;
	bool is_removing;
	int64_t kept_us; /* so much time is not touched */
};

enum quota_result {
	QUOTA_FITS,       /* there is nothing to do */
	QUOTA_MOVE,       /* samples of before *ret_horizon_us go */
	QUOTA_STUCK,      /* only what is not touched is left */
	QUOTA_IMPOSSIBLE, /* what stays in any case is more than the limit: nothing is removed */
};

/*
 * What to do next. To be asked again once what was said before is done, and measured.
 * @param hosts           all that the limit is for
 * @param ret_horizon_us  set where the result is QUOTA_MOVE
 */
enum quota_result quota_step(struct quota *quota, const struct quota_host *hosts, size_t n,
			     int64_t *ret_horizon_us);

#endif
