/* SPDX-License-Identifier: MIT */
/* Tests of agents at two reactors with threads of their own, while another thread syncs. */

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/endpoint.h"
#include "collector/reactor.h"
#include "collector/rejects.h"
#include "common/message.h"
#include "common/timestamp.h"
#include "tests/support/agent_side.h"
#include "tests/support/fake_agent_store.h"

#define REACTORS 2
#define AGENTS   16
#define ROUNDS   30

static struct endpoint endpoint;
static struct rejects *rejects;
static struct rejects *closed;
static struct traffic traffic;
static struct agent_claims *claims;
static struct fake_agent_store store;
static struct reactor *reactors[REACTORS];
static pthread_t syncer;
static _Atomic bool is_over;

static void deliver(void *context, struct bundle *bundle)
{
	(void)context;
	(void)bundle;
}

/* What the store's thread does. */
static void *sync_now_and_then(void *context)
{
	(void)context;
	while (!is_over) {
		(void)usleep(500);
		fake_agent_store_commit(&store);
		for (int i = 0; i < REACTORS; i++)
			reactor_acknowledge(reactors[i]);
	}
	return NULL;
}

static struct reactor *new_reactor(int i, const struct hash_key *key)
{
	struct reactor_options options = {
		.tcp_fd = endpoint.tcp_fds[i],
		.udp_fd = endpoint.udp_fds[i],
		.hostname = "here",
		.key = key,
		.rejects = rejects,
		.traffic = &traffic,
		.agents = &store.functions,
		.claims = claims,
		.deliver = deliver,
	};
	struct reactor *reactor = NULL;

	cr_assert_eq(reactor_new(&options, &reactor), 0);
	return reactor;
}

static void setup(void)
{
	static const struct hash_key key = {{7, 8}};

	message_init("test");
	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", REACTORS), 0);
	cr_assert_eq(rejects_new(&rejects), 0);
	cr_assert_eq(rejects_new(&closed), 0);
	cr_assert_eq(agent_claims_new(&key, &claims), 0);
	fake_agent_store_init(&store);
	traffic.connections_max = 1000;
	traffic.idle_us = 600 * TIMESTAMP_SECOND_US;
	traffic.declarations.max = INT64_MAX;
	traffic.closed = closed;
	for (int i = 0; i < REACTORS; i++)
		reactors[i] = new_reactor(i, &key);
	for (int i = 0; i < REACTORS; i++)
		cr_assert_eq(reactor_start(reactors[i]), 0);
	cr_assert_eq(pthread_create(&syncer, NULL, sync_now_and_then, NULL), 0);
}

static void teardown(void)
{
	is_over = true;
	cr_assert_eq(pthread_join(syncer, NULL), 0);
	for (int i = 0; i < REACTORS; i++) {
		reactor_stop(reactors[i]);
		reactor_join(reactors[i]);
	}
	for (int i = 0; i < REACTORS; i++)
		reactor_free(reactors[i]);
	agent_claims_free(claims);
	fake_agent_store_done(&store);
	rejects_free(rejects);
	rejects_free(closed);
	endpoint_close(&endpoint);
}

TestSuite(reactor_threads, .init = setup, .fini = teardown, .timeout = 120);

static int dial(void)
{
	const struct timeval patience = {.tv_sec = 10};
	struct address address = {.length = sizeof(address.storage)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(getsockname(endpoint.tcp_fds[0], &address.any, &address.length), 0);
	cr_assert_eq(connect(fd, &address.any, address.length), 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

static void send_buffer(int fd, struct buffer *bytes)
{
	cr_assert_eq(send(fd, bytes->data, bytes->length, MSG_NOSIGNAL), (ssize_t)bytes->length);
	buffer_done(bytes);
}

static void send_hello(int fd, uint8_t epoch)
{
	struct buffer bytes = {0};

	agent_side_put_hello(&bytes, epoch);
	send_buffer(fd, &bytes);
}

static void send_clock(int fd, uint8_t epoch, uint64_t sequence)
{
	struct buffer bytes = {0};

	agent_side_put_clock(&bytes, epoch, sequence);
	send_buffer(fd, &bytes);
}

/* Read until such words come. */
static void await(int fd, const char *expected)
{
	struct buffer came = {0};
	struct buffer words = {0};
	char room[512];

	while (!strstr(buffer_text(&words), expected)) {
		ssize_t n_bytes = recv(fd, room, sizeof(room), 0);

		cr_assert_gt(n_bytes, 0, "%s, and not %s", buffer_text(&words), expected);
		buffer_append(&came, room, (size_t)n_bytes);
		agent_side_read(&came, &words);
	}
	buffer_done(&came);
	buffer_done(&words);
}

Test(reactor_threads, acknowledge_what_all_agents_say)
{
	int fds[AGENTS];
	char expected[32];

	for (int i = 0; i < AGENTS; i++) {
		fds[i] = dial();
		send_hello(fds[i], (uint8_t)(i + 1));
		await(fds[i], "WELCOME 0\n");
	}
	for (uint64_t sequence = 1; sequence <= ROUNDS; sequence++) {
		for (int i = 0; i < AGENTS; i++)
			send_clock(fds[i], (uint8_t)(i + 1), sequence);
		(void)snprintf(expected, sizeof(expected), "ACK %llu\n",
			       (unsigned long long)sequence);
		for (int i = 0; i < AGENTS; i++)
			await(fds[i], expected);
	}
	cr_assert_eq(rejects_total(closed), 0);
	for (int i = 0; i < AGENTS; i++)
		(void)close(fds[i]);
}

Test(reactor_threads, let_the_newest_session_stay_wherever_it_is)
{
	int before = dial();
	char expected[32];

	send_hello(before, 9);
	await(before, "WELCOME 0\n");
	for (uint64_t sequence = 1; sequence <= ROUNDS; sequence++) {
		int newer = dial();

		send_hello(newer, 9);
		await(before, "ERROR replaced 60000\n");
		send_clock(newer, 9, sequence);
		(void)snprintf(expected, sizeof(expected), "ACK %llu\n",
			       (unsigned long long)sequence);
		await(newer, expected);
		(void)close(before);
		before = newer;
	}
	(void)close(before);
	cr_assert_eq(store.n_taken, ROUNDS);
}
