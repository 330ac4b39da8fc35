/* SPDX-License-Identifier: MIT */
/* Agents of a trial. */

#include "tests/support/trial_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/batch.h"
#include "common/block.h"
#include "common/crc32c.h"
#include "common/wire_clock.h"
#include "common/wire_declare.h"
#include "common/wire_gap.h"
#include "tests/support/trial_part.h"

#define SERIES_MAX 40
#define TIMES_MAX  30

void trial_agent_init(struct trial *trial, struct trial_agent *agent, unsigned number)
{
	*agent = (struct trial_agent){0};
	sim_random_fill(&trial->random, agent->host_id, HM_ID_BYTES);
	sim_random_fill(&trial->random, agent->epoch_id, HM_ID_BYTES);
	(void)snprintf(agent->name, sizeof(agent->name), "agent%u", number);
}

void trial_agent_done(struct trial_agent *agent)
{
	trial_agent_hang_up(agent);
	for (size_t i = 0; i < agent->n_messages; i++)
		free(agent->messages[i].payload);
	free(agent->messages);
	*agent = (struct trial_agent){0};
}

static uint8_t *copy_bytes(const void *bytes, size_t n)
{
	uint8_t *copy = malloc(n);

	if (!copy)
		trial_give_up("no memory");
	memcpy(copy, bytes, n);
	return copy;
}

void trial_agent_copy(struct trial_agent *to, const struct trial_agent *from)
{
	*to = *from;
	to->epoch = NULL;
	to->intake = NULL;
	to->messages = calloc(from->n_messages + 1, sizeof(*to->messages));
	if (!to->messages)
		trial_give_up("no memory");
	for (size_t i = 0; i < from->n_messages; i++) {
		to->messages[i] = from->messages[i];
		to->messages[i].payload =
			copy_bytes(from->messages[i].payload, from->messages[i].n_bytes);
	}
}

void trial_agent_hang_up(struct trial_agent *agent)
{
	intake_free(agent->intake);
	agent->intake = NULL;
	agent->epoch = NULL;
}

/* -- messages ---------------------------------------------------------------------------------- */

static uint64_t last_sequence(const struct trial_agent *agent)
{
	return agent->n_messages > 0 ? agent->messages[agent->n_messages - 1].last : 0;
}

static struct wire_stamp make_stamp(const struct trial_agent *agent, uint64_t sequence)
{
	struct wire_stamp stamp = {.sequence = sequence};

	memcpy(stamp.host_id, agent->host_id, HM_ID_BYTES);
	memcpy(stamp.epoch, agent->epoch_id, HM_ID_BYTES);
	return stamp;
}

/* Takes the payload over. */
static void add_message(struct trial_agent *agent, struct trial_message *message,
			struct buffer *payload)
{
	struct trial_message *grown =
		reallocarray(agent->messages, agent->n_messages + 1, sizeof(*agent->messages));

	if (!grown || buffer_failed(payload))
		trial_give_up("no memory");
	message->payload = copy_bytes(payload->data, payload->length);
	message->n_bytes = payload->length;
	message->crc = crc32c(0, payload->data, payload->length);
	agent->messages = grown;
	grown[agent->n_messages++] = *message;
	buffer_done(payload);
}

static void name_series(uint32_t id, char name[static LEDGER_NAME_MAX_BYTES])
{
	(void)snprintf(name, LEDGER_NAME_MAX_BYTES, "m%u{x=\"%u\"}", id % 3, id);
}

static void declare(struct trial *trial, struct trial_agent *agent)
{
	uint64_t sequence = last_sequence(agent) + 1;
	uint32_t n = 1 + (uint32_t)sim_random_below(&trial->random, SERIES_MAX / 2);
	struct wire_stamp stamp = make_stamp(agent, sequence);
	struct trial_message message = {HM_FRAME_DECLARE, sequence, sequence, .payload = NULL};
	struct buffer payload = {0};

	wire_declare_put(&payload, &stamp, agent->n_series);
	for (uint32_t i = 0; i < n; i++) {
		char name[LEDGER_NAME_MAX_BYTES];
		struct wire_series series = {.kind = HM_STORED_GAUGE, .unit = {"seconds", 7}};

		name_series(agent->n_series++, name);
		series.name = (struct series_text){name, strlen(name)};
		wire_declare_put_series(&payload, &series);
	}
	message.end_id = agent->n_series;
	add_message(agent, &message, &payload);
}

/* What one series has in a batch. */
struct column {
	double values[TIMES_MAX];
	struct block_run runs[TIMES_MAX]; /* one for each time */
	size_t n_values;
};

/* A sample for each time; or for some a reason why there is none, or nothing. All goes into the ledger. */
static void fill_column(struct trial *trial, const struct trial_agent *agent, uint32_t id,
			const int64_t *times_us, size_t n, struct column *column)
{
	bool has_all = sim_random_chance(&trial->random, 1, 2);
	char absences[LEDGER_NAME_MAX_BYTES];
	char series[LEDGER_NAME_MAX_BYTES];
	char name[LEDGER_NAME_MAX_BYTES];

	name_series(id, series);
	if (snprintf(name, sizeof(name), "%s %s", agent->name, series) >= (int)sizeof(name))
		trial_give_up("a name is too long");
	trial_name_absences(name, absences);
	column->n_values = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_there = has_all || sim_random_chance(&trial->random, 1, 3);
		uint8_t reason = (uint8_t)(sim_random_chance(&trial->random, 1, 4)
						   ? HM_REASON_NONE
						   : HM_REASON_SOURCE_FAILED + i % 2);

		if (is_there) {
			double value = (double)sim_random_below(&trial->random, 1000) / 8;

			column->values[column->n_values++] = value;
			ledger_give(&trial->ledger, name, times_us[i], value);
		} else if (reason != HM_REASON_NONE) {
			ledger_give(&trial->ledger, absences, times_us[i], reason);
		}
		column->runs[i] = (struct block_run){is_there, !is_there, reason};
	}
}

static void make_batch(struct trial *trial, struct trial_agent *agent)
{
	static struct column filled[SERIES_MAX];
	const struct disk *disk = sim_disk_table(trial->sim);
	uint64_t sequence = last_sequence(agent) + 1;
	struct wire_stamp stamp = make_stamp(agent, sequence);
	struct trial_message message = {HM_FRAME_BATCH, sequence, sequence, .payload = NULL};
	struct block_encoder *encoder = block_encoder_new();
	struct block_column columns[SERIES_MAX] = {0};
	int64_t times_us[TIMES_MAX];
	size_t n_times = 1 + sim_random_below(&trial->random, TIMES_MAX);
	struct buffer payload = {0};
	struct buffer block = {0};
	size_t n = 0;

	if (agent->last_us == 0)
		agent->last_us = disk->now_us(disk->context) - 1;
	for (size_t i = 0; i < n_times; i++)
		times_us[i] = ++agent->last_us;
	message.first_sample = trial->ledger.n_samples;
	for (uint32_t id = 0; id < agent->n_series && n < SERIES_MAX; id++) {
		if (!sim_random_chance(&trial->random, 1, 4) && id + 1 < agent->n_series)
			continue;
		fill_column(trial, agent, id, times_us, n_times, &filled[n]);
		columns[n] = (struct block_column){.series_id = id,
						   .runs = filled[n].runs,
						   .n_runs = n_times,
						   .values = filled[n].values,
						   .n_values = filled[n].n_values};
		n++;
	}
	ledger_hold(&trial->ledger, message.first_sample);
	message.n_samples = trial->ledger.n_samples - message.first_sample;
	if (!encoder ||
	    block_encode(encoder, times_us, n_times, columns, n, BLOCK_EFFORT_FAST, &block) < 0)
		trial_give_up("block");
	wire_stamp_put(&payload, &stamp);
	batch_put_block(&payload, block.data, block.length);
	add_message(agent, &message, &payload);
	buffer_done(&block);
	block_encoder_free(encoder);
}

static void make_gap(struct trial *trial, struct trial_agent *agent)
{
	uint64_t first = last_sequence(agent) + 1;
	struct wire_gap gap = {
		.first = first,
		.first_us = 1,
		.last_us = 2,
		.n_samples = 3,
		.reason = HM_REASON_NO_MEMORY,
	};
	struct trial_message message = {HM_FRAME_GAP, first, .payload = NULL};
	struct buffer payload = {0};

	message.last = first + sim_random_below(&trial->random, 3);
	gap.stamp = make_stamp(agent, message.last);
	wire_gap_put(&payload, &gap);
	add_message(agent, &message, &payload);
}

static void make_clock(struct trial *trial, struct trial_agent *agent)
{
	uint64_t sequence = last_sequence(agent) + 1;
	struct wire_clock clock = {
		.stamp = make_stamp(agent, sequence),
		.event = HM_CLOCK_STARTED,
		.now_us = (int64_t)sim_random_below(&trial->random, UINT32_MAX),
		.since_boot_us = 1,
	};
	struct trial_message message = {HM_FRAME_CLOCK, sequence, sequence, .payload = NULL};
	struct buffer payload = {0};

	memset(clock.boot_id, 1, HM_ID_BYTES);
	wire_clock_put(&payload, &clock);
	add_message(agent, &message, &payload);
}

static void make_message(struct trial *trial, struct trial_agent *agent)
{
	uint64_t dice = sim_random_below(&trial->random, 10);

	if (agent->n_series == 0 || (dice == 0 && agent->n_series < SERIES_MAX))
		declare(trial, agent);
	else if (dice == 1)
		make_gap(trial, agent);
	else if (dice == 2)
		make_clock(trial, agent);
	else
		make_batch(trial, agent);
}

/* -- sessions ---------------------------------------------------------------------------------- */

static enum hm_reason send(struct trial_agent *agent, const struct trial_message *message)
{
	return intake_take(agent->intake, agent->epoch, message->type, message->payload,
			   message->n_bytes, message->crc);
}

/* Only where something failed may a message not be taken. */
static void judge(struct trial *trial, struct trial_agent *agent, const char *what,
		  enum hm_reason reason)
{
	trial_agent_hang_up(agent);
	if (!trial->is_faulty && !sim_disk_is_stopped(trial->sim))
		ledger_complain(&trial->ledger, "%s: %s is refused: %d", agent->name, what,
				(int)reason);
}

/* What is durable of the epoch cannot be less than what was said before, nor something else. */
static void check_mark(struct trial *trial, const struct trial_agent *agent,
		       const struct intake_mark *mark)
{
	if (mark->sequence < agent->acked && !trial->is_partial) {
		ledger_complain(&trial->ledger, "%s: %llu were durable, now %llu are", agent->name,
				(unsigned long long)agent->acked,
				(unsigned long long)mark->sequence);
	}
	if (mark->sequence == 0)
		return;
	for (size_t i = 0; i < agent->n_messages; i++) {
		if (agent->messages[i].last == mark->sequence &&
		    agent->messages[i].crc == mark->crc)
			return;
	}
	ledger_complain(&trial->ledger, "%s: message %llu is durable, which was never sent so",
			agent->name, (unsigned long long)mark->sequence);
}

static void say_hello(struct trial *trial, struct trial_agent *agent)
{
	struct wire_hello hello = {.host = {agent->name, strlen(agent->name)}};
	struct intake_mark mark;
	enum hm_reason reason;

	memcpy(hello.host_id, agent->host_id, HM_ID_BYTES);
	memcpy(hello.epoch, agent->epoch_id, HM_ID_BYTES);
	if (intake_new(trial->engine, &agent->intake) < 0)
		trial_give_up("no memory");
	reason = intake_hello(agent->intake, &hello, &mark);
	if (reason != HM_REASON_NONE) {
		/* What could not be read at first may be by now; what was sent before waits for the disk. */
		if (reason == HM_REASON_STORE_FAILED)
			trial_agent_hang_up(agent);
		else
			judge(trial, agent, "HELLO", reason);
		return;
	}
	check_mark(trial, agent, &mark);
	agent->epoch = mark.epoch;
	for (agent->next = 0; agent->next < agent->n_messages; agent->next++) {
		const struct trial_message *message = &agent->messages[agent->next];

		if (message->last > mark.sequence)
			break;
		if (message->type != HM_FRAME_DECLARE || message->end_id <= mark.n_series)
			continue;
		reason = send(agent, message);
		if (reason != HM_REASON_NONE) {
			judge(trial, agent, "a DECLARE, again,", reason);
			return;
		}
	}
}

static void send_some(struct trial *trial, struct trial_agent *agent)
{
	uint64_t n = 1 + sim_random_below(&trial->random, 6);

	/* As after a session whose end nobody noticed. */
	if (agent->next > 0 && sim_random_chance(&trial->random, 1, 8))
		agent->next -=
			1 + sim_random_below(&trial->random, agent->next < 3 ? agent->next : 3);
	while (n-- > 0 && agent->next < agent->n_messages) {
		enum hm_reason reason = send(agent, &agent->messages[agent->next++]);

		if (reason != HM_REASON_NONE) {
			judge(trial, agent, "a message", reason);
			return;
		}
	}
}

void trial_agent_step(struct trial *trial, struct trial_agent *agent)
{
	uint64_t dice = sim_random_below(&trial->random, 20);

	if (dice < 8)
		make_message(trial, agent);
	else if (!agent->epoch)
		say_hello(trial, agent);
	else if (dice == 8)
		trial_agent_hang_up(agent);
	else
		send_some(trial, agent);
}

static struct trial_agent *find_agent(const struct trial *trial, const char *host)
{
	for (size_t i = 0; i < TRIAL_AGENTS; i++) {
		if (strcmp(trial->agents[i].name, host) == 0)
			return (struct trial_agent *)&trial->agents[i];
	}
	trial_give_up("no such agent");
}

void trial_agent_send_all(struct trial *trial, const char *host)
{
	struct trial_agent *agent = find_agent(trial, host);

	if (!agent->epoch)
		say_hello(trial, agent);
	while (agent->epoch && agent->next < agent->n_messages) {
		enum hm_reason reason = send(agent, &agent->messages[agent->next++]);

		if (reason != HM_REASON_NONE)
			judge(trial, agent, "a message", reason);
	}
}

bool trial_agent_is_done(const struct trial *trial, const char *host)
{
	const struct trial_agent *agent = find_agent(trial, host);

	return agent->acked == last_sequence(agent);
}

void trial_agent_ask(struct trial *trial, struct trial_agent *agent)
{
	uint64_t durable;

	if (!agent->epoch)
		return;
	durable = intake_durable(trial->engine, agent->epoch);
	if (durable > last_sequence(agent))
		ledger_complain(&trial->ledger, "%s: %llu is durable, and was never sent",
				agent->name, (unsigned long long)durable);
	for (size_t i = 0; i < agent->n_messages; i++) {
		const struct trial_message *message = &agent->messages[i];

		if (message->last > durable)
			break;
		if (message->last > agent->acked)
			ledger_confirm_held(&trial->ledger, message->first_sample,
					    message->n_samples);
	}
	if (durable > agent->acked)
		agent->acked = durable;
}
