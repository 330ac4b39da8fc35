/* SPDX-License-Identifier: MIT */
/* The agent's batch of a plugin that has a metric of each sort. */

#include "tests/support/test_batch.h"

#include "agent/round.h"
#include "common/reason.h"

const struct hm_metric test_batch_metrics[TEST_BATCH_N_METRICS] = {
	[TEST_BATCH_TEMPERATURE] = {.name = "t",
				    .kind = HM_GAUGE,
				    .labels = HM_LABELS("zone", "type")},
	[TEST_BATCH_PRESSES] = {.name = "presses_total",
				.kind = HM_EVENTS,
				.labels = HM_LABELS("key")},
	[TEST_BATCH_LOAD] = {.name = "load", .kind = HM_GAUGE},
};

static const struct hm_plugin plugin = {.metrics = test_batch_metrics,
					.n_metrics = TEST_BATCH_N_METRICS};

void test_batch_init(struct test_batch *test)
{
	*test = (struct test_batch){.lines = {0}};
	batch_init(&test->batch, &plugin);
}

void test_batch_done(struct test_batch *test)
{
	batch_done(&test->batch);
	buffer_done(&test->lines);
}

void test_batch_take_zone(struct test_batch *test, const char *zone)
{
	hm_emit(&test->batch, &test_batch_metrics[TEST_BATCH_TEMPERATURE], 1, zone, "x");
}

void test_batch_take_zones(struct test_batch *test, const char *const zones[], size_t n_zones)
{
	batch_begin(&test->batch);
	for (size_t i = 0; i < n_zones; i++)
		test_batch_take_zone(test, zones[i]);
	test_batch_commit(test);
}

void test_batch_commit(struct test_batch *test)
{
	batch_commit(&test->batch, TEST_BATCH_TIME_US);
}

const char *test_batch_format(struct test_batch *test)
{
	buffer_clear(&test->lines);
	batch_format(&test->batch, TEST_BATCH_TIME_US, &test->lines);
	return buffer_text(&test->lines);
}

const char *test_batch_unpack(struct test_batch *test, const struct buffer *packed)
{
	const char *at = packed->data;
	struct round_sample sample;

	buffer_clear(&test->lines);
	while (packed->length > 0 && round_next(&at, packed->data + packed->length, &sample)) {
		if (round_is_of_rest(&sample))
			buffer_printf(&test->lines, "rest of %s", sample.metric->name);
		buffer_append(&test->lines, sample.name.start, sample.name.length);
		if (sample.reason == HM_REASON_NONE)
			buffer_printf(&test->lines, " %g\n", sample.value);
		else
			buffer_printf(&test->lines, ": %s\n", reason_key(sample.reason));
	}
	return buffer_text(&test->lines);
}

const char *test_batch_pack(struct test_batch *test)
{
	struct buffer packed = {0};
	const char *text;

	batch_pack(&test->batch, TEST_BATCH_TIME_US, &packed);
	text = test_batch_unpack(test, &packed);
	buffer_done(&packed);
	return text;
}
