/* SPDX-License-Identifier: MIT */
/* A thread that owns a share of the network. */

#include "collector/reactor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/connection.h"
#include "collector/datagram.h"
#include "collector/listener.h"
#include "common/loop.h"
#include "common/message.h"
#include "common/timer.h"
#include "common/timestamp.h"
#include "common/wakeup.h"

/* So often in the time that a connection may be idle those that were are looked for. */
#define SWEEPS_PER_IDLE_TIME 10
#define SWEEP_MAX_MS         60000

/*
 * What many busy connections share in a turn, but for a least share of each: so a turn of a thousand
 * that flood us takes some hundredths of a second, and a quiet one waits no longer.
 */
#define TURN_BYTES      ((size_t)2 << 20)
#define SHARE_MIN_BYTES ((size_t)2 << 10)

/* So many names of series are known without parsing them: 2 MiB, and what the names take. */
#define NAMES_MAX ((size_t)1 << 16)

/* That there are too many connections is said at most this often. */
#define SAY_AGAIN_US (60 * TIMESTAMP_SECOND_US)

/* What waits at sockets that are given up is taken for at most so long: the others wait for it. */
#define CLEAR_US INT64_C(200000)

/* Where what comes over the network arrives. */
struct entrance {
	int tcp_fd; /* -1 = none; so with the other */
	int udp_fd;
	struct listener *listener;
	struct datagram *datagram;
	struct loop_source *datagram_source;
};

struct reactor {
	struct reactor_options options;
	struct loop *loop;
	struct entrance entrance;
	pthread_mutex_t lock;
	struct entrance next; /* under the lock: not opened yet */
	struct wakeup *listen;
	struct timer *sweep;
	struct wakeup *stop;
	struct connections connections; /* the longest idle one first */
	struct bundle bundle;
	int64_t said_us;     /* that connections are refused; 0 = never */
	size_t n_busy;       /* connections that had more to read than their share in this turn */
	size_t n_turn_bytes; /* that these have read */
	size_t share_bytes;  /* of a connection in this turn */
	bool is_stopping;
	bool has_thread;
	pthread_t thread;
	char room[CONNECTION_TURN_BYTES];
};

static void deliver(struct reactor *reactor)
{
	if (reactor->bundle.n_samples > 0)
		reactor->options.deliver(reactor->options.context, &reactor->bundle);
	bundle_clear(&reactor->bundle);
}

static void deliver_if_much(struct reactor *reactor)
{
	if (bundle_bytes(&reactor->bundle) >= REACTOR_BUNDLE_MAX_BYTES)
		deliver(reactor);
}

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
	deliver_if_much(reactor);
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

static void on_accepted(void *context, int fd, const struct address *peer)
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

/* @return true = there may be more to read */
static bool read_datagrams(struct reactor *reactor)
{
	bool is_more;

	reactor->bundle.now_us = timestamp_now_us();
	is_more =
		datagram_receive(reactor->entrance.datagram, DATAGRAMS_PER_TURN, &reactor->bundle);
	deliver_if_much(reactor);
	return is_more;
}

static bool on_datagrams(void *context, uint32_t events)
{
	(void)events;
	return read_datagrams(context);
}

static int start_sweep(struct reactor *reactor)
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

static void on_sweep(void *context)
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
	(void)start_sweep(reactor);
}

static void on_stop(void *context)
{
	struct reactor *reactor = context;

	reactor->is_stopping = true;
}

static bool is_over(int64_t until_us)
{
	return timestamp_monotonic_us() >= until_us;
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
				       on_accepted, reactor, &entrance->listener);
	return result;
}

/* Take in what waits at the entrance, for at most so long. */
static void clear_entrance(struct reactor *reactor, int64_t until_us)
{
	bool is_more = true;

	while (is_more && !is_over(until_us))
		is_more = listener_accept(reactor->entrance.listener, LISTENER_ACCEPTS_PER_TURN);
	is_more = true;
	while (is_more && !is_over(until_us))
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
		result = timer_new(reactor->loop, on_sweep, reactor, &reactor->sweep);
	if (result == 0)
		result = start_sweep(reactor);
	if (result == 0)
		result = wakeup_new(reactor->loop, on_listen, reactor, &reactor->listen);
	if (result == 0)
		result = entrance_init(&reactor->entrance, options->tcp_fd, options->udp_fd);
	if (result == 0)
		result = entrance_open(&reactor->entrance, reactor);
	return result;
}

/* Share out a turn among as many as were busy in the last one. */
static void share_turn(struct reactor *reactor)
{
	size_t share_bytes = TURN_BYTES / (reactor->n_busy + 1);

	if (share_bytes > CONNECTION_TURN_BYTES)
		share_bytes = CONNECTION_TURN_BYTES;
	reactor->share_bytes = share_bytes < SHARE_MIN_BYTES ? SHARE_MIN_BYTES : share_bytes;
	reactor->n_busy = 0;
	reactor->n_turn_bytes = 0;
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
	share_turn(reactor);
	bundle_init(&reactor->bundle, options->key, options->rejects);
	/* Without memory every name is parsed. */
	reactor->bundle.names = name_cache_new(options->key, NAMES_MAX);
	reactor->bundle.declarations = &options->traffic->declarations;
	result = open_sources(reactor);
	if (result < 0)
		reactor_free(reactor);
	else
		*ret_reactor = reactor;
	return result;
}

void reactor_free(struct reactor *reactor)
{
	struct connection *connection;

	if (!reactor)
		return;
	while ((connection = TAILQ_FIRST(&reactor->connections)))
		remove_connection(reactor, connection);
	entrance_close(&reactor->entrance);
	entrance_close(&reactor->next);
	timer_free(reactor->sweep);
	wakeup_free(reactor->listen);
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

	share_turn(reactor);
	result = loop_turn(reactor->loop, timeout_ms);

	deliver(reactor);
	return result;
}

/* Read one turn's worth of every connection. @return true = of some there may be more */
static bool drain_connections(struct reactor *reactor, int64_t until_us)
{
	struct connection *connection = TAILQ_FIRST(&reactor->connections);
	bool is_more = false;

	while (connection && !is_over(until_us)) {
		struct connection *next = TAILQ_NEXT(connection, by_activity);

		if (read_connection(reactor, connection))
			is_more = true;
		connection = next;
	}
	return is_more;
}

/* Take what has arrived up to now. */
static void drain(struct reactor *reactor)
{
	int64_t until_us = timestamp_monotonic_us() + REACTOR_DRAIN_US;
	bool is_more = true;

	/* Whom the kernel let in before we stopped may have sent something already. */
	while (is_more && !is_over(until_us))
		is_more = listener_accept(reactor->entrance.listener, LISTENER_ACCEPTS_PER_TURN);

	is_more = true;
	while (is_more && !is_over(until_us)) {
		is_more = read_datagrams(reactor);
		is_more = drain_connections(reactor, until_us) || is_more;
		deliver(reactor);
	}
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
