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
#define SWEEP_MAX_MS         60000

/*
 * What many busy connections share in a turn, but for a least share of each: so a turn of a thousand
 * that flood us takes some hundredths of a second, and a quiet one waits no longer.
 */
#define TURN_BYTES      ((size_t)2 << 20)
#define SHARE_MIN_BYTES ((size_t)2 << 10)

/* That there are too many connections is said at most this often. */
#define SAY_AGAIN_US (60 * TIMESTAMP_SECOND_US)

static void remove_connection(struct reactor *reactor, struct connection *connection)
{
	TAILQ_REMOVE(&reactor->connections, connection, by_activity);
	loop_remove(connection->source);
	connection_free(connection);
	reactor->options.traffic->connections--;
}

/* Keep the list in order of activity. */
static void move_to_end(struct reactor *reactor, struct connection *connection)
{
	TAILQ_REMOVE(&reactor->connections, connection, by_activity);
	TAILQ_INSERT_TAIL(&reactor->connections, connection, by_activity);
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
		remove_connection(reactor, connection);
	else if (connection->active_us != active_us && !reactor->is_stopping)
		move_to_end(reactor, connection);
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
	else if (connection_new(fd, peer, reactor->options.hostname, &connection) < 0)
		reason = HM_REASON_NO_MEMORY;
	if (reason != HM_REASON_NONE) {
		traffic->connections--;
		refuse(reactor, fd, reason, peer);
		return;
	}
	traffic->connections_total++;
	connection->owner = reactor;
	connection->active_us = timestamp_monotonic_us();
	TAILQ_INSERT_TAIL(&reactor->connections, connection, by_activity);
	if (loop_add(reactor->loop, fd, on_connection, connection, &connection->source) < 0) {
		listener_count_refusal(traffic, HM_REASON_NO_MEMORY, peer);
		remove_connection(reactor, connection);
	}
}

int reactor_start_sweep(struct reactor *reactor)
{
	int64_t sweep_ms = reactor->options.traffic->idle_us / SWEEPS_PER_IDLE_TIME / 1000;

	return timer_start(reactor->sweep, sweep_ms < SWEEP_MAX_MS ? sweep_ms + 1 : SWEEP_MAX_MS,
			   0);
}

static void cut_idle(struct reactor *reactor, struct connection *connection)
{
	session_end(&connection->session, SESSION_ENDING_BROKEN, &reactor->bundle);
	rejects_add(reactor->options.traffic->closed, HM_REASON_IDLE, connection->host,
		    strlen(connection->host));
	remove_connection(reactor, connection);
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
		move_to_end(reactor, connection);
	}
	/* Cannot fail: the timer is there. The time may be another one by now. */
	(void)reactor_start_sweep(reactor);
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

bool reactor_read_connections(struct reactor *reactor, int64_t until_us)
{
	struct connection *connection = TAILQ_FIRST(&reactor->connections);
	bool is_more = false;

	while (connection && !reactor_is_over(until_us)) {
		struct connection *next = TAILQ_NEXT(connection, by_activity);

		if (read_connection(reactor, connection))
			is_more = true;
		connection = next;
	}
	return is_more;
}

void reactor_close_connections(struct reactor *reactor)
{
	struct connection *connection;

	while ((connection = TAILQ_FIRST(&reactor->connections)))
		remove_connection(reactor, connection);
}
