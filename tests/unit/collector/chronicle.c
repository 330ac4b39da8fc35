/* SPDX-License-Identifier: MIT */
/* Tests of what is told of a host: by its own file, and by the log behind that. */

#include "collector/chronicle.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/log_file.h"
#include "common/message.h"
#include "common/wire_clock.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"
#include "tests/support/store_agent.h"

#define SECOND(n) ((SIM_STORE_START_S + (n)) * SIM_STORE_SECOND_US)

static const char *const names[] = {"m"};

static struct sim_store store;
static struct store_agent agent;
static struct buffer found;
static uint64_t n_lost;
static int entry_result;

static void setup(void)
{
	message_init("test");
	entry_result = 0;
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	store_agent_begin(&agent, &store, names, 1);
}

static void teardown(void)
{
	store_agent_end(&agent);
	sim_store_done(&store);
	buffer_done(&found);
}

TestSuite(chronicle, .init = setup, .fini = teardown);

/* -- what the agent tells -------------------------------------------------------------------------- */

static struct wire_stamp next_stamp(void)
{
	return (struct wire_stamp){.host_id = {1}, .epoch = {2}, .sequence = ++agent.sequence};
}

static void send(enum hm_frame_type type, struct buffer *payload)
{
	const uint8_t *bytes = (const uint8_t *)payload->data;

	cr_assert_not(buffer_failed(payload));
	cr_assert_eq(intake_take(agent.intake, agent.epoch, type, bytes, payload->length,
				 crc32c(0, bytes, payload->length)),
		     HM_REASON_NONE);
	cr_assert_eq(engine_commit(store.engine), 0);
	buffer_done(payload);
}

static void send_clock(enum hm_clock_event event, int64_t second)
{
	const struct wire_clock clock = {
		.stamp = next_stamp(), .event = event, .boot_id = {3}, .now_us = SECOND(second)};
	struct buffer payload = {0};

	wire_clock_put(&payload, &clock);
	send(HM_FRAME_CLOCK, &payload);
}

static void send_gap(int64_t second)
{
	struct wire_gap gap = {.stamp = next_stamp(), .first_us = SECOND(second)};
	struct buffer payload = {0};

	gap.first = gap.stamp.sequence;
	gap.last_us = gap.first_us;
	gap.reason = HM_REASON_SPOOL_FULL;
	wire_gap_put(&payload, &gap);
	send(HM_FRAME_GAP, &payload);
}

static void send_schedule(int64_t second)
{
	const struct wire_schedule_entry entry = {1000000, {"m", 1}};
	const struct wire_stamp stamp = next_stamp();
	struct buffer payload = {0};

	wire_schedule_put_begin(&payload, &stamp, SECOND(second));
	wire_schedule_put_entry(&payload, &entry);
	send(HM_FRAME_SCHEDULE, &payload);
}

static void send_samples(int64_t second)
{
	const char *const rows[] = {"123"};

	store_agent_send(&agent, second, rows);
}

/* -- what is read ---------------------------------------------------------------------------------- */

static int64_t second_of(int64_t time_us)
{
	return time_us / SIM_STORE_SECOND_US - SIM_STORE_START_S;
}

static int take_entry(void *context, const struct chronicle_entry *entry)
{
	struct wire_schedule schedule;
	struct wire_clock clock;
	struct wire_gap gap;

	cr_assert_eq(context, &found);
	if (entry->type == HM_RECORD_CLOCK &&
	    wire_clock_get(entry->bytes, entry->n_bytes, &clock) == HM_REASON_NONE)
		buffer_printf(&found, "C%" PRId64 " ", second_of(clock.now_us));
	else if (entry->type == HM_RECORD_GAP &&
		 wire_gap_get(entry->bytes, entry->n_bytes, &gap) == HM_REASON_NONE)
		buffer_printf(&found, "G%" PRId64 " ", second_of(gap.first_us));
	else if (entry->type == HM_RECORD_SCHEDULE &&
		 wire_schedule_get(entry->bytes, entry->n_bytes, &schedule) == HM_REASON_NONE)
		buffer_printf(&found, "S%" PRId64 " ", second_of(schedule.since_us));
	else
		buffer_printf(&found, "%u? ", entry->type);
	return entry_result;
}

static int take_event(void *context, const struct chronicle_event *event)
{
	(void)context;
	buffer_printf(&found, "E%" PRId64 "-%" PRId64 " ", second_of(event->since_us),
		      second_of(event->until_us));
	return 0;
}

static void take_restart(void *context)
{
	(void)context;
	buffer_clear(&found);
}

static int read_result(void)
{
	const struct chronicle_reader reader = {
		.context = &found,
		.entry = take_entry,
		.event = take_event,
		.restart = take_restart,
	};
	const struct limits limits = {0};

	buffer_clear(&found);
	return chronicle_read(store.engine, store.engine->catalog.all_hosts[0], &limits, &reader,
			      &n_lost);
}

static const char *read(void)
{
	cr_assert_eq(read_result(), 0);
	return buffer_text(&found);
}

/* -- tests ----------------------------------------------------------------------------------------- */

Test(chronicle, of_a_host_that_tells_nothing_there_is_nothing)
{
	cr_expect_str_eq(read(), "");
	send_samples(0);
	cr_expect_str_eq(read(), "");
	cr_expect_eq(n_lost, 0);
}

Test(chronicle, what_the_log_has_and_what_files_have_is_told_once_in_its_order)
{
	send_clock(HM_CLOCK_STARTED, 1);
	send_schedule(2);
	send_samples(3);
	cr_expect_str_eq(read(), "C1 S2 ", "%s", found.data);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_expect_str_eq(read(), "C1 S2 ", "%s", found.data);
	send_gap(10);
	send_samples(11);
	cr_expect_str_eq(read(), "C1 S2 G10 ", "%s", found.data);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	send_clock(HM_CLOCK_STOPPED, 20);
	cr_expect_str_eq(read(), "C1 S2 G10 C20 ", "%s", found.data);
	cr_expect_eq(n_lost, 0);
}

Test(chronicle, is_the_same_when_the_store_is_opened_again)
{
	send_clock(HM_CLOCK_STARTED, 1);
	send_samples(3);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	send_schedule(4);
	send_samples(5);
	store_agent_end(&agent);
	sim_store_kill(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_expect_str_eq(read(), "C1 S4 ", "%s", found.data);
}

Test(chronicle, blocks_of_a_checkpoint_that_is_not_confirmed_do_not_count)
{
	struct catalog_host *host;
	uint64_t checkpoint;

	send_clock(HM_CLOCK_STARTED, 1);
	send_samples(3);
	host = store.engine->catalog.all_hosts[0];
	checkpoint = host->checkpoint;
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	/* As if CHECKPOINT were not durable yet: the log has it still. */
	host->checkpoint = checkpoint;
	cr_expect_str_eq(read(), "C1 ", "%s", found.data);
}

Test(chronicle, what_is_damaged_is_passed_over_and_counted)
{
	send_clock(HM_CLOCK_STARTED, 1);
	send_samples(3);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	send_clock(HM_CLOCK_STOPPED, 4);
	send_samples(5);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	/* The header: its salt follows from the path. */
	sim_store_damage(&store, "hosts/web01/.host", 4, 4);
	cr_expect_str_eq(read(), "C1 C4 ", "%s", found.data);
	cr_expect_eq(n_lost, 1);
	/* And one of the first blocks. */
	sim_store_damage(&store, "hosts/web01/.host", 160, 40);
	cr_assert_eq(read_result(), 0);
	cr_expect_eq(n_lost, 2);
	sim_store_damage(&store, "hosts/web01/.host", 0, 4096);
	cr_assert_eq(read_result(), 0);
	cr_expect_str_eq(buffer_text(&found), "");
}

Test(chronicle, what_the_log_lost_is_told_before_a_checkpoint_and_behind_it)
{
	uint64_t position;

	send_clock(HM_CLOCK_STARTED, 1);
	send_samples(-30);
	send_samples(-20);
	position = store.engine->catalog.all_hosts[0]->last;
	send_samples(-10);
	sim_store_damage(&store, "log/00000001.log",
			 log_position_offset(position) + HM_RECORD_HEADER_BYTES + 50, 4);
	cr_expect_str_eq(read(), "E-28--10 C1 ", "%s", found.data);
	cr_expect_eq(n_lost, 1);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_expect_str_eq(read(), "E-28--10 C1 ", "%s", found.data);
	cr_expect_eq(n_lost, 0, "it is told once");
}

Test(chronicle, without_the_file_the_log_has_the_rest)
{
	send_clock(HM_CLOCK_STARTED, 1);
	send_samples(3);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	send_clock(HM_CLOCK_STOPPED, 4);
	sim_store_remove(&store, "hosts/web01", ".host");
	cr_expect_str_eq(read(), "C4 ", "%s", found.data);
}

Test(chronicle, who_reads_it_may_end_it)
{
	send_clock(HM_CLOCK_STARTED, 1);
	entry_result = -ECANCELED;
	cr_expect_eq(read_result(), -ECANCELED);
	send_samples(3);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_expect_eq(read_result(), -ECANCELED);
}
