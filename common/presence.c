/* SPDX-License-Identifier: MIT */
/* Which times of a block have a sample. */

#include "common/presence.h"

#include <errno.h>

#include "hostmetrics/format.h"

static void count_run(const struct block_run *run, struct presence *presence)
{
	presence->n_present += run->n_present;
	if (run->reason != HM_REASON_NONE)
		presence->n_absent += run->n_missing;
}

bool presence_is_valid(const struct block_run *runs, size_t n_runs, size_t n_times,
		       struct presence *ret_presence)
{
	struct presence presence = {.n_runs = n_runs};
	size_t left = n_times;

	for (size_t i = 0; i < n_runs; i++) {
		const struct block_run *run = &runs[i];

		if (run->n_present > left || run->n_missing > left - run->n_present ||
		    (run->n_present == 0 && run->n_missing == 0))
			return false;
		left -= run->n_present + run->n_missing;
		count_run(run, &presence);
	}
	if (left > 0)
		return false;
	*ret_presence = presence;
	return true;
}

void presence_write(struct buffer *out, const struct block_run *runs, size_t n_runs)
{
	for (size_t i = 0; i < n_runs; i++) {
		uint8_t bytes[2 * VARINT_MAX_BYTES + 1];
		size_t n = varint_put(bytes, runs[i].n_present);

		n += varint_put(bytes + n, runs[i].n_missing);
		if (runs[i].n_missing > 0)
			bytes[n++] = runs[i].reason;
		buffer_append(out, bytes, n);
	}
}

/* @param left  times that no run before covers. @return 0 or -EBADMSG */
static int read_run(struct varint_reader *reader, size_t left, struct block_run *ret_run)
{
	uint64_t n_present, n_missing;

	if (varint_get_limited(reader, left, &n_present) < 0 ||
	    varint_get_limited(reader, left - n_present, &n_missing) < 0)
		return -EBADMSG;
	*ret_run = (struct block_run){.n_present = (uint32_t)n_present,
				      .n_missing = (uint32_t)n_missing};
	if (n_missing > 0)
		return varint_get_byte(reader, &ret_run->reason);
	return n_present > 0 ? 0 : -EBADMSG;
}

int presence_check(struct varint_reader *reader, size_t n_times, struct presence *ret_presence)
{
	struct presence presence = {0};

	for (size_t left = n_times; left > 0; presence.n_runs++) {
		struct block_run run;

		if (read_run(reader, left, &run) < 0)
			return -EBADMSG;
		left -= run.n_present + run.n_missing;
		count_run(&run, &presence);
	}
	if (presence.n_present == n_times)
		return -EBADMSG;
	*ret_presence = presence;
	return 0;
}

void presence_read(struct varint_reader reader, struct block_run *ret_runs, size_t n_runs)
{
	for (size_t i = 0; i < n_runs; i++)
		(void)read_run(&reader, BLOCK_TIMES_MAX, &ret_runs[i]);
}
