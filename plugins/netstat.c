/* SPDX-License-Identifier: MIT */
/* What the kernel counts of IP, ICMP, TCP and UDP: the fields that node_exporter has by default. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define NETSTAT "/proc/net/netstat"
#define SNMP    "/proc/net/snmp"
#define SNMP6   "/proc/net/snmp6"

#define COUNTER_FROM(source_, protocol, field, unit_, help_)                                       \
	{                                                                                          \
		.name = "node_netstat_" protocol "_" field, .unit = (unit_), .help = (help_),      \
		.source = (source_), .kind = HM_COUNTER                                            \
	}

#define COUNTER(file, protocol, field, unit, what, help)                                           \
	COUNTER_FROM(file ", line " protocol ", " field ", " what, protocol, field, unit, help)

/* In this file each field has a line of its own. */
#define COUNTER_6(protocol, field, unit, what, help)                                               \
	COUNTER_FROM(SNMP6 ", line " protocol field ", " what, protocol, field, unit, help)

/*
 * node_exporter tells no kinds here ("untyped"). In the order of the files; of one protocol they stand together. Where
 * each is to be found stands in its name: protocol, "_", field.
 */
static const struct hm_metric metrics[] = {
	COUNTER(NETSTAT, "TcpExt", "SyncookiesSent", "", "cookies",
		"SYN cookies sent because a listening socket's queue was full."),
	COUNTER(NETSTAT, "TcpExt", "SyncookiesRecv", "", "cookies",
		"Valid SYN cookies that came back."),
	COUNTER(NETSTAT, "TcpExt", "SyncookiesFailed", "", "cookies",
		"Wrong SYN cookies that came back."),
	COUNTER(NETSTAT, "TcpExt", "ListenOverflows", "", "connections",
		"Connections refused because a listening socket's queue was full."),
	COUNTER(NETSTAT, "TcpExt", "ListenDrops", "", "connections",
		"Connections that listening sockets dropped, for whatever reason."),
	COUNTER(NETSTAT, "TcpExt", "TCPTimeouts", "", "timeouts",
		"Retransmission timers of TCP that ran out."),
	COUNTER(NETSTAT, "TcpExt", "TCPRcvQDrop", "", "segments",
		"TCP segments dropped because the receive queue was full."),
	COUNTER(NETSTAT, "TcpExt", "TCPOFOQueue", "", "segments",
		"TCP segments that came out of order and were queued."),
	COUNTER(NETSTAT, "TcpExt", "TCPSynRetrans", "", "segments",
		"SYN and SYN/ACK segments sent again."),
	COUNTER(NETSTAT, "IpExt", "InOctets", "bytes", "bytes", "Bytes received in IPv4 packets."),
	COUNTER(NETSTAT, "IpExt", "OutOctets", "bytes", "bytes", "Bytes sent in IPv4 packets."),
	{.name = "node_netstat_Ip_Forwarding",
	 .unit = "",
	 .help = "Does the host forward IPv4 packets? 1: it does, 2: it does not.",
	 .source = SNMP ", line Ip, Forwarding, 1 or 2",
	 .kind = HM_GAUGE},
	COUNTER(SNMP, "Icmp", "InMsgs", "", "messages", "ICMP messages received."),
	COUNTER(SNMP, "Icmp", "InErrors", "", "messages",
		"ICMP messages received that were wrong."),
	COUNTER(SNMP, "Icmp", "OutMsgs", "", "messages", "ICMP messages sent."),
	COUNTER(SNMP, "Tcp", "ActiveOpens", "", "connections",
		"TCP connections that this host opened."),
	COUNTER(SNMP, "Tcp", "PassiveOpens", "", "connections",
		"TCP connections that others opened to this host."),
	{.name = "node_netstat_Tcp_CurrEstab",
	 .unit = "",
	 .help = "TCP connections that are established now, or wait to be closed by this host.",
	 .source = SNMP ", line Tcp, CurrEstab, connections",
	 .kind = HM_GAUGE},
	COUNTER(SNMP, "Tcp", "InSegs", "", "segments", "TCP segments received, wrong ones too."),
	COUNTER(SNMP, "Tcp", "OutSegs", "", "segments",
		"TCP segments sent, without those sent again."),
	COUNTER(SNMP, "Tcp", "RetransSegs", "", "segments", "TCP segments sent again."),
	COUNTER(SNMP, "Tcp", "InErrs", "", "segments", "TCP segments received that were wrong."),
	COUNTER(SNMP, "Tcp", "OutRsts", "", "segments",
		"TCP segments sent that reset a connection."),
	COUNTER(SNMP, "Udp", "InDatagrams", "", "datagrams", "UDP datagrams handed to sockets."),
	COUNTER(SNMP, "Udp", "NoPorts", "", "datagrams",
		"UDP datagrams received for ports that nobody listens to."),
	COUNTER(SNMP, "Udp", "InErrors", "", "datagrams",
		"UDP datagrams received that could not be handed on."),
	COUNTER(SNMP, "Udp", "OutDatagrams", "", "datagrams", "UDP datagrams sent."),
	COUNTER(SNMP, "Udp", "RcvbufErrors", "", "datagrams",
		"UDP datagrams dropped because the receive buffer was full."),
	COUNTER(SNMP, "Udp", "SndbufErrors", "", "datagrams",
		"UDP datagrams not sent because the send buffer was full."),
	COUNTER(SNMP, "UdpLite", "InErrors", "", "datagrams",
		"UDP-Lite datagrams received that could not be handed on."),
	COUNTER_6("Ip6", "InOctets", "bytes", "bytes", "Bytes received in IPv6 packets."),
	COUNTER_6("Ip6", "OutOctets", "bytes", "bytes", "Bytes sent in IPv6 packets."),
	COUNTER_6("Icmp6", "InMsgs", "", "messages", "ICMPv6 messages received."),
	COUNTER_6("Icmp6", "InErrors", "", "messages", "ICMPv6 messages received that were wrong."),
	COUNTER_6("Icmp6", "OutMsgs", "", "messages", "ICMPv6 messages sent."),
	COUNTER_6("Udp6", "InDatagrams", "", "datagrams", "UDP datagrams handed to IPv6 sockets."),
	COUNTER_6("Udp6", "NoPorts", "", "datagrams",
		  "UDP datagrams received over IPv6 for ports that nobody listens to."),
	COUNTER_6("Udp6", "InErrors", "", "datagrams",
		  "UDP datagrams received over IPv6 that could not be handed on."),
	COUNTER_6("Udp6", "OutDatagrams", "", "datagrams", "UDP datagrams sent over IPv6."),
	COUNTER_6(
		"Udp6", "RcvbufErrors", "", "datagrams",
		"UDP datagrams received over IPv6 and dropped because the receive buffer was full."),
	COUNTER_6("Udp6", "SndbufErrors", "", "datagrams",
		  "UDP datagrams not sent over IPv6 because the send buffer was full."),
	COUNTER_6("UdpLite6", "InErrors", "", "datagrams",
		  "UDP-Lite datagrams received over IPv6 that could not be handed on."),
};

#define N_METRICS (sizeof(metrics) / sizeof(metrics[0]))
#define PREFIX    "node_netstat_"

enum {
	FILE_NETSTAT,
	FILE_SNMP,
	FILE_SNMP6,
	N_FILES,
};

static const char *const paths[N_FILES] = {NETSTAT, SNMP, SNMP6};

/* Where the value of a metric is. */
struct field {
	size_t file;
	struct hm_span protocol; /* "Tcp"; none where each field has a line of its own */
	struct hm_span word;     /* "InSegs", or with the protocol: "Udp6InErrors" */
	char line[32];           /* what such a word points to */
	size_t end;              /* the first field behind it that is of another protocol or file */
};

/* Of more pairs of lines than this in a file the further ones are looked at anew in each round. */
#define PAIRS_MAX 8

/* All lines of names of a file; what is beyond that likewise. */
#define NAMES_MAX_BYTES 8192

/* What is known of a line of names. It is the same in nearly every round, and most of its words are no metric's. */
struct pair {
	size_t names_at;    /* where the line stands in the file's `names` */
	size_t names_bytes; /* 0: it is not kept */
	size_t n_words;     /* behind the protocol */
	size_t n_wanted;
	/* Words that are those of a field, in their order. */
	struct {
		uint16_t word;
		uint16_t field;
	} wanted[N_METRICS];
};

struct state {
	struct hm_text files[N_FILES];
	struct field fields[N_METRICS];
	struct pair pairs[FILE_SNMP6][PAIRS_MAX];
	char names[FILE_SNMP6][NAMES_MAX_BYTES]; /* of all pairs, one behind the other */
	bool is_emitted[N_METRICS]; /* in this round: a protocol that is there twice counts once */
	size_t n_values;
};

static void find_place(struct field *field, const struct hm_metric *metric)
{
	const char *protocol = metric->name + strlen(PREFIX);
	const char *word = strchr(protocol, '_') + 1;
	int length = (int)(word - 1 - protocol);

	while (!hm_span_equals((struct hm_span){metric->source, strcspn(metric->source, ",")},
			       paths[field->file]))
		field->file++;
	if (field->file == FILE_SNMP6) {
		(void)snprintf(field->line, sizeof(field->line), "%.*s%s", length, protocol, word);
		field->word = (struct hm_span){field->line, strlen(field->line)};
		return;
	}
	field->protocol = (struct hm_span){protocol, (size_t)length};
	field->word = (struct hm_span){word, strlen(word)};
}

/* There are many to be compared, and few are equal. */
static bool are_equal(struct hm_span left, struct hm_span right)
{
	return left.length == right.length &&
	       (left.length == 0 || (left.start[0] == right.start[0] &&
				     left.start[left.length - 1] == right.start[left.length - 1] &&
				     memcmp(left.start, right.start, left.length) == 0));
}

static void find_places(struct field fields[static N_METRICS])
{
	for (size_t i = 0; i < N_METRICS; i++)
		find_place(&fields[i], &metrics[i]);
	for (size_t i = N_METRICS; i-- > 0;) {
		const struct field *next = &fields[i + 1];
		bool is_last = i + 1 == N_METRICS || next->file != fields[i].file ||
			       !are_equal(next->protocol, fields[i].protocol);

		fields[i].end = is_last ? i + 1 : next->end;
	}
}

/* Without IPv6 there is no snmp6; containers may have none of them. */
static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	bool is_found = false;

	find_places(state->fields);
	for (size_t i = 0; i < N_FILES; i++) {
		int result = hm_text_open(&state->files[i], host, paths[i]);

		if (result < 0 && result != -ENOENT)
			return result;
		state->files[i].record_max_bytes = HM_TEXT_ONE_RECORD;
		is_found |= result == 0;
	}
	return is_found ? 0 : -ENODEV;
}

/* The first field of a file's protocol. @return N_METRICS: there is none */
static size_t find_protocol(const struct state *state, size_t file, struct hm_span protocol)
{
	const struct field *fields = state->fields;
	size_t i = 0;

	while (i < N_METRICS &&
	       (fields[i].file != file || !are_equal(fields[i].protocol, protocol)))
		i = fields[i].end;
	return i;
}

/* The field of a word among those that stand with `first`. @return N_METRICS: there is none */
static size_t find_word(const struct state *state, size_t first, struct hm_span word)
{
	for (size_t i = first; i < state->fields[first].end; i++) {
		if (are_equal(state->fields[i].word, word))
			return i;
	}
	return N_METRICS;
}

/* @param error  0, or why the number is not to be looked at */
static void emit(struct state *state, struct hm_batch *out, size_t i, struct hm_span number,
		 int error)
{
	double value = 0;

	if (state->is_emitted[i])
		return;
	state->is_emitted[i] = true;
	if (error == 0)
		error = hm_span_double(number, &value);
	if (error < 0) {
		hm_emit_missing(out, &metrics[i], error);
		return;
	}
	hm_emit(out, &metrics[i], value);
	state->n_values++;
}

/* Find the fields among the words behind the protocol. */
static void find_wanted(const struct state *state, struct pair *pair, size_t first,
			struct hm_span names)
{
	struct hm_span name;
	size_t n_words;
	size_t n_wanted = 0;

	for (n_words = 0; hm_next_word(&names, &name); n_words++) {
		size_t i = first < N_METRICS ? find_word(state, first, name) : N_METRICS;

		if (i == N_METRICS || n_wanted == N_METRICS || n_words > UINT16_MAX)
			continue;
		pair->wanted[n_wanted].word = (uint16_t)n_words;
		pair->wanted[n_wanted++].field = (uint16_t)i;
	}
	pair->n_words = n_words;
	pair->n_wanted = n_wanted;
}

/* Get to know a line of names, and keep it where those before it end. */
static void learn(struct state *state, struct pair *pair, size_t file, struct hm_span names)
{
	struct hm_span rest = names;
	struct hm_span protocol = {"", 0};
	size_t first = N_METRICS;

	if (hm_next_word(&rest, &protocol)) {
		protocol.length--; /* the colon */
		first = find_protocol(state, file, protocol);
	}
	find_wanted(state, pair, first, rest);
	pair->names_bytes = 0;
	if (names.length > NAMES_MAX_BYTES - pair->names_at)
		return;
	memcpy(&state->names[file][pair->names_at], names.start, names.length);
	pair->names_bytes = names.length;
}

static bool is_known(const struct state *state, const struct pair *pair, size_t file,
		     struct hm_span names)
{
	return pair->names_bytes == names.length && names.length > 0 &&
	       memcmp(&state->names[file][pair->names_at], names.start, names.length) == 0;
}

/*
 * "Tcp: RtoAlgorithm RtoMin ..." and below it "Tcp: 1 200 ...". Where one is longer than the other nobody knows which
 * number is which.
 */
static void take_numbers(struct state *state, struct hm_batch *out, const struct pair *pair,
			 struct hm_span names, struct hm_span numbers)
{
	struct hm_span words[N_METRICS] = {{NULL, 0}};
	struct hm_span protocol = {"", 0};
	struct hm_span word = {"", 0};
	size_t n_words = 0;
	size_t n_found = 0;
	int error;

	if (pair->n_wanted == 0)
		return;
	(void)hm_next_word(&names, &protocol);
	(void)hm_next_word(&numbers, &word);
	error = are_equal(word, protocol) ? 0 : -EINVAL;
	for (; hm_next_word(&numbers, &word); n_words++) {
		while (n_found < pair->n_wanted && pair->wanted[n_found].word == n_words)
			words[n_found++] = word;
	}
	if (n_words != pair->n_words)
		error = -EINVAL;
	for (size_t i = 0; i < pair->n_wanted; i++)
		emit(state, out, pair->wanted[i].field, words[i], error);
}

/* What was kept of those behind a pair may be overwritten. */
static void forget_behind(struct state *state, size_t file, size_t i)
{
	while (++i < PAIRS_MAX)
		state->pairs[file][i].names_bytes = 0;
}

static void take_pairs(struct state *state, struct hm_batch *out, size_t file)
{
	const char *cursor = state->files[file].data;
	size_t names_end = 0;
	struct hm_span names;

	for (size_t i = 0; hm_next_line(&cursor, &names); i++) {
		struct pair *pair = &state->pairs[file][i < PAIRS_MAX ? i : PAIRS_MAX - 1];
		struct hm_span numbers = {"", 0};

		(void)hm_next_line(&cursor, &numbers);
		if (i >= PAIRS_MAX || !is_known(state, pair, file, names)) {
			pair->names_at = names_end;
			learn(state, pair, file, names);
			forget_behind(state, file, i);
		}
		names_end = pair->names_at + pair->names_bytes;
		take_numbers(state, out, pair, names, numbers);
	}
}

/* "Ip6InReceives    171" */
static void take_lines(struct state *state, struct hm_batch *out, size_t file)
{
	size_t first = find_protocol(state, file, (struct hm_span){"", 0});
	const char *cursor = state->files[file].data;
	struct hm_span line;

	while (hm_next_line(&cursor, &line)) {
		struct hm_span word;
		size_t i = hm_next_word(&line, &word) ? find_word(state, first, word) : N_METRICS;
		int error;

		if (i == N_METRICS)
			continue;
		error = hm_next_word(&line, &word) ? 0 : -ENODATA;
		emit(state, out, i, word, error);
	}
}

static void take_file(struct state *state, struct hm_batch *out, size_t file)
{
	int error = hm_text_read(&state->files[file]);

	if (file == FILE_SNMP6)
		take_lines(state, out, file);
	else
		take_pairs(state, out, file);
	for (size_t i = 0; error < 0 && i < N_METRICS; i++) {
		if (state->fields[i].file == file)
			emit(state, out, i, (struct hm_span){"", 0}, error);
	}
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	memset(state->is_emitted, 0, sizeof(state->is_emitted));
	state->n_values = 0;
	for (size_t i = 0; i < N_FILES; i++) {
		if (state->files[i].is_open)
			take_file(state, out, i);
	}
	return state->n_values > 0 ? 0 : -ENODATA;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < N_FILES; i++)
		hm_text_close(&state->files[i]);
}

HM_PLUGIN(netstat) = {
	HM_PLUGIN_HEADER,
	.name = "netstat",
	.help = "What the kernel counts of IP, ICMP, TCP and UDP.",
	.looks_for = NETSTAT ", " SNMP " and " SNMP6,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
