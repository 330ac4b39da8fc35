/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TEST_BATCH_H
#define TESTS_SUPPORT_TEST_BATCH_H

/* The agent's batch of a plugin that has a metric of each sort, and what it makes of a round, as text. */

#include "agent/batch.h"
#include "common/buffer.h"

/* Those of the plugin. */
enum test_batch_metric {
	TEST_BATCH_TEMPERATURE, /* t{zone,type} */
	TEST_BATCH_PRESSES,     /* presses_total{key}, events */
	TEST_BATCH_LOAD,        /* load */
	TEST_BATCH_N_METRICS,
};

extern const struct hm_metric test_batch_metrics[TEST_BATCH_N_METRICS];

/* All rounds are taken, and safe, at this time. */
#define TEST_BATCH_TIME_US 10500000

struct test_batch {
	struct hm_batch batch;
	struct buffer lines;
};

void test_batch_init(struct test_batch *test);
void test_batch_done(struct test_batch *test);

/* Emit a temperature of a zone; of the type "x". */
void test_batch_take_zone(struct test_batch *test, const char *zone);

/* Take a safe round of such zones. */
void test_batch_take_zones(struct test_batch *test, const char *const zones[], size_t n_zones);

/* The round is safe. */
void test_batch_commit(struct test_batch *test);

/* The round as lines of text. @return borrowed until the next call of it or its likes */
const char *test_batch_format(struct test_batch *test);

/* What the round packs, a line for each series: its value, or why it has none. @return as before */
const char *test_batch_pack(struct test_batch *test);

/* The same of what was packed elsewhere. */
const char *test_batch_unpack(struct test_batch *test, const struct buffer *packed);

#endif
