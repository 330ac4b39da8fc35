/* SPDX-License-Identifier: MIT */
/* Connections of a simulation. */

#include "tests/support/sim_network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATENCY_MAX_US UINT64_C(40000)
#define FEW_BYTES      24

const char *sim_network_event_name(enum sim_network_event event)
{
	static const char *const names[SIM_NET_EVENTS] = {
		[SIM_NET_CONNECTIONS] = "connections", [SIM_NET_CUT] = "cut writes",
		[SIM_NET_JOINED] = "joined writes",    [SIM_NET_FULL] = "full windows",
		[SIM_NET_LOST] = "lost bytes",
	};

	return names[event];
}

void sim_network_init(struct sim_network *network, uint64_t seed)
{
	*network = (struct sim_network){.random.state = seed};
}

static void forget(struct sim_connection *connection)
{
	for (int i = 0; i < 2; i++)
		buffer_done(&connection->pipes[i].bytes);
	*connection = (struct sim_connection){.is_used = false};
}

void sim_network_done(struct sim_network *network)
{
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++)
		forget(&network->connections[i]);
}

struct sim_connection *sim_network_connect(struct sim_network *network, unsigned agent,
					   int64_t now_us)
{
	struct sim_connection *connection = NULL;

	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX && !connection; i++) {
		if (!network->connections[i].is_used)
			connection = &network->connections[i];
	}
	if (!connection) {
		(void)printf("# simulation: too many connections\n");
		abort();
	}
	network->counts[SIM_NET_CONNECTIONS]++;
	*connection = (struct sim_connection){
		.is_used = true,
		.agent = agent,
		.latency_us = 100 + (int64_t)sim_random_below(&network->random, LATENCY_MAX_US),
		.reset_us = INT64_MAX,
	};
	connection->opens_us = now_us + 2 * connection->latency_us;
	connection->is_silent = network->listener == SIM_UNREACHABLE;
	if (network->listener == SIM_REFUSING)
		connection->reset_us = connection->opens_us;
	for (int i = 0; i < 2; i++)
		connection->pipes[i].end_us = INT64_MAX;
	return connection;
}

static void add_chunk(struct sim_network *network, struct sim_connection *connection,
		      enum sim_end to, const uint8_t *bytes, size_t length, int64_t now_us)
{
	struct sim_pipe *pipe = &connection->pipes[to];
	int64_t due_us =
		now_us + connection->latency_us + (int64_t)sim_random_below(&network->random, 2000);

	if (to == SIM_AGENT_END)
		due_us += connection->delay_us;
	if (due_us < pipe->last_us)
		due_us = pipe->last_us;
	pipe->last_us = due_us;
	pipe->chunks[pipe->n_chunks++] = (struct sim_chunk){length, due_us};
	buffer_append(&pipe->bytes, bytes, length);
	if (buffer_failed(&pipe->bytes))
		abort();
}

/* What comes at once: all, or cut anywhere, and not seldom a few bytes alone. */
static size_t choose_part(struct sim_random *random, size_t length)
{
	if (!sim_random_chance(random, 1, 3))
		return length;
	if (length > FEW_BYTES && sim_random_chance(random, 1, 3))
		length = FEW_BYTES;
	return 1 + sim_random_below(random, length);
}

int64_t sim_network_write(struct sim_network *network, struct sim_connection *connection,
			  enum sim_end end, const void *bytes, size_t length, int64_t now_us)
{
	const enum sim_end to = end == SIM_AGENT_END ? SIM_COLLECTOR_END : SIM_AGENT_END;
	struct sim_pipe *pipe = &connection->pipes[to];
	const uint8_t *at = bytes;
	size_t room = SIM_WINDOW_BYTES - pipe->bytes.length;
	size_t left;
	unsigned n_parts = 0;

	if (connection->reset_us <= now_us || connection->is_closed[end])
		return -EPIPE;
	if (connection->is_closed[to]) {
		/* There is nobody any more: that is known in a moment. */
		if (!connection->is_silent)
			sim_network_reset(connection, now_us + 2 * connection->latency_us);
		network->counts[SIM_NET_LOST] += length;
		return (int64_t)length;
	}
	if (length > room)
		length = room;
	left = length;
	while (left > 0 && pipe->n_chunks < SIM_CHUNKS_MAX) {
		size_t part = choose_part(&network->random, left);

		add_chunk(network, connection, to, at, part, now_us);
		at += part;
		left -= part;
		n_parts++;
	}
	network->counts[SIM_NET_CUT] += n_parts > 1;
	network->counts[SIM_NET_FULL] += left == length;
	return (int64_t)(length - left);
}

/* Take the chunks that have come, as far as there is room for them. @return their bytes */
static size_t take_chunks(struct sim_network *network, struct sim_pipe *pipe, size_t size,
			  int64_t now_us)
{
	size_t length = 0;
	unsigned n = 0;

	while (n < pipe->n_chunks && pipe->chunks[n].due_us <= now_us && length < size) {
		size_t part = pipe->chunks[n].length;

		if (part > size - length) {
			part = size - length;
			pipe->chunks[n].length -= part;
			length += part;
			break;
		}
		length += part;
		n++;
		/* What comes is not always all read at once. */
		if (sim_random_chance(&network->random, 1, 3))
			break;
	}
	network->counts[SIM_NET_JOINED] += n > 1;
	pipe->n_chunks -= n;
	memmove(pipe->chunks, pipe->chunks + n, pipe->n_chunks * sizeof(*pipe->chunks));
	return length;
}

int64_t sim_network_read(struct sim_network *network, struct sim_connection *connection,
			 enum sim_end end, void *bytes, size_t size, int64_t now_us)
{
	struct sim_pipe *pipe = &connection->pipes[end];
	size_t length;

	if (connection->reset_us <= now_us)
		return -ECONNRESET;
	if (connection->is_silent || connection->is_blocked)
		return 0;
	length = take_chunks(network, pipe, size, now_us);
	if (length > 0) {
		memcpy(bytes, pipe->bytes.data, length);
		buffer_consume(&pipe->bytes, length);
		return (int64_t)length;
	}
	return pipe->n_chunks == 0 && pipe->end_us <= now_us ? -ENODATA : 0;
}

void sim_network_shut(struct sim_connection *connection, enum sim_end end, int64_t now_us)
{
	const enum sim_end to = end == SIM_AGENT_END ? SIM_COLLECTOR_END : SIM_AGENT_END;
	struct sim_pipe *pipe = &connection->pipes[to];

	if (pipe->end_us != INT64_MAX)
		return;
	pipe->end_us = now_us + connection->latency_us;
	if (pipe->end_us < pipe->last_us)
		pipe->end_us = pipe->last_us;
}

/* Nobody has it any more. */
static bool is_over(const struct sim_connection *connection)
{
	return connection->is_closed[SIM_AGENT_END] &&
	       (connection->is_closed[SIM_COLLECTOR_END] || !connection->is_accepted);
}

void sim_network_close(struct sim_network *network, struct sim_connection *connection,
		       enum sim_end end, int64_t now_us)
{
	/* Closed with bytes that were not read: a reset, which may overtake what is still to come. */
	if (connection->pipes[end].bytes.length > 0 && !connection->is_silent &&
	    sim_random_chance(&network->random, 1, 2))
		sim_network_reset(connection, now_us + connection->latency_us);
	sim_network_shut(connection, end, now_us);
	connection->is_closed[end] = true;
	if (is_over(connection))
		forget(connection);
}

void sim_network_vanish(struct sim_network *network, struct sim_connection *connection,
			enum sim_end end)
{
	(void)network;
	connection->has_vanished[end] = true;
	connection->is_silent = true;
	connection->is_closed[end] = true;
	if (is_over(connection))
		forget(connection);
}

void sim_network_reset(struct sim_connection *connection, int64_t now_us)
{
	if (now_us < connection->reset_us)
		connection->reset_us = now_us;
}

int64_t sim_network_due_us(const struct sim_connection *connection, enum sim_end end)
{
	const struct sim_pipe *pipe = &connection->pipes[end];
	int64_t due_us = connection->reset_us;

	if (connection->is_silent || connection->is_blocked)
		return due_us;
	if (pipe->n_chunks > 0)
		return pipe->chunks[0].due_us < due_us ? pipe->chunks[0].due_us : due_us;
	return pipe->end_us < due_us ? pipe->end_us : due_us;
}
