/* SPDX-License-Identifier: MIT */
/* The connection to the collector. */

#include "agent/uplink.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/backoff.h"
#include "agent/resolver.h"
#include "agent/shipment.h"
#include "common/address.h"
#include "common/message.h"
#include "common/timer.h"
#include "common/timestamp.h"
#include "hostmetrics/wire.h"

/* Given to the kernel in one turn of the loop. */
#define TURN_MAX_BYTES ((size_t)256 << 10)

/* What the kernel holds is lost when the connection breaks: it shall not hold much. */
#define SEND_BUFFER_BYTES (256 << 10)

#define CONNECT_TIMEOUT_MS 10000

/* A connection that stood this long was a good one: the next wait is short again. */
#define GOOD_CONNECTION_US INT64_C(10000000)

/* Who sends nothing for a minute asks whether the collector is still there. */
#define KEEPALIVE_IDLE_SECONDS  60
#define KEEPALIVE_PROBE_SECONDS 15
#define KEEPALIVE_PROBES        4

enum state {
	STATE_STOPPED,
	STATE_RESOLVING,
	STATE_CONNECTING,
	STATE_CONNECTED,
	STATE_WAITING, /* for the next try */
};

struct uplink {
	struct loop *loop;
	const char *collector;
	struct resolver *resolver;
	struct timer *timer; /* of the try, or until the next one */
	struct shipment shipment;
	struct backoff backoff;
	uplink_callback drained;
	void *drained_context;

	enum state state;
	int64_t since_us; /* monotonic: connected, or waiting until then */
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	size_t n_addresses;
	size_t next_address;
	int fd;
	struct loop_source *source;
	bool is_known;  /* the log has said that it is connected */
	bool is_broken; /* the log has said that it is not */
	char last_error[UPLINK_ERROR_MAX_BYTES];
};

static void try_next_address(struct uplink *uplink);
static bool on_socket(void *context, uint32_t events);

static void close_socket(struct uplink *uplink)
{
	loop_remove(uplink->source);
	uplink->source = NULL;
	if (uplink->fd >= 0)
		(void)close(uplink->fd);
	uplink->fd = -1;
}

/* Say once that the collector is out of reach, and try again later. */
static void wait_for_next_try(struct uplink *uplink, const char *problem, bool is_worth_saying)
{
	int64_t wait_ms = backoff_next_ms(&uplink->backoff, arc4random());

	(void)strlcpy(uplink->last_error, problem, sizeof(uplink->last_error));
	if (is_worth_saying && !uplink->is_broken) {
		message_warning("collector %s: %s; samples wait in memory until it answers",
				uplink->collector, problem);
		uplink->is_broken = true;
	}
	uplink->state = STATE_WAITING;
	uplink->since_us = timestamp_monotonic_us() + wait_ms * 1000;
	(void)timer_start(uplink->timer, wait_ms, 0);
}

/* The try, or one address of it, came to nothing. */
static void fail_try(struct uplink *uplink, int error)
{
	close_socket(uplink);
	(void)strlcpy(uplink->last_error, strerror(error), sizeof(uplink->last_error));
	if (uplink->next_address < uplink->n_addresses)
		try_next_address(uplink);
	else
		wait_for_next_try(uplink, strerror(error), true);
}

/* @param problem  NULL: the collector closed it */
static void break_connection(struct uplink *uplink, const char *problem)
{
	int64_t stood_us = timestamp_monotonic_us() - uplink->since_us;
	bool has_more = shipment_is_pending(&uplink->shipment);

	close_socket(uplink);
	if (stood_us >= GOOD_CONNECTION_US)
		backoff_reset(&uplink->backoff);
	/* A collector may close a connection that nobody uses; the next try tells whether it lives. */
	wait_for_next_try(uplink, problem ? problem : "it closed the connection",
			  problem || has_more);
}

static void note_connected(struct uplink *uplink)
{
	size_t n_waiting = shipment_n_unsent_samples(&uplink->shipment);

	uplink->state = STATE_CONNECTED;
	uplink->since_us = timestamp_monotonic_us();
	timer_stop(uplink->timer);
	shipment_begin(&uplink->shipment);
	if (uplink->is_broken) {
		message_info("collector %s: connected again; %zu samples are waiting",
			     uplink->collector, n_waiting);
	} else if (!uplink->is_known) {
		message_info("collector %s: connected", uplink->collector);
	}
	uplink->is_known = true;
	uplink->is_broken = false;
}

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* All of these only make things better: without them the connection works as well. */
static void tune_socket(int fd)
{
	(void)set_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES);
	(void)set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	(void)set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS);
	(void)set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_PROBE_SECONDS);
	(void)set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

/* @return 0 or -errno */
static int open_socket(struct uplink *uplink, const struct address *address)
{
	uplink->fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (uplink->fd < 0)
		return -errno;
	tune_socket(uplink->fd);
	if (connect(uplink->fd, &address->any, address->length) < 0 && errno != EINPROGRESS)
		return -errno;
	/* Registered only now: before connect(2) it would count as hung up. */
	return loop_add(uplink->loop, uplink->fd, on_socket, uplink, &uplink->source);
}

static void try_next_address(struct uplink *uplink)
{
	const struct address *address = &uplink->addresses[uplink->next_address++];
	int result = open_socket(uplink, address);

	if (result < 0) {
		fail_try(uplink, -result);
		return;
	}
	uplink->state = STATE_CONNECTING;
	(void)timer_start(uplink->timer, CONNECT_TIMEOUT_MS, 0);
}

static void on_resolved(void *context, const struct address addresses[], size_t n_addresses,
			const char *problem)
{
	struct uplink *uplink = context;

	if (n_addresses == 0) {
		wait_for_next_try(uplink, problem, true);
		return;
	}
	memcpy(uplink->addresses, addresses, n_addresses * sizeof(*addresses));
	uplink->n_addresses = n_addresses;
	uplink->next_address = 0;
	try_next_address(uplink);
}

static void start_try(struct uplink *uplink)
{
	int result;

	uplink->state = STATE_RESOLVING;
	result = resolver_ask(uplink->resolver, uplink->collector, HM_COLLECTOR_PORT);
	if (result < 0)
		wait_for_next_try(uplink, strerror(-result), true);
}

static void on_timer(void *context)
{
	struct uplink *uplink = context;

	if (uplink->state == STATE_CONNECTING)
		fail_try(uplink, ETIMEDOUT);
	else if (uplink->state == STATE_WAITING)
		start_try(uplink);
}

/*
 * A try at a port of this machine that nobody listens on may, once in many thousand, get that very
 * port for its own end, and so reach itself.
 */
static bool is_own_echo(int fd)
{
	struct address here = {.length = sizeof(here.storage)};
	struct address there = {.length = sizeof(there.storage)};

	return getsockname(fd, &here.any, &here.length) == 0 &&
	       getpeername(fd, &there.any, &there.length) == 0 && here.length == there.length &&
	       memcmp(&here.storage, &there.storage, here.length) == 0;
}

/* Has the connection been made? @return 0, -EAGAIN, or -errno of connect(2) */
static int finish_connect(const struct uplink *uplink, uint32_t events)
{
	socklen_t length = sizeof(int);
	int error = 0;

	if (getsockopt(uplink->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return -errno;
	if (error)
		return -error;
	if (!(events & EPOLLOUT))
		return -EAGAIN;
	return is_own_echo(uplink->fd) ? -ECONNREFUSED : 0;
}

/*
 * A collector says nothing: what comes is passed over, but for the end.
 * @return 0: drained; 1: there may be more; -EPIPE: it closed the connection; else -errno
 */
static int drain_input(const struct uplink *uplink)
{
	char nothing[16384];
	ssize_t n_bytes = recv(uplink->fd, nothing, sizeof(nothing), 0);

	if (n_bytes > 0)
		return 1;
	if (n_bytes == 0)
		return -EPIPE;
	return errno == EAGAIN ? 0 : -errno;
}

/*
 * Hand over what the kernel takes now, up to a turn's budget.
 * @return 0: there is more; -EAGAIN: the kernel is full; -ENODATA: nothing is left; else -errno
 */
static int write_output(struct uplink *uplink)
{
	size_t budget = TURN_MAX_BYTES;
	const char *data;
	size_t length;

	while (budget > 0) {
		ssize_t n_bytes;

		if (!shipment_next(&uplink->shipment, &data, &length))
			return -ENODATA;
		n_bytes = send(uplink->fd, data, length < budget ? length : budget, MSG_NOSIGNAL);
		if (n_bytes < 0)
			return -errno;
		shipment_advance(&uplink->shipment, (size_t)n_bytes);
		budget -= (size_t)n_bytes;
	}
	return 0;
}

/* @return whether it is to be called again */
static bool serve_connection(struct uplink *uplink)
{
	int n_more = drain_input(uplink);
	int result = n_more < 0 ? n_more : write_output(uplink);

	switch (result) {
	case 0:
		return true;
	case -EAGAIN:
		return n_more > 0;
	case -ENODATA:
		if (uplink->drained)
			uplink->drained(uplink->drained_context);
		return n_more > 0;
	case -EPIPE:
		break_connection(uplink, NULL);
		return false;
	default:
		break_connection(uplink, strerror(-result));
		return false;
	}
}

static bool on_socket(void *context, uint32_t events)
{
	struct uplink *uplink = context;
	int result;

	if (uplink->state == STATE_CONNECTED)
		return serve_connection(uplink);
	result = finish_connect(uplink, events);
	if (result == -EAGAIN)
		return false;
	if (result < 0) {
		fail_try(uplink, -result);
		return false;
	}
	note_connected(uplink);
	return true;
}

int uplink_new(struct loop *loop, struct queue *queue, const char *collector,
	       const char *declarations, struct uplink **ret_uplink)
{
	struct uplink *uplink = calloc(1, sizeof(*uplink));
	int result;

	if (!uplink)
		return -ENOMEM;
	uplink->loop = loop;
	uplink->collector = collector;
	uplink->fd = -1;
	shipment_init(&uplink->shipment, queue, declarations, strlen(declarations));
	result = resolver_new(loop, on_resolved, uplink, &uplink->resolver);
	if (result == 0)
		result = timer_new(loop, on_timer, uplink, &uplink->timer);
	if (result < 0)
		uplink_free(uplink);
	else
		*ret_uplink = uplink;
	return result;
}

void uplink_free(struct uplink *uplink)
{
	if (!uplink)
		return;
	close_socket(uplink);
	timer_free(uplink->timer);
	resolver_free(uplink->resolver);
	shipment_done(&uplink->shipment);
	free(uplink);
}

void uplink_on_drained(struct uplink *uplink, uplink_callback drained, void *context)
{
	uplink->drained = drained;
	uplink->drained_context = context;
}

void uplink_start(struct uplink *uplink)
{
	if (uplink->state == STATE_STOPPED)
		start_try(uplink);
}

void uplink_wake(struct uplink *uplink)
{
	if (uplink->state == STATE_CONNECTED)
		loop_ready(uplink->source);
}

void uplink_hurry(struct uplink *uplink)
{
	if (uplink->state != STATE_WAITING) {
		uplink_wake(uplink);
		return;
	}
	timer_stop(uplink->timer);
	start_try(uplink);
}

static void reconnect(struct uplink *uplink)
{
	close_socket(uplink);
	timer_stop(uplink->timer);
	resolver_cancel(uplink->resolver);
	backoff_reset(&uplink->backoff);
	if (uplink->state != STATE_STOPPED)
		start_try(uplink);
}

void uplink_configure(struct uplink *uplink, const char *collector, const char *declarations)
{
	bool is_same = strcmp(uplink->collector, collector) == 0;
	bool may_stay = shipment_declare(&uplink->shipment, declarations);

	uplink->collector = collector;
	if (is_same && may_stay) {
		uplink_wake(uplink);
		return;
	}
	/* Of another one the log has said nothing yet. */
	uplink->is_known = is_same && uplink->is_known;
	uplink->is_broken = is_same && uplink->is_broken;
	reconnect(uplink);
}

static void format_state(const struct uplink *uplink, char *out, size_t size)
{
	int64_t wait_us = uplink->since_us - timestamp_monotonic_us();

	switch (uplink->state) {
	case STATE_STOPPED:
		(void)strlcpy(out, "not started", size);
		break;
	case STATE_RESOLVING:
		(void)strlcpy(out, "looking up the collector's name", size);
		break;
	case STATE_CONNECTING:
		(void)strlcpy(out, "connecting", size);
		break;
	case STATE_CONNECTED:
		(void)strlcpy(out, "connected", size);
		break;
	case STATE_WAITING:
		(void)snprintf(out, size, "not connected; next try in %lld s",
			       (long long)((wait_us > 0 ? wait_us : 0) / TIMESTAMP_SECOND_US));
		break;
	}
}

void uplink_get_stats(struct uplink *uplink, struct uplink_stats *ret_stats)
{
	*ret_stats = (struct uplink_stats){
		.n_sent_samples = uplink->shipment.n_sent_samples,
		.n_waiting_samples = shipment_n_unsent_samples(&uplink->shipment),
	};
	format_state(uplink, ret_stats->state, sizeof(ret_stats->state));
	(void)strlcpy(ret_stats->last_error, uplink->last_error, sizeof(ret_stats->last_error));
}
