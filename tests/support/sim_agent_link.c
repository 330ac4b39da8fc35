/* SPDX-License-Identifier: MIT */
/* What the uplink of an agent does, in a simulation. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/wire_stamp.h"
#include "tests/support/sim_agent_part.h"

/* As the daemon has them. */
#define CONNECT_US         (10 * SIM_SECOND_US)
#define GOOD_CONNECTION_US (10 * SIM_SECOND_US)
#define RECEIVED_MAX_BYTES 16384

/* So soon a full window is tried again. */
#define WINDOW_US INT64_C(200000)

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void wait_for_next_try(struct sim_agent *agent, int64_t now_us, int64_t least_ms)
{
	int64_t wait_ms =
		backoff_next_ms(&agent->backoff, (uint32_t)sim_random_next(&agent->random));

	if (wait_ms < least_ms)
		wait_ms = least_ms;
	agent->link = SIM_LINK_WAITING;
	agent->link_us = now_us + wait_ms * 1000;
}

void sim_agent_drop_connection(struct sim_agent *agent, int64_t now_us)
{
	if (agent->connection)
		sim_network_close(agent->network, agent->connection, SIM_AGENT_END, now_us);
	agent->connection = NULL;
}

static void start_try(struct sim_agent *agent, int64_t now_us)
{
	agent->connection = sim_network_connect(agent->network, agent->number, now_us);
	agent->connection->is_silent |= agent->is_network_down;
	agent->link = SIM_LINK_CONNECTING;
	agent->link_us = agent->connection->opens_us;
	if (agent->connection->is_silent)
		agent->link_us = now_us + CONNECT_US;
}

static void end_session(struct sim_agent *agent, int64_t now_us)
{
	const struct delivery_end *end = &agent->shipment.delivery.end;
	const bool has_progress = agent->shipment.has_progress;
	bool goes_on = !end->is_theirs && end->reason == HM_REASON_NONE && has_progress;

	agent->counts[SIM_AGENT_EPOCHS] += end->outcome == DELIVERY_NEW_EPOCH;
	agent->n_moves += end->outcome == DELIVERY_NEW_EPOCH;
	agent->counts[SIM_AGENT_TIMEOUTS] += end->reason == HM_REASON_TOO_SLOW;
	agent->counts[SIM_AGENT_REFUSALS] += end->is_theirs && end->reason != HM_REASON_NONE;
	(void)fprintf(stderr, "%.3f s: agent %u, epoch %02x%02x: session ends with %s%s, %d\n",
		      (double)now_us / 1e6, agent->number, agent->shipment.epoch[0],
		      agent->shipment.epoch[1], end->is_theirs ? "their " : "", end->text,
		      (int)end->outcome);
	sim_agent_drop_connection(agent, now_us);
	shipment_end(&agent->shipment);
	if (goes_on) {
		start_try(agent, now_us);
		return;
	}
	if (has_progress || now_us - agent->link_us >= GOOD_CONNECTION_US)
		backoff_reset(&agent->backoff);
	wait_for_next_try(agent, now_us, end->wait_ms);
}

/* What the agent knows of what is durable. */
static void note_acked(struct sim_agent *agent)
{
	const struct shipment *shipment = &agent->shipment;
	const struct delivery *delivery = &shipment->delivery;

	if (!agent->is_welcome && delivery->state >= DELIVERY_REPEATING &&
	    delivery->state <= DELIVERY_ESTABLISHED) {
		agent->is_welcome = true;
		agent->counts[SIM_AGENT_SESSIONS]++;
		agent->acked = delivery->welcome.durable;
		(void)fprintf(stderr, "agent %u, epoch %02x%02x: WELCOME %llu, %u series\n",
			      agent->number, shipment->epoch[0], shipment->epoch[1],
			      (unsigned long long)agent->acked, delivery->welcome.n_series);
		sim_oracle_welcome(agent->oracle, &agent->sent, shipment->epoch, agent->acked,
				   delivery->welcome.durable_crc);
	}
	if (agent->is_welcome && delivery->acked > agent->acked) {
		agent->acked = delivery->acked;
		sim_oracle_acked(agent->oracle, &agent->sent, shipment->epoch, agent->acked);
	}
}

/* The sequence in its stamp; 0: it has none. */
static uint64_t get_sequence(const struct frame *frame)
{
	struct cursor cursor = {.at = frame->payload, .left = frame->length};
	struct wire_stamp stamp;

	return wire_stamp_get(&cursor, &stamp) == HM_REASON_NONE ? stamp.sequence : 0;
}

/* What was written of it: the oracle is to know all messages. */
static void tap(struct sim_agent *agent, const void *bytes, size_t length)
{
	struct cursor cursor = {.at = bytes, .left = length};
	struct frame frame;

	while (frame_reader_next(&agent->tap, &cursor, &frame) == 0) {
		(void)fprintf(stderr, "agent %u, epoch %02x%02x: frame %d of %zu bytes\n",
			      agent->number, agent->shipment.epoch[0], agent->shipment.epoch[1],
			      (int)frame.type, frame.length);
		agent->counts[SIM_AGENT_REPETITIONS] +=
			frame.type == HM_FRAME_DECLARE &&
			get_sequence(&frame) <= agent->shipment.delivery.welcome.durable;
		agent->counts[SIM_AGENT_GAPS] += frame.type == HM_FRAME_GAP;
		sim_oracle_sent(agent->oracle, &agent->sent, &frame);
	}
}

int sim_agent_write_output(struct sim_agent *agent, int64_t now_us)
{
	struct delivery *delivery = &agent->shipment.delivery;
	const void *bytes;
	size_t length;

	while ((length = delivery_output(delivery, &bytes)) > 0) {
		int64_t n_bytes = sim_network_write(agent->network, agent->connection,
						    SIM_AGENT_END, bytes, length, now_us);

		if (n_bytes <= 0)
			return (int)n_bytes;
		tap(agent, bytes, (size_t)n_bytes);
		delivery_advance(delivery, (size_t)n_bytes,
				 sim_machine_monotonic_us(&agent->machine));
	}
	return 0;
}

/* @return 0 or -ECONNRESET */
static int take_input(struct sim_agent *agent, int64_t now_us)
{
	struct delivery *delivery = &agent->shipment.delivery;
	char bytes[RECEIVED_MAX_BYTES];
	int64_t n_bytes;

	while ((n_bytes = sim_network_read(agent->network, agent->connection, SIM_AGENT_END, bytes,
					   sizeof(bytes), now_us)) > 0) {
		delivery_take(delivery, bytes, (size_t)n_bytes,
			      sim_machine_monotonic_us(&agent->machine));
		note_acked(agent);
	}
	if (n_bytes == -ENODATA)
		delivery_hang_up(delivery);
	return n_bytes == -ECONNRESET ? -ECONNRESET : 0;
}

static void serve_connection(struct sim_agent *agent, int64_t now_us)
{
	struct shipment *shipment = &agent->shipment;
	struct delivery *delivery = &shipment->delivery;
	int64_t monotonic_us = sim_machine_monotonic_us(&agent->machine);
	int result = take_input(agent, now_us);

	delivery_expire(delivery, monotonic_us);
	delivery_wake(delivery, monotonic_us);
	note_acked(agent);
	if (result >= 0 && shipment_is_done(shipment))
		delivery_stop(delivery, "the epoch is over");
	if (result >= 0 && !sim_agent_is_dead(agent))
		result = sim_agent_write_output(agent, now_us);
	if (result < 0)
		delivery_hang_up(delivery);
	if (delivery_is_ended(delivery))
		end_session(agent, now_us);
}

void sim_agent_run_link(struct sim_agent *agent, int64_t now_us)
{
	if (agent->link == SIM_LINK_CONNECTED) {
		serve_connection(agent, now_us);
		return;
	}
	if (now_us < agent->link_us)
		return;
	if (agent->link == SIM_LINK_WAITING) {
		start_try(agent, now_us);
		return;
	}
	if (agent->connection->is_silent || agent->connection->reset_us <= now_us) {
		sim_agent_drop_connection(agent, now_us);
		wait_for_next_try(agent, now_us, 0);
		return;
	}
	agent->link = SIM_LINK_CONNECTED;
	agent->link_us = now_us;
	agent->is_welcome = false;
	frame_reader_done(&agent->tap);
	agent->tap = (struct frame_reader){.max_bytes = HM_FRAME_MAX_BYTES};
	if (shipment_begin(&agent->shipment, sim_machine_monotonic_us(&agent->machine)) < 0)
		abort();
	serve_connection(agent, now_us);
}

int64_t sim_agent_link_due_us(const struct sim_agent *agent)
{
	const struct delivery *delivery = &agent->shipment.delivery;
	const void *bytes;
	int64_t due_us;

	if (agent->link != SIM_LINK_CONNECTED)
		return agent->link_us;
	due_us = sim_network_due_us(agent->connection, SIM_AGENT_END);
	due_us = earlier(due_us, sim_machine_when(&agent->machine, delivery_due_us(delivery)));
	if (delivery_output(delivery, &bytes) > 0)
		due_us = earlier(due_us, agent->machine.reached_us + WINDOW_US);
	return due_us;
}
