/* SPDX-License-Identifier: MIT */
/* The connection to the collector. */

#include "agent/uplink.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/backoff.h"
#include "agent/resolver.h"
#include "agent/shipment.h"
#include "agent/uplink_socket.h"
#include "common/address.h"
#include "common/message.h"
#include "common/timer.h"
#include "common/timestamp.h"
#include "hostmetrics/wire.h"

/* Given to the kernel in one turn of the loop. */
#define TURN_MAX_BYTES ((size_t)256 << 10)

#define CONNECT_TIMEOUT_MS 10000

/* A connection that stood this long, or stored something, was a good one: the next wait is short again. */
#define GOOD_CONNECTION_US INT64_C(10000000)

enum state {
	STATE_STOPPED,
	STATE_RESOLVING,
	STATE_CONNECTING,
	STATE_CONNECTED, /* a session is under way */
	STATE_WAITING,   /* for the next try */
};

struct uplink {
	struct loop *loop;
	const char *collector;
	struct resolver *resolver;
	struct timer *timer; /* of the try, until the next one, or of the session's deadline */
	struct shipment shipment;
	struct backoff backoff;
	uplink_callback drained;
	void *drained_context;

	uint64_t n_sent_bytes;
	enum state state;
	int64_t since_us; /* monotonic: connected, or waiting until then */
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	size_t n_addresses;
	size_t next_address;
	int fd;
	struct loop_source *source;
	bool is_welcome; /* the collector has answered on this connection */
	bool is_known;   /* the log has said that it is connected */
	bool is_broken;  /* the log has said that it is not */
	char last_error[UPLINK_ERROR_MAX_BYTES];
};

static void try_next_address(struct uplink *uplink);
static void start_try(struct uplink *uplink);
static bool on_socket(void *context, uint32_t events);

static void close_socket(struct uplink *uplink)
{
	loop_remove(uplink->source);
	uplink->source = NULL;
	if (uplink->fd >= 0)
		(void)close(uplink->fd);
	uplink->fd = -1;
}

/* Say once that the collector is out of reach, and try again later. @param least_ms  not before */
static void wait_for_next_try(struct uplink *uplink, const char *problem, bool is_worth_saying,
			      int64_t least_ms)
{
	int64_t wait_ms = backoff_next_ms(&uplink->backoff, arc4random());

	if (wait_ms < least_ms)
		wait_ms = least_ms;
	(void)strlcpy(uplink->last_error, problem, sizeof(uplink->last_error));
	if (is_worth_saying && !uplink->is_broken) {
		message_warning("collector %s: %s; samples wait in the spool until it answers",
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
		wait_for_next_try(uplink, strerror(error), true, 0);
}

/* The session has ended, or the connection has: the next one is begun at once, or later. */
static void end_session(struct uplink *uplink)
{
	const struct delivery_end *end = &uplink->shipment.delivery.end;
	bool has_more = !shipment_is_drained(&uplink->shipment);
	bool goes_on =
		!end->is_theirs && end->reason == HM_REASON_NONE && uplink->shipment.has_progress;

	close_socket(uplink);
	timer_stop(uplink->timer);
	shipment_end(&uplink->shipment);
	if (goes_on) {
		start_try(uplink);
		return;
	}
	if (uplink->shipment.has_progress ||
	    timestamp_monotonic_us() - uplink->since_us >= GOOD_CONNECTION_US)
		backoff_reset(&uplink->backoff);
	/* A collector may leave an agent that has nothing to say; the next try tells whether it lives. */
	wait_for_next_try(uplink, end->text, has_more || !uplink->is_welcome, end->wait_ms);
}

static void note_welcome(struct uplink *uplink)
{
	struct spool_status status;

	uplink->is_welcome = true;
	if (uplink->is_broken) {
		spool_get_status(uplink->shipment.spool, &status);
		message_info("collector %s: connected again; %" PRIu64 " samples are waiting",
			     uplink->collector, status.n_samples);
	} else if (!uplink->is_known) {
		message_info("collector %s: connected", uplink->collector);
	}
	uplink->is_known = true;
	uplink->is_broken = false;
}

/* @return 0 or -ENOMEM */
static int note_connected(struct uplink *uplink)
{
	uplink->state = STATE_CONNECTED;
	uplink->since_us = timestamp_monotonic_us();
	uplink->is_welcome = false;
	timer_stop(uplink->timer);
	return shipment_begin(&uplink->shipment, uplink->since_us);
}

/* @return 0 or -errno */
static int open_socket(struct uplink *uplink, const struct address *address)
{
	uplink->fd = uplink_socket_open(address);
	if (uplink->fd < 0)
		return uplink->fd;
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
		wait_for_next_try(uplink, problem, true, 0);
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
		wait_for_next_try(uplink, strerror(-result), true, 0);
}

static void on_timer(void *context)
{
	struct uplink *uplink = context;

	if (uplink->state == STATE_CONNECTING)
		fail_try(uplink, ETIMEDOUT);
	else if (uplink->state == STATE_WAITING)
		start_try(uplink);
	else if (uplink->state == STATE_CONNECTED)
		loop_ready(uplink->source);
}

/*
 * Take what comes.
 * @return 0: drained; 1: there may be more; -errno: the connection is gone
 */
static int take_input(struct uplink *uplink)
{
	struct delivery *delivery = &uplink->shipment.delivery;
	char bytes[16384];
	ssize_t n_bytes = recv(uplink->fd, bytes, sizeof(bytes), 0);

	if (n_bytes < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n_bytes == 0) {
		delivery_hang_up(delivery);
		return 0;
	}
	delivery_take(delivery, bytes, (size_t)n_bytes, timestamp_monotonic_us());
	return 1;
}

/*
 * Hand over what the kernel takes now, up to a turn's budget.
 * @return 0: nothing is left, or the kernel is full; 1: there is more; -errno: the connection is gone
 */
static int write_output(struct uplink *uplink)
{
	struct delivery *delivery = &uplink->shipment.delivery;
	size_t budget = TURN_MAX_BYTES;
	const void *bytes;

	while (budget > 0) {
		size_t length = delivery_output(delivery, &bytes);
		ssize_t n_bytes;

		if (length == 0)
			return 0;
		n_bytes = send(uplink->fd, bytes, length < budget ? length : budget, MSG_NOSIGNAL);
		if (n_bytes < 0)
			return errno == EAGAIN ? 0 : -errno;
		delivery_advance(delivery, (size_t)n_bytes, timestamp_monotonic_us());
		budget -= (size_t)n_bytes;
		uplink->n_sent_bytes += (uint64_t)n_bytes;
	}
	return 1;
}

/* Have the session be looked at when its next deadline has come. */
static void wait_for_deadline(struct uplink *uplink)
{
	int64_t due_us = delivery_due_us(&uplink->shipment.delivery);
	int64_t wait_us = due_us - timestamp_monotonic_us();

	if (due_us == INT64_MAX)
		timer_stop(uplink->timer);
	else
		(void)timer_start(uplink->timer, wait_us > 0 ? wait_us / 1000 + 1 : 1, 0);
}

static bool is_welcome(const struct delivery *delivery)
{
	return delivery->state == DELIVERY_REPEATING || delivery->state == DELIVERY_ESTABLISHED;
}

/* The connection broke. */
static void note_broken(struct uplink *uplink, int error)
{
	struct delivery_end *end = &uplink->shipment.delivery.end;

	delivery_hang_up(&uplink->shipment.delivery);
	(void)strlcpy(end->text, strerror(error), sizeof(end->text));
	end_session(uplink);
}

/* @return whether it is to be called again */
static bool serve_connection(struct uplink *uplink)
{
	struct shipment *shipment = &uplink->shipment;
	struct delivery *delivery = &shipment->delivery;
	int n_more = take_input(uplink);
	int result = n_more;

	delivery_expire(delivery, timestamp_monotonic_us());
	delivery_wake(delivery, timestamp_monotonic_us());
	if (!uplink->is_welcome && is_welcome(delivery))
		note_welcome(uplink);
	if (result >= 0 && shipment_is_done(shipment))
		delivery_stop(delivery, "the epoch is over");
	if (result >= 0)
		result = write_output(uplink);
	if (result < 0) {
		note_broken(uplink, -result);
		return false;
	}
	if (delivery_is_ended(delivery)) {
		end_session(uplink);
		return false;
	}
	wait_for_deadline(uplink);
	if (uplink->drained && delivery_is_idle(delivery) && shipment_is_drained(shipment))
		uplink->drained(uplink->drained_context);
	return n_more > 0 || result > 0;
}

static bool on_socket(void *context, uint32_t events)
{
	struct uplink *uplink = context;
	int result;

	if (uplink->state == STATE_CONNECTED)
		return serve_connection(uplink);
	result = uplink_socket_finish(uplink->fd, events);
	if (result == -EAGAIN)
		return false;
	if (result < 0) {
		fail_try(uplink, -result);
		return false;
	}
	result = note_connected(uplink);
	if (result < 0)
		note_broken(uplink, -result);
	return result == 0;
}

int uplink_new(struct loop *loop, struct spool *spool, const uint8_t boot_id[static HM_ID_BYTES],
	       const char *collector, struct uplink **ret_uplink)
{
	struct uplink *uplink = calloc(1, sizeof(*uplink));
	int result;

	if (!uplink)
		return -ENOMEM;
	uplink->loop = loop;
	uplink->collector = collector;
	uplink->fd = -1;
	shipment_init(&uplink->shipment, spool, boot_id);
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

void uplink_use_spool(struct uplink *uplink, struct spool *spool)
{
	uplink->shipment.spool = spool;
	reconnect(uplink);
}

void uplink_configure(struct uplink *uplink, const char *collector)
{
	bool is_same = strcmp(uplink->collector, collector) == 0;

	uplink->collector = collector;
	if (is_same)
		return;
	/* Of another one the log has said nothing yet. */
	uplink->is_known = false;
	uplink->is_broken = false;
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
		(void)strlcpy(out,
			      uplink->is_welcome ? "connected"
						 : "waiting for the collector's answer",
			      size);
		break;
	case STATE_WAITING:
		(void)snprintf(out, size, "not connected; next try in %lld s",
			       (long long)((wait_us > 0 ? wait_us : 0) / TIMESTAMP_SECOND_US));
		break;
	}
}

void uplink_get_stats(struct uplink *uplink, struct uplink_stats *ret_stats)
{
	*ret_stats = (struct uplink_stats){.n_sent_bytes = uplink->n_sent_bytes};
	format_state(uplink, ret_stats->state, sizeof(ret_stats->state));
	(void)strlcpy(ret_stats->last_error, uplink->last_error, sizeof(ret_stats->last_error));
}
