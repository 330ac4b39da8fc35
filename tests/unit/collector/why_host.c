/* SPDX-License-Identifier: MIT */
/* Tests of what is read to tell why a host's series have holes. */

#include "collector/why_host.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/message.h"
#include "tests/support/all_series.h"
#include "tests/support/history_agent.h"

#define MANY 30

static struct sim_store store;
static struct history_agent agent;
static struct catalog_series **series;
static size_t n_series;
static int n_checks;
static int n_checks_max;

static int check(void *context)
{
	(void)context;
	return ++n_checks > n_checks_max ? -ETIME : 0;
}

static void setup(void)
{
	message_init("test");
	n_checks = 0;
	n_checks_max = 1000000;
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	history_agent_open(&agent, &store, 2);
}

static void teardown(void)
{
	free(series);
	history_agent_close(&agent);
	sim_store_done(&store);
}

TestSuite(why_host, .init = setup, .fini = teardown);

/* @return as why_host_read() */
static int read_all(void)
{
	struct budget memory = {.max = 1 << 20};
	struct budget samples = {.max = 1 << 20};
	const struct why_wish wish = {
		.series = series,
		.n_series = n_series,
		.since_us = INT64_MIN,
		.until_us = INT64_MAX,
		.now_us = (SIM_STORE_START_S + 100) * SIM_STORE_SECOND_US,
		.limits = {.memory = &memory, .check = check},
		.samples = &samples,
	};
	struct why_list list = {.key = &store.engine->options.key, .limits = &wish.limits};
	uint64_t n_intervals = 0;
	uint64_t n_lost = 0;
	int result = why_host_read(store.engine, &wish, &list, &n_intervals, &n_lost);

	why_list_done(&list);
	cr_expect_eq(memory.used, 0, "all memory is given back");
	return result;
}

/* What is told of a host may have to be gone through for each series. */
Test(why_host, can_be_ended_at_each_series)
{
	struct catalog_series **many;
	int n_checks_of_one;

	history_agent_schedule(&agent, 1, "xy");
	history_agent_declare(&agent);
	history_agent_batch(&agent, 2, 7);
	history_agent_commit(&agent);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(all_series_list(store.engine, &series, &n_series), 0);
	many = calloc(MANY, sizeof(struct catalog_series *));
	cr_assert_not_null(many);
	for (size_t i = 0; i < MANY; i++)
		many[i] = series[0];
	free(series);
	series = many;
	n_series = 1;
	cr_expect_eq(read_all(), 0);
	n_checks_of_one = n_checks;
	n_checks = 0;
	n_series = MANY;
	cr_expect_eq(read_all(), 0);
	cr_assert_geq(n_checks, n_checks_of_one + MANY - 1);
	for (int n = n_checks - 1; n >= 0; n--) {
		n_checks = 0;
		n_checks_max = n;
		cr_expect_eq(read_all(), -ETIME, "%d", n);
	}
}
