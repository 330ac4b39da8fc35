/* SPDX-License-Identifier: MIT */
/* Tests of the times of a series, with and without samples. */

#include "tests/support/ticks.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/delete.h"
#include "collector/epoch.h"
#include "collector/horizon.h"
#include "common/message.h"
#include "tests/support/all_series.h"
#include "tests/support/store_agent.h"

#define SECOND(n) ((SIM_STORE_START_S + (n)) * SIM_STORE_SECOND_US)

static const char *const names[] = {"m{x=\"0\"}", "m{x=\"1\"}"};

static struct sim_store store;
static struct store_agent agent;
static struct buffer found;

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	store_agent_begin(&agent, &store, names, 2);
}

static void teardown(void)
{
	store_agent_end(&agent);
	sim_store_done(&store);
	buffer_done(&found);
}

TestSuite(ticks, .init = setup, .fini = teardown);

static struct catalog_series *find_series(const char *labels)
{
	for (size_t i = 0; i < store.engine->catalog.series.n; i++) {
		struct catalog_series *series = pool_at(&store.engine->catalog.series, i);

		if (strcmp(series->labels, labels) == 0)
			return series;
	}
	abort();
}

static const struct catalog_file *find_file(const char *labels)
{
	return find_series(labels)->file;
}

static int take(void *context, int64_t time_us, uint8_t reason)
{
	(void)context;
	buffer_printf(&found, "%" PRId64 "%c ", time_us / SIM_STORE_SECOND_US - SIM_STORE_START_S,
		      reason ? store_agent_letter(reason) : '+');
	return 0;
}

/* "7+ 8F ": a sample at second 7, and none at 8, where the source failed. */
static const char *read_span(unsigned which, int64_t since_us, int64_t until_us)
{
	struct ticks_wish wish = {.series = find_series(which ? "{x=\"1\"}" : "{x=\"0\"}"),
				  .since_us = since_us,
				  .until_us = until_us,
				  .take = take};
	uint64_t n_lost;

	buffer_clear(&found);
	cr_assert_eq(ticks_read(store.engine, &wish, &n_lost), 0);
	cr_expect_eq(n_lost, 0);
	return buffer_text(&found);
}

static const char *read(unsigned which)
{
	return read_span(which, INT64_MIN, INT64_MAX);
}

static void send(int64_t second, const char *row_0, const char *row_1)
{
	const char *const rows[] = {row_0, row_1};

	store_agent_send(&agent, second, rows);
}

static void delete_series(unsigned which, int64_t since_us, int64_t until_us)
{
	struct catalog_series *series = find_series(which ? "{x=\"1\"}" : "{x=\"0\"}");
	const struct delete_range range = {since_us, until_us};
	uint64_t ticket;

	cr_assert_eq(delete_log(store.engine, &series, 1, &range, &ticket), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(delete_settle(store.engine, &series, 1, &range), 0);
}

Test(ticks, of_the_log_are_samples_and_absences_in_order)
{
	send(10, "1FFS-2", "-----F");
	send(16, NULL, "G345");
	cr_expect_str_eq(read(0), "10+ 11F 12F 13S 15+ ");
	cr_expect_str_eq(read(1), "15F 16G 17+ 18+ 19+ ");
	cr_expect_str_eq(read_span(0, SECOND(12), SECOND(13)), "12F 13S ");
	cr_expect_str_eq(read_span(0, SECOND(14), SECOND(14)), "");
	cr_expect_str_eq(sim_store_read(&store), "10 web01 m{x=\"0\"} 1\n15 web01 m{x=\"0\"} 2\n"
						 "17 web01 m{x=\"1\"} 3\n18 web01 m{x=\"1\"} 4\n"
						 "19 web01 m{x=\"1\"} 5\n");
}

/* Each time is given once; a sample counts more than any reason, and of reasons the last one. */
Test(ticks, of_one_time_are_one)
{
	send(10, "F1SF", NULL);
	send(10, "1FFS", NULL);
	cr_expect_str_eq(read(0), "10+ 11+ 12F 13S ");
}

static void restart(void)
{
	store_agent_end(&agent);
	sim_store_crash(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	store_agent_begin(&agent, &store, names, 2);
}

static void checkpoint(void)
{
	cr_assert_eq(sim_store_checkpoint(&store), 0);
}

static const char samples_only[] = "10 web01 m{x=\"0\"} 1\n15 web01 m{x=\"0\"} 2\n"
				   "17 web01 m{x=\"1\"} 3\n18 web01 m{x=\"1\"} 4\n";

/* Also times at which no series has a sample. They are none: nothing else counts or shows them. */
Test(ticks, move_into_files)
{
	static const char first[] = "10+ 11F 12F 13S 15+ 20F ";
	static const char second[] = "12G 15F 16G 17+ 18+ 20F 21F ";

	send(10, "1FFS-2", "--G--F");
	send(16, NULL, "G34");
	send(20, "F-", "FF");
	checkpoint();
	for (int i = 0; i < 2; i++) {
		cr_expect_str_eq(read(0), first);
		cr_expect_str_eq(read(1), second);
		cr_expect_str_eq(read_span(1, SECOND(16), SECOND(20)), "16G 17+ 18+ 20F ");
		cr_expect_str_eq(sim_store_read(&store), samples_only);
		cr_expect_eq(agent.epoch->host->n_samples, 4);
		cr_expect_eq(agent.epoch->host->n_filed, 4);
		cr_expect_eq(find_series("{x=\"0\"}")->last_time_us, SECOND(15));
		cr_expect_eq(find_series("{x=\"1\"}")->last_time_us, SECOND(18));
		cr_expect_eq(agent.epoch->host->oldest_us, SECOND(10));
		restart();
	}
	cr_expect_eq(sim_store_stats(&store).n_damaged_ranges, 0);
}

/* Some are in files, and some only in the log; of one time a sample counts most, and then what came last. */
Test(ticks, of_files_and_log_are_one)
{
	send(10, "FF3FF", NULL);
	checkpoint();
	send(10, "1SSFG", NULL);
	cr_expect_str_eq(read(0), "10+ 11S 12+ 13F 14G ");
	checkpoint();
	cr_expect_str_eq(read(0), "10+ 11S 12+ 13F 14G ");
}

/* A series may never have a sample. Nothing says that it had. */
Test(ticks, without_any_sample_are_kept)
{
	send(10, "FFF", NULL);
	checkpoint();
	restart();
	send(13, "S", NULL);
	cr_expect_str_eq(read(0), "10F 11F 12F 13S ");
	cr_expect_eq(find_series("{x=\"0\"}")->last_time_us, CATALOG_NO_TIME);
	cr_expect_str_eq(sim_store_read(&store), "");
	checkpoint();
	restart();
	cr_expect_str_eq(read(0), "10F 11F 12F 13S ");
}

/* Where a sample of that time would lie. */
Test(ticks, of_impossible_times_are_stored_apart)
{
	send(-1000000000, "1FF", NULL);
	send(10, "F", NULL);
	checkpoint();
	cr_expect(sim_store_has(&store, "hosts/web01/m.odd.hm"));
	cr_expect_str_eq(read(0), "-1000000000+ -999999999F -999999998F 10F ");
}

Test(ticks, that_are_deleted_are_not_given)
{
	send(10, "1FFF2", "FFFFF");
	delete_series(0, SECOND(11), SECOND(12));
	send(12, "F", NULL);
	cr_expect_str_eq(read(0), "10+ 12F 13F 14+ ");
	cr_expect_str_eq(read(1), "10F 11F 12F 13F 14F ");
}

/* Say what is deleted in the file, and read it from there alone. */
static void trim(void)
{
	checkpoint();
	checkpoint();
	restart();
}

/* A delete may be of absences alone, and the file has to say so all the same. */
Test(ticks, that_are_deleted_in_files_stay_so)
{
	send(10, "1FFF2345", "FFFFF345");
	checkpoint();
	delete_series(0, SECOND(11), SECOND(12));
	cr_expect_str_eq(read(0), "10+ 13F 14+ 15+ 16+ 17+ ");
	trim();
	cr_expect_str_eq(read(0), "10+ 13F 14+ 15+ 16+ 17+ ");
	cr_expect_str_eq(read(1), "10F 11F 12F 13F 14F 15+ 16+ 17+ ");
	cr_expect_eq(agent.epoch->host->n_filed, 8);
	cr_expect(sim_store_has(&store, "hosts/web01/m.hm"), "and is no other");
}

/* Of which more than half is deleted: what is left goes on in another file. */
Test(ticks, that_are_left_of_a_file_go_into_the_next)
{
	send(10, "FFFF123F", "2SS-----");
	send(20, "F", "G");
	checkpoint();
	delete_series(0, SECOND(10), SECOND(15));
	delete_series(1, SECOND(10), SECOND(11));
	trim();
	(void)sim_store_find(&store, "hosts/web01", "m~1@");
	cr_expect_str_eq(read(0), "16+ 17F 20F ");
	cr_expect_str_eq(read(1), "12S 20G ");
	cr_expect_str_eq(sim_store_read(&store), "16 web01 m{x=\"0\"} 3\n");
	cr_expect_eq(agent.epoch->host->n_filed, 1);
	delete_series(0, INT64_MIN, INT64_MAX);
	delete_series(1, INT64_MIN, INT64_MAX);
	trim();
	cr_expect_str_eq(read(0), "");
	cr_expect_str_eq(read(1), "");
}

static void move_horizon(int64_t horizon_us)
{
	pthread_mutex_lock(&store.engine->mutex);
	cr_assert_eq(horizon_put(store.engine, agent.epoch->host, horizon_us), 0);
	store.engine->controls_wanted++;
	pthread_mutex_unlock(&store.engine->mutex);
	cr_assert_eq(engine_commit(store.engine), 0);
}

Test(ticks, that_are_too_old_are_not_given)
{
	send(10, "FS1FF", "F----");
	checkpoint();
	send(15, "F2F", NULL);
	move_horizon(SECOND(13));
	cr_expect_str_eq(read(0), "13F 14F 15F 16+ 17F ");
	cr_expect_str_eq(read(1), "");
	trim();
	cr_expect_str_eq(read(0), "13F 14F 15F 16+ 17F ");
	cr_expect_str_eq(read(1), "");
	move_horizon(SECOND(100));
	trim();
	cr_expect_str_eq(read(0), "");
}

/* Samples of chance: they take eight bytes each. */
static void put_random(int64_t second, unsigned n)
{
	struct buffer text = {0};
	uint64_t state = 1;

	for (unsigned i = 0; i < n; i++) {
		state = state * UINT64_C(6364136223846793005) + 1;
		buffer_printf(&text, "%" PRId64 " m{host=\"web01\",x=\"1\"} 0.%" PRIu64 "\n",
			      SIM_STORE_START_S + second + i, state);
	}
	sim_store_put(&store, buffer_text(&text));
	cr_assert_eq(engine_commit(store.engine), 0);
	buffer_done(&text);
}

/* A series whose samples are all before the front has a name behind it as long as it has absences there. */
Test(ticks, behind_a_front_have_their_names)
{
	sim_disk_set_now(store.sim, SECOND(5000));
	send(10, "12", NULL);
	put_random(12, 2000);
	checkpoint();
	send(3000, "FFF", NULL);
	checkpoint();
	send(3003, NULL, "123");
	checkpoint();
	move_horizon(SECOND(2500));
	trim();
	cr_expect(sim_store_has(&store, "hosts/web01/m.hm"), "the front is in it");
	cr_expect_str_eq(read(0), "3000F 3001F 3002F ");
	cr_expect_str_eq(read(1), "3003+ 3004+ 3005+ ");
	cr_expect_eq(sim_store_stats(&store).n_damaged_ranges, 0);
	cr_expect_eq(find_series("{x=\"0\"}")->last_time_us, CATALOG_NO_TIME);
	cr_expect_gt(find_file("{x=\"0\"}")->data[CATALOG_SIDE_MAIN].trim->front_bytes, 8192);
}

static int stop(void *context, int64_t time_us, uint8_t reason)
{
	(void)time_us;
	(void)reason;
	return ++*(int *)context == 2 ? -ECANCELED : 0;
}

Test(ticks, end_where_who_takes_them_says_so)
{
	int n_taken = 0;
	struct ticks_wish wish = {.since_us = INT64_MIN, .until_us = INT64_MAX, .take = stop};
	uint64_t n_lost;

	send(10, "12345", NULL);
	wish.series = find_series("{x=\"0\"}");
	wish.context = &n_taken;
	cr_expect_eq(ticks_read(store.engine, &wish, &n_lost), -ECANCELED);
	cr_expect_eq(n_taken, 2);
}

static int count(void *context, int64_t time_us, uint8_t reason)
{
	int64_t *next_us = context;

	cr_assert_eq(time_us, *next_us);
	cr_assert_eq(reason, HM_REASON_NONE);
	*next_us += SIM_STORE_SECOND_US;
	return 0;
}

/* More than is held of it at a time: a million samples take ten megabytes. */
Test(ticks, of_a_long_series_are_given_piece_by_piece)
{
	enum { N = 100, EACH = 10000 };
	int64_t next_us = SECOND(0);
	struct ticks_wish wish = {
		.since_us = INT64_MIN, .until_us = INT64_MAX, .context = &next_us, .take = count};
	uint64_t n_lost;

	sim_disk_set_now(store.sim, SECOND((int64_t)N * EACH));
	for (int i = 0; i < N; i++) {
		struct buffer text = {0};

		for (int k = 0; k < EACH; k++)
			buffer_printf(&text, "%" PRId64 " long 1\n",
				      SIM_STORE_START_S + (int64_t)i * EACH + k);
		sim_store_put(&store, buffer_text(&text));
		cr_assert_eq(engine_commit(store.engine), 0);
		buffer_done(&text);
	}
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	wish.series = find_series("");
	cr_assert_eq(ticks_read(store.engine, &wish, &n_lost), 0);
	cr_expect_eq(next_us, SECOND((int64_t)N * EACH));
}
