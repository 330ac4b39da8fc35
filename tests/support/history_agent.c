/* SPDX-License-Identifier: MIT */
/* An agent that sends messages to an engine on a simulated disk. */

#include "tests/support/history_agent.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/batch.h"
#include "common/block.h"
#include "common/crc32c.h"
#include "common/log_entry.h"
#include "common/store_file.h"
#include "common/wire_clock.h"
#include "common/wire_declare.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"

#define HOST_FILE "hosts/web01/.host"

static void require(bool is_true, const char *what)
{
	if (is_true)
		return;
	(void)fprintf(stderr, "history_agent: %s\n", what);
	abort();
}

static int64_t time_of(int64_t second)
{
	return (SIM_STORE_START_S + second) * SIM_STORE_SECOND_US;
}

static int64_t second_of(int64_t time_us)
{
	return time_us / SIM_STORE_SECOND_US - SIM_STORE_START_S;
}

/* @return how many series the store knows */
static uint32_t greet(struct history_agent *agent)
{
	struct wire_hello hello = {.host_id = {1},
				   .epoch = {agent->number},
				   .boot_id = {3},
				   .host = {"web01", 5},
				   .version = {"1", 1}};
	struct intake_mark mark;

	require(intake_new(agent->store->engine, &agent->intake) == 0, "no memory");
	require(intake_hello(agent->intake, &hello, &mark) == HM_REASON_NONE, "HELLO is refused");
	agent->epoch = mark.epoch;
	agent->sequence = mark.sequence;
	return mark.n_series;
}

void history_agent_open(struct history_agent *agent, struct sim_store *store, uint8_t number)
{
	*agent = (struct history_agent){.store = store, .number = number};
	(void)greet(agent);
}

void history_agent_close(struct history_agent *agent)
{
	intake_free(agent->intake);
	buffer_done(&agent->payload);
	buffer_done(&agent->words);
	agent->intake = NULL;
}

static void declare_again(struct history_agent *agent)
{
	uint64_t sequence = agent->sequence;

	agent->sequence = agent->declared - 1;
	history_agent_declare(agent);
	agent->sequence = sequence;
}

void history_agent_crash(struct history_agent *agent)
{
	intake_free(agent->intake);
	sim_store_crash(agent->store);
	require(sim_store_open_patiently(agent->store) == 0, "the store cannot be opened");
	if (greet(agent) == 0 && agent->declared > 0 && agent->declared <= agent->sequence)
		declare_again(agent);
}

void history_agent_commit(struct history_agent *agent)
{
	require(engine_commit(agent->store->engine) == 0, "the log cannot be written");
}

/* -- messages -------------------------------------------------------------------------------------- */

static struct wire_stamp next_stamp(struct history_agent *agent)
{
	struct wire_stamp stamp = {.host_id = {1}, .epoch = {agent->number}};

	stamp.sequence = ++agent->sequence;
	buffer_clear(&agent->payload);
	return stamp;
}

static void send_message(struct history_agent *agent, enum hm_frame_type type)
{
	const struct buffer *payload = &agent->payload;
	uint32_t crc = crc32c(0, payload->data, payload->length);

	require(intake_take(agent->intake, agent->epoch, type, (const uint8_t *)payload->data,
			    payload->length, crc) == HM_REASON_NONE,
		"a message is refused");
}

void history_agent_clock(struct history_agent *agent, enum hm_clock_event event, int64_t second,
			 int64_t change_s)
{
	struct wire_clock clock = {.stamp = next_stamp(agent),
				   .event = event,
				   .boot_id = {3},
				   .now_us = time_of(second),
				   .change_us = change_s * SIM_STORE_SECOND_US};

	wire_clock_put(&agent->payload, &clock);
	send_message(agent, HM_FRAME_CLOCK);
}

void history_agent_schedule(struct history_agent *agent, int64_t second, const char *metrics)
{
	struct wire_stamp stamp = next_stamp(agent);

	wire_schedule_put_begin(&agent->payload, &stamp, time_of(second));
	for (size_t i = 0; metrics[i]; i++) {
		const struct wire_schedule_entry entry = {(i + 1) * SIM_STORE_SECOND_US,
							  {metrics + i, 1}};

		wire_schedule_put_entry(&agent->payload, &entry);
	}
	send_message(agent, HM_FRAME_SCHEDULE);
}

void history_agent_gap(struct history_agent *agent, int64_t since, int64_t until)
{
	struct wire_gap gap = {.stamp = next_stamp(agent),
			       .first_us = time_of(since),
			       .last_us = time_of(until),
			       .n_samples = 2,
			       .reason = HM_REASON_SPOOL_FULL};

	gap.first = gap.stamp.sequence;
	wire_gap_put(&agent->payload, &gap);
	send_message(agent, HM_FRAME_GAP);
}

void history_agent_declare(struct history_agent *agent)
{
	static const struct wire_series series[] = {
		{.kind = HM_STORED_GAUGE, .unit = {"", 0}, .name = {"m", 1}},
		{.kind = HM_STORED_GAUGE, .unit = {"", 0}, .name = {"n", 1}},
	};
	struct wire_stamp stamp = next_stamp(agent);

	agent->declared = stamp.sequence;
	wire_declare_put(&agent->payload, &stamp, 0);
	wire_declare_put_series(&agent->payload, &series[0]);
	wire_declare_put_series(&agent->payload, &series[1]);
	send_message(agent, HM_FRAME_DECLARE);
}

void history_agent_batch(struct history_agent *agent, int64_t second, double value)
{
	int64_t time_us = time_of(second);
	struct block_column column = {.series_id = 0, .values = &value, .n_values = 1};
	struct block_encoder *encoder = block_encoder_new();
	struct wire_stamp stamp = next_stamp(agent);
	struct buffer block = {0};

	require(encoder && block_encode(encoder, &time_us, 1, &column, 1, BLOCK_EFFORT_FAST,
					&block) == 0,
		"a block cannot be encoded");
	wire_stamp_put(&agent->payload, &stamp);
	batch_put_block(&agent->payload, block.data, block.length);
	buffer_done(&block);
	block_encoder_free(encoder);
	send_message(agent, HM_FRAME_BATCH);
}

/* -- the host's own file --------------------------------------------------------------------------- */

static void tell_clock(struct buffer *words, const struct store_file_message *message)
{
	struct wire_clock clock;

	require(wire_clock_get(message->bytes, message->n_bytes, &clock) == HM_REASON_NONE,
		"no CLOCK");
	buffer_printf(words, "clock %d @%" PRId64 "; ", (int)clock.event, second_of(clock.now_us));
}

static void tell_gap(struct buffer *words, const struct store_file_message *message)
{
	struct wire_gap gap;

	require(wire_gap_get(message->bytes, message->n_bytes, &gap) == HM_REASON_NONE, "no GAP");
	buffer_printf(words, "gap %" PRId64 "..%" PRId64 "; ", second_of(gap.first_us),
		      second_of(gap.last_us));
}

static void tell_schedule(struct buffer *words, const struct store_file_message *message)
{
	struct wire_schedule schedule;
	struct wire_schedule_entry entry;

	require(wire_schedule_get(message->bytes, message->n_bytes, &schedule) == HM_REASON_NONE,
		"no SCHEDULE");
	buffer_append_text(words, "schedule ");
	while (wire_schedule_next(&schedule, &entry))
		buffer_append(words, entry.metric.start, entry.metric.length);
	buffer_printf(words, " @%" PRId64 "; ", second_of(schedule.since_us));
}

static void tell_delete(struct buffer *words, const struct store_file_message *message)
{
	struct cursor cursor = {.at = message->bytes, .left = message->n_bytes};
	struct log_delete entry;

	require(log_entry_get_delete(&cursor, &entry) == 0, "no DELETE");
	buffer_printf(words, "delete %" PRId64 "..%" PRId64 "; ", second_of(entry.since_us),
		      second_of(entry.until_us));
}

static void tell_block(struct buffer *words, const struct store_file_block *block)
{
	struct store_file_message message;
	struct store_file_event event;

	if (store_file_get_event(block, &event) == 0) {
		buffer_printf(words, "event %u %" PRId64 "..%" PRId64 "; ", (unsigned)event.reason,
			      second_of(event.since_us), second_of(event.until_us));
	}
	if (store_file_get_message(block, &message) < 0)
		return;
	if (message.type == HM_RECORD_CLOCK)
		tell_clock(words, &message);
	else if (message.type == HM_RECORD_GAP)
		tell_gap(words, &message);
	else if (message.type == HM_RECORD_SCHEDULE)
		tell_schedule(words, &message);
	else if (message.type == HM_RECORD_DELETE)
		tell_delete(words, &message);
}

const char *history_agent_told(struct history_agent *agent)
{
	uint64_t n_bytes = 0;
	const uint8_t *bytes = sim_disk_content(agent->store->sim, HOST_FILE, &n_bytes);
	struct store_file_header header;
	struct store_file_block block;

	buffer_clear(&agent->words);
	if (!bytes)
		return "";
	require(store_file_get_header(bytes, n_bytes, &header) == 0, "the header is damaged");
	for (uint64_t offset = header.header_bytes; offset < n_bytes;
	     offset += block.length_bytes) {
		require(store_file_get_block(bytes + offset, n_bytes - offset, header.salt, offset,
					     &block) == 0,
			"a block is damaged");
		tell_block(&agent->words, &block);
	}
	return buffer_text(&agent->words);
}
