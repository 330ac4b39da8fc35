/* SPDX-License-Identifier: MIT */
/* A real reactor, and agents that reach it over loopback. */

#include "tests/support/agent_reactor.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/message.h"
#include "common/timestamp.h"
#include "tests/support/agent_side.h"
#include "tests/support/sample_lines.h"

static void must(bool is_true)
{
	if (!is_true)
		abort();
}

static void deliver(void *context, struct bundle *bundle)
{
	struct agent_reactor *net = context;

	sample_lines_format(bundle, &net->delivered);
}

void agent_reactor_init(struct agent_reactor *net)
{
	static const struct hash_key key = {{7, 8}};

	/* Who uses what was freed finds nothing there. */
	(void)mallopt(M_PERTURB, 0x5a);
	message_init("test");
	must(endpoint_open(&net->endpoint, "127.0.0.1:0", 1) == 0);
	must(rejects_new(&net->rejects) == 0);
	must(rejects_new(&net->closed) == 0);
	must(agent_claims_new(&key, &net->claims) == 0);
	fake_agent_store_init(&net->store);
	net->traffic.connections_max = 1000;
	/* Deadlines are looked at every twentieth of a second. */
	net->traffic.idle_us = TIMESTAMP_SECOND_US / 2;
	net->traffic.declarations.max = INT64_MAX;
	net->traffic.closed = net->closed;
	net->options = (struct reactor_options){
		.tcp_fd = net->endpoint.tcp_fds[0],
		.udp_fd = net->endpoint.udp_fds[0],
		.hostname = "here",
		.key = &key,
		.rejects = net->rejects,
		.traffic = &net->traffic,
		.agents = &net->store.functions,
		.claims = net->claims,
		.deliver = deliver,
		.context = net,
	};
	must(reactor_new(&net->options, &net->reactor) == 0);
}

void agent_reactor_done(struct agent_reactor *net)
{
	reactor_free(net->reactor);
	agent_claims_free(net->claims);
	fake_agent_store_done(&net->store);
	rejects_free(net->rejects);
	rejects_free(net->closed);
	endpoint_close(&net->endpoint);
	buffer_done(&net->delivered);
	buffer_done(&net->words);
}

void agent_reactor_turn(struct agent_reactor *net, int n_turns)
{
	for (int i = 0; i < n_turns && net->reactor; i++)
		must(reactor_turn(net->reactor, 0) == 0);
}

int agent_reactor_dial(struct agent_reactor *net)
{
	struct address address = {.length = sizeof(address.storage)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int yes = 1;

	must(fd >= 0);
	must(getsockname(net->endpoint.tcp_fds[0], &address.any, &address.length) == 0);
	must(connect(fd, &address.any, address.length) == 0);
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0);
	agent_reactor_turn(net, 1);
	return fd;
}

void agent_reactor_send(struct agent_reactor *net, int fd, const void *bytes, size_t length)
{
	must(send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length);
	agent_reactor_turn(net, 1);
}

void agent_reactor_send_buffer(struct agent_reactor *net, int fd, struct buffer *bytes)
{
	agent_reactor_send(net, fd, bytes->data, bytes->length);
	buffer_clear(bytes);
}

int agent_reactor_greet(struct agent_reactor *net, uint8_t epoch)
{
	struct buffer hello = {0};
	int fd = agent_reactor_dial(net);

	agent_side_put_hello(&hello, epoch);
	agent_reactor_send_buffer(net, fd, &hello);
	buffer_done(&hello);
	return fd;
}

void agent_reactor_commit(struct agent_reactor *net)
{
	fake_agent_store_commit(&net->store);
	reactor_acknowledge(net->reactor);
	agent_reactor_turn(net, 1);
}

/* What is there now. @return false: no more will come */
static bool receive(struct agent_reactor *net, int fd)
{
	struct buffer came = {0};
	char room[4096];
	ssize_t n_bytes;
	bool is_more;

	agent_reactor_turn(net, 1);
	while ((n_bytes = recv(fd, room, sizeof(room), MSG_DONTWAIT)) > 0)
		buffer_append(&came, room, (size_t)n_bytes);
	is_more = n_bytes < 0 && errno == EAGAIN;
	if (came.length > 0)
		agent_side_read(&came, &net->words);
	must(came.length == 0);
	if (!is_more)
		buffer_append_text(&net->words, n_bytes == 0 ? "END" : "RESET");
	buffer_done(&came);
	return is_more;
}

static bool ends_with(const struct buffer *words, const char *end)
{
	size_t length = strlen(end);

	return words->length >= length &&
	       (length == 0 || memcmp(words->data + words->length - length, end, length) == 0);
}

const char *agent_reactor_receive(struct agent_reactor *net, int fd, const char *until)
{
	buffer_clear(&net->words);
	for (int i = 0; i < 2000 && receive(net, fd) && !ends_with(&net->words, until); i++)
		(void)usleep(1000);
	return buffer_text(&net->words);
}

void agent_reactor_reset(struct agent_reactor *net, int fd)
{
	struct linger linger = {1, 0};

	must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
	(void)close(fd);
	agent_reactor_turn(net, 2);
}

uint64_t agent_reactor_n_closed(struct agent_reactor *net, enum hm_reason reason)
{
	struct reject reject;

	rejects_get(net->closed, reason, &reject);
	return reject.n;
}
