/* SPDX-License-Identifier: MIT */
/* Tests of agent/recorder.c: what comes into the spool. */

#include "agent/recorder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/round.h"
#include "common/block.h"
#include "common/reason.h"
#include "common/wire_batch.h"
#include "common/wire_clock.h"
#include "common/wire_declare.h"
#include "tests/support/scratch.h"
#include "tests/support/test_spool.h"

static const struct hm_metric gauge = {.name = "a", .unit = "seconds", .kind = HM_GAUGE};
static const struct hm_metric events = {.name = "b_total", .unit = "", .kind = HM_EVENTS};

static const char *path;
static int folder;
static struct spool *spool;
static struct recorder *recorder;
static struct buffer samples;

static void reopen(const char *hostname)
{
	recorder_free(recorder);
	spool_free(spool);
	spool = test_spool_open(folder, hostname);
	cr_assert_eq(recorder_new(spool, test_spool_id, &recorder), 0);
}

static void setup(void)
{
	path = scratch_folder();
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(folder, 0);
	reopen("web01");
}

static void teardown(void)
{
	recorder_free(recorder);
	spool_free(spool);
	buffer_done(&samples);
	(void)close(folder);
	scratch_remove(path);
}

TestSuite(recorder, .init = setup, .fini = teardown, .timeout = 60);

static void put(int64_t time_us, const struct hm_metric *metric, const char *name, double value)
{
	const struct round_sample sample = {
		.time_us = time_us,
		.value = value,
		.metric = metric,
		.name = {name, strlen(name)},
	};

	round_put(&samples, &sample);
}

static void put_missing(int64_t time_us, const char *name, enum hm_reason reason)
{
	const struct round_sample sample = {
		.time_us = time_us,
		.reason = reason,
		.metric = &gauge,
		.name = {name, strlen(name)},
	};

	round_put(&samples, &sample);
}

static void take(void)
{
	recorder_take(recorder, samples.data, samples.length);
	buffer_clear(&samples);
}

/* -- what is in the spool, as text ----------------------------------------------------------------- */

static char text[200000];
static char samples_text[100];

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text + length, sizeof(text) - length, format, arguments);
	va_end(arguments);
}

static void say_declare(const struct spool_message *message)
{
	struct wire_declare declare;
	struct wire_series series;

	cr_assert_eq(wire_declare_open(&declare, message->payload, message->payload_bytes),
		     HM_REASON_NONE);
	say("declare");
	while (wire_declare_next(&declare, &series)) {
		say(" %u=%.*s/%d/%.*s", declare.first_id + declare.n_series - 1,
		    (int)series.name.length, series.name.start, series.kind,
		    (int)series.unit.length, series.unit.start);
	}
	wire_declare_done(&declare);
	say("\n");
}

static void say_clock(const struct spool_message *message)
{
	struct wire_clock clock;

	cr_assert_eq(wire_clock_get(message->payload, message->payload_bytes, &clock),
		     HM_REASON_NONE);
	cr_assert_geq(clock.since_boot_us, 0);
	say("clock %d", clock.event);
	if (clock.change_us != 0)
		say(" at %" PRId64 " by %" PRId64, clock.now_us, clock.change_us);
	say("\n");
}

/* All messages of the current epoch that may be sent. */
static const char *spooled(void)
{
	struct spool_message message = {.sequence = 0};
	struct spool_epoch_info info;

	text[0] = '\0';
	for (size_t i = 0; spool_get_epoch(spool, i, &info) == 0; i++)
		;
	while (spool_next(spool, info.id, message.sequence, &message) == 0) {
		if (message.type == HM_FRAME_DECLARE)
			say_declare(&message);
		else if (message.type == HM_FRAME_CLOCK)
			say_clock(&message);
		else
			say("%s\n", message.type == HM_FRAME_BATCH ? "batch" : "gap");
	}
	return text;
}

/* All samples of the batches of the current epoch, a line for each column: "id: 10 1, 20 reason;" */
static void say_block(struct block_decoder *decoder, const uint8_t *bytes, size_t length)
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
		say("%u:", column.series_id);
		for (size_t k = 0; k < (column.runs ? column.n_runs : 1); k++) {
			const struct block_run run = column.runs ? column.runs[k] : every;

			for (uint32_t n = 0; n < run.n_present; n++, at++)
				say(" %" PRId64 "=%g", times_us[at], column.values[value++]);
			for (uint32_t n = 0; n < run.n_missing; n++, at++)
				say(" %" PRId64 "=%s", times_us[at],
				    reason_key((enum hm_reason)run.reason));
		}
		say("\n");
	}
}

static const char *batched_behind(uint64_t sequence)
{
	struct block_decoder *decoder = block_decoder_new();
	struct spool_message message = {.sequence = sequence};
	struct spool_epoch_info info;

	text[0] = '\0';
	for (size_t i = 0; spool_get_epoch(spool, i, &info) == 0; i++)
		;
	while (spool_next(spool, info.id, message.sequence, &message) == 0) {
		struct wire_batch batch;
		const uint8_t *bytes;
		size_t length;

		if (message.type != HM_FRAME_BATCH)
			continue;
		cr_assert_eq(wire_batch_get(message.payload, message.payload_bytes, &batch),
			     HM_REASON_NONE);
		while (batch_get_block(&batch.blocks, &bytes, &length) == 0)
			say_block(decoder, bytes, length);
	}
	block_decoder_free(decoder);
	return text;
}

static const char *batched(void)
{
	return batched_behind(0);
}

static struct spool_status status(void)
{
	struct spool_status status;

	spool_get_status(spool, &status);
	return status;
}

Test(recorder, declares_a_series_once_and_seals_when_it_is_to_be_shipped)
{
	put(10, &gauge, "a{x=\"1\"}", 1);
	put(10, &events, "b_total", 2);
	take();
	cr_assert_str_eq(spooled(), "", "nothing before it is durable");
	cr_assert_eq(status().n_ticks, 1);
	cr_assert_eq(recorder_n_unsealed(recorder), 2);

	put(20, &gauge, "a{x=\"1\"}", 1);
	put(20, &gauge, "a{x=\"2\"}", 1);
	take();
	recorder_ship(recorder);
	cr_assert_str_eq(spooled(), "declare 0=a{x=\"1\"}/1/seconds 1=b_total/2/\n"
				    "declare 2=a{x=\"2\"}/1/seconds\nbatch\n");
	cr_assert_eq(status().n_ticks, 0);
	cr_assert_eq(status().n_samples, 4);
	cr_assert_eq(recorder_n_unsealed(recorder), 0);

	recorder_ship(recorder);
	cr_assert_eq(status().n_messages, 3, "nothing is shipped twice");
}

Test(recorder, seals_the_ticks_that_another_has_left_and_goes_on_with_its_series)
{
	put(10, &gauge, "a", 1);
	take();
	reopen("web01");
	cr_assert_str_eq(spooled(), "declare 0=a/1/seconds\nbatch\n");
	put(20, &gauge, "a", 1);
	take();
	recorder_ship(recorder);
	cr_assert_str_eq(spooled(), "declare 0=a/1/seconds\nbatch\nbatch\n");
	cr_assert_eq(status().n_samples, 2);
}

Test(recorder, passes_over_ticks_that_are_none)
{
	static const uint8_t empty[8];
	uint64_t number;

	cr_assert_eq(spool_append_tick(spool, "?", 1, &number), 0);
	cr_assert_eq(spool_append_tick(spool, empty, sizeof(empty), &number), 0);
	recorder_ship(recorder);
	cr_assert_eq(status().n_messages, 0);
	put(10, &gauge, "a", 1);
	take();
	recorder_ship(recorder);
	cr_assert_str_eq(spooled(), "declare 0=a/1/seconds\nbatch\n");
	cr_assert_eq(status().n_ticks, 0, "the batch behind them supersedes them");
}

/* A crash, or damage, took the declaration of what a tick is of. */
Test(recorder, gives_no_tick_the_series_of_others)
{
	uint8_t payload[64];
	struct spool_tick tick;
	size_t length;
	uint64_t number;

	put(10, &gauge, "a", 1);
	take();
	cr_assert_eq(spool_get_tick(spool, 0, &tick), 0);
	length = tick.payload_bytes;
	cr_assert_leq(length, sizeof(payload));
	memcpy(payload, tick.payload, length);
	recorder_free(recorder);
	spool_free(spool);
	spool = test_spool_open(-1, "web01");
	cr_assert_eq(spool_append_tick(spool, payload, length, &number), 0);
	cr_assert_eq(recorder_new(spool, test_spool_id, &recorder), 0);

	put(20, &gauge, "b", 2);
	take();
	recorder_ship(recorder);
	cr_assert_str_eq(batched(), "0: 20=2\n");
	cr_assert_not_null(strstr(spooled(), "clock 6 at "));
}

Test(recorder, declares_in_another_epoch_what_it_has_declared_before)
{
	put(10, &gauge, "a", 1);
	take();
	recorder_ship(recorder);
	spool_free(spool);
	spool = test_spool_open(folder, "web02");
	cr_assert_eq(recorder_use_spool(recorder, spool), 0);
	put(20, &gauge, "a", 1);
	take();
	recorder_ship(recorder);

	cr_assert_str_eq(spooled(), "declare 0=a/1/seconds\nbatch\n");
}

Test(recorder, gives_two_samples_of_one_series_and_time_two_ticks)
{
	put(10, &gauge, "a", 1);
	put(10, &gauge, "a", 2);
	put(20, &gauge, "a", 3);
	take();
	cr_assert_eq(status().n_ticks, 3);
	recorder_ship(recorder);
	cr_assert_eq(status().n_samples, 3);
	cr_assert_eq(recorder_n_lost(recorder), 0);
}

Test(recorder, loses_only_what_no_collector_would_take)
{
	put(10, &gauge, "a b", 1);
	put(10, &gauge, "a", 1);
	take();
	recorder_ship(recorder);
	cr_assert_eq(recorder_n_lost(recorder), 1);
	cr_assert_eq(status().n_samples, 1);
}

Test(recorder, seals_by_itself_when_there_are_too_many_ticks)
{
	for (int64_t i = 0; i < 10000; i++) {
		put(10 + i, &gauge, "a", (double)i / 3);
		take();
	}
	recorder_ship(recorder);
	cr_assert_eq(recorder_n_lost(recorder), 0);
	cr_assert_eq(status().n_samples, 10000);
	cr_assert_eq(status().n_ticks, 0);
}

/* However many series, no tick is in two batches: a crash between these would store its samples twice. */
Test(recorder, divides_a_long_round_into_ticks_that_fit_a_batch)
{
	for (int i = 0; i < 20000; i++) {
		char name[100];

		(void)snprintf(name, sizeof(name), "a{x=\"%d\"}", i);
		put(10, &gauge, name, i / 3e17 + 1 / 3e20);
	}
	take();
	cr_assert_eq(status().n_ticks, 5);
	recorder_ship(recorder);
	cr_assert_eq(status().n_samples, 20000);
	cr_assert_eq(status().n_ticks, 0);
	cr_assert_eq(recorder_n_lost(recorder), 0);
}

static void note(enum hm_clock_event what, int64_t now_us, int64_t change_us)
{
	const struct clock_event event = {
		.event = what, .now_us = now_us, .since_boot_us = 1, .change_us = change_us};

	recorder_note(recorder, &event);
}

Test(recorder, notes_what_happens_to_the_clock)
{
	note(HM_CLOCK_STARTED, 1, 0);
	note(HM_CLOCK_STEPPED, 2, -5);
	note(HM_CLOCK_RESUMED, 3, 6);
	note(HM_CLOCK_HELD_UP, 4, 7);
	note(HM_CLOCK_STOPPED, 8, 0);
	recorder_ship(recorder);
	cr_assert_str_eq(spooled(), "clock 1\nclock 3 at 2 by -5\nclock 4 at 3 by 6\n"
				    "clock 5 at 4 by 7\nclock 2\n");
}

static unsigned count_clocks(const char *said)
{
	unsigned n = 0;

	for (const char *at = spooled(); (at = strstr(at, said)); at++)
		n++;
	return n;
}

/* A plugin that is slower than its interval: that is no more than one event for each shipment. */
Test(recorder, notes_that_it_is_held_up_at_every_turn_as_once)
{
	for (int64_t i = 1; i <= 600; i++) {
		note(HM_CLOCK_HELD_UP, 1000000000 + i * 3000000, 1500000);
		if (i % 20 == 0)
			recorder_ship(recorder);
	}
	cr_expect_eq(count_clocks("clock 5"), 31);
	cr_expect_eq(strstr(spooled(), "clock 5 at 1003000000 by 1500000\n"
				       "clock 5 at 1060000000 by 55500000\n"
				       "clock 5 at 1120000000 by 58500000\n"),
		     text);
}

Test(recorder, notes_at_once_that_it_is_held_up_again_after_a_while)
{
	note(HM_CLOCK_HELD_UP, 1000000000, 1500000);
	note(HM_CLOCK_HELD_UP, 1070000000, 1500000);
	note(HM_CLOCK_HELD_UP, 1075000000, 1500000);
	cr_assert_eq(spool_sync(spool), 0);
	cr_expect_eq(count_clocks("clock 5"), 2);
	/* What comes behind it is told behind it. */
	note(HM_CLOCK_STEPPED, 1000000000, -75000000);
	note(HM_CLOCK_HELD_UP, 1005000000, 1500000);
	cr_assert_eq(spool_sync(spool), 0);
	cr_expect_str_eq(spooled(), "clock 5 at 1000000000 by 1500000\n"
				    "clock 5 at 1070000000 by 1500000\n"
				    "clock 5 at 1075000000 by 1500000\n"
				    "clock 3 at 1000000000 by -75000000\n"
				    "clock 5 at 1005000000 by 1500000\n");
}

/* What the spool has no room for is one span, and written when it has. */
Test(recorder, notes_later_what_the_spool_has_no_room_for)
{
	const int64_t n = 5000;
	struct spool_epoch_info info;
	unsigned n_noted;

	for (int64_t i = 1; i <= n; i++)
		note(HM_CLOCK_STEPPED, i * 100000000, 50000000);
	note(HM_CLOCK_STOPPED, n * 100000000 + 1, 0);
	put(n * 100000000 + 2, &gauge, "a", 1);
	take();
	cr_expect_eq(recorder_n_lost(recorder), 0, "there is room for its declaration");
	recorder_ship(recorder);
	n_noted = count_clocks("clock 3");
	cr_assert_lt(n_noted, n);
	cr_expect_eq(count_clocks("clock 2"), 1);
	cr_expect_eq(count_clocks("clock 6"), 0);

	cr_assert_eq(spool_get_epoch(spool, 0, &info), 0);
	spool_acked(spool, info.id, info.last);
	recorder_ship(recorder);
	(void)snprintf(samples_text, sizeof(samples_text),
		       "clock 6 at %" PRId64 " by %" PRId64 "\n", n * 100000000,
		       n * 100000000 - (int64_t)(n_noted + 1) * 100000000 + 50000000);
	cr_expect_eq(count_clocks(samples_text), 1, "%s", samples_text);
}

Test(recorder, notes_once_of_what_times_samples_were_lost)
{
	put(INT64_C(1795392010000000), &gauge, "a b", 1);
	put(INT64_C(1795392010000000), &gauge, "a", 1);
	put_missing(INT64_C(1795392020000000), "a b", HM_REASON_SOURCE_FAILED);
	take();
	recorder_lose(recorder,
		      &(struct queue_span){INT64_C(1795392000000000), INT64_C(1795392005000000)});
	recorder_ship(recorder);
	recorder_ship(recorder);
	cr_assert_str_eq(spooled(), "declare 0=a/1/seconds\nbatch\n"
				    "clock 6 at 1795392020000000 by 20000000\n");
	cr_assert_eq(recorder_n_lost(recorder), 1);

	recorder_lose(recorder,
		      &(struct queue_span){INT64_C(1795392030000000), INT64_C(1795392030000000)});
	recorder_ship(recorder);
	cr_assert_not_null(strstr(spooled(), "clock 6 at 1795392030000000 by 1\n"));
}

/* The clock was set back and forth: all samples are there once, in the order in which they were taken. */
Test(recorder, keeps_all_samples_whatever_the_clock_does)
{
	static const int64_t times_us[] = {10, 20, 30, 5, 15, 30, 30, 1000000000000000, 40, 50};
	const size_t n = sizeof(times_us) / sizeof(times_us[0]);

	for (size_t i = 0; i < n; i++) {
		put(times_us[i], &gauge, "a", (double)i);
		put(times_us[i], &gauge, "b", (double)i);
		take();
		if (i == 4)
			reopen("web01");
	}
	recorder_ship(recorder);
	cr_assert_str_eq(batched(),
			 "0: 10=0 20=1 30=2\n1: 10=0 20=1 30=2\n0: 5=3 15=4\n1: 5=3 15=4\n"
			 "0: 30=5 30=6 1000000000000000=7\n1: 30=5 30=6 1000000000000000=7\n"
			 "0: 40=8 50=9\n1: 40=8 50=9\n");
	cr_assert_eq(status().n_samples, 2 * n);
}

Test(recorder, writes_why_samples_are_missing)
{
	for (int64_t i = 1; i <= 4; i++) {
		put(10 * i, &gauge, "a", (double)i);
		if (i < 2)
			put(10 * i, &gauge, "b", 5);
		else
			put_missing(10 * i, "b",
				    i < 4 ? HM_REASON_SOURCE_FAILED : HM_REASON_SOURCE_GONE);
		/* One that never had a value is declared all the same. */
		put_missing(10 * i, "c", HM_REASON_SOURCE_STUCK);
		take();
	}
	cr_assert_eq(recorder_n_unsealed(recorder), 5, "the marks are no samples");
	recorder_ship(recorder);
	cr_assert_str_eq(batched(), "0: 10=1 20=2 30=3 40=4\n"
				    "1: 10=5 20=source_failed 30=source_failed 40=source_gone\n"
				    "2: 10=source_stuck 20=source_stuck 30=source_stuck "
				    "40=source_stuck\n");
	cr_assert_eq(status().n_samples, 5);
}

static void put_rest(int64_t time_us, enum hm_reason reason)
{
	put_missing(time_us, "", reason);
}

/* Its plugin does not know them: the agent has begun anew. */
Test(recorder, says_of_all_series_of_a_metric_why_they_are_missing)
{
	put(10, &gauge, "a", 1);
	put(10, &gauge, "a{x=\"1\"}", 1);
	put(10, &gauge, "ab", 1);
	take();
	reopen("web01");
	put_rest(20, HM_REASON_SOURCE_FAILED);
	put(20, &gauge, "ab", 2);
	take();
	put(30, &gauge, "a", 3);
	put_rest(30, HM_REASON_SOURCE_GONE);
	put(30, &gauge, "ab", 3);
	take();
	recorder_ship(recorder);
	cr_expect_str_eq(batched(), "0: 10=1\n1: 10=1\n2: 10=1\n"
				    "0: 20=source_failed 30=3\n1: 20=source_failed 30=source_gone\n"
				    "2: 20=2 30=3\n");
}

static void take_gone(void)
{
	put(10, &gauge, "a", 1);
	put(10, &gauge, "b", 1);
	put(10, &gauge, "c", 1);
	take();
	put(20, &gauge, "a", 2);
	put_missing(20, "b", HM_REASON_SOURCE_GONE);
	put_missing(20, "c", HM_REASON_SOURCE_GONE);
	take();
	put(30, &gauge, "a", 3);
	put(30, &gauge, "c", 3);
	take();
}

Test(recorder, says_again_what_is_gone_where_samples_were_lost)
{
	take_gone();
	recorder_lose(recorder, &(struct queue_span){20, 20});
	put(40, &gauge, "a", 4);
	take();
	put(50, &gauge, "a", 5);
	take();
	recorder_ship(recorder);
	cr_expect_str_eq(batched(), "2: 10=1 20=source_gone 30=3\n"
				    "1: 10=1 20=source_gone 40=source_gone\n"
				    "0: 10=1 20=2 30=3 40=4 50=5\n");
}

/* Where a full spool lost something in each round, they would fill it, and nothing else would be kept. */
Test(recorder, says_seldom_again_what_many_series_are_gone)
{
	const struct queue_span lost = {20, 20};
	char name[16];

	for (int i = 0; i < 1024; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		put(10, &gauge, name, 1);
	}
	take();
	for (int i = 0; i < 1024; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		put_missing(20, name, HM_REASON_SOURCE_GONE);
	}
	take();
	for (int64_t time_us = 30; time_us <= 80; time_us += 10) {
		recorder_lose(recorder, &lost);
		put(time_us, &gauge, "a", 1);
		take();
	}
	recorder_ship(recorder);
	cr_expect_not_null(
		strstr(batched(), "\n1023: 10=1 20=source_gone 30=source_gone 70=source_gone\n"));
}

Test(recorder, says_again_what_is_gone_where_a_gap_took_it)
{
	uint64_t sequence = 0;

	take_gone();
	recorder_ship(recorder);
	while (status().n_gone_batches == 0)
		sequence = test_spool_append(spool, 100000, 1);
	recorder_ship(recorder);
	put(40, &gauge, "a", 4);
	take();
	put(50, &gauge, "a", 5);
	take();
	recorder_ship(recorder);
	cr_expect_str_eq(batched_behind(sequence), "1: 40=source_gone\n0: 40=4 50=5\n");
}

/* Nobody would ever read it. */
Test(recorder, goes_on_in_another_segment_where_its_own_was_removed)
{
	put(10, &gauge, "a", 1);
	take();
	recorder_ship(recorder);
	cr_assert_eq(unlinkat(folder, "00000001.log", 0), 0);
	put(20, &gauge, "a", 2);
	take();
	recorder_ship(recorder);
	cr_expect_not(status().is_in_memory);
	put(30, &gauge, "a", 3);
	take();
	recorder_ship(recorder);
	reopen("web01");
	cr_expect_eq(status().n_samples, 2);
	put(40, &gauge, "a", 4);
	take();
	recorder_ship(recorder);
	cr_expect_str_eq(batched(), "0: 40=4\n");
	cr_expect_eq(recorder_n_lost(recorder), 0);
}

Test(recorder, writes_a_round_in_which_all_is_missing)
{
	put_missing(10, "a", HM_REASON_SOURCE_FAILED);
	take();
	recorder_ship(recorder);
	cr_assert_str_eq(batched(), "0: 10=source_failed\n");
	cr_assert_eq(status().n_samples, 0);
	cr_assert_eq(status().n_ticks, 0);
}

Test(recorder, marks_what_is_left_out_only_where_it_has_samples)
{
	put_missing(10, "b", HM_REASON_QUOTA);
	put(10, &gauge, "a", 1);
	put_missing(10, "c", HM_REASON_NOT_SAMPLED);
	put(10, &gauge, "d", 1);
	take();
	put_missing(20, "b", HM_REASON_NOT_SAMPLED);
	take();
	/* Another agent knows them from the spool. */
	reopen("web01");
	put_missing(30, "c", HM_REASON_QUOTA);
	put_missing(30, "d", HM_REASON_QUOTA);
	put_missing(30, "a", HM_REASON_NOT_SAMPLED);
	take();
	recorder_ship(recorder);
	cr_assert_str_eq(spooled(), "declare 0=a/1/seconds 1=d/1/seconds\nbatch\nbatch\n");
	cr_assert_str_eq(batched(), "0: 10=1\n1: 10=1\n0: 30=not_sampled\n1: 30=quota\n");
	cr_assert_eq(recorder_n_lost(recorder), 0);
}

/* Of long names, that no round has had yet. */
static void take_new(int n)
{
	static int n_names;
	char name[3000];

	for (int i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "s{n=\"%02900d\"}", n_names++);
		put(n_names, &gauge, name, 1);
	}
	take();
	recorder_ship(recorder);
}

/* The first of them. */
static void take_known(void)
{
	char name[3000];

	(void)snprintf(name, sizeof(name), "s{n=\"%02900d\"}", 0);
	put(999999, &gauge, name, 1);
	take();
	recorder_ship(recorder);
}

/* All is stored. */
static void ack_all(void)
{
	struct spool_epoch_info info;

	for (size_t i = 0; spool_get_epoch(spool, i, &info) == 0; i++)
		spool_acked(spool, info.id, info.last);
	cr_assert_eq(spool_sync(spool), 0);
	cr_assert_eq(spool_sync(spool), 0);
}

Test(recorder, forgets_series_where_no_more_can_be_declared)
{
	while (!recorder_is_full(recorder))
		take_new(50);
	cr_assert_gt(recorder_n_lost(recorder), 0);
	ack_all();
	recorder_begin_anew(recorder);
	cr_assert(recorder_is_full(recorder), "all are sampled");

	reopen("web01");
	take_known();
	while (!recorder_is_full(recorder))
		take_new(50);
	recorder_begin_anew(recorder);
	cr_assert(recorder_is_full(recorder), "something waits");
	ack_all();
	recorder_begin_anew(recorder);
	cr_assert_not(recorder_is_full(recorder));
	put(1000000, &gauge, "a", 1);
	take();
	recorder_ship(recorder);
	cr_expect_eq(strncmp(spooled(), "declare 0=a/1/seconds\nbatch\nclock 6 ", 36), 0);
	put(1000010, &gauge, "a", 2);
	take();

	/* What has the ids of the one before it comes back as well. */
	reopen("web01");
	cr_expect_str_eq(batched(), "0: 1000000=1\n0: 1000010=2\n");
	cr_expect_not(recorder_is_full(recorder));
}

Test(recorder, goes_on_in_memory)
{
	recorder_free(recorder);
	spool_free(spool);
	spool = test_spool_open(-1, "web01");
	cr_assert_eq(recorder_new(spool, test_spool_id, &recorder), 0);
	put(10, &gauge, "a", 1);
	take();
	recorder_ship(recorder);
	cr_assert(status().is_in_memory);
	cr_assert_str_eq(spooled(), "declare 0=a/1/seconds\nbatch\n");
}
