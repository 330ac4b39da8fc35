/* SPDX-License-Identifier: MIT */
/* The collector of a simulation. */

#include "tests/support/sim_collector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"

/* As the daemon has them. */
#define GATHER_US           INT64_C(500000)
#define MESSAGES_US         INT64_C(3000)
#define MESSAGES_MUCH_BYTES ((size_t)256 << 10)
#define RETRY_US            INT64_C(2000000)
#define CHECKPOINT_US       INT64_C(10000000)
#define PAUSE_US            INT64_C(50000)
#define HELLO_TRIES         3
#define TURN_BYTES          65536

#define SEGMENT_BYTES ((uint64_t)64 << 10)

/* So many of 256 reads and writes of a disk are short, or none. */
#define SHORT_SHARE 8

/* Of so many ACKs one is looked at. */
#define PROBE_SHARE 200

/* When a newer session has come, the older one learns it on the loop of its own. */
#define CLAIM_MAX_US UINT64_C(3000)

#define START_AGAIN_US (5 * SIM_SECOND_US)

static const struct hash_key key = {{1, 2}};

const char *sim_collector_event_name(enum sim_collector_event event)
{
	static const char *const names[SIM_COLLECTOR_EVENTS] = {
		[SIM_COLLECTOR_STARTS] = "starts",
		[SIM_COLLECTOR_FAILED_STARTS] = "failed starts",
		[SIM_COLLECTOR_COMMITS] = "commits",
		[SIM_COLLECTOR_FAILED_COMMITS] = "failed commits",
		[SIM_COLLECTOR_CHECKPOINTS] = "groups of files",
		[SIM_COLLECTOR_REPLACED] = "sessions replaced",
		[SIM_COLLECTOR_REFUSED] = "sessions ended with an error",
		[SIM_COLLECTOR_ACKS] = "acknowledgements",
		[SIM_COLLECTOR_PROBES] = "of them looked at",
		[SIM_COLLECTOR_DELETES] = "ranges deleted",
	};

	return names[event];
}

void sim_collector_init(struct sim_collector *collector, uint64_t seed,
			struct sim_counts *disk_counts)
{
	collector->random.state = seed;
	sim_machine_init(&collector->machine, seed, disk_counts);
	sim_disk_set_short(collector->machine.disk, seed % 2 * SHORT_SHARE);
	sim_machine_boot(&collector->machine, &collector->random);
	collector->network->listener = SIM_REFUSING;
}

bool sim_collector_is_up(const struct sim_collector *collector)
{
	return collector->engine != NULL;
}

static int64_t monotonic_us(const struct sim_collector *collector)
{
	return sim_machine_monotonic_us(&collector->machine);
}

/* Has the process come to the point where it ends? What it still does has not happened. */
static bool is_dead(const struct sim_collector *collector)
{
	return sim_disk_is_stopped(collector->machine.disk);
}

/* -- what comes, and when it is logged --------------------------------------------------------- */

static int commit(struct sim_collector *collector)
{
	struct engine *engine = collector->engine;
	uint64_t before = engine->durable;
	int result = engine_commit(engine);

	collector->counts[SIM_COLLECTOR_COMMITS]++;
	collector->counts[SIM_COLLECTOR_FAILED_COMMITS] += result < 0;
	collector->commit_us = INT64_MAX;
	if (engine->message_bytes > 0)
		collector->commit_us = 0;
	else if (engine_wants_mark(engine))
		collector->commit_us = monotonic_us(collector) + GATHER_US;
	collector->retry_us = result < 0 ? monotonic_us(collector) + RETRY_US : 0;
	collector->has_news |= engine->durable != before;
	return result;
}

static enum hm_reason hello(void *context, const struct wire_hello *hello, const uint8_t *payload,
			    size_t length, struct agent_mark *ret_mark)
{
	struct sim_collector *collector = context;
	struct intake_mark mark;
	enum hm_reason reason = intake_hello(collector->intake, hello, &mark);

	(void)payload;
	(void)length;
	for (int i = 0; i < HELLO_TRIES && reason == HM_REASON_STORE_FAILED; i++) {
		if (monotonic_us(collector) < collector->retry_us || commit(collector) < 0)
			break;
		reason = intake_hello(collector->intake, hello, &mark);
	}
	if (reason != HM_REASON_NONE)
		return reason;
	*ret_mark = (struct agent_mark){
		.sequence = mark.sequence,
		.crc = mark.crc,
		.n_series = mark.n_series,
		.epoch = mark.epoch,
	};
	memcpy(ret_mark->store_id, mark.store_id, HM_ID_BYTES);
	return HM_REASON_NONE;
}

static enum hm_reason take(void *context, void *epoch, enum hm_frame_type type,
			   const uint8_t *payload, size_t length, uint32_t crc)
{
	struct sim_collector *collector = context;
	enum hm_reason reason = intake_take(collector->intake, epoch, type, payload, length, crc);
	int64_t due_us = monotonic_us(collector) + MESSAGES_US;

	if (reason == HM_REASON_NONE && collector->engine->message_bytes > 0 &&
	    due_us < collector->commit_us)
		collector->commit_us = due_us;
	return reason;
}

static uint64_t durable(void *context, void *epoch)
{
	struct sim_collector *collector = context;

	return intake_durable(collector->engine, epoch);
}

/* -- sessions ---------------------------------------------------------------------------------- */

static void end_session(struct sim_collector *collector, struct sim_session *session,
			int64_t now_us)
{
	enum hm_reason reason = session->agent.reason;

	collector->counts[SIM_COLLECTOR_REFUSED] += reason != HM_REASON_NONE &&
						    reason != HM_REASON_IDLE &&
						    reason != HM_REASON_STOPPING;
	agent_session_done(&session->agent);
	if (session->connection)
		sim_network_close(collector->network, session->connection, SIM_COLLECTOR_END,
				  now_us);
	*session = (struct sim_session){.connection = NULL};
}

static void accept_connections(struct sim_collector *collector, int64_t now_us)
{
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		struct sim_connection *connection = &collector->network->connections[i];
		struct sim_session *session = &collector->sessions[i];

		if (!connection->is_used || connection->is_accepted ||
		    connection->opens_us > now_us || connection->is_silent ||
		    connection->opens_us >= connection->reset_us)
			continue;
		connection->is_accepted = true;
		*session = (struct sim_session){.connection = connection, .lost_us = INT64_MAX};
		if (agent_session_init(&session->agent, &collector->store,
				       monotonic_us(collector)) < 0)
			abort();
	}
}

/* A frame begins to be written: is it true? */
static void look_at_output(struct sim_collector *collector, const struct agent_session *session,
			   const uint8_t *frame)
{
	struct cursor cursor = {.at = frame + HM_FRAME_HEADER_BYTES, .left = 24};
	const bool is_ack = frame[5] == HM_FRAME_ACK;

	collector->counts[SIM_COLLECTOR_ACKS] += is_ack;
	if ((!is_ack && frame[5] != HM_FRAME_WELCOME) ||
	    !sim_random_chance(&collector->random, 1, PROBE_SHARE))
		return;
	if (!is_ack)
		(void)cursor_get_bytes(&cursor, HM_ID_BYTES);
	sim_collector_probe(collector, session, cursor_get_u64(&cursor));
}

static void write_session(struct sim_collector *collector, struct sim_session *session,
			  int64_t now_us)
{
	struct agent_session *agent = &session->agent;
	int64_t clock_us = monotonic_us(collector);
	const void *output;
	size_t length;

	while (!is_dead(collector) && (output = agent_session_output(agent, clock_us, &length))) {
		int64_t n = sim_network_write(collector->network, session->connection,
					      SIM_COLLECTOR_END, output, length, now_us);

		if (n == 0)
			return;
		if (n > 0) {
			if (((const uint8_t *)output)[0] == HM_FRAME_FIRST_BYTE)
				look_at_output(collector, agent, output);
			agent_session_sent(agent, (size_t)n, clock_us);
		} else {
			agent_session_finish(agent, true, clock_us);
		}
	}
	if (agent->phase == AGENT_SESSION_OVER) {
		end_session(collector, session, now_us);
	} else if (agent->phase == AGENT_SESSION_ENDING && !session->is_shut) {
		sim_network_shut(session->connection, SIM_COLLECTOR_END, now_us);
		session->is_shut = true;
	}
}

/* The newest session of an epoch has it. */
static void claim(struct sim_collector *collector, struct sim_session *session, int64_t now_us)
{
	session->has_claim = true;
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		struct sim_session *other = &collector->sessions[i];

		if (other == session || !other->connection || !other->has_claim ||
		    memcmp(other->agent.epoch, session->agent.epoch, HM_ID_BYTES) != 0)
			continue;
		other->has_claim = false;
		other->lost_us =
			now_us + (int64_t)sim_random_below(&collector->random, CLAIM_MAX_US);
		collector->counts[SIM_COLLECTOR_REPLACED]++;
	}
}

static void read_session(struct sim_collector *collector, struct sim_session *session,
			 int64_t now_us)
{
	static uint8_t bytes[TURN_BYTES];
	struct agent_session *agent = &session->agent;
	int64_t clock_us = monotonic_us(collector);
	int64_t n;

	while ((n = sim_network_read(collector->network, session->connection, SIM_COLLECTOR_END,
				     bytes, sizeof(bytes), now_us)) > 0)
		agent_session_feed(agent, bytes, (size_t)n, clock_us,
				   sim_machine_wall_us(&collector->machine));
	if (n == -ECONNRESET || (n < 0 && !agent->is_finished))
		agent_session_finish(agent, n == -ECONNRESET, clock_us);
	if (agent->phase == AGENT_SESSION_OPEN && !session->has_claim &&
	    session->lost_us == INT64_MAX)
		claim(collector, session, now_us);
	if (session->lost_us <= now_us) {
		session->lost_us = INT64_MAX - 1;
		agent_session_end(agent, HM_REASON_REPLACED, clock_us);
	}
	agent_session_check(agent, clock_us);
	write_session(collector, session, now_us);
}

static void tell_news(struct sim_collector *collector, int64_t now_us)
{
	collector->has_news = false;
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		struct sim_session *session = &collector->sessions[i];

		if (!session->connection || !agent_session_is_awaiting(&session->agent))
			continue;
		agent_session_acknowledge(&session->agent, monotonic_us(collector));
		write_session(collector, session, now_us);
	}
}

/* -- the process ------------------------------------------------------------------------------- */

static void start(struct sim_collector *collector, int64_t now_us)
{
	struct sim_disk *disk = collector->machine.disk;
	struct engine_options options = {
		.disk = sim_disk_table(disk),
		.segment_bytes = SEGMENT_BYTES,
		.key = key,
		.folder = sim_disk_open_root(disk),
	};
	int result = engine_open(&options, &collector->engine);

	(void)fprintf(stderr, "%.3f s: the collector starts: %d\n", (double)now_us / 1e6, result);

	if (result < 0) {
		collector->counts[SIM_COLLECTOR_FAILED_STARTS]++;
		collector->engine = NULL;
		sim_disk_kill(disk);
		collector->starts_us = now_us + START_AGAIN_US;
		return;
	}
	if (intake_new(collector->engine, &collector->intake) < 0)
		abort();
	collector->counts[SIM_COLLECTOR_STARTS]++;
	collector->store = (struct agent_store){collector, hello, take, durable};
	collector->starts_us = INT64_MAX;
	collector->commit_us = monotonic_us(collector) + GATHER_US;
	collector->retry_us = 0;
	collector->checkpoint_us = monotonic_us(collector) + CHECKPOINT_US;
	collector->has_news = false;
	collector->network->listener = SIM_LISTENING;
}

static void forget_process(struct sim_collector *collector)
{
	struct engine_stats stats;

	if (!collector->engine)
		return;
	engine_get_stats(collector->engine, &stats);
	collector->counts[SIM_COLLECTOR_CHECKPOINTS] += stats.n_checkpoints;
	sim_collector_forget_delete(collector);
	intake_free(collector->intake);
	engine_close(collector->engine);
	collector->engine = NULL;
}

void sim_collector_kill(struct sim_collector *collector, int64_t now_us)
{
	struct sim_network *network = collector->network;

	sim_disk_kill(collector->machine.disk);
	network->listener = SIM_REFUSING;
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		struct sim_connection *connection = &network->connections[i];

		if (collector->sessions[i].connection)
			end_session(collector, &collector->sessions[i], now_us);
		else if (connection->is_used && !connection->is_accepted && !connection->is_silent)
			sim_network_reset(connection, now_us + connection->latency_us);
	}
	forget_process(collector);
}

void sim_collector_lose_power(struct sim_collector *collector)
{
	struct sim_network *network = collector->network;

	sim_disk_crash(collector->machine.disk);
	network->listener = SIM_UNREACHABLE;
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		struct sim_connection *connection = &network->connections[i];
		struct sim_session *session = &collector->sessions[i];

		if (session->connection) {
			sim_network_vanish(network, connection, SIM_COLLECTOR_END);
			session->connection = NULL;
			end_session(collector, session, 0);
		} else if (connection->is_used && !connection->is_accepted) {
			connection->is_silent = true;
		}
	}
	forget_process(collector);
	sim_machine_boot(&collector->machine, &collector->random);
}

void sim_collector_stop(struct sim_collector *collector, int64_t now_us)
{
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX && collector->engine; i++) {
		struct sim_session *session = &collector->sessions[i];

		if (!session->connection)
			continue;
		agent_session_acknowledge(&session->agent, monotonic_us(collector));
		agent_session_end(&session->agent, HM_REASON_STOPPING, monotonic_us(collector));
		write_session(collector, session, now_us);
	}
	if (collector->engine)
		(void)engine_commit(collector->engine);
	/* A process that ends: nothing that it wrote is lost. */
	sim_collector_kill(collector, now_us);
}

void sim_collector_done(struct sim_collector *collector)
{
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		if (collector->sessions[i].connection)
			agent_session_done(&collector->sessions[i].agent);
	}
	forget_process(collector);
	sim_machine_done(&collector->machine);
}

/* -- driving it -------------------------------------------------------------------------------- */

static bool wants_commit(const struct sim_collector *collector)
{
	const struct engine *engine = collector->engine;
	int64_t clock_us = monotonic_us(collector);
	bool is_urgent = engine->controls.length > 0 || engine->wants_room;

	if (clock_us < collector->retry_us && !is_urgent)
		return false;
	return is_urgent || engine->wants_segment || clock_us >= collector->commit_us ||
	       engine->messages.length > MESSAGES_MUCH_BYTES;
}

static void step_checkpoint(struct sim_collector *collector)
{
	int result = engine_checkpoint(collector->engine, ENGINE_SCOPE_DUE);
	int64_t wait_us = PAUSE_US;

	if (result == -EAGAIN)
		wait_us = MESSAGES_US;
	else if (result < 0)
		wait_us = CHECKPOINT_US;
	collector->checkpoint_us = monotonic_us(collector) + wait_us;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t session_due_us(struct sim_collector *collector, const struct sim_session *session)
{
	int64_t due_us = sim_network_due_us(session->connection, SIM_COLLECTOR_END);
	int64_t deadline_us = agent_session_deadline(&session->agent);

	/* Its end is known already. */
	if (session->agent.is_finished)
		due_us = session->connection->reset_us;
	due_us = earlier(due_us, session->lost_us < INT64_MAX - 1 ? session->lost_us : INT64_MAX);
	return earlier(due_us, sim_machine_when(&collector->machine, deadline_us));
}

static int64_t process_due_us(struct sim_collector *collector)
{
	const struct engine *engine = collector->engine;
	int64_t due_us = earlier(collector->commit_us, collector->checkpoint_us);

	if (engine->controls.length > 0 || engine->wants_room || engine->wants_segment ||
	    engine->messages.length > MESSAGES_MUCH_BYTES)
		due_us = 0;
	if (due_us < collector->retry_us && engine->controls.length == 0 && !engine->wants_room)
		due_us = earlier(collector->retry_us, collector->checkpoint_us);
	due_us = sim_machine_when(&collector->machine, due_us);
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		const struct sim_connection *connection = &collector->network->connections[i];

		if (collector->sessions[i].connection) {
			due_us =
				earlier(due_us, session_due_us(collector, &collector->sessions[i]));
		} else if (connection->is_used && !connection->is_accepted &&
			   !connection->is_silent && connection->opens_us < connection->reset_us) {
			due_us = earlier(due_us, connection->opens_us);
		}
	}
	return due_us;
}

int64_t sim_collector_due_us(struct sim_collector *collector)
{
	int64_t due_us = collector->engine ? process_due_us(collector) : collector->starts_us;

	return due_us > collector->frozen_us ? due_us : collector->frozen_us;
}

void sim_collector_run(struct sim_collector *collector, int64_t now_us)
{
	sim_machine_enter(&collector->machine, now_us);
	if (!collector->engine) {
		start(collector, now_us);
		return;
	}
	accept_connections(collector, now_us);
	for (unsigned i = 0; i < SIM_CONNECTIONS_MAX; i++) {
		struct sim_session *session = &collector->sessions[i];

		if (session->connection && session_due_us(collector, session) <= now_us)
			read_session(collector, session, now_us);
	}
	if (wants_commit(collector))
		(void)commit(collector);
	sim_collector_settle_delete(collector);
	if (monotonic_us(collector) >= collector->checkpoint_us)
		step_checkpoint(collector);
	if (collector->has_news)
		tell_news(collector, now_us);
}
