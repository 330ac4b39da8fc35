/* SPDX-License-Identifier: MIT */
/* Tests of a real reactor, over loopback: hostile and broken clients of the native protocol beside honest ones. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collector/rejects.h"
#include "common/timestamp.h"
#include "tests/support/agent_reactor.h"
#include "tests/support/agent_side.h"

#define EPOCH 0x22

static int64_t skipped_us; /* so far the clocks are ahead of the machine's */

/* In place of libc's: hours pass at once. */
int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, ret_now);

	ret_now->tv_sec += (time_t)(skipped_us / TIMESTAMP_SECOND_US);
	return result;
}

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

TestSuite(reactor_hostile, .init = setup, .fini = teardown, .timeout = 120);

/* So much time passes, and deadlines are looked at. */
static void skip(int64_t us)
{
	skipped_us += us;
	for (int i = 0; i < 4; i++) {
		(void)usleep(60000);
		agent_reactor_turn(&net, 1);
	}
}

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

Test(reactor_hostile, has_its_error_read_before_it_closes)
{
	static const char garbage[60000];
	int fd = agent_reactor_dial(&net);

	agent_reactor_send(&net, fd, "\xfahmX", 4);
	/* What comes behind is dropped, and does not make the kernel reset the connection. */
	agent_reactor_send(&net, fd, garbage, sizeof(garbage));
	agent_reactor_send(&net, fd, garbage, sizeof(garbage));
	assert_receives(fd, "ERROR frame_magic 60000\nEND");
	cr_assert_eq(net.traffic.connections, 1);
	(void)close(fd);
	agent_reactor_turn(&net, 2);
	cr_assert_eq(net.traffic.connections, 0);
	cr_assert_eq(agent_reactor_n_closed(&net, HM_REASON_FRAME_MAGIC), 1);
}

Test(reactor_hostile, leaves_text_to_those_who_speak_it)
{
	static const char *const others[] = {"GET / HTTP/1.1\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
					     "\x16\x03\x01\x02", "a 1\n\xfahmw"};
	int agent = agent_reactor_greet(&net, EPOCH);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		int fd = agent_reactor_dial(&net);

		agent_reactor_send(&net, fd, others[i], strlen(others[i]));
		assert_receives(fd, "");
	}
	cr_assert_not_null(strstr(buffer_text(&net.delivered), "here a "));
	cr_assert_eq(rejects_total(net.closed), 0);
	assert_receives(agent, "WELCOME 0\n");
	assert_serves(agent, EPOCH, 1);
}

Test(reactor_hostile, is_not_held_up_by_urgent_data)
{
	int honest = agent_reactor_greet(&net, EPOCH);
	int fd = agent_reactor_greet(&net, EPOCH + 1);

	assert_receives(honest, "WELCOME 0\n");
	assert_receives(fd, "WELCOME 0\n");
	/* Some kernels pass it over, and for some it is a byte as others are. */
	cr_assert_eq(send(fd, "!", 1, MSG_OOB), 1);
	agent_side_put_clock(&bytes, EPOCH + 1, 1);
	agent_reactor_send_buffer(&net, fd, &bytes);
	assert_serves(honest, EPOCH, 1);
	(void)close(fd);
	agent_reactor_turn(&net, 2);
	cr_assert_eq(net.traffic.connections, 1);
}

Test(reactor_hostile, ends_sessions_whose_time_is_up_and_no_others)
{
	int silent = agent_reactor_dial(&net);
	int slow;
	int idle = agent_reactor_greet(&net, EPOCH);

	agent_reactor_send(&net, silent, "\xfa", 1);
	skip(4 * TIMESTAMP_SECOND_US);
	assert_receives(silent, "");
	skip(1 * TIMESTAMP_SECOND_US);
	assert_receives(silent, "ERROR too_slow 1000\nEND");
	slow = agent_reactor_greet(&net, EPOCH + 1);
	assert_receives(slow, "WELCOME 0\n");
	agent_reactor_send(&net, slow, "\xfahm", 3);
	skip(9 * TIMESTAMP_SECOND_US);
	assert_receives(slow, "");
	skip(1 * TIMESTAMP_SECOND_US);
	assert_receives(slow, "ERROR too_slow 1000\nEND");
	cr_assert_eq(agent_reactor_n_closed(&net, HM_REASON_TOO_SLOW), 1,
		     "that of the first one, which has not closed");
	skip(10 * TIMESTAMP_SECOND_US);
	cr_assert_eq(agent_reactor_n_closed(&net, HM_REASON_TOO_SLOW), 2);
	cr_assert_eq(net.traffic.connections, 1);
	assert_receives(idle, "WELCOME 0\n");
	skip(570 * TIMESTAMP_SECOND_US);
	assert_receives(idle, "");
	skip(10 * TIMESTAMP_SECOND_US);
	assert_receives(idle, "BYE idle 0\nEND");
	/* It may be there no more, and nobody says so. */
	cr_assert_eq(net.traffic.connections, 1);
	skip(10 * TIMESTAMP_SECOND_US);
	cr_assert_eq(net.traffic.connections, 0);
}

Test(reactor_hostile, takes_what_has_arrived_before_it_calls_an_agent_slow)
{
	int fd = agent_reactor_dial(&net);

	agent_reactor_send(&net, fd, "\xfa", 1);
	agent_side_put_hello(&bytes, EPOCH);
	agent_reactor_turn(&net, 2);
	/* The thread was held up; the timer is the first event that it sees then. */
	skipped_us += 6 * TIMESTAMP_SECOND_US;
	(void)usleep(100000);
	cr_assert_eq(send(fd, bytes.data + 1, bytes.length - 1, 0), (ssize_t)bytes.length - 1);
	agent_reactor_turn(&net, 1);
	assert_receives(fd, "WELCOME 0\n");
}

/* Turns that wait for what comes, for at most so long by the machine's clock. */
static void let_run(int64_t us)
{
	int64_t until_us = timestamp_monotonic_us() + us;

	while (timestamp_monotonic_us() < until_us)
		cr_assert_eq(reactor_turn(net.reactor, 100), 0);
}

Test(reactor_hostile, looks_at_deadlines_though_text_has_much_time)
{
	int silent[2];
	int slow;

	reactor_free(net.reactor);
	net.traffic.idle_us = 600 * TIMESTAMP_SECOND_US;
	cr_assert_eq(reactor_new(&net.options, &net.reactor), 0);
	silent[0] = agent_reactor_dial(&net);
	agent_reactor_send(&net, silent[0], "\xfa", 1);
	slow = agent_reactor_greet(&net, EPOCH);
	assert_receives(slow, "WELCOME 0\n");
	agent_reactor_send(&net, slow, "\xfa", 1);
	let_run(TIMESTAMP_SECOND_US);
	silent[1] = agent_reactor_dial(&net);
	agent_reactor_send(&net, silent[1], "\xfa", 1);
	let_run(TIMESTAMP_SECOND_US * 9 / 2);
	assert_receives(silent[0], "ERROR too_slow 1000\nEND");
	let_run(TIMESTAMP_SECOND_US);
	assert_receives(silent[1], "ERROR too_slow 1000\nEND");
	agent_reactor_reset(&net, silent[0]);
	agent_reactor_reset(&net, silent[1]);
	let_run(TIMESTAMP_SECOND_US * 4);
	assert_receives(slow, "ERROR too_slow 1000\nEND");
}

#define HELLOS_MAX 512U

Test(reactor_hostile, lets_go_the_oldest_of_too_many_that_say_no_hello)
{
	struct rlimit limit;
	int first = agent_reactor_dial(&net);
	int second;
	int honest;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 3UL * HELLOS_MAX)
		cr_skip_test("there are not so many descriptors");
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	/* Those who do say it, or go, do not count. */
	honest = agent_reactor_dial(&net);
	agent_side_put_hello(&bytes, EPOCH);
	agent_reactor_send(&net, honest, bytes.data, 10);
	agent_reactor_send(&net, honest, bytes.data + 10, bytes.length - 10);
	buffer_clear(&bytes);
	assert_receives(honest, "WELCOME 0\n");
	for (size_t i = 0; i < 10; i++) {
		int gone = agent_reactor_dial(&net);

		agent_reactor_send(&net, gone, "\xfa", 1);
		agent_reactor_reset(&net, gone);
	}
	agent_reactor_send(&net, first, "\xfa", 1);
	second = agent_reactor_dial(&net);
	agent_reactor_send(&net, second, "\xfa", 1);
	for (size_t i = 2; i < HELLOS_MAX; i++)
		agent_reactor_send(&net, agent_reactor_dial(&net), "\xfa", 1);
	assert_receives(first, "");
	agent_reactor_send(&net, agent_reactor_dial(&net), "\xfa", 1);
	assert_receives(first, "ERROR too_many_connections 60000\nEND");
	assert_receives(second, "");
	assert_serves(honest, EPOCH, 1);
}

Test(reactor_hostile, serves_an_honest_agent_among_hostile_bytes)
{
	static char flood[1 << 20];
	uint64_t sequence = 1;
	int honest = agent_reactor_greet(&net, EPOCH);
	int fds[20];

	memset(flood, 0xfa, sizeof(flood));
	memcpy(flood, "\xfahmw\1\4", sizeof("\xfahmw\1\4"));
	assert_receives(honest, "WELCOME 0\n");
	for (int i = 0; i < 20; i++)
		fds[i] = agent_reactor_dial(&net);
	for (int round = 0; round < 50; round++) {
		int64_t start_us;

		for (int i = 0; i < 20; i++)
			(void)send(fds[i], flood + i % 8, sizeof(flood) - 8,
				   MSG_DONTWAIT | MSG_NOSIGNAL);
		agent_side_put_clock(&bytes, EPOCH, sequence++);
		cr_assert_eq(send(honest, bytes.data, bytes.length, 0), (ssize_t)bytes.length);
		buffer_clear(&bytes);
		start_us = timestamp_monotonic_us();
		agent_reactor_turn(&net, 1);
		agent_reactor_commit(&net);
		(void)agent_reactor_receive(&net, honest, "\n");
		cr_assert_lt(timestamp_monotonic_us() - start_us, 1000000);
	}
	cr_assert_eq(net.store.n_taken, 50);
	for (int i = 0; i < 20; i++)
		agent_reactor_reset(&net, fds[i]);
	assert_serves(honest, EPOCH, sequence);
	/* What they sent before is read first, which may take some turns. */
	while (net.traffic.connections > 1)
		agent_reactor_turn(&net, 1);
	cr_assert_eq(net.traffic.connections, 1);
}
