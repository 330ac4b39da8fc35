/* SPDX-License-Identifier: MIT */
/* Tests of keeping sizes, on a simulated disk. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/retention.h"
#include "common/message.h"
#include "tests/support/sim_store.h"

#define KIB         UINT64_C(1024)
#define STEPS_MAX   500
#define ROUND_LINES UINT64_C(500)

static struct sim_store store;
static uint64_t state; /* of values that do not pack well */

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	state = 1;
}

static void teardown(void)
{
	sim_store_done(&store);
}

TestSuite(retention_size, .init = setup, .fini = teardown);

static struct engine_host_state host_of(const char *name)
{
	struct engine_host_state *hosts;
	struct engine_host_state found = {0};
	size_t n;

	cr_assert_eq(engine_list_hosts(store.engine, &hosts, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(hosts[i].name, name) == 0)
			found = hosts[i];
	}
	free(hosts);
	cr_assert_not_null(found.name);
	return found;
}

/* A page or so of noise in each of so many checkpoints, second after second. */
static void fill(const char *host, unsigned first_s, unsigned n_rounds)
{
	for (unsigned round = 0; round < n_rounds; round++) {
		struct buffer text = {0};

		for (unsigned i = 0; i < ROUND_LINES; i++) {
			state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
			buffer_printf(&text, "%lld m{host=\"%s\"} %.17g\n",
				      (long long)(SIM_STORE_START_S - 100000 + first_s +
						  round * ROUND_LINES + i),
				      host, (double)(state >> 11) / 1e9);
		}
		sim_store_put(&store, buffer_text(&text));
		buffer_done(&text);
		cr_assert_eq(sim_store_checkpoint(&store), 0);
	}
}

/* As collector/store_checkpoint.c does, until there is nothing to do. @return how many steps it took */
static unsigned run(void)
{
	unsigned n = 0;
	int result;

	while ((result = retention_run(store.engine)) == 1) {
		cr_assert_lt(n++, STEPS_MAX);
		cr_assert_eq(sim_store_checkpoint(&store), 0);
	}
	cr_assert_eq(result, 0);
	return n;
}

/* Have the room given back: another segment of the log has begun. */
static void settle(void)
{
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
}

static bool says(const char *text)
{
	return strstr(sim_store_stats(&store).retention, text);
}

Test(retention_size, keeps_all_without_a_size_and_below_it)
{
	fill("a", 0, 10);
	cr_expect_eq(run(), 0);
	cr_assert_eq(retention_set(store.engine, "max_size=1M"), 0);
	cr_expect_eq(run(), 0);
	cr_expect_eq(sim_store_count(&store), 10 * ROUND_LINES);
	cr_expect_str_eq(sim_store_stats(&store).retention, "");
}

Test(retention_size, removes_the_oldest_until_files_are_small_enough)
{
	uint64_t n_bytes;
	unsigned n;

	fill("a", 0, 30);
	cr_assert_gt(host_of("a").n_bytes, 80 * KIB);
	cr_assert_eq(retention_set(store.engine, "max_size=64K"), 0);
	cr_expect_gt(run(), 0);
	settle();
	n_bytes = host_of("a").n_bytes;
	cr_expect_leq(n_bytes, 64 * KIB);
	cr_expect_geq(n_bytes, 48 * KIB);
	n = sim_store_count(&store);
	cr_expect_lt(n, 30 * ROUND_LINES);
	cr_expect_gt(n, 10 * ROUND_LINES);
	cr_expect_gt(host_of("a").oldest_time_us,
		     (SIM_STORE_START_S - 100000) * SIM_STORE_SECOND_US);
	cr_expect(says("max_size = 65536 bytes: "));
	cr_expect(says(" bytes of samples before "));
	/* There is nothing left to do, also after a crash. */
	cr_expect_eq(run(), 0);
	sim_store_crash(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_expect_eq(sim_store_count(&store), n);
	cr_expect_eq(host_of("a").n_bytes, n_bytes, "as the disk says");
}

Test(retention_size, takes_from_the_host_whose_samples_are_oldest)
{
	fill("new", 20000, 20);
	fill("old", 0, 20);
	cr_assert_eq(retention_set(store.engine, "max_size=120K"), 0);
	cr_expect_gt(run(), 0);
	settle();
	cr_expect_leq(host_of("old").n_bytes + host_of("new").n_bytes, 120 * KIB);
	cr_expect_eq(host_of("new").oldest_time_us,
		     (SIM_STORE_START_S - 100000 + 20000) * SIM_STORE_SECOND_US);
	cr_expect_eq(host_of("new").n_samples, 20 * ROUND_LINES);
	cr_assert_str_eq(store.engine->catalog.all_hosts[0]->name, "new");
	cr_expect_eq(store.engine->catalog.all_hosts[0]->horizon_us, CATALOG_NO_TIME);
}

Test(retention_size, limits_the_hosts_of_a_pattern_and_those_of_none_for_themselves)
{
	fill("web1", 0, 10);
	fill("web2", 0, 10);
	fill("db", 0, 20);
	fill("other", 0, 20);
	cr_assert_eq(retention_set(store.engine, "web*=64K;default=1M;db*=48K"), 0);
	cr_expect_gt(run(), 0);
	settle();
	cr_expect_leq(host_of("web1").n_bytes + host_of("web2").n_bytes, 64 * KIB);
	cr_expect_leq(host_of("db").n_bytes, 48 * KIB);
	cr_expect_eq(host_of("other").n_samples, 20 * ROUND_LINES);
	cr_assert_eq(retention_set(store.engine, "default=64K"), 0);
	cr_expect_gt(run(), 0);
	settle();
	cr_expect_leq(host_of("web1").n_bytes + host_of("web2").n_bytes + host_of("db").n_bytes +
			      host_of("other").n_bytes,
		      64 * KIB);
}

Test(retention_size, removes_nothing_for_a_size_that_cannot_be_kept)
{
	fill("a", 0, 10);
	cr_assert_eq(retention_set(store.engine, "max_size=8K"), 0);
	cr_expect_eq(run(), 0);
	cr_expect(says("cannot be kept, and nothing is removed"));
	cr_expect_eq(sim_store_count(&store), 10 * ROUND_LINES);
	cr_assert_eq(retention_set(store.engine, ""), 0);
	cr_expect_eq(run(), 0);
	cr_expect_str_eq(sim_store_stats(&store).retention, "");
}

Test(retention_size, takes_no_more_while_room_cannot_be_given_back)
{
	uint64_t before;
	unsigned n;

	fill("a", 0, 30);
	before = host_of("a").n_bytes;
	cr_assert_eq(retention_set(store.engine, "max_size=64K"), 0);
	/* A copy of the store is made: what it needs stays. */
	store.engine->n_snapshots = 1;
	cr_expect_gt(run(), 0);
	settle();
	n = sim_store_count(&store);
	cr_expect_geq(host_of("a").n_bytes, before, "what a front takes is added");
	cr_expect_gt(n, 10 * ROUND_LINES);
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(retention_run(store.engine), 0);
		settle();
	}
	store.engine->n_snapshots = 0;
	cr_expect_eq(run(), 0);
	settle();
	cr_expect_leq(host_of("a").n_bytes, 64 * KIB);
	cr_expect_eq(sim_store_count(&store), n);
}

Test(retention_size, counts_what_is_rewritten_after_a_delete_as_the_disk_does)
{
	fill("a", 0, 5);
	fill("b", 0, 5);
	cr_assert_eq(retention_set(store.engine, "a=12h"), 0);
	cr_assert_eq(retention_run(store.engine), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_expect_eq(host_of("a").n_bytes, sim_store_has(&store, "hosts/a/m.hm") ? 8192 : 4096);
	cr_expect_eq(host_of("b").n_samples, 5 * ROUND_LINES);
}

static void remove_of_log(void *context, const char *path)
{
	(void)context;
	if (strncmp(path, "log/", 4) == 0)
		sim_store_remove(&store, "log", path + 4);
}

Test(retention_size, passes_over_a_host_of_which_the_log_knows_nothing)
{
	fill("lost", 0, 20);
	sim_store_close(&store);
	sim_disk_walk(store.sim, remove_of_log, NULL);
	cr_assert_eq(sim_store_open(&store), 0);
	fill("new", 20000, 20);
	cr_assert_eq(retention_set(store.engine, "max_size=120K"), 0);
	cr_expect_gt(run(), 0);
	settle();
	cr_expect_leq(host_of("lost").n_bytes + host_of("new").n_bytes, 120 * KIB);
	cr_expect_eq(host_of("lost").n_samples, 20 * ROUND_LINES);
}
