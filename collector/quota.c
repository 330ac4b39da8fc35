/* SPDX-License-Identifier: MIT */
/* How a limit on the size of hosts' files is kept. */

#include "collector/quota.h"

/* A step gives back about this part of what is too much, and at least that part of all. */
#define STEP_PART     8
#define STEP_MIN_PART 1024

/* All hosts together. */
struct sum {
	uint64_t n_bytes;
	uint64_t n_kept_bytes;
	int64_t oldest_us; /* of those that could give something back */
	int64_t newest_us;
};

static struct sum add_up(const struct quota_host *hosts, size_t n)
{
	struct sum sum = {.oldest_us = INT64_MAX, .newest_us = INT64_MIN};

	for (size_t i = 0; i < n; i++) {
		const struct quota_host *host = &hosts[i];

		sum.n_bytes += host->n_bytes;
		sum.n_kept_bytes += host->n_kept_bytes;
		if (host->newest_us > sum.newest_us)
			sum.newest_us = host->newest_us;
		if (host->n_bytes > host->n_kept_bytes && host->oldest_us < sum.oldest_us)
			sum.oldest_us = host->oldest_us;
	}
	return sum;
}

/* How much it shall be at most in the end. */
static uint64_t goal_of(const struct quota *quota, const struct sum *sum)
{
	uint64_t spare = quota->limit_bytes / QUOTA_SPARE_PART;
	uint64_t room = quota->limit_bytes - sum->n_kept_bytes;

	return quota->limit_bytes - (spare < room / 2 ? spare : room / 2);
}

/* About how many bytes a horizon gives back, where a host's are spread evenly over its time. */
static double estimate(const struct quota_host *hosts, size_t n, int64_t horizon_us)
{
	double n_bytes = 0;

	for (size_t i = 0; i < n; i++) {
		const struct quota_host *host = &hosts[i];
		double removable = (double)host->n_bytes - (double)host->n_kept_bytes;
		double passed_us = (double)horizon_us - (double)host->oldest_us;
		double span_us = (double)host->newest_us - (double)host->oldest_us + 1;

		if (passed_us <= 0 || removable <= 0)
			continue;
		n_bytes += passed_us < span_us ? removable * passed_us / span_us : removable;
	}
	return n_bytes;
}

/* The earliest horizon that gives about so many bytes back. @param last_us  none is later than this */
static int64_t find_horizon(const struct quota_host *hosts, size_t n, double n_bytes,
			    int64_t first_us, int64_t last_us)
{
	while (first_us < last_us) {
		int64_t middle_us = first_us + (last_us - first_us) / 2;

		if (estimate(hosts, n, middle_us) < n_bytes)
			first_us = middle_us + 1;
		else
			last_us = middle_us;
	}
	return last_us;
}

enum quota_result quota_step(struct quota *quota, const struct quota_host *hosts, size_t n,
			     int64_t *ret_horizon_us)
{
	struct sum sum = add_up(hosts, n);
	double step;
	double step_min;

	if (sum.n_bytes <= quota->limit_bytes && !quota->is_removing)
		return QUOTA_FITS;
	if (sum.n_kept_bytes >= quota->limit_bytes) {
		quota->is_removing = false;
		return sum.n_bytes <= quota->limit_bytes ? QUOTA_FITS : QUOTA_IMPOSSIBLE;
	}
	if (sum.n_bytes <= goal_of(quota, &sum)) {
		quota->is_removing = false;
		return QUOTA_FITS;
	}
	if (sum.oldest_us >= sum.newest_us)
		return QUOTA_STUCK;
	if (!quota->is_removing) {
		quota->is_removing = true;
		quota->kept_us = (sum.newest_us - sum.oldest_us) / QUOTA_KEPT_PART;
	}
	if (sum.oldest_us >= sum.newest_us - quota->kept_us)
		return QUOTA_STUCK;
	step = (double)(sum.n_bytes - goal_of(quota, &sum)) / STEP_PART;
	step_min = (double)sum.n_bytes / STEP_MIN_PART;
	*ret_horizon_us = find_horizon(hosts, n, step > step_min ? step : step_min,
				       sum.oldest_us + 1, sum.newest_us - quota->kept_us);
	return QUOTA_MOVE;
}
