/* SPDX-License-Identifier: MIT */
/* The agents of a reactor: what they wait for, and until when. */

#include "collector/reactor_part.h"

/* Agents whose HELLO has not come. An honest one says it at once: the oldest have to go. */
#define GREETING_MAX 512

static void start_greeting(struct reactor *reactor, struct connection *connection)
{
	struct connection *oldest = TAILQ_FIRST(&reactor->greeting);

	reactor_move(connection, &reactor->greeting);
	if (++reactor->n_greeting <= GREETING_MAX)
		return;
	agent_session_end(oldest->agent, HM_REASON_TOO_MANY_CONNECTIONS, timestamp_monotonic_us());
	reactor_note_agent(reactor, oldest);
	/* What it has to say now is sent in its own turn. */
	loop_ready(oldest->source);
}

static void end_greeting(struct reactor *reactor, struct connection *connection)
{
	if (connection->list == &reactor->greeting)
		reactor->n_greeting--;
	reactor_move(connection, &reactor->agents);
	connection->claim.owner = connection;
	if (connection->agent->phase == AGENT_SESSION_OPEN)
		agent_claims_take(reactor->options.claims, &connection->claim, &reactor->claimant,
				  connection->agent->epoch);
}

static void note_awaiting(struct reactor *reactor, struct connection *connection)
{
	bool is_awaiting = agent_session_is_awaiting(connection->agent);

	if (is_awaiting == connection->is_awaiting)
		return;
	connection->is_awaiting = is_awaiting;
	if (is_awaiting)
		TAILQ_INSERT_TAIL(&reactor->awaiting, connection, in_awaiting);
	else
		TAILQ_REMOVE(&reactor->awaiting, connection, in_awaiting);
}

void reactor_note_agent(struct reactor *reactor, struct connection *connection)
{
	if (connection->agent->phase != AGENT_SESSION_GREETING) {
		if (connection->list != &reactor->agents)
			end_greeting(reactor, connection);
	} else if (connection->list != &reactor->greeting) {
		start_greeting(reactor, connection);
	}
	note_awaiting(reactor, connection);
	reactor_hasten_sweep(reactor, agent_session_deadline(connection->agent));
}

void reactor_forget_agent(struct reactor *reactor, struct connection *connection)
{
	if (connection->list == &reactor->greeting)
		reactor->n_greeting--;
	if (connection->is_awaiting)
		TAILQ_REMOVE(&reactor->awaiting, connection, in_awaiting);
	agent_claims_drop(reactor->options.claims, &connection->claim);
}

/* Send what its session has to say. */
static void write_agent(struct reactor *reactor, struct connection *connection, int64_t now_us)
{
	if (connection_write(connection, now_us) == CONNECTION_ENDED)
		reactor_remove(reactor, connection);
	else
		reactor_note_agent(reactor, connection);
}

void reactor_take_news(void *context)
{
	struct reactor *reactor = context;
	int64_t now_us = timestamp_monotonic_us();
	struct connection *connection = TAILQ_FIRST(&reactor->awaiting);
	struct agent_claim *claim;

	while (connection) {
		struct connection *next = TAILQ_NEXT(connection, in_awaiting);

		agent_session_acknowledge(connection->agent, now_us);
		write_agent(reactor, connection, now_us);
		connection = next;
	}
	while ((claim = agent_claims_next_lost(reactor->options.claims, &reactor->claimant))) {
		connection = claim->owner;
		agent_session_end(connection->agent, HM_REASON_REPLACED, now_us);
		write_agent(reactor, connection, now_us);
	}
}

/* Has its time passed, and is it not we who were held up? */
static bool is_late(const struct connection *connection, int64_t now_us)
{
	return agent_session_deadline(connection->agent) <= now_us &&
	       (connection->agent->phase > AGENT_SESSION_OPEN || connection_is_drained(connection));
}

static int64_t sweep_list(struct reactor *reactor, struct connections *list, int64_t now_us)
{
	struct connection *connection = TAILQ_FIRST(list);
	int64_t next_us = INT64_MAX;

	while (connection) {
		struct connection *next = TAILQ_NEXT(connection, in_list);
		int64_t deadline_us = agent_session_deadline(connection->agent);

		if (is_late(connection, now_us)) {
			agent_session_check(connection->agent, now_us);
			write_agent(reactor, connection, now_us);
		} else if (deadline_us < next_us) {
			next_us = deadline_us;
		}
		connection = next;
	}
	return next_us;
}

int64_t reactor_sweep_agents(struct reactor *reactor, int64_t now_us)
{
	int64_t greeting_us = sweep_list(reactor, &reactor->greeting, now_us);
	int64_t agents_us = sweep_list(reactor, &reactor->agents, now_us);

	return greeting_us < agents_us ? greeting_us : agents_us;
}

static void dismiss_list(struct reactor *reactor, struct connections *list)
{
	struct connection *connection = TAILQ_FIRST(list);
	int64_t now_us = timestamp_monotonic_us();

	while (connection) {
		struct connection *next = TAILQ_NEXT(connection, in_list);

		agent_session_acknowledge(connection->agent, now_us);
		agent_session_end(connection->agent, HM_REASON_STOPPING, now_us);
		write_agent(reactor, connection, now_us);
		connection = next;
	}
}

void reactor_dismiss_agents(struct reactor *reactor)
{
	dismiss_list(reactor, &reactor->agents);
	dismiss_list(reactor, &reactor->greeting);
}
