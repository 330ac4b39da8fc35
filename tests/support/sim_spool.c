/* SPDX-License-Identifier: MIT */
/* A spool of the agent on a simulated disk. */

#include "tests/support/sim_spool.h"

#include <criterion/criterion.h>
#include <string.h>

#include "common/crc32c.h"

#define SEGMENTS 7
#define HOUR_US  (INT64_C(3600) * 1000000)

void sim_spool_open(struct sim_spool *test)
{
	test->sim = sim_disk_new(1, &test->counts);
	test->options = (struct spool_options){
		.disk = sim_disk_table(test->sim),
		.folder = sim_disk_open_root(test->sim),
		.segment_bytes = SIM_SPOOL_SEGMENT_BYTES,
		.max_bytes = SEGMENTS * SIM_SPOOL_SEGMENT_BYTES,
		.max_age_us = 160 * HOUR_US,
		.max_memory_bytes = SIM_SPOOL_SEGMENT_BYTES / 2,
		.host_id = {7},
		.host_name = {"web01", 5},
	};
	cr_assert_eq(spool_open(&test->options, &test->spool), 0);
}

void sim_spool_close(struct sim_spool *test)
{
	spool_free(test->spool);
	sim_disk_free(test->sim);
}

void sim_spool_reopen(struct sim_spool *test)
{
	spool_free(test->spool);
	test->spool = NULL;
	cr_assert_eq(spool_open(&test->options, &test->spool), 0);
}

void sim_spool_lose_power(struct sim_spool *test, uint64_t seed)
{
	spool_free(test->spool);
	test->spool = NULL;
	sim_disk_seed(test->sim, seed);
	sim_disk_crash(test->sim);
	test->options.folder = sim_disk_open_root(test->sim);
	cr_assert_eq(spool_open(&test->options, &test->spool), 0);
}

struct spool_status sim_spool_status(const struct sim_spool *test)
{
	struct spool_status status;

	spool_get_status(test->spool, &status);
	return status;
}

uint64_t sim_spool_tick(struct sim_spool *test, const char *text)
{
	uint64_t number = 0;

	cr_assert_eq(spool_append_tick(test->spool, text, strlen(text), &number), 0);
	return number;
}

uint64_t sim_spool_append(struct sim_spool *test, enum hm_frame_type type, const char *text,
			  uint64_t ticks)
{
	struct spool_draft draft = {
		.type = type,
		.body = text,
		.body_bytes = strlen(text),
		.ticks = ticks,
		.first_us = 1000,
		.last_us = 2000,
		.n_samples = 10,
	};
	uint64_t sequence = 0;

	cr_assert_eq(spool_append_message(test->spool, &draft, &sequence), 0);
	return sequence;
}

uint64_t sim_spool_append_series(struct sim_spool *test, const char *name)
{
	size_t length = strlen(name);
	static char body[64] = {0, 0, 0, 0, 1, 0, 0};
	struct spool_draft draft = {
		.type = HM_FRAME_DECLARE, .body = body, .body_bytes = 9 + length};
	uint64_t sequence = 0;

	body[7] = (char)length;
	for (size_t i = 0; i < length; i++)
		body[9 + i] = name[i];
	cr_assert_eq(spool_append_message(test->spool, &draft, &sequence), 0);
	return sequence;
}

uint64_t sim_spool_append_large(struct sim_spool *test, size_t n_bytes)
{
	static char body[SIM_SPOOL_SEGMENT_BYTES];
	struct spool_draft draft = {
		.type = HM_FRAME_BATCH,
		.body = body,
		.body_bytes = n_bytes,
		.first_us = 1000,
		.last_us = 2000,
		.n_samples = 10,
	};
	uint64_t sequence = 0;

	cr_assert_eq(spool_append_message(test->spool, &draft, &sequence), 0);
	cr_assert_eq(spool_sync(test->spool), 0);
	return sequence;
}

struct spool_epoch_info sim_spool_epoch(const struct sim_spool *test, size_t i)
{
	struct spool_epoch_info info = {.last = 0};

	cr_assert_eq(spool_get_epoch(test->spool, i, &info), 0);
	return info;
}

const char *sim_spool_next(struct sim_spool *test, size_t epoch, uint64_t after)
{
	static char text[SIM_SPOOL_SEGMENT_BYTES];
	struct spool_epoch_info info = sim_spool_epoch(test, epoch);
	struct spool_message message;

	if (spool_next(test->spool, info.id, after, &message) < 0)
		return "";
	cr_assert_eq(message.crc, crc32c(0, message.payload, message.payload_bytes));
	if (message.type == HM_FRAME_GAP)
		return "gap";
	memcpy(text, message.payload + HM_STAMP_BYTES, message.payload_bytes - HM_STAMP_BYTES);
	text[message.payload_bytes - HM_STAMP_BYTES] = '\0';
	return text;
}

struct wire_gap sim_spool_gap(struct sim_spool *test, size_t epoch, uint64_t after)
{
	struct spool_epoch_info info = sim_spool_epoch(test, epoch);
	struct spool_message message;
	struct wire_gap gap;

	cr_assert_eq(spool_next(test->spool, info.id, after, &message), 0);
	cr_assert_eq(message.type, HM_FRAME_GAP);
	cr_assert_eq(wire_gap_get(message.payload, message.payload_bytes, &gap), HM_REASON_NONE);
	return gap;
}

uint64_t sim_spool_declared(struct sim_spool *test, size_t epoch, uint64_t after)
{
	struct spool_epoch_info info = sim_spool_epoch(test, epoch);
	struct spool_message message;

	return spool_next_declare(test->spool, info.id, after, &message) == 0 ? message.sequence
									      : 0;
}
