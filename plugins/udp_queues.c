/* SPDX-License-Identifier: MIT */
/* How much lies in the queues of all UDP sockets together. */

#include <errno.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define UDP  "/proc/net/udp"
#define UDP6 "/proc/net/udp6"

/* The field of a line that has both queues: "00000015:00000000". */
#define QUEUES_FIELD 5

static const struct hm_metric queues = {
	.name = "node_udp_queues",
	.unit = "bytes",
	.help = "Memory that the datagrams in the queues of all UDP sockets take.",
	.source =
		UDP " and " UDP6 ", field 5 (tx_queue:rx_queue) of all lines, hexadecimal, bytes; "
		    "0 where /proc/net/sockstat or sockstat6 tells of no socket",
	.kind = HM_GAUGE,
	.labels = HM_LABELS("queue", "ip"),
};

#define N_FILES 2

static const struct {
	const char *path;
	const char *ip;
	const char *counts; /* file that tells how many sockets there are, in this line */
	const char *line;
} sources[N_FILES] = {{UDP, "v4", "/proc/net/sockstat", "UDP:"},
		      {UDP6, "v6", "/proc/net/sockstat6", "UDP6:"}};

struct state {
	struct hm_text files[N_FILES];
	struct hm_text
		counts[N_FILES]; /* not below a root, whose files need not be of one moment */
};

/* A kernel may be without IPv6, or without IPv4. */
static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	bool is_found = false;

	for (size_t i = 0; i < N_FILES; i++) {
		int result = hm_text_open(&state->files[i], host, sources[i].path);

		if (result < 0 && result != -ENOENT)
			return result;
		state->files[i].record_max_bytes = HM_TEXT_SHORT_RECORDS;
		is_found |= result == 0;
		if (hm_is_redirected(host) ||
		    hm_text_share(&state->counts[i], host, sources[i].counts) < 0)
			continue;
		state->counts[i].record_max_bytes = HM_TEXT_ONE_RECORD;
	}
	return is_found ? 0 : -ENODEV;
}

/* Sums over all sockets. */
struct sums {
	uint64_t sent;
	uint64_t received;
};

/* @return 0 or -errno: the line is not one of a socket */
static int add_line(struct sums *sums, struct hm_span line)
{
	struct hm_span word = {"", 0};
	struct hm_span before;
	struct hm_span behind;
	const char *colon;
	uint64_t sent;
	uint64_t received;
	int result;

	for (int i = 0; i < QUEUES_FIELD; i++) {
		if (!hm_next_word(&line, &word))
			return -ENODATA;
	}
	colon = memchr(word.start, ':', word.length);
	if (!colon)
		return -EINVAL;
	before = (struct hm_span){word.start, (size_t)(colon - word.start)};
	behind = (struct hm_span){colon + 1, word.length - before.length - 1};
	result = hm_span_hex(before, &sent);
	if (result == 0)
		result = hm_span_hex(behind, &received);
	if (result < 0)
		return result;
	sums->sent += sent;
	sums->received += received;
	return 0;
}

/* A sum without one of its parts would be wrong: where one line is, there is none. */
static int add_lines(struct sums *sums, const char *text)
{
	struct hm_span line;
	int result = 0;

	if (!hm_next_line(&text, &line)) /* the header */
		return -ENODATA;
	while (result == 0 && hm_next_line(&text, &line))
		result = add_line(sums, line);
	return result;
}

/* "UDP6: inuse 0" */
static bool says_none(struct hm_span line, const char *name)
{
	struct hm_span word;
	uint64_t n_sockets;

	return hm_next_word(&line, &word) && hm_span_equals(word, name) &&
	       hm_next_word(&line, &word) && hm_span_equals(word, "inuse") &&
	       hm_next_word(&line, &word) && hm_span_uint64(word, &n_sockets) == 0 &&
	       n_sockets == 0;
}

/*
 * Is there no socket? For the lines of sockets the kernel goes through its whole table of them, which on a large machine has
 * more than ten thousand places, however few are taken; their number it has at hand, and another plugin has read it.
 */
static bool has_none(struct state *state, size_t i)
{
	const char *cursor;
	struct hm_span line;

	if (!state->counts[i].is_open || hm_text_read(&state->counts[i]) < 0)
		return false;
	cursor = state->counts[i].data;
	while (hm_next_line(&cursor, &line)) {
		if (says_none(line, sources[i].line))
			return true;
	}
	return false;
}

/* @return 0 or -errno */
static int add_sockets(struct state *state, size_t i, struct sums *sums)
{
	int error;

	if (has_none(state, i))
		return 0;
	error = hm_text_read(&state->files[i]);
	return error < 0 ? error : add_lines(sums, state->files[i].data);
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int first_error = 0;
	bool has_value = false;

	for (size_t i = 0; i < N_FILES; i++) {
		struct sums sums = {0};
		int error;

		if (!state->files[i].is_open)
			continue;
		error = add_sockets(state, i, &sums);
		if (error < 0) {
			hm_emit_missing(out, &queues, error, "tx", sources[i].ip);
			hm_emit_missing(out, &queues, error, "rx", sources[i].ip);
			first_error = first_error < 0 ? first_error : error;
			continue;
		}
		hm_emit(out, &queues, (double)sums.sent, "tx", sources[i].ip);
		hm_emit(out, &queues, (double)sums.received, "rx", sources[i].ip);
		has_value = true;
	}
	return has_value ? 0 : first_error;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < N_FILES; i++) {
		hm_text_close(&state->files[i]);
		hm_text_close(&state->counts[i]);
	}
}

HM_PLUGIN(udp_queues) = {
	HM_PLUGIN_HEADER,
	.name = "udp_queues",
	.help = "How much lies in the queues of all UDP sockets together.",
	.looks_for = UDP " or " UDP6,
	.metrics = &queues,
	.n_metrics = 1,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
