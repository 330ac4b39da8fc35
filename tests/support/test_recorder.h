/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TEST_RECORDER_H
#define TESTS_SUPPORT_TEST_RECORDER_H

/*
 * A recorder of the agent on a spool in a folder of its own, what rounds give it, and what it has put into the spool, as text.
 * Ends the test where something cannot be read.
 */

#include <stdint.h>

#include "agent/recorder.h"
#include "agent/spool.h"
#include "common/buffer.h"
#include "common/reason.h"

struct test_recorder {
	const char *path;
	int folder;
	struct spool *spool;
	struct recorder *recorder;
	struct buffer samples; /* of the round */
	struct buffer text;
};

/* Of the host web01. */
void test_recorder_open(struct test_recorder *test);
void test_recorder_close(struct test_recorder *test);

/* The agent begins anew. */
void test_recorder_reopen(struct test_recorder *test);

/* Put a sample into the round: of the metric "a", a gauge in seconds, whatever the name of the series; of "b_total", events; or
 * the reason why there is none of "a". */
void test_recorder_put(struct test_recorder *test, int64_t time_us, const char *name, double value);
/* @param order  0: it is not known */
void test_recorder_put_ordered(struct test_recorder *test, int64_t time_us, const char *name,
			       double value, uint64_t order);
void test_recorder_put_events(struct test_recorder *test, int64_t time_us, const char *name,
			      double value);
void test_recorder_put_missing(struct test_recorder *test, int64_t time_us, const char *name,
			       enum hm_reason reason);

/* The round ends. */
void test_recorder_take(struct test_recorder *test);

/* What the next three return is borrowed until one of them is called again. */

/* The messages of the current epoch that may be sent, a line for each. */
const char *test_recorder_spooled(struct test_recorder *test);

/* The samples of its batches, a line for each column: "0: 10=1 20=source_failed". */
const char *test_recorder_batched(struct test_recorder *test);

/* Those behind a sequence. */
const char *test_recorder_batched_behind(struct test_recorder *test, uint64_t sequence);

struct spool_status test_recorder_status(const struct test_recorder *test);

#endif
