/* SPDX-License-Identifier: MIT */
/* What each network interface received and sent: bytes, packets, errors. */

#include <errno.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/names.h"

#define FILE_NAME "/proc/net/dev"

/* What stands above the interfaces. */
#define N_HEADER_LINES 2

#define N_FIELDS 16

#define OF_DEVICE .kind = HM_COUNTER, .labels = HM_LABELS("device")

/*
 * In the order of the fields. The names are those of node_exporter without its option "detailed metrics", which it has
 * whether it reads this file or netlink: `drop` has what the card missed, `frame` and `carrier` are sums.
 */
static const struct hm_metric metrics[N_FIELDS] = {
	{.name = "node_network_receive_bytes_total",
	 .unit = "bytes",
	 .help = "Bytes that the network interface received.",
	 .source = FILE_NAME ", field 1 behind the name (bytes)",
	 OF_DEVICE},
	{.name = "node_network_receive_packets_total",
	 .unit = "",
	 .help = "Packets that the network interface received.",
	 .source = FILE_NAME ", field 2 behind the name (packets)",
	 OF_DEVICE},
	{.name = "node_network_receive_errs_total",
	 .unit = "",
	 .help = "Packets that the network interface received broken.",
	 .source = FILE_NAME ", field 3 behind the name (errs), packets",
	 OF_DEVICE},
	{.name = "node_network_receive_drop_total",
	 .unit = "",
	 .help = "Received packets that were dropped or missed for lack of room or of a protocol.",
	 .source = FILE_NAME ", field 4 behind the name (drop), packets",
	 OF_DEVICE},
	{.name = "node_network_receive_fifo_total",
	 .unit = "",
	 .help = "Received packets lost because the card's queue was full.",
	 .source = FILE_NAME ", field 5 behind the name (fifo), packets",
	 OF_DEVICE},
	{.name = "node_network_receive_frame_total",
	 .unit = "",
	 .help = "Received packets of wrong length, checksum or framing.",
	 .source = FILE_NAME ", field 6 behind the name (frame), packets",
	 OF_DEVICE},
	{.name = "node_network_receive_compressed_total",
	 .unit = "",
	 .help = "Compressed packets received (SLIP, PPP).",
	 .source = FILE_NAME ", field 7 behind the name (compressed), packets",
	 OF_DEVICE},
	{.name = "node_network_receive_multicast_total",
	 .unit = "",
	 .help = "Multicast packets received.",
	 .source = FILE_NAME ", field 8 behind the name (multicast), packets",
	 OF_DEVICE},
	{.name = "node_network_transmit_bytes_total",
	 .unit = "bytes",
	 .help = "Bytes that the network interface sent.",
	 .source = FILE_NAME ", field 9 behind the name (bytes)",
	 OF_DEVICE},
	{.name = "node_network_transmit_packets_total",
	 .unit = "",
	 .help = "Packets that the network interface sent.",
	 .source = FILE_NAME ", field 10 behind the name (packets)",
	 OF_DEVICE},
	{.name = "node_network_transmit_errs_total",
	 .unit = "",
	 .help = "Packets that the network interface failed to send.",
	 .source = FILE_NAME ", field 11 behind the name (errs), packets",
	 OF_DEVICE},
	{.name = "node_network_transmit_drop_total",
	 .unit = "",
	 .help = "Packets dropped on their way out.",
	 .source = FILE_NAME ", field 12 behind the name (drop), packets",
	 OF_DEVICE},
	{.name = "node_network_transmit_fifo_total",
	 .unit = "",
	 .help = "Packets not sent because the card's queue failed.",
	 .source = FILE_NAME ", field 13 behind the name (fifo), packets",
	 OF_DEVICE},
	{.name = "node_network_transmit_colls_total",
	 .unit = "",
	 .help = "Collisions while sending.",
	 .source = FILE_NAME ", field 14 behind the name (colls), collisions",
	 OF_DEVICE},
	{.name = "node_network_transmit_carrier_total",
	 .unit = "",
	 .help = "Packets not sent because the carrier was lost, the window passed or the card gave up.",
	 .source = FILE_NAME ", field 15 behind the name (carrier), packets",
	 OF_DEVICE},
	{.name = "node_network_transmit_compressed_total",
	 .unit = "",
	 .help = "Compressed packets sent (SLIP, PPP).",
	 .source = FILE_NAME ", field 16 behind the name (compressed), packets",
	 OF_DEVICE},
};

static const struct hm_option options[] = {NAMES_IGNORE};

struct state {
	struct hm_text file;
	struct names names;
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->file, host, FILE_NAME);

	state->file.record_max_bytes = HM_TEXT_SHORT_RECORDS;
	state->names.globs = hm_option(host, "ignore");
	return result == -ENOENT ? -ENODEV : result;
}

/* @return the number of values emitted */
static size_t emit_fields(struct hm_batch *out, const char *device, struct hm_span line)
{
	size_t n_values = 0;

	for (size_t i = 0; i < N_FIELDS; i++) {
		struct hm_span word;
		uint64_t number;
		int error = hm_next_word(&line, &word) ? hm_span_uint64(word, &number) : -ENODATA;

		if (error < 0) {
			hm_emit_missing(out, &metrics[i], error, device);
			continue;
		}
		hm_emit(out, &metrics[i], (double)number, device);
		n_values++;
	}
	return n_values;
}

/*
 * "  eth0: 1 2 3 ...": old kernels leave out the blank behind the colon.
 * @return the number of values emitted, or -errno
 */
static int take_line(struct state *state, struct hm_span line, struct hm_batch *out)
{
	const char *colon = memrchr(line.start, ':', line.length);
	struct hm_span word;
	struct name *name;
	int result;

	if (!colon)
		return 0;
	word = (struct hm_span){line.start, (size_t)(colon - line.start)};
	for (; word.length > 0 && *word.start == ' '; word.length--)
		word.start++;
	if (word.length == 0)
		return 0;
	result = names_take(&state->names, word, &name);
	if (result == -ENOMEM)
		return result;
	/* A second line of an interface would give its series two values. */
	if (result < 0 || name->is_ignored)
		return 0;
	line = (struct hm_span){colon + 1, line.length - (size_t)(colon + 1 - line.start)};
	return (int)emit_fields(out, name->text, line);
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	const char *cursor;
	struct hm_span line;
	size_t n_lines = 0;
	int n_values = 0;
	int result = hm_text_read(&state->file);

	names_begin(&state->names);
	cursor = state->file.data;
	while (result >= 0 && hm_next_line(&cursor, &line)) {
		if (n_lines++ < N_HEADER_LINES)
			continue;
		result = take_line(state, line, out);
		n_values += result;
	}
	if (result < 0)
		return result;
	/* All may be ignored. */
	return n_values > 0 || state->names.n_taken > 0 ? 0 : -ENODATA;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
	names_done(&state->names);
}

HM_PLUGIN(netdev) = {
	HM_PLUGIN_HEADER,
	.name = "netdev",
	.help = "Bytes, packets and errors of each network interface.",
	.looks_for = FILE_NAME,
	.metrics = metrics,
	.n_metrics = N_FIELDS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
