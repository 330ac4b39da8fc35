/* SPDX-License-Identifier: MIT */
/* Tests of what one group of a checkpoint appends. */

#include "collector/group.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "collector/engine.h"
#include "common/message.h"
#include "hostmetrics/wire.h"
#include "tests/support/sim_store.h"

#define AT SIM_STORE_AT

static struct sim_store store;
static struct tail *tail;
static struct group group = {.samples_max = GROUP_SAMPLES_MAX};

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(tail_new(store.engine, &tail), 0);
}

static void teardown(void)
{
	group_done(&group);
	tail_free(tail);
	sim_store_done(&store);
}

TestSuite(group, .init = setup, .fini = teardown);

static void add_all_hosts(void)
{
	uint64_t n_damaged;

	for (size_t i = 0; i < store.engine->catalog.n_hosts; i++) {
		struct catalog_host *host = store.engine->catalog.all_hosts[i];
		struct tail_range range = {host->number, host->checkpoint, host->last};

		cr_assert_eq(group_add_host(&group, tail, host, &range, &n_damaged), 0);
		cr_assert_eq(n_damaged, 0);
		cr_assert_eq(group.hosts[group.n_hosts - 1].host, host);
	}
}

Test(group, calls_times_before_2020_and_far_ahead_impossible)
{
	const int64_t now_us = SIM_STORE_START_S * SIM_STORE_SECOND_US;

	cr_assert(group_is_odd(GROUP_EARLIEST_US - 1, now_us));
	cr_assert_not(group_is_odd(GROUP_EARLIEST_US, now_us));
	cr_assert_not(group_is_odd(now_us + GROUP_AHEAD_US, now_us));
	cr_assert(group_is_odd(now_us + GROUP_AHEAD_US + 1, now_us));
	cr_assert(group_is_odd(INT64_MIN, now_us));
	cr_assert(group_is_odd(INT64_MAX, now_us));
	cr_assert_not(group_is_odd(GROUP_EARLIEST_US, INT64_MAX));
}

/* The samples of a run are by time; the one of 4 is odd. */
static void check_samples(const struct group_run *run)
{
	for (size_t i = run->first; i < run->first + run->n_samples; i++) {
		const struct metric_file_sample *sample = &group.samples[i];

		cr_assert_eq(run->side == CATALOG_SIDE_ODD, sample->value == 4);
		if (i > run->first)
			cr_assert_leq(sample[-1].time_us, sample->time_us);
	}
}

/* Check where a run stands. */
static void check_run(const struct group_file *file, size_t i)
{
	const struct group_run *run = &group.runs[i];
	const struct group_run *before = i > file->first_run ? run - 1 : NULL;

	cr_assert(run->series->file == file->file && run->side == file->side);
	cr_assert_gt(run->n_samples, 0);
	if (before)
		cr_assert_leq(before->series->id, run->series->id);
	if (before && before->series == run->series)
		cr_assert_lt(before->first, run->first, "the order of the log");
	check_samples(run);
}

Test(group, has_runs_by_file_side_series_and_order_of_arrival)
{
	size_t n_host_files = 0;
	size_t n_samples = 0;

	sim_store_put(&store, AT "03 m{x=\"1\"} 1\n" AT "01 m{x=\"1\"} 2\n" AT "01 m{x=\"1\"} 3\n"
				 "5 m{x=\"1\"} 4\n" AT "02 m 5\n" AT "02 n 6\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_put(&store, AT "01 m{x=\"1\"} 7\n" AT "01 m{host=\"b\"} 8\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	add_all_hosts();
	cr_assert_eq(group_complete(&group, &store.engine->mutex), 0);

	cr_assert_eq(group.n_samples, 8);
	cr_assert_eq(group.n_runs, 6, "m{x}, its odd one, m, n; m{x} again; m of b");
	cr_assert_eq(group.n_files, 6, "m, its odd ones, n, m of b, two of hosts");
	for (size_t i = 0; i < group.n_files; i++) {
		const struct group_file *file = &group.files[i];

		cr_assert_not_null(file->of);
		n_host_files += !file->file;
		n_samples += file->n_samples;
		if (file->file)
			cr_assert_eq(file->of->host, file->file->host);
		for (size_t j = file->first_run; j < file->first_run + file->n_runs; j++)
			check_run(file, j);
	}
	cr_assert_eq(n_host_files, 2);
	cr_assert_eq(n_samples, 8);
}

/* So that a batch that turns out to be damaged is taken back whole. */
Test(group, begins_a_run_with_each_batch)
{
	sim_store_put(&store, AT "02 m 1\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_put(&store, AT "03 m 2\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	add_all_hosts();
	cr_assert_eq(group_complete(&group, &store.engine->mutex), 0);
	cr_assert_eq(group.n_runs, 2);
}

/* Of a host with more than a group takes, the batches that came first are taken. */
Test(group, ends_within_a_host_when_it_is_full)
{
	struct catalog_host *host;
	struct tail_range range;
	uint64_t n_damaged;
	uint64_t n_before;

	cr_assert_eq(sim_store_put_many(&store, "m", 2000), 0);
	cr_assert_eq(sim_store_put_many(&store, "m", 2000), 0);
	host = store.engine->catalog.all_hosts[0];
	range = (struct tail_range){host->number, host->checkpoint, host->last};
	/* As if other hosts had filled it already. */
	group.samples_capacity = GROUP_SAMPLES_MAX + HM_BATCH_SAMPLES_MAX + 4000;
	group.samples = calloc(group.samples_capacity, sizeof(*group.samples));
	group.n_samples = GROUP_SAMPLES_MAX - 1;
	n_before = group.n_samples;
	cr_assert_eq(group_add_host(&group, tail, host, &range, &n_damaged), 0);

	cr_assert_eq(group.n_samples, n_before + 2000);
	cr_assert_eq(group.hosts[0].n_samples, 2000);
	cr_assert_lt(group.hosts[0].position, host->last);
	cr_assert_gt(group.hosts[0].position, host->checkpoint);
	/* The next group has the rest. */
	range.after = group.hosts[0].position;
	group_clear(&group);
	cr_assert_eq(group.samples_capacity, 0, "what a flood needed is not kept");
	cr_assert_eq(group_add_host(&group, tail, host, &range, &n_damaged), 0);
	cr_assert_eq(group.n_samples, 2000);
	cr_assert_eq(group.hosts[0].position, host->last);
}

Test(group, ends_within_a_host_when_it_has_many_messages)
{
	struct catalog_host *host;
	struct tail_range range;
	uint64_t n_damaged;

	cr_assert_eq(sim_store_put_many(&store, "m", 20), 0);
	cr_assert_eq(sim_store_put_many(&store, "m", 20), 0);
	host = store.engine->catalog.all_hosts[0];
	range = (struct tail_range){host->number, host->checkpoint, host->last};
	/* As if agents had told as much of what they sample. */
	cr_assert_eq(buffer_reserve(&group.bytes, GROUP_MESSAGE_BYTES_MAX), 0);
	memset(group.bytes.data, 0, GROUP_MESSAGE_BYTES_MAX);
	group.bytes.length = GROUP_MESSAGE_BYTES_MAX - 1;
	cr_expect_not(group_is_full(&group, 0));
	group.bytes.length++;
	cr_expect(group_is_full(&group, 0));
	cr_assert_eq(group_add_host(&group, tail, host, &range, &n_damaged), 0);

	cr_assert_eq(group.n_samples, 20);
	cr_assert_lt(group.hosts[0].position, host->last);
}

Test(group, is_full_at_the_same_number_when_its_memory_was_given_back)
{
	group.samples_max = 2000;
	group_done(&group);

	cr_assert_eq(group.samples_max, 2000);
}
