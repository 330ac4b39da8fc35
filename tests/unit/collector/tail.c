/* SPDX-License-Identifier: MIT */
/* Tests of what the log has of a host's samples beyond its files. */

#include "collector/tail.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "collector/engine.h"
#include "common/log_file.h"
#include "common/message.h"
#include "tests/support/sim_store.h"

#define AT SIM_STORE_AT

static struct sim_store store;
static struct tail *tail;
static const uint64_t *positions;
static size_t n_positions;

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(tail_new(store.engine, &tail), 0);
}

static void teardown(void)
{
	tail_free(tail);
	sim_store_done(&store);
}

TestSuite(tail, .init = setup, .fini = teardown);

static struct tail_range range_of(const char *name)
{
	const struct catalog_host *host = NULL;

	for (size_t i = 0; i < store.engine->catalog.n_hosts; i++) {
		if (strcmp(store.engine->catalog.all_hosts[i]->name, name) == 0)
			host = store.engine->catalog.all_hosts[i];
	}
	cr_assert_not_null(host);
	return (struct tail_range){host->number, host->checkpoint, host->last};
}

static int find(const struct tail_range *range)
{
	tail_rewind(tail);
	return tail_find(tail, range, &positions, &n_positions);
}

static void put_three(void)
{
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(sim_store_fill(&store, "m{host=\"a\"}", (unsigned)i, 1), 0);
		cr_assert_eq(sim_store_fill(&store, "m{host=\"b\"}", (unsigned)i, 1), 0);
	}
}

static void damage(uint64_t position, uint64_t at, size_t length)
{
	sim_store_damage(&store, "log/00000001.log", log_position_offset(position) + at, length);
}

Test(tail, follows_the_links_of_one_host_the_oldest_first)
{
	struct tail_range range;

	put_three();
	range = range_of("a");
	cr_assert_eq(find(&range), 0);
	cr_assert_eq(n_positions, 3);
	cr_assert(positions[0] < positions[1] && positions[1] < positions[2]);
	cr_assert_eq(positions[2], range.last);
	cr_assert_eq(tail_n_damaged(tail), 0);

	/* Of what is in files nothing is given. */
	range.after = positions[1];
	cr_assert_eq(find(&range), 0);
	cr_assert_eq(n_positions, 1);
	range.after = range.last;
	cr_assert_eq(find(&range), 0);
	cr_assert_eq(n_positions, 0);
}

Test(tail, searches_the_log_where_a_link_is_damaged)
{
	struct tail_range range;

	put_three();
	range = range_of("a");
	cr_assert_eq(find(&range), 0);
	damage(positions[1], 20, 4);
	cr_assert_eq(find(&range), 0);
	cr_assert_eq(n_positions, 2, "the first and the last");
	cr_assert_eq(tail_n_damaged(tail), 1);
	cr_assert_eq(positions[1], range.last);
	/* The last itself, too. */
	damage(range.last, 20, 4);
	cr_assert_eq(find(&range), 0);
	cr_assert_eq(n_positions, 1);
}

Test(tail, keeps_the_link_of_a_batch_whose_samples_are_damaged)
{
	struct tail_take take = {0};
	struct tail_range range;
	uint64_t middle;

	put_three();
	range = range_of("a");
	cr_assert_eq(find(&range), 0);
	middle = positions[1];
	damage(middle, HM_RECORD_HEADER_BYTES + 2, 4);
	cr_assert_eq(find(&range), 0);
	cr_assert_eq(n_positions, 2);
	cr_assert_eq(tail_n_damaged(tail), 1);
	cr_assert_eq(tail_decode(tail, range.host, middle, &take), -EBADMSG);
}

struct sum {
	unsigned n;
	double values;
	int64_t received_us;
};

static int add(void *context, const struct tail_samples *samples)
{
	struct sum *sum = context;

	cr_assert_str_eq(samples->series->file->host->name, "a");
	for (size_t i = 0; i < samples->n; i++)
		sum->values += samples->values[i];
	sum->n += (unsigned)samples->n;
	sum->received_us = samples->received_us;
	return sum->n >= 4 ? -ECANCELED : 0;
}

Test(tail, decodes_a_batch_for_its_host_and_ends_when_it_is_told_to)
{
	struct sum sum = {0};
	struct tail_take take = {.context = &sum, .samples = add};
	struct tail_range range;

	sim_store_put(&store, AT "01 m{host=\"a\"} 1\n" AT "02 m{host=\"a\"} 2\n" AT
				 "01 m{host=\"a\",x=\"1\"} 4\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	range = range_of("a");
	cr_assert_eq(tail_decode(tail, range.host, range.last, &take), 0);
	cr_assert_eq(sum.n, 3);
	cr_assert_eq(sum.values, 7);
	cr_assert_eq(sum.received_us, SIM_STORE_START_S * SIM_STORE_SECOND_US);
	cr_assert_eq(tail_decode(tail, range.host + 1, range.last, &take), -EBADMSG);
	cr_assert_eq(tail_decode(tail, range.host, range.last + 8, &take), -EBADMSG);
	cr_assert_eq(tail_decode(tail, range.host, range.last, &take), -ECANCELED);
	cr_assert_eq(tail_decode(tail, range.host, (uint64_t)99 << 32 | 64, &take), -ENOENT);
}

Test(tail, says_that_a_checkpoint_moved_on_when_its_segments_are_gone)
{
	struct tail_range range;

	cr_assert_eq(sim_store_fill(&store, "m{host=\"a\"}", 0, 3), 0);
	range = range_of("a");
	while (sim_store_has(&store, "log/00000001.log")) {
		cr_assert_eq(sim_store_fill(&store, "m{host=\"a\"}", 0, 20), 0);
		cr_assert_eq(sim_store_checkpoint(&store), 0);
	}
	cr_assert_eq(find(&range), -ENOENT);
	range = range_of("a");
	cr_assert_eq(find(&range), 0);
	cr_assert_eq(n_positions, 0);
}

static size_t n_blocks;

static int count_block(void *context, struct block_decoder *decoder,
		       struct catalog_series *const *series, int64_t received_us)
{
	(void)context;
	cr_assert_gt(received_us, 0);
	cr_assert_eq(block_decoder_n_columns(decoder), 1);
	cr_assert_str_eq(series[0]->file->metric, "m");
	n_blocks++;
	return 0;
}

static bool is_metric(void *context, struct series_text metric)
{
	const char *wanted = context;

	return metric.length == strlen(wanted) && memcmp(metric.start, wanted, metric.length) == 0;
}

Test(tail, passes_over_batches_without_a_wanted_metric)
{
	char m[] = "m", other[] = "mm";
	struct tail_take take = {.context = m, .block = count_block, .wants = is_metric};
	struct tail_range range;

	put_three();
	range = range_of("a");
	cr_assert_eq(tail_decode(tail, range.host, range.last, &take), 0);
	cr_assert_eq(n_blocks, 1);
	take.context = other;
	cr_assert_eq(tail_decode(tail, range.host, range.last, &take), 0);
	cr_assert_eq(n_blocks, 1);
}
