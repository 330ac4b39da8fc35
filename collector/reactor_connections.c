/* SPDX-License-Identifier: MIT */
/* The connections of a reactor: who gets in, who is read when, and who goes. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "collector/reactor_part.h"
#include "common/message.h"

/* So often in the time that a connection may be idle those that were are looked for. */
#define SWEEPS_PER_IDLE_TIME 10
#define SWEEP_MAX_US         (60 * TIMESTAMP_SECOND_US)

/* Deadlines of agents are looked at no more often than this: all are walked over. */
#define HASTE_MIN_US TIMESTAMP_SECOND_US

/*
 * What many busy connections share in a turn, but for a least share of each: so a turn of a thousand
 * that flood us takes some hundredths of a second, and a quiet one waits no longer.
 */
#define TURN_BYTES      ((size_t)2 << 20)
#define SHARE_MIN_BYTES ((size_t)2 << 10)

/* That there are too many connections is said at most this often. */
#define SAY_AGAIN_US (60 * TIMESTAMP_SECOND_US)

void reactor_remove(struct reactor *reactor, struct connection *connection)
{
	struct traffic *traffic = reactor->options.traffic;
	enum hm_reason reason = connection_reason(connection);

	if (reason != HM_REASON_NONE)
		rejects_add(traffic->closed, reason, connection->host, strlen(connection->host));
	if (connection->agent)
		reactor_forget_agent(reactor, connection);
	TAILQ_REMOVE(connection->list, connection, in_list);
	loop_remove(connection->source);
	connection_free(connection);
	traffic->connections--;
}

void reactor_move(struct connection *connection, struct connections *list)
{
	TAILQ_REMOVE(connection->list, connection, in_list);
	connection->list = list;
	TAILQ_INSERT_TAIL(list, connection, in_list);
}

/* @return true = there may be more to read */
static bool read_connection(struct reactor *reactor, struct connection *connection)
{
	size_t share_bytes =
		reactor->n_turn_bytes < TURN_BYTES ? reactor->share_bytes : SHARE_MIN_BYTES;
	int64_t active_us = connection->active_us;
	enum connection_state state;

	reactor->bundle.now_us = timestamp_now_us();
	state = connection_read(connection, reactor->room, share_bytes, timestamp_monotonic_us(),
				&reactor->bundle);
	if (state == CONNECTION_MORE) {
		reactor->n_busy++;
		reactor->n_turn_bytes += share_bytes;
	}
	/* While it drains, the reactor walks over the list. */
	if (state == CONNECTION_ENDED)
		reactor_remove(reactor, connection);
	else if (connection->agent)
		reactor_note_agent(reactor, connection);
	else if (connection->active_us != active_us && !reactor->is_stopping)
		reactor_move(connection, &reactor->connections);
	reactor_deliver_if_much(reactor);
	return state == CONNECTION_MORE;
}

static bool on_connection(void *context, uint32_t events)
{
	struct connection *connection = context;

	(void)events;
	return read_connection(connection->owner, connection);
}

static void refuse(struct reactor *reactor, int fd, enum hm_reason reason,
		   const struct address *peer)
{
	int64_t now_us = timestamp_monotonic_us();

	(void)close(fd);
	listener_count_refusal(reactor->options.traffic, reason, peer);
	if (reason != HM_REASON_TOO_MANY_CONNECTIONS)
		return;
	if (reactor->said_us != 0 && now_us - reactor->said_us < SAY_AGAIN_US)
		return;
	reactor->said_us = now_us;
	message_warning("refusing connections: there are %" PRId64 " already (said once a minute)",
			(int64_t)reactor->options.traffic->connections_max);
}

void reactor_accept(void *context, int fd, const struct address *peer)
{
	struct reactor *reactor = context;
	struct traffic *traffic = reactor->options.traffic;
	enum hm_reason reason = HM_REASON_NONE;
	struct connection *connection;

	/* Counted first: other reactors accept at the same time. */
	if (traffic->connections++ >= traffic->connections_max)
		reason = HM_REASON_TOO_MANY_CONNECTIONS;
	else if (connection_new(fd, peer, reactor->options.hostname, reactor->options.agents,
				&connection) < 0)
		reason = HM_REASON_NO_MEMORY;
	if (reason != HM_REASON_NONE) {
		traffic->connections--;
		refuse(reactor, fd, reason, peer);
		return;
	}
	traffic->connections_total++;
	connection->owner = reactor;
	connection->active_us = timestamp_monotonic_us();
	connection->list = &reactor->connections;
	TAILQ_INSERT_TAIL(&reactor->connections, connection, in_list);
	if (loop_add(reactor->loop, fd, on_connection, connection, &connection->source) < 0) {
		listener_count_refusal(traffic, HM_REASON_NO_MEMORY, peer);
		reactor_remove(reactor, connection);
	}
}

static int set_sweep(struct reactor *reactor, int64_t now_us, int64_t at_us)
{
	reactor->sweep_us = at_us;
	return timer_start(reactor->sweep, (at_us - now_us) / 1000 + 1, 0);
}

void reactor_hasten_sweep(struct reactor *reactor, int64_t until_us)
{
	int64_t now_us;

	if (until_us >= reactor->sweep_us)
		return;
	now_us = timestamp_monotonic_us();
	if (until_us < now_us + HASTE_MIN_US)
		until_us = now_us + HASTE_MIN_US;
	/* Cannot fail: the timer is there. */
	if (until_us < reactor->sweep_us)
		(void)set_sweep(reactor, now_us, until_us);
}

int reactor_start_sweep(struct reactor *reactor)
{
	int64_t sweep_us = reactor->options.traffic->idle_us / SWEEPS_PER_IDLE_TIME;
	int64_t now_us = timestamp_monotonic_us();

	return set_sweep(reactor, now_us,
			 now_us + (sweep_us < SWEEP_MAX_US ? sweep_us : SWEEP_MAX_US));
}

static void cut_idle(struct reactor *reactor, struct connection *connection)
{
	session_end(&connection->session, SESSION_ENDING_BROKEN, &reactor->bundle);
	connection->reason = HM_REASON_IDLE;
	reactor_remove(reactor, connection);
}

void reactor_sweep(void *context)
{
	struct reactor *reactor = context;
	int64_t idle_us = reactor->options.traffic->idle_us;
	int64_t now_us = timestamp_monotonic_us();
	struct connection *connection;

	while ((connection = TAILQ_FIRST(&reactor->connections)) &&
	       now_us - connection->active_us > idle_us) {
		if (connection_is_drained(connection)) {
			cut_idle(reactor, connection);
			continue;
		}
		/* We were held up, not its sender: its event comes after this one. */
		connection->active_us = now_us;
		reactor_move(connection, &reactor->connections);
	}
	/* Cannot fail: the timer is there. The time may be another one by now. */
	(void)reactor_start_sweep(reactor);
	reactor_hasten_sweep(reactor, reactor_sweep_agents(reactor, now_us));
}

void reactor_share_turn(struct reactor *reactor)
{
	size_t share_bytes = TURN_BYTES / (reactor->n_busy + 1);

	if (share_bytes > CONNECTION_TURN_BYTES)
		share_bytes = CONNECTION_TURN_BYTES;
	reactor->share_bytes = share_bytes < SHARE_MIN_BYTES ? SHARE_MIN_BYTES : share_bytes;
	reactor->n_busy = 0;
	reactor->n_turn_bytes = 0;
}

static bool read_list(struct reactor *reactor, struct connections *list, int64_t until_us)
{
	struct connection *connection = TAILQ_FIRST(list);
	bool is_more = false;

	while (connection && !reactor_is_over(until_us)) {
		struct connection *next = TAILQ_NEXT(connection, in_list);

		if (read_connection(reactor, connection))
			is_more = true;
		connection = next;
	}
	return is_more;
}

bool reactor_read_connections(struct reactor *reactor, int64_t until_us)
{
	bool is_more = read_list(reactor, &reactor->connections, until_us);

	is_more = read_list(reactor, &reactor->greeting, until_us) || is_more;
	return read_list(reactor, &reactor->agents, until_us) || is_more;
}

static void close_list(struct reactor *reactor, struct connections *list)
{
	struct connection *connection;

	while ((connection = TAILQ_FIRST(list)))
		reactor_remove(reactor, connection);
}

void reactor_close_connections(struct reactor *reactor)
{
	close_list(reactor, &reactor->connections);
	close_list(reactor, &reactor->greeting);
	close_list(reactor, &reactor->agents);
}
