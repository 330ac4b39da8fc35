/* SPDX-License-Identifier: MIT */
/* A recorder of the agent on a spool in a folder of its own. */

#include "tests/support/test_recorder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "agent/round.h"
#include "common/block.h"
#include "common/wire_batch.h"
#include "common/wire_clock.h"
#include "common/wire_declare.h"
#include "tests/support/scratch.h"
#include "tests/support/test_spool.h"

static const struct hm_metric gauge = {.name = "a", .unit = "seconds", .kind = HM_GAUGE};
static const struct hm_metric events = {.name = "b_total", .unit = "", .kind = HM_EVENTS};

void test_recorder_reopen(struct test_recorder *test)
{
	recorder_free(test->recorder);
	spool_free(test->spool);
	test->spool = test_spool_open(test->folder, "web01");
	cr_assert_eq(recorder_new(test->spool, test_spool_id, &test->recorder), 0);
}

void test_recorder_open(struct test_recorder *test)
{
	*test = (struct test_recorder){.path = scratch_folder()};
	test->folder = open(test->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(test->folder, 0);
	test_recorder_reopen(test);
}

void test_recorder_close(struct test_recorder *test)
{
	recorder_free(test->recorder);
	spool_free(test->spool);
	buffer_done(&test->samples);
	buffer_done(&test->text);
	(void)close(test->folder);
	scratch_remove(test->path);
}

static void put(struct test_recorder *test, const char *name, struct round_sample sample)
{
	sample.name = (struct series_text){name, strlen(name)};
	round_put(&test->samples, &sample);
}

void test_recorder_put(struct test_recorder *test, int64_t time_us, const char *name, double value)
{
	put(test, name,
	    (struct round_sample){.time_us = time_us, .value = value, .metric = &gauge});
}

void test_recorder_put_ordered(struct test_recorder *test, int64_t time_us, const char *name,
			       double value, uint64_t order)
{
	put(test, name,
	    (struct round_sample){
		    .time_us = time_us, .value = value, .metric = &gauge, .order = order});
}

void test_recorder_put_events(struct test_recorder *test, int64_t time_us, const char *name,
			      double value)
{
	put(test, name,
	    (struct round_sample){.time_us = time_us, .value = value, .metric = &events});
}

void test_recorder_put_missing(struct test_recorder *test, int64_t time_us, const char *name,
			       enum hm_reason reason)
{
	put(test, name,
	    (struct round_sample){.time_us = time_us, .reason = reason, .metric = &gauge});
}

void test_recorder_take(struct test_recorder *test)
{
	recorder_take(test->recorder, test->samples.data, test->samples.length);
	buffer_clear(&test->samples);
}

struct spool_status test_recorder_status(const struct test_recorder *test)
{
	struct spool_status status;

	spool_get_status(test->spool, &status);
	return status;
}

/* -- what is in the spool, as text ----------------------------------------------------------------- */

static void say_declare(struct test_recorder *test, const struct spool_message *message)
{
	struct wire_declare declare;
	struct wire_series series;

	cr_assert_eq(wire_declare_open(&declare, message->payload, message->payload_bytes),
		     HM_REASON_NONE);
	buffer_printf(&test->text, "declare");
	while (wire_declare_next(&declare, &series)) {
		buffer_printf(&test->text, " %u=%.*s/%d/%.*s",
			      declare.first_id + declare.n_series - 1, (int)series.name.length,
			      series.name.start, series.kind, (int)series.unit.length,
			      series.unit.start);
	}
	wire_declare_done(&declare);
	buffer_printf(&test->text, "\n");
}

static void say_clock(struct test_recorder *test, const struct spool_message *message)
{
	struct wire_clock clock;

	cr_assert_eq(wire_clock_get(message->payload, message->payload_bytes, &clock),
		     HM_REASON_NONE);
	cr_assert_geq(clock.since_boot_us, 0);
	buffer_printf(&test->text, "clock %d", clock.event);
	if (clock.change_us != 0)
		buffer_printf(&test->text, " at %" PRId64 " by %" PRId64, clock.now_us,
			      clock.change_us);
	buffer_printf(&test->text, "\n");
}

/* The current one is the last. */
static void find_epoch(const struct test_recorder *test, struct spool_epoch_info *ret_info)
{
	for (size_t i = 0; spool_get_epoch(test->spool, i, ret_info) == 0; i++)
		;
}

const char *test_recorder_spooled(struct test_recorder *test)
{
	struct spool_message message = {.sequence = 0};
	struct spool_epoch_info info;

	buffer_clear(&test->text);
	find_epoch(test, &info);
	while (spool_next(test->spool, info.id, message.sequence, &message) == 0) {
		if (message.type == HM_FRAME_DECLARE)
			say_declare(test, &message);
		else if (message.type == HM_FRAME_CLOCK)
			say_clock(test, &message);
		else
			buffer_printf(&test->text, "%s\n",
				      message.type == HM_FRAME_BATCH ? "batch" : "gap");
	}
	return buffer_text(&test->text);
}

static void say_block(struct test_recorder *test, struct block_decoder *decoder,
		      const uint8_t *bytes, size_t length)
{
	const int64_t *times_us;
	size_t n_times;

	cr_assert_eq(block_decoder_open(decoder, bytes, length), 0);
	times_us = block_decoder_times(decoder, &n_times);
	for (size_t i = 0; i < block_decoder_n_columns(decoder); i++) {
		struct block_column column;
		const struct block_run every = {.n_present = (uint32_t)n_times};
		size_t at = 0, value = 0;

		cr_assert_eq(block_decoder_column(decoder, i, &column), 0);
		buffer_printf(&test->text, "%u:", column.series_id);
		for (size_t k = 0; k < (column.runs ? column.n_runs : 1); k++) {
			const struct block_run run = column.runs ? column.runs[k] : every;

			for (uint32_t n = 0; n < run.n_present; n++, at++)
				buffer_printf(&test->text, " %" PRId64 "=%g", times_us[at],
					      column.values[value++]);
			for (uint32_t n = 0; n < run.n_missing; n++, at++)
				buffer_printf(&test->text, " %" PRId64 "=%s", times_us[at],
					      reason_key((enum hm_reason)run.reason));
		}
		buffer_printf(&test->text, "\n");
	}
}

const char *test_recorder_batched_behind(struct test_recorder *test, uint64_t sequence)
{
	struct block_decoder *decoder = block_decoder_new();
	struct spool_message message = {.sequence = sequence};
	struct spool_epoch_info info;

	buffer_clear(&test->text);
	find_epoch(test, &info);
	while (spool_next(test->spool, info.id, message.sequence, &message) == 0) {
		struct wire_batch batch;
		const uint8_t *bytes;
		size_t length;

		if (message.type != HM_FRAME_BATCH)
			continue;
		cr_assert_eq(wire_batch_get(message.payload, message.payload_bytes, &batch),
			     HM_REASON_NONE);
		while (batch_get_block(&batch.blocks, &bytes, &length) == 0)
			say_block(test, decoder, bytes, length);
	}
	block_decoder_free(decoder);
	return buffer_text(&test->text);
}

const char *test_recorder_batched(struct test_recorder *test)
{
	return test_recorder_batched_behind(test, 0);
}
