/* SPDX-License-Identifier: MIT */
/* Tests of agents at a real reactor, over loopback: honest ones, and some that break off. */

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/rejects.h"
#include "common/frame.h"
#include "common/timestamp.h"
#include "tests/support/agent_reactor.h"
#include "tests/support/agent_side.h"
#include "tests/support/native.h"

#define EPOCH 0x22

static struct agent_reactor net;
static struct buffer bytes; /* of an agent */

static void setup(void)
{
	agent_reactor_init(&net);
}

static void teardown(void)
{
	agent_reactor_done(&net);
	buffer_done(&bytes);
}

TestSuite(reactor_agents, .init = setup, .fini = teardown, .timeout = 120);

/* That these come, at once or soon, and nothing else with them. */
static void assert_receives(int fd, const char *expected)
{
	cr_assert_str_eq(agent_reactor_receive(&net, fd, expected), expected);
}

/* An agent that says something and gets its ACK: that all goes on as it should. */
static void assert_serves(int fd, uint8_t epoch, uint64_t sequence)
{
	char expected[32];

	agent_side_put_clock(&bytes, epoch, sequence);
	agent_reactor_send_buffer(&net, fd, &bytes);
	agent_reactor_commit(&net);
	(void)snprintf(expected, sizeof(expected), "ACK %llu\n", (unsigned long long)sequence);
	assert_receives(fd, expected);
}

Test(reactor_agents, speaks_as_the_page_shows)
{
	int fd = agent_reactor_dial(&net);

	agent_side_put_example(&bytes, 0, 1);
	agent_reactor_send_buffer(&net, fd, &bytes);
	assert_receives(fd, "WELCOME 0\n");
	agent_side_put_example(&bytes, 2, 3);
	agent_reactor_send_buffer(&net, fd, &bytes);
	assert_receives(fd, "");
	agent_reactor_commit(&net);
	assert_receives(fd, "ACK 3\n");
	agent_side_put_example(&bytes, 6, 2);
	agent_reactor_send_buffer(&net, fd, &bytes);
	agent_reactor_commit(&net);
	assert_receives(fd, "ACK 6\n");
	agent_side_put_example(&bytes, 9, 1);
	agent_reactor_send_buffer(&net, fd, &bytes);
	assert_receives(fd, "END");
	(void)close(fd);
	agent_reactor_turn(&net, 2);
	cr_assert_eq(net.traffic.connections, 0);
	cr_assert_eq(rejects_total(net.closed), 0);
	cr_assert_eq(rejects_total(net.rejects), 0);
}

Test(reactor_agents, takes_a_session_cut_into_two_at_any_byte)
{
	struct buffer session = {0};

	agent_side_put_example(&session, 0, NATIVE_N_MESSAGES);
	for (size_t cut = 1; cut < session.length; cut++) {
		const char *words;
		int fd = agent_reactor_dial(&net);

		agent_reactor_send(&net, fd, session.data, cut);
		agent_reactor_send(&net, fd, session.data + cut, session.length - cut);
		agent_reactor_commit(&net);
		words = agent_reactor_receive(&net, fd, "END");
		cr_assert_eq(strncmp(words, cut == 1 ? "WELCOME 0" : "WELCOME 6", 9), 0);
		/* From the second round on it comes again, and its ACK may so in each part. */
		cr_assert_not_null(strstr(words, "ACK 6\nEND"), "%zu: %s", cut, words);
		(void)close(fd);
	}
	agent_reactor_turn(&net, 2);
	cr_assert_eq(net.store.n_taken, 5);
	cr_assert_eq(net.traffic.connections, 0);
	cr_assert_eq(rejects_total(net.closed), 0);
	buffer_done(&session);
}

Test(reactor_agents, takes_a_session_of_single_bytes)
{
	struct buffer session = {0};
	int fd = agent_reactor_dial(&net);

	agent_side_put_example(&session, 0, NATIVE_N_MESSAGES);
	for (size_t i = 0; i < session.length; i++)
		agent_reactor_send(&net, fd, session.data + i, 1);
	agent_reactor_commit(&net);
	assert_receives(fd, "WELCOME 0\nACK 6\nEND");
	cr_assert_eq(net.store.n_taken, 5);
	buffer_done(&session);
}

Test(reactor_agents, survives_a_reset_at_any_byte)
{
	struct buffer session = {0};
	uint64_t n_cut = 0;

	agent_side_put_example(&session, 0, NATIVE_N_MESSAGES - 1);
	for (size_t length = 0; length <= session.length; length++) {
		int fd = agent_reactor_dial(&net);

		if (length > 0)
			agent_reactor_send(&net, fd, session.data, length);
		agent_reactor_reset(&net, fd);
		cr_assert_eq(net.traffic.connections, 0);
		/* What it sent becomes durable, and it is gone. */
		agent_reactor_commit(&net);
		n_cut += agent_reactor_n_closed(&net, HM_REASON_FRAME_CUT) > n_cut;
	}
	/* All lengths but those of the six frames, and none. */
	cr_assert_eq(n_cut, session.length - 6);
	cr_assert_eq(rejects_total(net.closed), n_cut);
	buffer_done(&session);
}

Test(reactor_agents, gives_acks_to_an_agent_that_has_closed_its_side)
{
	int fd = agent_reactor_greet(&net, EPOCH);

	assert_receives(fd, "WELCOME 0\n");
	agent_side_put_clock(&bytes, EPOCH, 1);
	agent_reactor_send_buffer(&net, fd, &bytes);
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	assert_receives(fd, "");
	agent_reactor_commit(&net);
	assert_receives(fd, "ACK 1\nEND");
	cr_assert_eq(net.traffic.connections, 0);
}

Test(reactor_agents, lets_the_newer_session_of_an_epoch_stay)
{
	int other = agent_reactor_greet(&net, EPOCH + 1);
	int before = agent_reactor_greet(&net, EPOCH);
	struct agent_claimant claimant = {.wakeup = NULL};
	struct agent_claim claim = {.claimant = NULL};
	uint8_t epoch[HM_ID_BYTES];
	int newer;

	memset(epoch, EPOCH, sizeof(epoch));

	assert_receives(before, "WELCOME 0\n");
	newer = agent_reactor_greet(&net, EPOCH);
	assert_receives(newer, "WELCOME 0\n");
	assert_receives(before, "ERROR replaced 60000\nEND");
	assert_serves(newer, EPOCH, 1);
	(void)close(before);
	agent_reactor_turn(&net, 2);
	cr_assert_eq(agent_reactor_n_closed(&net, HM_REASON_REPLACED), 1);
	cr_assert_eq(net.traffic.connections, 2);
	assert_receives(other, "WELCOME 0\n");
	/* One that has gone is not replaced any more. */
	agent_reactor_reset(&net, newer);
	TAILQ_INIT(&claimant.lost);
	agent_claims_take(net.claims, &claim, &claimant, epoch);
	agent_reactor_turn(&net, 2);
	cr_assert_null(agent_claims_next_lost(net.claims, &claimant));
	agent_claims_drop(net.claims, &claim);
	cr_assert_eq(agent_reactor_n_closed(&net, HM_REASON_REPLACED), 1);
}

static void run_and_stop(void)
{
	reactor_stop(net.reactor);
	cr_assert_eq(reactor_start(net.reactor), 0);
	reactor_join(net.reactor);
}

/* Frees it, too: there are no more turns. */
static void end_reactor(void)
{
	reactor_free(net.reactor);
	net.reactor = NULL;
}

Test(reactor_agents, says_bye_when_it_is_stopped)
{
	int silent = agent_reactor_dial(&net);
	int agent = agent_reactor_greet(&net, EPOCH);

	assert_receives(agent, "WELCOME 0\n");
	agent_reactor_send(&net, silent, "\xfa", 1);
	agent_side_put_clock(&bytes, EPOCH, 1);
	agent_reactor_send_buffer(&net, agent, &bytes);
	cr_assert_eq(net.store.n_taken, 1);
	/* Nobody tells that it is durable. */
	fake_agent_store_commit(&net.store);
	run_and_stop();
	end_reactor();

	assert_receives(agent, "ACK 1\nBYE stopping 1000\nEND");
	assert_receives(silent, "BYE stopping 1000\nEND");
}

Test(reactor_agents, takes_what_has_arrived_before_it_ends)
{
	static uint8_t payload[HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES];
	const int send_bytes = 1 << 20;
	int agent = agent_reactor_greet(&net, EPOCH);

	assert_receives(agent, "WELCOME 0\n");
	cr_assert_eq(setsockopt(agent, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes)), 0);
	agent_side_put_clock(&bytes, EPOCH, 1);
	memcpy(payload, bytes.data + HM_FRAME_HEADER_BYTES, HM_STAMP_BYTES);
	buffer_clear(&bytes);
	frame_put(&bytes, HM_FRAME_BATCH, payload, sizeof(payload));
	/* More than one turn's worth. */
	cr_assert_eq(send(agent, bytes.data, bytes.length, MSG_DONTWAIT), (ssize_t)bytes.length);
	run_and_stop();

	cr_assert_eq(net.store.n_taken, 1);
}

Test(reactor_agents, are_closed_with_the_reactor)
{
	int silent = agent_reactor_dial(&net);
	int agent = agent_reactor_greet(&net, EPOCH);

	agent_reactor_send(&net, silent, "\xfa", 1);
	end_reactor();

	assert_receives(agent, "WELCOME 0\nEND");
	assert_receives(silent, "END");
	cr_assert_eq(net.traffic.connections, 0);
}

Test(reactor_agents, costs_little_memory_while_an_agent_is_idle)
{
	struct buffer clock = {0};
	size_t before;
	int fds[32];

	(void)agent_reactor_greet(&net, 0x80);
	before = mallinfo2().uordblks;
	for (int i = 0; i < 32; i++) {
		fds[i] = agent_reactor_greet(&net, (uint8_t)(0x30 + i));
		agent_side_put_clock(&clock, (uint8_t)(0x30 + i), 1);
		agent_reactor_send(&net, fds[i], clock.data, 30);
		agent_reactor_send(&net, fds[i], clock.data + 30, clock.length - 30);
		buffer_clear(&clock);
	}
	agent_reactor_commit(&net);
	cr_assert_eq(net.store.n_taken, 32);
	cr_assert_leq(mallinfo2().uordblks - before, (size_t)32 * 4096);
	buffer_done(&clock);
}
