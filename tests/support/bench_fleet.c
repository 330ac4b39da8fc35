/* SPDX-License-Identifier: MIT */
/* Many agents and their connections. */

#include "tests/support/bench_fleet.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/uplink_socket.h"
#include "common/timestamp.h"
#include "tests/support/bench.h"

#define EVENTS_MAX   1024
#define LOOK_US      INT64_C(10000) /* so often deadlines are looked for */
#define SAMPLES_KEPT 20000000

/* So many connections are begun before others are looked at. */
#define STARTS_PER_TURN 64

/* As agent/uplink.c has them. */
#define CONNECT_US         INT64_C(10000000)
#define GOOD_CONNECTION_US INT64_C(10000000)

/* -- what a session asks for -------------------------------------------------------------------- */

static void note_acked(struct bench_agent *agent, uint64_t sequence, bool is_measured)
{
	struct bench_fleet *fleet = agent->fleet;
	int64_t now_us = timestamp_monotonic_us();

	if (agent->acked < agent->target && sequence >= agent->target)
		fleet->outage.n_behind--;
	while (agent->acked < sequence) {
		agent->acked++;
		if (agent->acked == 1)
			continue;
		fleet->n_acked++;
		if (is_measured && fleet->n_latencies < SAMPLES_KEPT) {
			fleet->latencies[fleet->n_latencies++] =
				(double)(now_us -
					 agent->sent_us[agent->acked % DELIVERY_UNACKED_MAX]) /
				1000;
		}
	}
}

static int resume(void *context, uint64_t sequence, uint32_t crc)
{
	struct bench_agent *agent = context;
	struct delivery_message message;

	if (sequence < agent->acked)
		bench_die("what was acknowledged is not there any more");
	if (sequence > agent->made)
		bench_die("the collector has what was never made");
	if (sequence > 0) {
		bench_source_message(agent->fleet->source, agent->number, sequence, &message);
		if (message.crc != crc)
			bench_die("the collector has another message");
	}
	note_acked(agent, sequence, false);
	return 0;
}

static int next(void *context, uint64_t after, struct delivery_message *ret_message)
{
	struct bench_agent *agent = context;

	if (after == agent->made)
		return -EAGAIN;
	bench_source_message(agent->fleet->source, agent->number, after + 1, ret_message);
	agent->sent_us[(after + 1) % DELIVERY_UNACKED_MAX] = timestamp_monotonic_us();
	if (after + 1 > agent->sent)
		agent->sent = after + 1;
	else
		agent->fleet->n_again++;
	return 0;
}

static int next_declare(void *context, uint64_t after, struct delivery_message *ret_message)
{
	struct bench_agent *agent = context;

	if (after > 0)
		return -EAGAIN;
	bench_source_message(agent->fleet->source, agent->number, 1, ret_message);
	return 0;
}

static void ack(void *context, uint64_t sequence)
{
	struct bench_agent *agent = context;

	agent->has_progress = true;
	note_acked(agent, sequence, !agent->fleet->outage.is_on);
}

/* -- connections -------------------------------------------------------------------------------- */

static void wait_for_next_try(struct bench_agent *agent, int64_t least_ms)
{
	int64_t wait_ms = backoff_next_ms(&agent->backoff, arc4random());

	if (wait_ms < least_ms)
		wait_ms = least_ms;
	agent->state = BENCH_WAITING;
	agent->since_us = timestamp_monotonic_us() + wait_ms * 1000;
}

static void close_socket(struct bench_agent *agent)
{
	if (tcp_traffic_add(&agent->fleet->traffic, agent->fd) < 0)
		bench_die("no TCP_INFO");
	(void)close(agent->fd);
	agent->fd = -1;
}

static void fail_try(struct bench_agent *agent, int error)
{
	if (!agent->fleet->may_break)
		bench_die("cannot connect");
	if (error == ECONNREFUSED) {
		tcp_traffic_add_refused(&agent->fleet->traffic);
		(void)close(agent->fd);
	} else {
		close_socket(agent);
	}
	agent->fleet->n_refused++;
	wait_for_next_try(agent, 0);
}

static void start_try(struct bench_agent *agent)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				    .data.ptr = agent};
	const struct address *address = &agent->fleet->address;
	int one = 1;

	agent->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (agent->fd < 0 || tcp_traffic_limit(agent->fd) < 0 ||
	    setsockopt(agent->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		bench_die("no socket");
	agent->state = BENCH_CONNECTING;
	agent->since_us = timestamp_monotonic_us();
	if (connect(agent->fd, &address->any, address->length) < 0 && errno != EINPROGRESS)
		fail_try(agent, errno);
	else if (epoll_ctl(agent->fleet->epoll_fd, EPOLL_CTL_ADD, agent->fd, &event) < 0)
		bench_die("no epoll");
}

static void note_broken(struct bench_agent *agent)
{
	struct bench_fleet *fleet = agent->fleet;

	if (!fleet->may_break)
		bench_die(agent->delivery.end.text);
	fleet->n_broken++;
	fleet->n_welcome -= agent->is_welcome;
	agent->is_welcome = false;
	fleet->outage.welcome_us = 0;
	if (!fleet->outage.is_on)
		fleet->outage =
			(struct bench_outage){.is_on = true, .since_us = timestamp_monotonic_us()};
}

static void end_session(struct bench_agent *agent)
{
	const struct delivery_end *end = &agent->delivery.end;
	bool goes_on = !end->is_theirs && end->reason == HM_REASON_NONE && agent->has_progress;

	close_socket(agent);
	if (agent->state == BENCH_GONE)
		return;
	note_broken(agent);
	if (agent->has_progress || timestamp_monotonic_us() - agent->since_us >= GOOD_CONNECTION_US)
		backoff_reset(&agent->backoff);
	if (goes_on)
		start_try(agent);
	else
		wait_for_next_try(agent, end->wait_ms);
}

static void begin_session(struct bench_agent *agent)
{
	struct wire_hello hello;

	agent->state = BENCH_CONNECTED;
	agent->since_us = timestamp_monotonic_us();
	agent->has_progress = false;
	bench_source_hello(agent->fleet->source, agent->number, &hello);
	if (delivery_begin(&agent->delivery, &hello, agent->since_us) < 0)
		bench_die("no memory");
}

/* Nobody is without a session any more: what is there now is to be acknowledged. */
static void note_all_welcome(struct bench_fleet *fleet)
{
	struct bench_outage *outage = &fleet->outage;

	outage->welcome_us = timestamp_monotonic_us();
	outage->n_behind = 0;
	for (size_t i = 0; i < fleet->n_agents; i++) {
		fleet->agents[i].target = fleet->agents[i].made;
		outage->n_behind += fleet->agents[i].acked < fleet->agents[i].target;
	}
}

static void note_welcome(struct bench_agent *agent)
{
	struct bench_fleet *fleet = agent->fleet;

	agent->is_welcome = true;
	fleet->n_welcome++;
	if (fleet->n_welcome == fleet->n_agents)
		note_all_welcome(fleet);
}

static bool receive(struct bench_agent *agent)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(agent->fd, bytes, sizeof(bytes), 0)) > 0) {
		agent->fleet->n_bytes += (size_t)n;
		delivery_take(&agent->delivery, bytes, (size_t)n, timestamp_monotonic_us());
	}
	return n < 0 && errno == EAGAIN;
}

static bool flush(struct bench_agent *agent)
{
	const void *bytes;
	size_t length;

	while ((length = delivery_output(&agent->delivery, &bytes)) > 0) {
		ssize_t n = send(agent->fd, bytes, length, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN;
		agent->fleet->n_bytes += (size_t)n;
		delivery_advance(&agent->delivery, (size_t)n, timestamp_monotonic_us());
	}
	return true;
}

static void serve(struct bench_agent *agent)
{
	struct delivery *delivery = &agent->delivery;
	bool is_there = receive(agent);

	delivery_expire(delivery, timestamp_monotonic_us());
	delivery_wake(delivery, timestamp_monotonic_us());
	if (!agent->is_welcome &&
	    (delivery->state == DELIVERY_REPEATING || delivery->state == DELIVERY_ESTABLISHED))
		note_welcome(agent);
	if (!is_there || !flush(agent))
		delivery_hang_up(delivery);
	if (delivery_is_ended(delivery) && (agent->state != BENCH_GONE || !is_there))
		end_session(agent);
}

static void take_event(struct bench_agent *agent, uint32_t events)
{
	if (agent->state == BENCH_CONNECTING) {
		int result = uplink_socket_finish(agent->fd, events);

		if (result == -EAGAIN)
			return;
		if (result < 0) {
			fail_try(agent, -result);
			return;
		}
		begin_session(agent);
	}
	if (agent->fd >= 0)
		serve(agent);
}

static void look_after(struct bench_agent *agent, int64_t now_us)
{
	if (agent->state == BENCH_WAITING && now_us >= agent->since_us)
		start_try(agent);
	else if (agent->state == BENCH_CONNECTING && now_us - agent->since_us > CONNECT_US)
		fail_try(agent, ETIMEDOUT);
	else if (agent->state == BENCH_CONNECTED && now_us >= delivery_due_us(&agent->delivery))
		serve(agent);
}

static void note_caught_up(struct bench_fleet *fleet)
{
	struct bench_outage *outage = &fleet->outage;
	double seconds = (double)(timestamp_monotonic_us() - outage->since_us) / 1e6;

	if (!outage->is_on || outage->welcome_us == 0 || outage->n_behind > 0)
		return;
	if (seconds > fleet->longest.acked_seconds) {
		fleet->longest = (struct bench_recovery){
			.welcome_seconds = (double)(outage->welcome_us - outage->since_us) / 1e6,
			.acked_seconds = seconds,
		};
	}
	fleet->n_outages++;
	outage->is_on = false;
}

void bench_fleet_turn(struct bench_fleet *fleet, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(fleet->epoll_fd, events, EVENTS_MAX, timeout_ms);
	int64_t now_us = timestamp_monotonic_us();

	for (int i = 0; i < n; i++)
		take_event(events[i].data.ptr, events[i].events);
	if (now_us - fleet->looked_us < LOOK_US)
		return;
	fleet->looked_us = now_us;
	for (size_t i = 0; i < fleet->n_agents; i++)
		look_after(&fleet->agents[i], now_us);
	note_caught_up(fleet);
}

void bench_fleet_begin(struct bench_fleet *fleet)
{
	fleet->agents = bench_need(calloc(fleet->n_agents, sizeof(*fleet->agents)));
	fleet->latencies = bench_need(malloc(SAMPLES_KEPT * sizeof(*fleet->latencies)));
	fleet->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < fleet->n_agents; i++) {
		struct bench_agent *agent = &fleet->agents[i];

		*agent = (struct bench_agent){
			.fleet = fleet,
			.number = (unsigned)i,
			.fd = -1,
			.since_us = INT64_MAX,
			.made = 1,
			.delivery.spool = {agent, resume, next, next_declare, ack},
		};
	}
	for (size_t i = 0; i < fleet->n_agents; i++) {
		start_try(&fleet->agents[i]);
		if (i % STARTS_PER_TURN == 0)
			bench_fleet_turn(fleet, 0);
	}
	while (fleet->n_welcome < fleet->n_agents)
		bench_fleet_turn(fleet, 1000);
}

void bench_fleet_done(struct bench_fleet *fleet)
{
	for (size_t i = 0; i < fleet->n_agents; i++)
		delivery_done(&fleet->agents[i].delivery);
	(void)close(fleet->epoll_fd);
	free(fleet->latencies);
	free(fleet->agents);
}

void bench_fleet_make(struct bench_fleet *fleet, size_t number)
{
	struct bench_agent *agent = &fleet->agents[number];

	agent->made++;
	fleet->n_batches++;
	if (agent->state != BENCH_CONNECTED)
		return;
	serve(agent);
	fleet->n_held += agent->is_welcome && agent->sent < agent->made;
}

bool bench_fleet_is_drained(const struct bench_fleet *fleet)
{
	return fleet->n_acked == fleet->n_batches && !fleet->outage.is_on;
}

void bench_fleet_end(struct bench_fleet *fleet)
{
	size_t n_open = fleet->n_agents;

	for (size_t i = 0; i < fleet->n_agents; i++) {
		struct bench_agent *agent = &fleet->agents[i];

		delivery_stop(&agent->delivery, "stopping");
		agent->state = BENCH_GONE;
		if (!flush(agent) || shutdown(agent->fd, SHUT_WR) < 0)
			bench_die("a connection broke");
	}
	while (n_open > 0) {
		bench_fleet_turn(fleet, 10);
		n_open = 0;
		for (size_t i = 0; i < fleet->n_agents; i++)
			n_open += fleet->agents[i].fd >= 0;
	}
}
