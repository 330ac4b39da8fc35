/* SPDX-License-Identifier: MIT */
/* Tests of keeping a limit on the size of hosts' files, on files that are made up. */

#include "collector/quota.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/seeded.h"

#define PAGE_BYTES UINT64_C(4096)
#define DAY_US     INT64_C(86400000000)
#define BEGIN_US   INT64_C(1700000000000000)
#define HOSTS_MAX  40
#define BLOCKS_MAX 2000
#define STEPS_MAX  2000

/* A file of blocks, one behind the other; whole pages before the first block that counts are given back. */
struct fake {
	size_t n;
	int64_t first_us[BLOCKS_MAX];
	int64_t last_us[BLOCKS_MAX];
	uint64_t n_bytes[BLOCKS_MAX];
};

static struct fake fakes[HOSTS_MAX];
static struct quota_host hosts[HOSTS_MAX];
static int64_t horizons_us[HOSTS_MAX];
static size_t n_hosts;
static struct quota quota;

static void setup(void)
{
	memset(fakes, 0, sizeof(fakes));
	for (size_t i = 0; i < HOSTS_MAX; i++)
		horizons_us[i] = INT64_MIN;
	n_hosts = 0;
	quota = (struct quota){0};
}

TestSuite(quota, .init = setup);

static void add_block(struct fake *fake, int64_t first_us, int64_t last_us, uint64_t n_bytes)
{
	cr_assert_lt(fake->n, BLOCKS_MAX);
	fake->first_us[fake->n] = first_us;
	fake->last_us[fake->n] = last_us;
	fake->n_bytes[fake->n++] = n_bytes;
}

/* A host with so many blocks, each of as many bytes, one day after the other. */
static void add_host(int64_t begin_us, size_t n_days, uint64_t n_bytes)
{
	struct fake *fake = &fakes[n_hosts++];

	for (size_t i = 0; i < n_days; i++)
		add_block(fake, begin_us + (int64_t)i * DAY_US,
			  begin_us + (int64_t)(i + 1) * DAY_US - 1, n_bytes);
}

/* What is to be seen of it: as collector/retention.c gives it. */
static struct quota_host look_at(const struct fake *fake, int64_t horizon_us)
{
	struct quota_host host = {.oldest_us = INT64_MAX, .newest_us = fake->last_us[fake->n - 1]};
	uint64_t n_bytes = 0;
	uint64_t front = 0;
	bool has_front = false;

	for (size_t i = 0; i < fake->n; i++) {
		has_front |= fake->last_us[i] >= horizon_us;
		if (!has_front)
			front += fake->n_bytes[i];
		else if (host.oldest_us == INT64_MAX)
			host.oldest_us =
				horizon_us == INT64_MIN ? fake->first_us[0] : fake->last_us[i];
		n_bytes += fake->n_bytes[i];
	}
	host.n_bytes = (n_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	if (front / PAGE_BYTES > 1)
		host.n_bytes -= (front / PAGE_BYTES - 1) * PAGE_BYTES;
	host.n_kept_bytes = host.n_bytes < 2 * PAGE_BYTES ? host.n_bytes : 2 * PAGE_BYTES;
	return host;
}

static uint64_t total(void)
{
	uint64_t n_bytes = 0;

	for (size_t i = 0; i < n_hosts; i++) {
		hosts[i] = look_at(&fakes[i], horizons_us[i]);
		n_bytes += hosts[i].n_bytes;
	}
	return n_bytes;
}

/* Take steps until there is nothing to do. @return how many */
static unsigned run(enum quota_result *ret_result)
{
	unsigned n_steps = 0;
	int64_t horizon_us;
	int64_t before_us = INT64_MIN;

	(void)total();
	while ((*ret_result = quota_step(&quota, hosts, n_hosts, &horizon_us)) == QUOTA_MOVE) {
		cr_assert_lt(n_steps, STEPS_MAX);
		cr_assert_gt(horizon_us, before_us, "each step goes on");
		before_us = horizon_us;
		n_steps++;
		for (size_t i = 0; i < n_hosts; i++)
			horizons_us[i] = horizon_us;
		(void)total();
	}
	return n_steps;
}

static int64_t horizon(void)
{
	return horizons_us[0];
}

Test(quota, removes_nothing_up_to_the_limit)
{
	enum quota_result result;

	add_host(BEGIN_US, 100, 10000);
	quota.limit_bytes = total();
	cr_expect_eq(run(&result), 0);
	cr_expect_eq(result, QUOTA_FITS);
	quota.limit_bytes--;
	cr_expect_gt(run(&result), 0);
	cr_expect_eq(result, QUOTA_FITS);
}

Test(quota, removes_what_is_oldest_and_hardly_more_than_it_must)
{
	enum quota_result result;
	uint64_t before;

	for (int i = 0; i < 10; i++)
		add_host(BEGIN_US, 1000, 10000);
	before = total();
	quota.limit_bytes = before / 10 * 9;
	cr_expect_lt(run(&result), 60);
	cr_expect_eq(result, QUOTA_FITS);
	cr_expect_leq(total(), quota.limit_bytes - quota.limit_bytes / QUOTA_SPARE_PART);
	cr_expect_geq(total(), quota.limit_bytes / 100 * 97);
	/* A tenth of the time, and the spare part. */
	cr_expect_geq(horizon(), BEGIN_US + 100 * DAY_US);
	cr_expect_leq(horizon(), BEGIN_US + 125 * DAY_US);
}

Test(quota, begins_again_only_when_the_spare_part_is_full)
{
	enum quota_result result;
	int64_t reached_us;

	add_host(BEGIN_US, 1000, 10000);
	quota.limit_bytes = total() / 2;
	(void)run(&result);
	reached_us = horizon();
	for (size_t i = 0; total() + 10000 < quota.limit_bytes; i++) {
		add_block(&fakes[0], BEGIN_US + (1000 + (int64_t)i) * DAY_US,
			  BEGIN_US + (1001 + (int64_t)i) * DAY_US - 1, 10000);
		cr_assert_eq(run(&result), 0);
	}
	cr_expect_eq(horizon(), reached_us);
	add_block(&fakes[0], BEGIN_US + 1100 * DAY_US, BEGIN_US + 1101 * DAY_US - 1, 20000);
	cr_expect_gt(run(&result), 0);
	cr_expect_gt(horizon(), reached_us);
}

Test(quota, takes_from_old_hosts_before_new_ones)
{
	enum quota_result result;
	uint64_t new_bytes;

	add_host(BEGIN_US, 200, 10000);
	add_host(BEGIN_US + 500 * DAY_US, 200, 10000);
	(void)total();
	new_bytes = hosts[1].n_bytes;
	quota.limit_bytes = total() / 10 * 6;
	(void)run(&result);
	(void)total();
	cr_expect_eq(result, QUOTA_FITS);
	cr_expect_eq(hosts[1].n_bytes, new_bytes);
	cr_expect_lt(horizon(), BEGIN_US + 200 * DAY_US);
}

Test(quota, is_not_misled_by_a_few_old_samples)
{
	enum quota_result result;

	/* One block of ten years ago, then nothing until last year. */
	add_block(&fakes[0], BEGIN_US - 3650 * DAY_US, BEGIN_US - 3650 * DAY_US + 1, 200);
	add_host(BEGIN_US, 365, 10000);
	quota.limit_bytes = total() / 10 * 9;
	cr_expect_lt(run(&result), 60);
	cr_expect_eq(result, QUOTA_FITS);
	cr_expect_leq(horizon(), BEGIN_US + 365 * DAY_US / 100 * 15);
}

Test(quota, is_not_misled_by_many_old_samples)
{
	enum quota_result result;

	/* Nearly all is of the first tenth of the time. */
	add_host(BEGIN_US, 100, 100000);
	for (size_t i = 0; i < 900; i++)
		add_block(&fakes[0], BEGIN_US + (100 + (int64_t)i) * DAY_US,
			  BEGIN_US + (101 + (int64_t)i) * DAY_US - 1, 100);
	quota.limit_bytes = total() / 10 * 9;
	(void)run(&result);
	cr_expect_eq(result, QUOTA_FITS);
	cr_expect_geq(total(), quota.limit_bytes / 100 * 80);
}

Test(quota, begins_where_something_can_be_given_back)
{
	struct quota_host two[] = {
		{.oldest_us = 0, .newest_us = BEGIN_US, .n_bytes = 5000, .n_kept_bytes = 5000},
		{.oldest_us = BEGIN_US,
		 .newest_us = BEGIN_US + DAY_US,
		 .n_bytes = 90000,
		 .n_kept_bytes = 8000},
	};
	int64_t horizon_us = 0;

	quota.limit_bytes = 90000;
	cr_expect_eq(quota_step(&quota, two, 2, &horizon_us), QUOTA_MOVE);
	cr_expect_gt(horizon_us, BEGIN_US);
	cr_expect_lt(horizon_us, BEGIN_US + DAY_US / 20);
	cr_expect_eq(quota.kept_us, DAY_US / QUOTA_KEPT_PART);
}

Test(quota, touches_nothing_where_what_stays_is_too_much_already)
{
	enum quota_result result;

	for (int i = 0; i < 30; i++)
		add_host(BEGIN_US, 10, 1000);
	quota.limit_bytes = UINT64_C(58) * PAGE_BYTES;
	cr_expect_eq(run(&result), 0);
	cr_expect_eq(result, QUOTA_IMPOSSIBLE);
}

Test(quota, never_takes_the_newest_samples)
{
	enum quota_result result;

	/* All but one block is of the last day: nothing else could bring it down. */
	add_host(BEGIN_US, 100, 100);
	add_block(&fakes[0], BEGIN_US + 99 * DAY_US, BEGIN_US + 100 * DAY_US, 10000000);
	quota.limit_bytes = 100000;
	(void)run(&result);
	cr_expect_eq(result, QUOTA_STUCK);
	cr_expect_leq(horizon(), BEGIN_US + 94 * DAY_US);
	/* It is asked again and again, and does not move on as long as there is nothing new. */
	cr_expect_eq(run(&result), 0);
	cr_expect_eq(result, QUOTA_STUCK);
}

Test(quota, stands_hosts_without_time_or_bytes)
{
	struct quota_host odd[] = {
		{.oldest_us = INT64_MAX,
		 .newest_us = INT64_MIN,
		 .n_bytes = 5000,
		 .n_kept_bytes = 5000},
		{.oldest_us = INT64_MAX, .newest_us = INT64_MIN},
		{.oldest_us = BEGIN_US,
		 .newest_us = BEGIN_US,
		 .n_bytes = 9000,
		 .n_kept_bytes = 100},
	};
	int64_t horizon_us;

	quota.limit_bytes = 6000;
	cr_expect_eq(quota_step(&quota, odd, 3, &horizon_us), QUOTA_STUCK);
	cr_expect_eq(quota_step(&quota, odd, 0, &horizon_us), QUOTA_FITS);
	quota.limit_bytes = 0;
	cr_expect_eq(quota_step(&quota, odd, 3, &horizon_us), QUOTA_IMPOSSIBLE);
	cr_expect_eq(quota_step(&quota, odd, 0, &horizon_us), QUOTA_FITS);
}

Test(quota, reaches_any_limit_that_can_be_kept_whatever_the_hosts_are_like)
{
	struct seeded seeded;

	seeded_init(&seeded);
	for (unsigned round = 0; round < 300; round++) {
		enum quota_result result;
		uint64_t removable = 0;
		uint64_t before;
		unsigned n_steps;

		setup();
		for (uint64_t n = 1 + seeded_below(&seeded, 10); n > 0; n--) {
			add_host(BEGIN_US + (int64_t)seeded_below(&seeded, 400) * DAY_US,
				 20 + seeded_below(&seeded, 300),
				 50 + seeded_below(&seeded, 20000));
		}
		before = total();
		for (size_t i = 0; i < n_hosts; i++)
			removable += hosts[i].n_bytes - hosts[i].n_kept_bytes;
		quota.limit_bytes = before - removable / 100 * seeded_below(&seeded, 70);
		n_steps = run(&result);
		cr_assert(result == QUOTA_FITS || result == QUOTA_STUCK, "round %u", round);
		cr_assert_leq(n_steps, 400, "%u in round %u", n_steps, round);
		cr_assert(total() <= quota.limit_bytes || result == QUOTA_STUCK, "round %u", round);
	}
}
