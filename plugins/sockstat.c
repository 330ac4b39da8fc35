/* SPDX-License-Identifier: MIT */
/* Sockets by protocol: how many are in use, and the memory they take. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define SOCKSTAT  "/proc/net/sockstat"
#define SOCKSTAT6 "/proc/net/sockstat6"

#define SOCKETS(file, protocol, word, what, help_)                                                 \
	{                                                                                          \
		.name = "node_sockstat_" protocol "_" word, .unit = "", .help = (help_),           \
		.source = file ", line " protocol ", " word ", " what, .kind = HM_GAUGE            \
	}

#define BYTES(file, protocol, name_, word, what, help_)                                            \
	{                                                                                          \
		.name = "node_sockstat_" protocol "_" name_, .unit = "bytes", .help = (help_),     \
		.source = file ", line " protocol ", " word ", " what, .kind = HM_GAUGE            \
	}

/* In the order of the lines and of the words in them. */
static const struct hm_metric metrics[] = {
	{.name = "node_sockstat_sockets_used",
	 .unit = "",
	 .help = "Sockets in use, of all protocols.",
	 .source = SOCKSTAT ", line sockets, used, sockets",
	 .kind = HM_GAUGE},
	SOCKETS(SOCKSTAT, "TCP", "inuse", "sockets", "TCP sockets over IPv4 in use."),
	SOCKETS(SOCKSTAT, "TCP", "orphan", "sockets",
		"TCP sockets that belong to no process any more."),
	SOCKETS(SOCKSTAT, "TCP", "tw", "sockets",
		"TCP sockets that wait after their connection has ended."),
	SOCKETS(SOCKSTAT, "TCP", "alloc", "sockets",
		"TCP sockets that there are, over IPv6 too, in whatever state."),
	SOCKETS(SOCKSTAT, "TCP", "mem", "pages", "Pages of memory that TCP sockets take."),
	BYTES(SOCKSTAT, "TCP", "mem_bytes", "mem", "pages", "Memory that TCP sockets take."),
	SOCKETS(SOCKSTAT, "UDP", "inuse", "sockets", "UDP sockets over IPv4 in use."),
	SOCKETS(SOCKSTAT, "UDP", "mem", "pages", "Pages of memory that UDP sockets take."),
	BYTES(SOCKSTAT, "UDP", "mem_bytes", "mem", "pages", "Memory that UDP sockets take."),
	SOCKETS(SOCKSTAT, "UDPLITE", "inuse", "sockets", "UDP-Lite sockets over IPv4 in use."),
	SOCKETS(SOCKSTAT, "RAW", "inuse", "sockets", "Raw IPv4 sockets in use."),
	SOCKETS(SOCKSTAT, "FRAG", "inuse", "packets",
		"IPv4 packets that wait for the rest of their fragments."),
	BYTES(SOCKSTAT, "FRAG", "memory", "memory", "bytes",
	      "Memory that fragments of IPv4 packets take."),
	SOCKETS(SOCKSTAT6, "TCP6", "inuse", "sockets", "TCP sockets over IPv6 in use."),
	SOCKETS(SOCKSTAT6, "UDP6", "inuse", "sockets", "UDP sockets over IPv6 in use."),
	SOCKETS(SOCKSTAT6, "UDPLITE6", "inuse", "sockets", "UDP-Lite sockets over IPv6 in use."),
	SOCKETS(SOCKSTAT6, "RAW6", "inuse", "sockets", "Raw IPv6 sockets in use."),
	SOCKETS(SOCKSTAT6, "FRAG6", "inuse", "packets",
		"IPv6 packets that wait for the rest of their fragments."),
	BYTES(SOCKSTAT6, "FRAG6", "memory", "memory", "bytes",
	      "Memory that fragments of IPv6 packets take."),
};

#define N_METRICS (sizeof(metrics) / sizeof(metrics[0]))
#define PREFIX    "node_sockstat_"

enum {
	FILE_V4,
	FILE_V6,
	N_FILES,
};

static const char *const paths[N_FILES] = {SOCKSTAT, SOCKSTAT6};

struct state {
	struct hm_text files[N_FILES];
	double page_bytes;
	bool is_emitted[N_METRICS]; /* in this round */
	size_t n_values;
};

/* A kernel may be without IPv6, or without IPv4. */
static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	bool is_found = false;

	state->page_bytes = (double)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < N_FILES; i++) {
		int result = hm_text_share(&state->files[i], host, paths[i]);

		if (result < 0 && result != -ENOENT)
			return result;
		state->files[i].record_max_bytes = HM_TEXT_ONE_RECORD;
		is_found |= result == 0;
	}
	return is_found ? 0 : -ENODEV;
}

/* The metric of "TCP" and "inuse". @return N_METRICS: there is none */
static size_t find_metric(struct hm_span protocol, struct hm_span word)
{
	/* What ends in "_bytes" stands in no file. */
	if (memchr(word.start, '_', word.length) || memchr(protocol.start, '_', protocol.length))
		return N_METRICS;
	for (size_t i = 0; i < N_METRICS; i++) {
		const char *name = metrics[i].name + strlen(PREFIX);

		if (strncmp(name, protocol.start, protocol.length) == 0 &&
		    name[protocol.length] == '_' &&
		    hm_span_equals(word, name + protocol.length + 1))
			return i;
	}
	return N_METRICS;
}

static void emit(struct state *state, struct hm_batch *out, size_t i, double value, int error)
{
	if (state->is_emitted[i])
		return;
	state->is_emitted[i] = true;
	if (error < 0) {
		hm_emit_missing(out, &metrics[i], error);
		return;
	}
	hm_emit(out, &metrics[i], value);
	state->n_values++;
}

/* "TCP: inuse 4 orphan 0 tw 4 alloc 17 mem 1" */
static void take_line(struct state *state, struct hm_batch *out, struct hm_span line)
{
	struct hm_span protocol;
	struct hm_span word;

	if (!hm_next_word(&line, &protocol) || protocol.start[protocol.length - 1] != ':')
		return;
	protocol.length--;
	while (hm_next_word(&line, &word)) {
		size_t i = find_metric(protocol, word);
		int64_t number = 0;
		int error = hm_next_word(&line, &word) ? hm_span_int64(word, &number) : -ENODATA;

		if (i == N_METRICS)
			continue;
		emit(state, out, i, (double)number, error);
		/* Behind "mem" stands "mem_bytes". */
		if (i + 1 < N_METRICS &&
		    strncmp(metrics[i + 1].name, metrics[i].name, strlen(metrics[i].name)) == 0)
			emit(state, out, i + 1, (double)number * state->page_bytes, error);
	}
}

static void take_file(struct state *state, struct hm_batch *out, size_t file)
{
	const char *cursor;
	struct hm_span line;
	int error = hm_text_read(&state->files[file]);

	cursor = state->files[file].data;
	while (hm_next_line(&cursor, &line))
		take_line(state, out, line);
	for (size_t i = 0; error < 0 && i < N_METRICS; i++) {
		const char *source = metrics[i].source;

		if (hm_span_equals((struct hm_span){source, strcspn(source, ",")}, paths[file]))
			emit(state, out, i, 0, error);
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

HM_PLUGIN(sockstat) = {
	HM_PLUGIN_HEADER,
	.name = "sockstat",
	.help = "Sockets by protocol, and the memory they take.",
	.looks_for = SOCKSTAT " and " SOCKSTAT6,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
