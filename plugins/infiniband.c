/* SPDX-License-Identifier: MIT */
/* InfiniBand and RoCE: state, speed and counters of each port. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define FOLDER "/sys/class/infiniband"
#define PORTS  FOLDER "/*/ports/*/"

/* Data is counted in words, as the standard has it. */
#define WORD_BYTES 4

#define BYTES_PER_GIGABIT 125000000

#define COUNTER(name_, file, unit_, what, help_)                                                   \
	{                                                                                          \
		.name = (name_), .unit = (unit_), .help = (help_), .source = PORTS file ", " what, \
		.kind = HM_COUNTER, .labels = HM_LABELS("device", "port")                          \
	}

enum metric {
	METRIC_INFO,
	METRIC_STATE,
	METRIC_PHYSICAL_STATE,
	METRIC_RATE,
	METRIC_LIFESPAN,
	/* Numbers in files of their own, which their source names. */
	METRIC_COUNTERS,
};

static const struct hm_metric metrics[] = {
	[METRIC_INFO] =
		{
			.name = "node_infiniband_info",
			.unit = "",
			.help = "Which card it is, as labels; always 1.",
			.source = FOLDER "/*/{board_id,fw_ver,hca_type}, texts",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device", "board_id", "firmware_version", "hca_type"),
		},
	[METRIC_STATE] =
		{
			.name = "node_infiniband_state_id",
			.unit = "",
			.help = "State of the port. 1: down, 2: init, 3: armed, 4: active, 5: active, deferred.",
			.source = PORTS "state, the number before the colon",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device", "port"),
		},
	[METRIC_PHYSICAL_STATE] =
		{
			.name = "node_infiniband_physical_state_id",
			.unit = "",
			.help = "State of the line. 1: sleep, 2: polling, 3: disabled, 4: training, 5: up, 6: recovers, 7: test.",
			.source = PORTS "phys_state, the number before the colon",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device", "port"),
		},
	[METRIC_RATE] =
		{
			.name = "node_infiniband_rate_bytes_per_second",
			.unit = "bytes/second",
			.help = "How much the port can carry.",
			.source = PORTS "rate, the first word, 10^9 bits a second",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device", "port"),
		},
	[METRIC_LIFESPAN] =
		{
			.name = "node_infiniband_lifespan_seconds",
			.unit = "seconds",
			.help = "For so long the card keeps counters before it looks again.",
			.source = PORTS "hw_counters/lifespan, milliseconds",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device", "port"),
		},
	[METRIC_COUNTERS] = COUNTER("node_infiniband_legacy_multicast_packets_received_total",
				    "counters_ext/port_multicast_rcv_packets", "", "a number",
				    "Multicast packets received, as old drivers count."),
	COUNTER("node_infiniband_legacy_multicast_packets_transmitted_total",
		"counters_ext/port_multicast_xmit_packets", "", "a number",
		"Multicast packets sent, as old drivers count."),
	COUNTER("node_infiniband_legacy_data_received_bytes_total", "counters_ext/port_rcv_data_64",
		"bytes", "words of 4 bytes", "Bytes received, as old drivers count."),
	COUNTER("node_infiniband_legacy_packets_received_total", "counters_ext/port_rcv_packets_64",
		"", "a number", "Packets received, as old drivers count."),
	COUNTER("node_infiniband_legacy_unicast_packets_received_total",
		"counters_ext/port_unicast_rcv_packets", "", "a number",
		"Unicast packets received, as old drivers count."),
	COUNTER("node_infiniband_legacy_unicast_packets_transmitted_total",
		"counters_ext/port_unicast_xmit_packets", "", "a number",
		"Unicast packets sent, as old drivers count."),
	COUNTER("node_infiniband_legacy_data_transmitted_bytes_total",
		"counters_ext/port_xmit_data_64", "bytes", "words of 4 bytes",
		"Bytes sent, as old drivers count."),
	COUNTER("node_infiniband_legacy_packets_transmitted_total",
		"counters_ext/port_xmit_packets_64", "", "a number",
		"Packets sent, as old drivers count."),
	COUNTER("node_infiniband_excessive_buffer_overrun_errors_total",
		"counters/excessive_buffer_overrun_errors", "", "a number",
		"Times that buffers overran in several updates of flow control one after the other."),
	COUNTER("node_infiniband_link_downed_total", "counters/link_downed", "", "a number",
		"Times that the link went down because it could not recover."),
	COUNTER("node_infiniband_link_error_recovery_total", "counters/link_error_recovery", "",
		"a number", "Times that the link recovered from an error."),
	COUNTER("node_infiniband_local_link_integrity_errors_total",
		"counters/local_link_integrity_errors", "", "a number",
		"Times that there were too many local errors of the line."),
	COUNTER("node_infiniband_multicast_packets_received_total",
		"counters/multicast_rcv_packets", "", "a number",
		"Multicast packets received, broken ones too."),
	COUNTER("node_infiniband_multicast_packets_transmitted_total",
		"counters/multicast_xmit_packets", "", "a number",
		"Multicast packets sent, broken ones too."),
	COUNTER("node_infiniband_port_constraint_errors_received_total",
		"counters/port_rcv_constraint_errors", "", "a number",
		"Received packets that the port was not allowed to take."),
	COUNTER("node_infiniband_port_constraint_errors_transmitted_total",
		"counters/port_xmit_constraint_errors", "", "a number",
		"Packets that the port was not allowed to send."),
	COUNTER("node_infiniband_port_data_received_bytes_total", "counters/port_rcv_data", "bytes",
		"words of 4 bytes", "Bytes received."),
	COUNTER("node_infiniband_port_data_transmitted_bytes_total", "counters/port_xmit_data",
		"bytes", "words of 4 bytes", "Bytes sent."),
	COUNTER("node_infiniband_port_discards_received_total", "counters/port_rcv_discards", "",
		"a number", "Received packets dropped because the port was down or full."),
	COUNTER("node_infiniband_port_discards_transmitted_total", "counters/port_xmit_discards",
		"", "a number", "Packets not sent because the port was down or full."),
	COUNTER("node_infiniband_port_errors_received_total", "counters/port_rcv_errors", "",
		"a number", "Broken packets received."),
	COUNTER("node_infiniband_port_packets_received_total", "counters/port_rcv_packets", "",
		"a number", "Packets received, broken ones too."),
	COUNTER("node_infiniband_port_packets_transmitted_total", "counters/port_xmit_packets", "",
		"a number", "Packets sent, broken ones too."),
	COUNTER("node_infiniband_port_transmit_wait_total", "counters/port_xmit_wait", "",
		"a number", "Ticks in which the port had something to send and could not."),
	COUNTER("node_infiniband_unicast_packets_received_total", "counters/unicast_rcv_packets",
		"", "a number", "Unicast packets received, broken ones too."),
	COUNTER("node_infiniband_unicast_packets_transmitted_total",
		"counters/unicast_xmit_packets", "", "a number",
		"Unicast packets sent, broken ones too."),
	COUNTER("node_infiniband_port_receive_remote_physical_errors_total",
		"counters/port_rcv_remote_physical_errors", "", "a number",
		"Received packets that another had marked as broken."),
	COUNTER("node_infiniband_port_receive_switch_relay_errors_total",
		"counters/port_rcv_switch_relay_errors", "", "a number",
		"Received packets that the switch could not pass on."),
	COUNTER("node_infiniband_symbol_error_total", "counters/symbol_error", "", "a number",
		"Small errors of the line."),
	COUNTER("node_infiniband_vl15_dropped_total", "counters/VL15_dropped", "", "a number",
		"Received packets of management that were dropped for lack of room."),
	COUNTER("node_infiniband_duplicate_requests_packets_total", "hw_counters/duplicate_request",
		"", "a number", "Received requests that had been executed before."),
	COUNTER("node_infiniband_implied_nak_seq_errors_total", "hw_counters/implied_nak_seq_err",
		"", "a number", "Acknowledgements that skipped a read or its answer."),
	COUNTER("node_infiniband_local_ack_timeout_errors_total",
		"hw_counters/local_ack_timeout_err", "", "a number",
		"Times that an acknowledgement did not come in time."),
	COUNTER("node_infiniband_np_cnp_packets_sent_total", "hw_counters/np_cnp_sent", "",
		"a number", "Notifications of congestion sent (RoCE)."),
	COUNTER("node_infiniband_np_ecn_marked_roce_packets_received_total",
		"hw_counters/np_ecn_marked_roce_packets", "", "a number",
		"Received packets marked for congestion (RoCE)."),
	COUNTER("node_infiniband_out_of_buffer_drops_total", "hw_counters/out_of_buffer", "",
		"a number", "Packets dropped because no buffer was posted for them."),
	COUNTER("node_infiniband_out_of_sequence_packets_received_total",
		"hw_counters/out_of_sequence", "", "a number", "Packets received out of order."),
	COUNTER("node_infiniband_packet_sequence_errors_total", "hw_counters/packet_seq_err", "",
		"a number", "Received complaints about packets out of order."),
	COUNTER("node_infiniband_req_cqes_errors_total", "hw_counters/req_cqe_error", "",
		"a number", "Requests that this side completed with an error."),
	COUNTER("node_infiniband_req_cqes_flush_errors_total", "hw_counters/req_cqe_flush_error",
		"", "a number", "Requests of this side that were flushed."),
	COUNTER("node_infiniband_req_remote_access_errors_total",
		"hw_counters/req_remote_access_errors", "", "a number",
		"Requests of this side that the other refused access for."),
	COUNTER("node_infiniband_req_remote_invalid_request_errors_total",
		"hw_counters/req_remote_invalid_request", "", "a number",
		"Requests of this side that the other called invalid."),
	COUNTER("node_infiniband_resp_cqes_errors_total", "hw_counters/resp_cqe_error", "",
		"a number", "Answers that this side completed with an error."),
	COUNTER("node_infiniband_resp_cqes_flush_errors_total", "hw_counters/resp_cqe_flush_error",
		"", "a number", "Answers of this side that were flushed."),
	COUNTER("node_infiniband_resp_local_length_errors_total",
		"hw_counters/resp_local_length_error", "", "a number",
		"Requests of the other side that were of a wrong length."),
	COUNTER("node_infiniband_resp_remote_access_errors_total",
		"hw_counters/resp_remote_access_errors", "", "a number",
		"Requests of the other side that were refused access."),
	COUNTER("node_infiniband_rnr_nak_retry_packets_received_total",
		"hw_counters/rnr_nak_retry_err", "", "a number",
		"Received answers that the other side was not ready."),
	COUNTER("node_infiniband_roce_adp_retransmits_total", "hw_counters/roce_adp_retrans", "",
		"a number", "Adaptive retransmissions (RoCE)."),
	COUNTER("node_infiniband_roce_adp_retransmits_timeout_total",
		"hw_counters/roce_adp_retrans_to", "", "a number",
		"Times that adaptive retransmission ran out of time (RoCE)."),
	COUNTER("node_infiniband_roce_slow_restart_used_total", "hw_counters/roce_slow_restart", "",
		"a number", "Slow restarts (RoCE)."),
	COUNTER("node_infiniband_roce_slow_restart_cnps_total",
		"hw_counters/roce_slow_restart_cnps", "", "a number",
		"Notifications of congestion sent by slow restarts (RoCE)."),
	COUNTER("node_infiniband_roce_slow_restart_total", "hw_counters/roce_slow_restart_trans",
		"", "a number", "Changes of state to slow restart (RoCE)."),
	COUNTER("node_infiniband_rp_cnp_packets_handled_total", "hw_counters/rp_cnp_handled", "",
		"a number", "Notifications of congestion that made this side slower (RoCE)."),
	COUNTER("node_infiniband_rp_cnp_ignored_packets_received_total",
		"hw_counters/rp_cnp_ignored", "", "a number",
		"Notifications of congestion that were ignored (RoCE)."),
	COUNTER("node_infiniband_rx_atomic_requests_total", "hw_counters/rx_atomic_requests", "",
		"a number", "Atomic requests received."),
	COUNTER("node_infiniband_rx_dct_connect_requests_total", "hw_counters/rx_dct_connect", "",
		"a number", "Requests for a connection received (DCT)."),
	COUNTER("node_infiniband_rx_read_requests_total", "hw_counters/rx_read_requests", "",
		"a number", "Read requests received."),
	COUNTER("node_infiniband_rx_write_requests_total", "hw_counters/rx_write_requests", "",
		"a number", "Write requests received."),
	COUNTER("node_infiniband_rx_icrc_encapsulated_errors_total",
		"hw_counters/rx_icrc_encapsulated", "", "a number",
		"Received packets with a wrong checksum (RoCE)."),
};

#define N_METRICS  (sizeof(metrics) / sizeof(metrics[0]))
#define N_COUNTERS (N_METRICS - METRIC_LIFESPAN)

struct port {
	char device[HM_DEVICE_NAME_MAX];
	char number[HM_DEVICE_NAME_MAX];
	int fds[METRIC_LIFESPAN]; /* of the files of state and rate, by metric; or why they cannot be opened */
};

struct device {
	char name[HM_DEVICE_NAME_MAX];
	char texts[3][128]; /* board, firmware, type; they do not change */
};

struct state {
	const struct hm_host *host;
	struct device *devices;
	size_t n_devices;
	struct port *ports;
	size_t n_ports;
	struct hm_attributes attributes;
	/* What is read of each port: where, and by which factor. */
	struct hm_attribute counters[N_COUNTERS];
	char files[N_COUNTERS][64];
};

/* From METRIC_LIFESPAN on. A number that is "N/A (no PMA)" is one that the card does not have. */
static void prepare_counters(struct state *state)
{
	for (size_t i = 0; i < N_COUNTERS; i++) {
		const struct hm_metric *metric = &metrics[METRIC_LIFESPAN + i];
		const char *file = metric->source + strlen(PORTS);
		bool is_data = strcmp(metric->unit, "bytes") == 0;

		(void)snprintf(state->files[i], sizeof(state->files[i]), "%.*s",
			       (int)strcspn(file, ","), file);
		state->counters[i] = (struct hm_attribute){
			.file = state->files[i],
			.metric = metric,
			.factor = is_data ? WORD_BYTES : 1,
			.divisor = i == 0 ? 1000 : 0,
			.is_optional = true,
		};
	}
}

static int open_file(const struct state *state, const struct port *port, const char *file)
{
	char path[256];

	(void)snprintf(path, sizeof(path), FOLDER "/%s/ports/%s/%s", port->device, port->number,
		       file);
	return hm_open(state->host, path);
}

static int add_port(void *context, const char *number)
{
	struct state *state = context;
	const struct device *device = &state->devices[state->n_devices - 1];
	struct port *ports;
	struct port *port;
	char folder[192];
	int result = 0;

	if (strlen(number) >= sizeof(port->number))
		return 0;
	ports = reallocarray(state->ports, state->n_ports + 1, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	state->ports = ports;
	port = &ports[state->n_ports++];
	*port = (struct port){0};
	memcpy(port->device, device->name, sizeof(port->device));
	memcpy(port->number, number, strlen(number));
	port->fds[METRIC_STATE] = open_file(state, port, "state");
	port->fds[METRIC_PHYSICAL_STATE] = open_file(state, port, "phys_state");
	port->fds[METRIC_RATE] = open_file(state, port, "rate");
	(void)snprintf(folder, sizeof(folder), FOLDER "/%s/ports/%s", device->name, number);
	for (size_t i = 0; i < N_COUNTERS && (result == 0 || result == -ENOENT); i++)
		result = hm_attributes_add(&state->attributes, state->host, &state->counters[i],
					   folder, device->name, number);
	return result == -ENOENT ? 0 : result;
}

static int add_device(void *context, const char *name)
{
	static const char *const files[] = {"board_id", "fw_ver", "hca_type"};
	struct state *state = context;
	struct device *devices;
	struct device *device;
	char path[128];
	int result;

	if (strlen(name) >= sizeof(device->name))
		return 0;
	devices = reallocarray(state->devices, state->n_devices + 1, sizeof(*devices));
	if (!devices)
		return -ENOMEM;
	state->devices = devices;
	device = &devices[state->n_devices++];
	*device = (struct device){0};
	memcpy(device->name, name, strlen(name));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), FOLDER "/%s/%s", name, files[i]);
		/* Not every card has all of them. */
		(void)hm_read_line_of(state->host, path, device->texts[i],
				      sizeof(device->texts[i]));
		hm_label_clean(device->texts[i], sizeof(device->texts[i]));
	}
	(void)snprintf(path, sizeof(path), FOLDER "/%s/ports", name);
	result = hm_folder_find(state->host, path, "[0-9]*", add_port, state);
	return result == -ENOENT ? 0 : result;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	prepare_counters(state);
	result = hm_devices_find(host, "infiniband", "*", add_device, state);
	if (result < 0)
		return result;
	return state->n_devices > 0 ? 0 : -ENODEV;
}

/* "4: ACTIVE" or "40 Gb/sec (4X QDR)" */
static int read_first_word(const struct port *port, enum metric metric, double *ret_value)
{
	char text[128];
	struct hm_span line;
	struct hm_span word;
	double value;
	int error = port->fds[metric];

	if (error >= 0)
		error = hm_read_string(port->fds[metric], text, sizeof(text));
	if (error < 0)
		return error;
	line = (struct hm_span){text, strlen(text)};
	if (!hm_next_word(&line, &word))
		return -EINVAL;
	if (metric != METRIC_RATE) {
		if (word.start[word.length - 1] != ':')
			return -EINVAL;
		word.length--;
	}
	error = hm_span_double(word, &value);
	if (error == 0)
		*ret_value = metric == METRIC_RATE ? value * BYTES_PER_GIGABIT : value;
	return error;
}

static void emit_port(const struct port *port, struct hm_batch *out)
{
	for (size_t i = METRIC_STATE; i <= METRIC_RATE; i++) {
		double value = 0;
		int error = read_first_word(port, (enum metric)i, &value);

		if (error < 0) {
			hm_emit_missing(out, &metrics[i], error, port->device, port->number);
			continue;
		}
		hm_emit(out, &metrics[i], value, port->device, port->number);
	}
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_devices; i++) {
		const struct device *device = &state->devices[i];

		hm_emit(out, &metrics[METRIC_INFO], 1, device->name, device->texts[0],
			device->texts[1], device->texts[2]);
	}
	for (size_t i = 0; i < state->n_ports; i++)
		emit_port(&state->ports[i], out);
	(void)hm_attributes_emit(&state->attributes, state->host, out);
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_ports; i++) {
		for (size_t j = METRIC_STATE; j <= METRIC_RATE; j++) {
			if (state->ports[i].fds[j] >= 0)
				close(state->ports[i].fds[j]);
		}
	}
	free(state->ports);
	free(state->devices);
	hm_attributes_close(&state->attributes);
}

HM_PLUGIN(infiniband) = {
	HM_PLUGIN_HEADER,
	.name = "infiniband",
	.help = "State, speed and counters of InfiniBand and RoCE ports.",
	.looks_for = FOLDER,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.udev_subsystem = "infiniband",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
