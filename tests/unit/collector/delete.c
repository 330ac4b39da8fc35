/* SPDX-License-Identifier: MIT */
#include "collector/delete.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/horizon.h"
#include "tests/support/all_series.h"
#include "tests/support/sim_store.h"

#define SECOND(n) ((SIM_STORE_START_S + (n)) * SIM_STORE_SECOND_US)

static struct sim_store store;

static void setup(void)
{
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

static void teardown(void)
{
	sim_store_done(&store);
}

TestSuite(delete, .init = setup, .fini = teardown);

/* Delete a range of all series of a metric. */
static void delete_metric(const char *metric, int64_t since_us, int64_t until_us)
{
	const struct delete_range range = {since_us, until_us};
	struct catalog_series **series;
	uint64_t ticket;
	size_t n_all;
	size_t n = 0;

	cr_assert_eq(all_series_list(store.engine, &series, &n_all), 0);
	for (size_t i = 0; i < n_all; i++) {
		if (strcmp(series[i]->file->metric, metric) == 0)
			series[n++] = series[i];
	}
	cr_assert_eq(delete_log(store.engine, series, n, &range, &ticket), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert(delete_is_durable(store.engine, ticket));
	cr_assert_eq(delete_settle(store.engine, series, n, &range), 0);
	free(series);
}

static void move_horizon(int64_t horizon_us)
{
	pthread_mutex_lock(&store.engine->mutex);
	cr_assert_eq(horizon_put(store.engine, store.engine->catalog.all_hosts[0], horizon_us), 0);
	store.engine->controls_wanted++;
	pthread_mutex_unlock(&store.engine->mutex);
	cr_assert_eq(engine_commit(store.engine), 0);
}

static void restart(void)
{
	sim_store_kill(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

static int64_t last_time_us(const char *metric)
{
	for (size_t i = 0; i < store.engine->catalog.series.n; i++) {
		const struct catalog_series *series = pool_at(&store.engine->catalog.series, i);

		if (strcmp(series->file->metric, metric) == 0)
			return series->last_time_us;
	}
	return 0;
}

/* Samples of chance: they take eight bytes each. */
static void put_random(const char *series, int64_t from_s, unsigned n)
{
	struct buffer text = {0};
	uint64_t state = 1;

	for (unsigned i = 0; i < n; i++) {
		state = state * UINT64_C(6364136223846793005) + 1;
		buffer_printf(&text, "%" PRId64 " %s 0.%" PRIu64 "\n", from_s + i, series, state);
	}
	sim_store_put(&store, buffer_text(&text));
	buffer_done(&text);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
}

/* Ten minutes later a segment is begun for what waits for one, and what is to be given back is. */
static void wait_for_segment(void)
{
	const struct disk *disk = sim_disk_table(store.sim);
	int64_t now_us = disk->now_us(disk->context);

	sim_disk_set_now(store.sim, now_us + INT64_C(601000000));
	for (int i = 0; i < 2; i++)
		cr_assert_eq(sim_store_checkpoint(&store), 0);
}

Test(delete, hides_what_only_the_log_has_and_what_files_have)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, SIM_STORE_AT "04 m 4\n" SIM_STORE_AT "04 other 4\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	delete_metric("m", SECOND(1), INT64_MAX);
	cr_assert_str_eq(sim_store_read(&store), "0 here m 0\n4 here other 4\n");
	restart();
	cr_assert_str_eq(sim_store_read(&store), "0 here m 0\n4 here other 4\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_str_eq(sim_store_read(&store), "0 here m 0\n4 here other 4\n");
	restart();
	cr_assert_str_eq(sim_store_read(&store), "0 here m 0\n4 here other 4\n");
}

Test(delete, leaves_what_comes_later_also_where_its_time_lies_in_the_range)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	delete_metric("m", SECOND(3), SECOND(3));
	sim_store_put(&store, SIM_STORE_AT "03 m 33\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_str_eq(sim_store_read(&store),
			 "0 here m 0\n1 here m 1\n2 here m 2\n3 here m 33\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	restart();
	cr_assert_str_eq(sim_store_read(&store),
			 "0 here m 0\n1 here m 1\n2 here m 2\n3 here m 33\n");
}

Test(delete, finds_the_last_sample_anew)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	delete_metric("m", SECOND(2), INT64_MAX);
	cr_assert_eq(last_time_us("m"), SECOND(1));
	restart();
	cr_assert_eq(last_time_us("m"), SECOND(1));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	restart();
	cr_assert_eq(last_time_us("m"), SECOND(1));
}

static struct engine_host_state host_told(void)
{
	struct engine_host_state *hosts;
	struct engine_host_state told;
	size_t n;

	cr_assert_eq(engine_list_hosts(store.engine, &hosts, &n), 0);
	cr_assert_eq(n, 1);
	told = hosts[0];
	free(hosts);
	return told;
}

Test(delete, tells_of_the_host_how_many_samples_are_left)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 10), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	delete_metric("m", SECOND(2), SECOND(3));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(host_told().n_samples, 10);
	restart();
	cr_assert_eq(host_told().n_samples, 10);
	cr_assert_eq(sim_store_count(&store), 10);
}

Test(delete, tells_of_the_host_which_sample_is_the_newest_now)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	cr_assert_eq(sim_store_put_many(&store, "n", 2), 0);
	delete_metric("m", SECOND(1), INT64_MAX);
	cr_assert_eq(host_told().last_time_us, SECOND(1));
	restart();
	cr_assert_eq(host_told().last_time_us, SECOND(1));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	delete_metric("n", INT64_MIN, INT64_MAX);
	cr_assert_eq(host_told().last_time_us, SECOND(0));
	delete_metric("m", INT64_MIN, INT64_MAX);
	cr_assert_not(host_told().has_sample);
	cr_assert_not(host_told().has_oldest);
}

Test(delete, removes_a_file_of_which_nothing_is_left)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert(sim_store_has(&store, "hosts/here/m.hm"));
	delete_metric("m", INT64_MIN, INT64_MAX);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_not(sim_store_has(&store, "hosts/here/m.hm"));
	cr_assert_eq(sim_store_count(&store), 0);
	sim_store_put(&store, SIM_STORE_AT "01 m 7\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	restart();
	cr_assert_str_eq(sim_store_read(&store), "1 here m 7\n");
}

Test(delete, writes_anew_a_file_that_is_more_than_half_deleted)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 10), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	delete_metric("m", INT64_MIN, SECOND(7));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)sim_store_find(&store, "hosts/here", "m~1@");
	/* Until two segments of the log say so. */
	cr_assert(sim_store_has(&store, "hosts/here/m.hm"));
	cr_assert_str_eq(sim_store_read(&store), "8 here m 8\n9 here m 9\n");
	wait_for_segment();
	cr_assert_not(sim_store_has(&store, "hosts/here/m.hm"));
	cr_assert_str_eq(sim_store_read(&store), "8 here m 8\n9 here m 9\n");
}

Test(delete, removes_the_part_before_after_a_restart_that_came_before_it)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 10), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	delete_metric("m", INT64_MIN, SECOND(7));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	restart();
	cr_assert_str_eq(sim_store_read(&store), "8 here m 8\n9 here m 9\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_not(sim_store_has(&store, "hosts/here/m.hm"));
	cr_assert_str_eq(sim_store_read(&store), "8 here m 8\n9 here m 9\n");
}

Test(delete, says_in_the_file_what_is_less_than_half_of_it)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 10), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	delete_metric("m", INT64_MIN, SECOND(1));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_str_eq(sim_store_find(&store, "hosts/here", "m"), "hosts/here/m.hm");
	cr_assert_eq(sim_store_count(&store), 8);
	/* And again, so that there is more than half in all. */
	delete_metric("m", INT64_MIN, SECOND(5));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)sim_store_find(&store, "hosts/here", "m~1@");
	cr_assert_eq(sim_store_count(&store), 4);
}

Test(delete, makes_a_hole_of_what_is_older_than_the_horizon)
{
	struct engine_stats stats;
	uint64_t before;

	put_random("m", SIM_STORE_START_S - 100000, 3000);
	put_random("m", SIM_STORE_START_S, 3);
	cr_assert_eq(sim_store_count(&store), 3003);
	move_horizon(SECOND(-50));
	cr_assert_eq(sim_store_count(&store), 3);
	before = sim_disk_used_bytes(store.sim);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	/* Until two segments of the log say so. */
	cr_assert_eq(store.counts.calls[SIM_PUNCH], 0);
	wait_for_segment();
	cr_assert_gt(store.counts.calls[SIM_PUNCH], 0);
	cr_assert_leq(sim_disk_used_bytes(store.sim), before + SIM_STORE_SEGMENT_BYTES - 8192);
	cr_assert_eq(sim_store_count(&store), 3);
	restart();
	cr_assert_eq(sim_store_count(&store), 3);
	stats = sim_store_stats(&store);
	cr_assert_eq(stats.n_damaged_ranges, 0);
	put_random("m", SIM_STORE_START_S + 10, 3);
	cr_assert_eq(sim_store_count(&store), 6);
}

Test(delete, makes_the_hole_after_a_restart_that_came_before_it)
{
	put_random("m", SIM_STORE_START_S - 100000, 3000);
	put_random("m", SIM_STORE_START_S, 3);
	move_horizon(SECOND(-50));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(store.counts.calls[SIM_PUNCH], 0);
	restart();
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_gt(store.counts.calls[SIM_PUNCH], 0);
	cr_assert_eq(sim_store_count(&store), 3);
}

Test(delete, writes_anew_where_the_file_system_makes_no_holes)
{
	put_random("m", SIM_STORE_START_S - 100000, 3000);
	put_random("m", SIM_STORE_START_S, 3);
	sim_disk_fail(store.sim, SIM_PUNCH, 1, EOPNOTSUPP, true);
	move_horizon(SECOND(-50));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	wait_for_segment();
	put_random("m", SIM_STORE_START_S + 10, 30);
	move_horizon(SECOND(2));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(sim_store_count(&store), 31);
	restart();
	cr_assert_eq(sim_store_count(&store), 31);
}

Test(delete, hides_what_is_older_than_the_horizon_whenever_it_comes)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	move_horizon(SECOND(2));
	sim_store_put(&store, SIM_STORE_AT "01 m 11\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_str_eq(sim_store_read(&store), "2 here m 2\n3 here m 3\n");
	restart();
	cr_assert_str_eq(sim_store_read(&store), "2 here m 2\n3 here m 3\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_str_eq(sim_store_read(&store), "2 here m 2\n3 here m 3\n");
}

Test(delete, refuses_what_is_older_than_the_horizon_and_says_why)
{
	struct reject reject;

	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	move_horizon(SECOND(2));
	sim_store_put(&store, SIM_STORE_AT "01 m 11\n" SIM_STORE_AT "02 m 22\n5 m 5\n");
	rejects_get(store.bundle.rejects, HM_REASON_TOO_OLD, &reject);
	cr_assert_eq(reject.n, 1);
	cr_assert_str_eq(reject.example, "m of here");
	cr_assert_eq(rejects_total(store.bundle.rejects), 1);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(sim_store_stats(&store).n_stored, 6);
}

static bool has_last(const char *metric)
{
	struct engine_series_state state = {0};
	struct catalog_series **series;
	size_t n;

	cr_assert_eq(all_series_list(store.engine, &series, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(series[i]->file->metric, metric) == 0)
			engine_get_states(store.engine, &series[i], 1, &state);
	}
	free(series);
	return state.has_sample;
}

Test(delete, tells_of_the_host_no_newest_sample_that_is_older_than_the_horizon)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	move_horizon(SECOND(3));
	cr_assert(host_told().has_sample);
	move_horizon(SECOND(4));
	cr_assert_not(host_told().has_sample);
	cr_assert_not(host_told().has_oldest);
}

Test(delete, tells_no_last_value_that_is_older_than_the_horizon)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	cr_assert_eq(sim_store_put_many(&store, "n", 2), 0);
	sim_store_put(&store, "5 odd 7\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert(has_last("n"));
	move_horizon(SECOND(2));
	cr_assert_not(has_last("n"));
	cr_assert(has_last("m"));
	cr_assert(has_last("odd"));
	restart();
	cr_assert_not(has_last("n"));
	cr_assert(has_last("odd"));
}

Test(delete, keeps_away_what_a_failed_sync_left_of_what_was_deleted_then)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 2), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, SIM_STORE_AT "05 m 5\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, false);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
	delete_metric("m", SECOND(5), SECOND(5));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_str_eq(sim_store_read(&store), "0 here m 0\n1 here m 1\n");
	restart();
	cr_assert_str_eq(sim_store_read(&store), "0 here m 0\n1 here m 1\n");
}

/* As a snapshot does while it is copied. */
static void count_snapshots(int change)
{
	pthread_mutex_lock(&store.engine->mutex);
	store.engine->n_snapshots += (uint32_t)change;
	pthread_mutex_unlock(&store.engine->mutex);
}

Test(delete, removes_no_file_while_a_snapshot_is_copied)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	count_snapshots(1);
	delete_metric("m", INT64_MIN, INT64_MAX);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert(sim_store_has(&store, "hosts/here/m.hm"));
	cr_assert_eq(sim_store_count(&store), 0);
	count_snapshots(-1);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_not(sim_store_has(&store, "hosts/here/m.hm"));
	cr_assert_eq(sim_store_count(&store), 0);
}

Test(delete, goes_on_in_a_file_that_it_could_not_remove_yet)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 4), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	count_snapshots(1);
	delete_metric("m", INT64_MIN, INT64_MAX);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, SIM_STORE_AT "01 m 7\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	count_snapshots(-1);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_str_eq(sim_store_read(&store), "1 here m 7\n");
	restart();
	cr_assert_str_eq(sim_store_read(&store), "1 here m 7\n");
}

Test(delete, removes_no_part_while_a_snapshot_is_copied)
{
	cr_assert_eq(sim_store_put_many(&store, "m", 10), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	delete_metric("m", INT64_MIN, SECOND(7));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	restart();
	count_snapshots(1);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert(sim_store_has(&store, "hosts/here/m.hm"));
	count_snapshots(-1);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_not(sim_store_has(&store, "hosts/here/m.hm"));
	cr_assert_str_eq(sim_store_read(&store), "8 here m 8\n9 here m 9\n");
}

Test(delete, makes_no_hole_while_a_snapshot_is_copied)
{
	put_random("m", SIM_STORE_START_S - 100000, 3000);
	put_random("m", SIM_STORE_START_S, 3);
	count_snapshots(1);
	move_horizon(SECOND(-50));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(sim_store_count(&store), 3);
	wait_for_segment();
	cr_assert_eq(store.counts.calls[SIM_PUNCH], 0);
	count_snapshots(-1);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_gt(store.counts.calls[SIM_PUNCH], 0);
	cr_assert_eq(sim_store_count(&store), 3);
}
