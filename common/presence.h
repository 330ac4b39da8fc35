/* SPDX-License-Identifier: MIT */
#ifndef COMMON_PRESENCE_H
#define COMMON_PRESENCE_H

/* Which times of a block have a sample of a series, and why others have none, as bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/block.h"
#include "common/varint.h"

struct presence {
	size_t n_runs;
	size_t n_present;
	size_t n_absent; /* of those that are missing: so many have a reason */
};

/* Do these runs, none of them empty, cover n_times? @param ret_presence  only if so */
bool presence_is_valid(const struct block_run *runs, size_t n_runs, size_t n_times,
		       struct presence *ret_presence);

void presence_write(struct buffer *out, const struct block_run *runs, size_t n_runs);

/* Pass over the runs of n_times. @return 0; -EBADMSG: also where nothing is missing */
int presence_check(struct varint_reader *reader, size_t n_times, struct presence *ret_presence);

/* Read what presence_check() passed over. */
void presence_read(struct varint_reader reader, struct block_run *ret_runs, size_t n_runs);

#endif
