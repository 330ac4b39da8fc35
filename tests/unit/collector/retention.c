/* SPDX-License-Identifier: MIT */
/* Tests of how long samples are kept. */

#include "collector/retention.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/retention_rules.h"
#include "tests/support/sim_store.h"

#define SECOND_US SIM_STORE_SECOND_US
#define HOUR_US   (3600 * SECOND_US)
#define DAY_US    (24 * HOUR_US)

static struct sim_store store;
static struct config config;
static struct config_error error;

static void setup(void)
{
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

static void teardown(void)
{
	config_done(&config);
	sim_store_done(&store);
}

TestSuite(retention, .init = setup, .fini = teardown);

/* @return the rules; NULL with *error set */
static char *read_rules(const char *text)
{
	char *rules = NULL;

	config_done(&config);
	config = (struct config){0};
	error = (struct config_error){{0}};
	cr_assert_eq(config_read_text(&config, "t.conf", text, strlen(text), &error), 0, "%s",
		     error.text);
	if (retention_rules_read(&config, "retention", &rules, &error) < 0)
		return NULL;
	return rules;
}

static void set_rules(const char *text)
{
	char *rules = read_rules(text);

	cr_assert_not_null(rules, "%s", error.text);
	cr_assert_eq(retention_set(store.engine, rules), 0);
	free(rules);
}

/* Let time pass, have a sample of then, and the horizons that follow. */
static int64_t run_at(int64_t now_us)
{
	sim_disk_set_now(store.sim, now_us);
	cr_assert_eq(retention_run(store.engine), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	return store.engine->catalog.all_hosts[0]->horizon_us;
}

static int64_t now_us(void)
{
	const struct disk *disk = sim_disk_table(store.sim);

	return disk->now_us(disk->context);
}

static int64_t put_sample(void)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 1), 0);
	return store.engine->catalog.all_hosts[0]->last_time_us;
}

Test(retention, wrong_rules_are_named_with_their_lines)
{
	cr_assert_null(read_rules("[retention]\ndefault = never\n"));
	cr_expect_not_null(strstr(error.text, "t.conf:2: default: 'never' is not a duration"));
	cr_assert_null(read_rules("[retention]\nweb* = 0h\n"));
	cr_expect_not_null(strstr(error.text, "web*"));
	cr_assert_null(read_rules("[retention]\ndefault = 400\n"), "400 of what?");
	cr_expect_not_null(strstr(error.text, "t.conf:2: default: '400' is not a duration"));
	cr_assert_null(read_rules("[retention]\nmax_size = 50000000000\n"));
	cr_assert_null(read_rules("[retention]\na;b = 1h\n"));
	cr_expect_not_null(strstr(error.text, "';'"));
}

Test(retention, rules_stay_in_the_order_of_the_file)
{
	char *rules = read_rules("[retention]\nweb* = 30d\ndefault = 400d\n*=1h\n");

	cr_assert_not_null(rules);
	cr_expect_str_eq(rules, "web*=30d;default=400d;*=1h");
	free(rules);
	rules = read_rules("[other]\nweb* = x\n");
	cr_assert_str_eq(rules, "");
	free(rules);
}

Test(retention, without_rules_all_is_kept)
{
	int64_t newest_us = put_sample();

	cr_expect_eq(run_at(newest_us + 10 * HOUR_US), INT64_MIN);
	set_rules("[retention]\n");
	cr_expect_eq(run_at(newest_us + 11 * HOUR_US), INT64_MIN);
	set_rules("[retention]\nother* = 1h\n");
	cr_expect_eq(run_at(newest_us + 12 * HOUR_US), INT64_MIN);
}

Test(retention, the_first_rule_that_takes_the_host_counts_and_else_the_default)
{
	int64_t newest_us = put_sample();
	int64_t now = newest_us + HOUR_US;

	set_rules("[retention]\ndefault = 2h\nother = 1h\n");
	cr_expect_eq(run_at(now), now - 2 * HOUR_US);
	set_rules("[retention]\ndefault = 2h\nh?re = 1h\n* = 3h\n");
	cr_expect_eq(run_at(now), now - HOUR_US, "a changed rule acts at once");
}

Test(retention, a_horizon_never_moves_back)
{
	int64_t now = put_sample() + HOUR_US;

	set_rules("[retention]\ndefault = 1h\n");
	cr_expect_eq(run_at(now), now - HOUR_US);
	set_rules("[retention]\ndefault = 20h\n");
	cr_expect_eq(run_at(now + HOUR_US), now - HOUR_US);
}

Test(retention, a_horizon_moves_by_steps)
{
	int64_t now = put_sample() + HOUR_US;
	uint64_t n_wanted;

	set_rules("[retention]\ndefault = 32h\n");
	cr_expect_eq(run_at(now), now - 32 * HOUR_US);
	n_wanted = store.engine->controls_wanted;
	cr_expect_eq(run_at(now + HOUR_US - SECOND_US), now - 32 * HOUR_US);
	cr_expect_eq(store.engine->controls_wanted, n_wanted);
	cr_expect_eq(run_at(now + HOUR_US), now - 31 * HOUR_US);
}

Test(retention, a_clock_far_ahead_of_all_samples_is_not_believed)
{
	int64_t newest_us = put_sample();

	set_rules("[retention]\ndefault = 30d\n");
	cr_expect_eq(run_at(newest_us + 3650 * DAY_US), newest_us + DAY_US - 30 * DAY_US);
	cr_expect_eq(sim_store_count(&store), 1);
}

Test(retention, an_age_beyond_all_times_keeps_all)
{
	int64_t newest_us = put_sample();

	set_rules("[retention]\ndefault = 36500d\n");
	cr_expect_eq(run_at(newest_us + HOUR_US), INT64_MIN);
}

Test(retention, what_is_older_goes_and_does_not_come_back)
{
	int64_t newest_us;

	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	newest_us = store.engine->catalog.all_hosts[0]->last_time_us;
	set_rules("[retention]\ndefault = 1h\n");
	(void)run_at(newest_us + HOUR_US - SECOND_US);
	cr_expect_eq(sim_store_count(&store), 2);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_kill(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_expect_eq(sim_store_count(&store), 2);
	cr_expect_eq(now_us(), newest_us + HOUR_US - SECOND_US);
}
