/* SPDX-License-Identifier: MIT */
/* A thread that owns a share of the network. */

#include "collector/reactor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/reactor_part.h"
#include "common/message.h"

/* So many names of series are known without parsing them: 2 MiB, and what the names take. */
#define NAMES_MAX ((size_t)1 << 16)

/* What waits at sockets that are given up is taken for at most so long: the others wait for it. */
#define CLEAR_US INT64_C(200000)

static void deliver(struct reactor *reactor)
{
	if (reactor->bundle.n_samples > 0)
		reactor->options.deliver(reactor->options.context, &reactor->bundle);
	bundle_clear(&reactor->bundle);
}

void reactor_deliver_if_much(struct reactor *reactor)
{
	if (bundle_bytes(&reactor->bundle) >= REACTOR_BUNDLE_MAX_BYTES)
		deliver(reactor);
}

/* @return true = there may be more to read */
static bool read_datagrams(struct reactor *reactor)
{
	bool is_more;

	reactor->bundle.now_us = timestamp_now_us();
	is_more =
		datagram_receive(reactor->entrance.datagram, DATAGRAMS_PER_TURN, &reactor->bundle);
	reactor_deliver_if_much(reactor);
	return is_more;
}

static bool on_datagrams(void *context, uint32_t events)
{
	(void)events;
	return read_datagrams(context);
}

static void on_stop(void *context)
{
	struct reactor *reactor = context;

	reactor->is_stopping = true;
}

static void entrance_close(struct entrance *entrance)
{
	listener_close(entrance->listener);
	loop_remove(entrance->datagram_source);
	datagram_free(entrance->datagram);
	if (entrance->tcp_fd >= 0)
		(void)close(entrance->tcp_fd);
	if (entrance->udp_fd >= 0)
		(void)close(entrance->udp_fd);
	*entrance = (struct entrance){.tcp_fd = -1, .udp_fd = -1};
}

/* Descriptors of its own for a pair of sockets. @return 0 or -errno, with none open */
static int entrance_init(struct entrance *entrance, int tcp_fd, int udp_fd)
{
	int result;

	*entrance = (struct entrance){
		.tcp_fd = fcntl(tcp_fd, F_DUPFD_CLOEXEC, 0),
		.udp_fd = fcntl(udp_fd, F_DUPFD_CLOEXEC, 0),
	};
	if (entrance->tcp_fd >= 0 && entrance->udp_fd >= 0)
		return 0;
	result = -errno;
	entrance_close(entrance);
	return result;
}

static int entrance_open(struct entrance *entrance, struct reactor *reactor)
{
	const struct reactor_options *options = &reactor->options;
	int result = datagram_new(entrance->udp_fd, options->hostname, options->traffic,
				  &entrance->datagram);

	if (result == 0)
		result = loop_add(reactor->loop, entrance->udp_fd, on_datagrams, reactor,
				  &entrance->datagram_source);
	if (result == 0)
		result = listener_open(reactor->loop, entrance->tcp_fd, options->traffic,
				       reactor_accept, reactor, &entrance->listener);
	return result;
}

/* Take in what waits at the entrance, for at most so long. */
static void clear_entrance(struct reactor *reactor, int64_t until_us)
{
	bool is_more = true;

	while (is_more && !reactor_is_over(until_us))
		is_more = listener_accept(reactor->entrance.listener, LISTENER_ACCEPTS_PER_TURN);
	is_more = true;
	while (is_more && !reactor_is_over(until_us))
		is_more = read_datagrams(reactor);
}

/* There may be other sockets to listen on. */
static void on_listen(void *context)
{
	struct reactor *reactor = context;
	struct entrance next;
	int result;

	pthread_mutex_lock(&reactor->lock);
	next = reactor->next;
	reactor->next = (struct entrance){.tcp_fd = -1, .udp_fd = -1};
	pthread_mutex_unlock(&reactor->lock);
	if (next.tcp_fd < 0)
		return;
	result = entrance_open(&next, reactor);
	if (result < 0) {
		message_error("cannot listen on another address, going on with the one before: %s",
			      strerror(-result));
		entrance_close(&next);
		return;
	}
	clear_entrance(reactor, timestamp_monotonic_us() + CLEAR_US);
	entrance_close(&reactor->entrance);
	reactor->entrance = next;
}

static int open_sources(struct reactor *reactor)
{
	const struct reactor_options *options = &reactor->options;
	int result = loop_new(&reactor->loop);

	if (result == 0)
		result = wakeup_new(reactor->loop, on_stop, reactor, &reactor->stop);
	if (result == 0)
		result = timer_new(reactor->loop, reactor_sweep, reactor, &reactor->sweep);
	if (result == 0)
		result = reactor_start_sweep(reactor);
	if (result == 0)
		result = wakeup_new(reactor->loop, on_listen, reactor, &reactor->listen);
	if (result == 0 && options->agents)
		result = wakeup_new(reactor->loop, reactor_take_news, reactor, &reactor->news);
	if (result == 0)
		result = entrance_init(&reactor->entrance, options->tcp_fd, options->udp_fd);
	if (result == 0)
		result = entrance_open(&reactor->entrance, reactor);
	return result;
}

int reactor_new(const struct reactor_options *options, struct reactor **ret_reactor)
{
	struct reactor *reactor = calloc(1, sizeof(*reactor));
	int result;

	if (!reactor)
		return -ENOMEM;
	reactor->options = *options;
	reactor->entrance = (struct entrance){.tcp_fd = -1, .udp_fd = -1};
	reactor->next = reactor->entrance;
	pthread_mutex_init(&reactor->lock, NULL);
	TAILQ_INIT(&reactor->connections);
	TAILQ_INIT(&reactor->greeting);
	TAILQ_INIT(&reactor->agents);
	TAILQ_INIT(&reactor->awaiting);
	TAILQ_INIT(&reactor->claimant.lost);
	reactor_share_turn(reactor);
	bundle_init(&reactor->bundle, options->key, options->rejects);
	/* Without memory every name is parsed. */
	reactor->bundle.names = name_cache_new(options->key, NAMES_MAX);
	reactor->bundle.declarations = &options->traffic->declarations;
	result = open_sources(reactor);
	reactor->claimant.wakeup = reactor->news;
	if (result < 0)
		reactor_free(reactor);
	else
		*ret_reactor = reactor;
	return result;
}

void reactor_free(struct reactor *reactor)
{
	if (!reactor)
		return;
	reactor_close_connections(reactor);
	entrance_close(&reactor->entrance);
	entrance_close(&reactor->next);
	timer_free(reactor->sweep);
	wakeup_free(reactor->listen);
	wakeup_free(reactor->news);
	wakeup_free(reactor->stop);
	loop_free(reactor->loop);
	name_cache_free(reactor->bundle.names);
	bundle_done(&reactor->bundle);
	pthread_mutex_destroy(&reactor->lock);
	free(reactor);
}

int reactor_turn(struct reactor *reactor, int timeout_ms)
{
	int result;

	reactor_share_turn(reactor);
	result = loop_turn(reactor->loop, timeout_ms);

	deliver(reactor);
	return result;
}

/* Take what has arrived up to now. */
static void drain(struct reactor *reactor)
{
	int64_t until_us = timestamp_monotonic_us() + REACTOR_DRAIN_US;
	bool is_more = true;

	/* Whom the kernel let in before we stopped may have sent something already. */
	while (is_more && !reactor_is_over(until_us))
		is_more = listener_accept(reactor->entrance.listener, LISTENER_ACCEPTS_PER_TURN);

	is_more = true;
	while (is_more && !reactor_is_over(until_us)) {
		is_more = read_datagrams(reactor);
		is_more = reactor_read_connections(reactor, until_us) || is_more;
		deliver(reactor);
	}
	reactor_dismiss_agents(reactor);
}

static void *run(void *context)
{
	struct reactor *reactor = context;
	int result = 0;

	while (!reactor->is_stopping && result == 0)
		result = reactor_turn(reactor, -1);
	if (result < 0)
		message_error("a reactor ended: %s", strerror(-result));
	drain(reactor);
	return NULL;
}

int reactor_start(struct reactor *reactor)
{
	int error = pthread_create(&reactor->thread, NULL, run, reactor);

	if (error)
		return -error;
	reactor->has_thread = true;
	return 0;
}

int reactor_listen(struct reactor *reactor, int tcp_fd, int udp_fd)
{
	struct entrance next;
	struct entrance unused;
	int result = entrance_init(&next, tcp_fd, udp_fd);

	if (result < 0)
		return result;
	pthread_mutex_lock(&reactor->lock);
	unused = reactor->next;
	reactor->next = next;
	pthread_mutex_unlock(&reactor->lock);
	entrance_close(&unused);
	wakeup_send(reactor->listen);
	return 0;
}

void reactor_acknowledge(struct reactor *reactor)
{
	wakeup_send(reactor->news);
}

void reactor_stop(struct reactor *reactor)
{
	wakeup_send(reactor->stop);
}

void reactor_join(struct reactor *reactor)
{
	if (!reactor->has_thread)
		return;
	(void)pthread_join(reactor->thread, NULL);
	reactor->has_thread = false;
}
