/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_BATCH_H
#define TESTS_SUPPORT_FAKE_BATCH_H

/*
 * A struct hm_batch of the tests' own: it keeps what a plugin emitted for a test to look at, and
 * aborts when the plugin breaks the contract of hostmetrics/plugin.h.
 */

#include <stddef.h>

#include "hostmetrics/plugin.h"

struct fake_sample {
	const struct hm_metric *metric;
	char *series; /* `metric{label="value",...}` in the order of metric->labels, unescaped */
	double value;
	int error; /* 0 = a value; else the -errno given to hm_emit_missing() */
};

/* Zeroed = empty. */
struct hm_batch {
	struct fake_sample *samples;
	size_t n_samples;
	size_t capacity;
};

/* Forget all and release the memory. */
void fake_batch_done(struct hm_batch *batch);

/* @return the first sample of the series, a missing one too; NULL when there is none */
const struct fake_sample *fake_batch_find(const struct hm_batch *batch, const char *series);

/* The number of values, missing ones not counted. */
size_t fake_batch_n_values(const struct hm_batch *batch);

#endif
