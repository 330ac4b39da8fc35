/* SPDX-License-Identifier: MIT */
/* The load balancer of the kernel (IPVS): what went through it, and the connections of each real server. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define STATS    "/proc/net/ip_vs_stats"
#define SERVICES "/proc/net/ip_vs"

#define OF_SERVER                                                                                  \
	.kind = HM_GAUGE, .labels = HM_LABELS("local_address", "local_port", "remote_address",     \
					      "remote_port", "proto", "local_mark")

#define N_TOTALS  5
#define N_NUMBERS 3

/* The totals in the order of their columns, then what a real server has. */
static const struct hm_metric metrics[N_TOTALS + N_NUMBERS] = {
	{.name = "node_ipvs_connections_total",
	 .unit = "",
	 .help = "Connections that the load balancer made.",
	 .source = STATS ", line 3, field 1, hexadecimal, connections",
	 .kind = HM_COUNTER},
	{.name = "node_ipvs_incoming_packets_total",
	 .unit = "",
	 .help = "Packets on their way to a real server.",
	 .source = STATS ", line 3, field 2, hexadecimal, packets",
	 .kind = HM_COUNTER},
	{.name = "node_ipvs_outgoing_packets_total",
	 .unit = "",
	 .help = "Packets on their way back from a real server.",
	 .source = STATS ", line 3, field 3, hexadecimal, packets",
	 .kind = HM_COUNTER},
	{.name = "node_ipvs_incoming_bytes_total",
	 .unit = "bytes",
	 .help = "Bytes on their way to a real server.",
	 .source = STATS ", line 3, field 4, hexadecimal, bytes",
	 .kind = HM_COUNTER},
	{.name = "node_ipvs_outgoing_bytes_total",
	 .unit = "bytes",
	 .help = "Bytes on their way back from a real server.",
	 .source = STATS ", line 3, field 5, hexadecimal, bytes",
	 .kind = HM_COUNTER},
	{.name = "node_ipvs_backend_weight",
	 .unit = "",
	 .help = "How much of the load the real server is to get, compared with the others.",
	 .source = SERVICES ", lines \"->\", Weight",
	 OF_SERVER},
	{.name = "node_ipvs_backend_connections_active",
	 .unit = "",
	 .help = "Connections to the real server that are established.",
	 .source = SERVICES ", lines \"->\", ActiveConn, connections",
	 OF_SERVER},
	{.name = "node_ipvs_backend_connections_inactive",
	 .unit = "",
	 .help = "Connections to the real server in any other state.",
	 .source = SERVICES ", lines \"->\", InActConn, connections",
	 OF_SERVER},
};

/* An address as text, and a port as a number; both are labels. */
struct endpoint {
	char address[INET6_ADDRSTRLEN];
	char port[8];
};

/* What stands above the real servers of a service. Compared byte by byte: what is not used is 0. */
struct service {
	char proto[16]; /* "" = none that can be told */
	char mark[32];
	struct endpoint local;
};

struct server {
	struct service service;
	struct endpoint remote;
	/* Behind the labels, which are all above. */
	int errors[N_NUMBERS];
	uint64_t numbers[N_NUMBERS];
};

struct state {
	struct hm_text stats;
	struct hm_text services;
	struct server *servers; /* of this round */
	size_t n_servers;
	size_t capacity;
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->stats, host, STATS);

	if (result == 0)
		result = hm_text_open(&state->services, host, SERVICES);
	return result == -ENOENT ? -ENODEV : result;
}

/* @return the number of values emitted */
static size_t emit_totals(const struct state *state, struct hm_batch *out, int error)
{
	const char *cursor = state->stats.data;
	struct hm_span line = {"", 0};
	size_t n_values = 0;

	for (int i = 0; i < 3; i++) {
		if (!hm_next_line(&cursor, &line))
			line.length = 0;
	}
	for (size_t i = 0; i < N_TOTALS; i++) {
		struct hm_span word;
		uint64_t number = 0;
		int result = error;

		if (result == 0)
			result = hm_next_word(&line, &word) ? hm_span_hex(word, &number) : -ENODATA;
		if (result < 0) {
			hm_emit_missing(out, &metrics[i], result);
			continue;
		}
		hm_emit(out, &metrics[i], (double)number);
		n_values++;
	}
	return n_values;
}

/* "C0A80016" */
static int parse_ipv4(struct hm_span word, char address[static INET6_ADDRSTRLEN])
{
	uint64_t bits;
	int result = word.length == 8 ? hm_span_hex(word, &bits) : -EINVAL;
	struct in_addr ip;

	if (result < 0)
		return result;
	ip.s_addr = htonl((uint32_t)bits);
	return inet_ntop(AF_INET, &ip, address, INET6_ADDRSTRLEN) ? 0 : -EINVAL;
}

/* "[2620:0000:0000:0000:0000:0000:0000:0001]" */
static int parse_ipv6(struct hm_span word, char address[static INET6_ADDRSTRLEN])
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;

	if (word.length < 2 || word.length - 2 >= sizeof(text) || word.start[0] != '[' ||
	    word.start[word.length - 1] != ']')
		return -EINVAL;
	memcpy(text, word.start + 1, word.length - 2);
	text[word.length - 2] = '\0';
	if (inet_pton(AF_INET6, text, &ip) != 1)
		return -EINVAL;
	/* As other programs write it. */
	if (IN6_IS_ADDR_V4MAPPED(&ip))
		return inet_ntop(AF_INET, &ip.s6_addr[12], address, INET6_ADDRSTRLEN) ? 0 : -EINVAL;
	return inet_ntop(AF_INET6, &ip, address, INET6_ADDRSTRLEN) ? 0 : -EINVAL;
}

/* "C0A80016:0CEA" */
static int parse_endpoint(struct hm_span word, struct endpoint *ret_endpoint)
{
	const char *colon = memrchr(word.start, ':', word.length);
	struct endpoint endpoint = {0};
	struct hm_span address;
	struct hm_span digits;
	uint64_t port;
	int result;

	if (!colon)
		return -EINVAL;
	address = (struct hm_span){word.start, (size_t)(colon - word.start)};
	digits = (struct hm_span){colon + 1, word.length - address.length - 1};
	result = digits.length == 4 ? hm_span_hex(digits, &port) : -EINVAL;
	if (result == 0)
		result = word.start[0] == '[' ? parse_ipv6(address, endpoint.address)
					      : parse_ipv4(address, endpoint.address);
	if (result < 0)
		return result;
	(void)snprintf(endpoint.port, sizeof(endpoint.port), "%u", (unsigned int)port);
	*ret_endpoint = endpoint;
	return 0;
}

/* "TCP  C0A80016:0CEA wlc" or "FWM  10001000 wlc" */
static void take_service(struct service *service, struct hm_span proto, struct hm_span word)
{
	struct service found = {.local.port = "0"};
	bool has_mark = hm_span_equals(proto, "FWM");

	*service = (struct service){0};
	if (proto.length >= sizeof(found.proto))
		return;
	if (has_mark && word.length >= sizeof(found.mark))
		return;
	memcpy(found.proto, proto.start, proto.length);
	if (has_mark)
		memcpy(found.mark, word.start, word.length);
	else if (parse_endpoint(word, &found.local) < 0)
		return;
	*service = found;
}

/* "-> C0A85216:0CEA Tunnel 100 248 2", of which the arrow is taken off. @return 0; -ENOMEM */
static int take_server(struct state *state, const struct service *service, struct hm_span line)
{
	struct server server = {.service = *service};
	struct hm_span word;

	if (!service->proto[0] || !hm_next_word(&line, &word) ||
	    parse_endpoint(word, &server.remote) < 0 || !hm_next_word(&line, &word))
		return 0;
	for (size_t i = 0; i < N_NUMBERS; i++) {
		server.errors[i] = hm_next_word(&line, &word)
					   ? hm_span_uint64(word, &server.numbers[i])
					   : -ENODATA;
	}
	if (state->n_servers == state->capacity) {
		size_t capacity = state->capacity > 0 ? 2 * state->capacity : 16;
		struct server *servers = reallocarray(state->servers, capacity, sizeof(*servers));

		if (!servers)
			return -ENOMEM;
		state->servers = servers;
		state->capacity = capacity;
	}
	state->servers[state->n_servers++] = server;
	return 0;
}

static int take_line(struct state *state, struct service *service, struct hm_span line)
{
	struct hm_span first;
	struct hm_span second = {"", 0};
	struct hm_span rest;

	if (!hm_next_word(&line, &first))
		return 0;
	rest = line;
	(void)hm_next_word(&line, &second);
	/* The three lines of the header. */
	if (hm_span_equals(first, "IP") || hm_span_equals(first, "Prot") ||
	    hm_span_equals(second, "RemoteAddress:Port"))
		return 0;
	if (hm_span_equals(first, "->"))
		return take_server(state, service, rest);
	take_service(service, first, second);
	return 0;
}

static int compare_labels(const void *left, const void *right)
{
	return memcmp(left, right, offsetof(struct server, errors));
}

/* Of the same labels: the numbers are added up, as node_exporter does. */
static void add_server(struct server *server, const struct server *other)
{
	for (size_t i = 0; i < N_NUMBERS; i++) {
		server->numbers[i] += other->numbers[i];
		if (server->errors[i] == 0)
			server->errors[i] = other->errors[i];
	}
}

/* @return the number of values emitted */
static size_t emit_server(const struct server *server, struct hm_batch *out)
{
	const char *const labels[] = {
		server->service.local.address,
		server->service.local.port,
		server->remote.address,
		server->remote.port,
		server->service.proto,
		server->service.mark,
		NULL,
	};
	size_t n_values = 0;

	for (size_t i = 0; i < N_NUMBERS; i++) {
		const struct hm_metric *metric = &metrics[N_TOTALS + i];

		if (server->errors[i] < 0) {
			hm_emit_missing_labels(out, metric, server->errors[i], labels);
			continue;
		}
		hm_emit_labels(out, metric, (double)server->numbers[i], labels);
		n_values++;
	}
	return n_values;
}

/* @return the number of values emitted */
static size_t emit_servers(struct state *state, struct hm_batch *out)
{
	size_t n_values = 0;

	if (state->n_servers > 0)
		qsort(state->servers, state->n_servers, sizeof(*state->servers), compare_labels);
	for (size_t i = 0; i < state->n_servers;) {
		struct server *server = &state->servers[i++];

		for (; i < state->n_servers && compare_labels(server, &state->servers[i]) == 0; i++)
			add_server(server, &state->servers[i]);
		n_values += emit_server(server, out);
	}
	return n_values;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	struct service service = {0};
	struct hm_span line;
	const char *cursor;
	size_t n_values;
	int error = hm_text_read(&state->stats);
	int result = hm_text_read(&state->services);

	n_values = emit_totals(state, out, error);
	state->n_servers = 0;
	cursor = state->services.data;
	while (result == 0 && hm_next_line(&cursor, &line))
		result = take_line(state, &service, line);
	if (result == -ENOMEM)
		return result;
	n_values += emit_servers(state, out);
	if (n_values > 0)
		return 0;
	return error < 0 ? error : -ENODATA;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->stats);
	hm_text_close(&state->services);
	free(state->servers);
}

HM_PLUGIN(ipvs) = {
	HM_PLUGIN_HEADER,
	.name = "ipvs",
	.help = "The load balancer of the kernel, and the connections of each real server.",
	.looks_for = STATS " and " SERVICES,
	.metrics = metrics,
	.n_metrics = N_TOTALS + N_NUMBERS,
	/* The files come with a module. */
	.udev_subsystem = "module",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
