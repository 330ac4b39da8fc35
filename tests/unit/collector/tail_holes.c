/* SPDX-License-Identifier: MIT */
/* Tests of what is told of messages that are lost from the log. */

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#include "collector/epoch.h"
#include "collector/tail_part.h"
#include "common/log_file.h"
#include "common/message.h"
#include "tests/support/history_agent.h"

static struct sim_store store;
static struct history_agent agent;

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	history_agent_open(&agent, &store, 2);
	history_agent_declare(&agent);
	history_agent_batch(&agent, 10, 1);
	history_agent_commit(&agent);
}

static void teardown(void)
{
	history_agent_close(&agent);
	sim_store_done(&store);
}

TestSuite(tail_holes, .init = setup, .fini = teardown);

/* It is taken, and comes in, at this second. @return its position */
static uint64_t send_batch(int64_t second)
{
	const struct disk *disk = store.engine->options.disk;
	int64_t time_us = (SIM_STORE_START_S + second) * SIM_STORE_SECOND_US;

	sim_disk_advance(store.sim, time_us - disk->now_us(disk->context));
	history_agent_batch(&agent, second, 2);
	history_agent_commit(&agent);
	return agent.epoch->host->last;
}

static void damage(uint64_t position, uint64_t offset)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "log/%08" PRIx32 ".log", log_position_segment(position));
	sim_store_damage(&store, path, log_position_offset(position) + offset, 8);
}

static void damage_header(uint64_t position)
{
	damage(position, 8);
}

static void damage_payload(uint64_t position)
{
	damage(position, HM_RECORD_HEADER_BYTES + HM_STAMP_BYTES);
}

static void checkpoint(void)
{
	cr_assert_eq(sim_store_checkpoint(&store), 0);
}

Test(tail_holes, nothing_is_told_of_a_log_that_is_whole)
{
	(void)send_batch(20);
	checkpoint();
	history_agent_crash(&agent);
	(void)send_batch(30);
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "");
}

Test(tail_holes, a_lost_batch_is_told_once_however_often_the_store_begins)
{
	uint64_t lost = send_batch(20);

	(void)send_batch(30);
	damage_payload(lost);
	for (int i = 0; i < 3; i++)
		history_agent_crash(&agent);
	cr_expect_str_eq(history_agent_told(&agent), "");
	checkpoint();
	for (int i = 0; i < 3; i++) {
		cr_expect_str_eq(history_agent_told(&agent), "event 62 10..20; ");
		history_agent_crash(&agent);
		(void)send_batch(40 + i);
		checkpoint();
	}
	cr_expect_str_eq(sim_store_read(&store),
			 "10 web01 m 1\n30 web01 m 2\n40 web01 m 2\n41 web01 m 2\n42 web01 m 2\n");
}

Test(tail_holes, so_is_one_whose_header_is_lost)
{
	uint64_t lost = send_batch(20);

	(void)send_batch(25);
	damage_header(lost);
	damage_header(agent.epoch->host->last);
	(void)send_batch(30);
	(void)send_batch(40);
	history_agent_crash(&agent);
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "event 62 10..30; ");
}

Test(tail_holes, each_place_is_told)
{
	uint64_t first = send_batch(20);
	uint64_t second;

	(void)send_batch(30);
	second = send_batch(40);
	(void)send_batch(50);
	damage_header(first);
	damage_payload(second);
	history_agent_crash(&agent);
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "event 62 10..30; event 62 30..40; ");
}

Test(tail_holes, a_hole_is_told_by_the_checkpoint_that_goes_beyond_it)
{
	uint64_t lost;

	(void)send_batch(20);
	checkpoint();
	lost = send_batch(30);
	(void)send_batch(40);
	damage_payload(lost);
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "event 62 20..30; ");
}

Test(tail_holes, at_the_end_the_header_says_until_when)
{
	uint64_t lost;

	(void)send_batch(20);
	lost = send_batch(60);
	sim_disk_advance(store.sim, 600 * SIM_STORE_SECOND_US);
	/* That it is durable is said behind it. */
	history_agent_commit(&agent);
	damage_payload(lost);
	history_agent_crash(&agent);
	cr_expect_eq(agent.sequence, 3, "the agent is asked for it again");
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "event 62 20..60; ");
}

/* The first record of a type in the host's chain that is whole. */
static uint64_t find_record(enum hm_record_type type)
{
	const struct catalog_host *host = agent.epoch->host;
	struct tail_range range = {.host = host->number, .last = host->last};
	struct log_record record = {.type = HM_RECORD_MARK};
	const uint64_t *positions;
	struct tail *tail;
	size_t n;

	cr_assert_eq(tail_new(store.engine, &tail), 0);
	cr_assert_eq(tail_find(tail, &range, &positions, &n), 0);
	for (size_t i = 0; i < n && record.type != type; i++)
		cr_assert_eq(tail_read(tail, positions[i], &record), 0);
	tail_free(tail);
	cr_assert_eq(record.type, type);
	return record.position;
}

Test(tail_holes, what_is_there_twice_is_not_lost)
{
	(void)send_batch(20);
	damage_payload(find_record(HM_RECORD_DECLARE));
	damage_header(find_record(HM_RECORD_NAMES));
	history_agent_crash(&agent);
	checkpoint();
	cr_expect_str_eq(history_agent_told(&agent), "");
	cr_expect_str_eq(sim_store_read(&store), "10 web01 m 1\n20 web01 m 2\n");
}

Test(tail_holes, a_batch_that_cannot_be_decoded_is_told)
{
	(void)send_batch(20);
	history_agent_commit(&agent);
	for (unsigned i = 0; i < 2; i++) {
		damage_payload(find_record(HM_RECORD_DECLARE));
		damage_payload(find_record(HM_RECORD_NAMES));
	}
	/* It does not declare its series again. */
	agent.declared = 0;
	history_agent_crash(&agent);
	checkpoint();
	cr_expect_str_eq(sim_store_read(&store), "");
	cr_expect_str_eq(history_agent_told(&agent), "event 62 10..10; event 62 20..20; ");
}
