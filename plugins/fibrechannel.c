/* SPDX-License-Identifier: MIT */
/* Host adapters of Fibre Channel: what they are, and what they count. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define FOLDER "/sys/class/fc_host"
#define COUNTS FOLDER "/*/statistics/"

#define COUNTER(name_, file, unit_, what, help_)                                                   \
	{                                                                                          \
		.name = (name_), .unit = (unit_), .help = (help_),                                 \
		.source = COUNTS file ", hexadecimal, " what, .kind = HM_COUNTER,                  \
		.labels = HM_LABELS("fc_host")                                                     \
	}

enum metric {
	METRIC_INFO,
	/* Each a file, which its source names. */
	METRIC_COUNTERS,
};

static const struct hm_metric metrics[] = {
	[METRIC_INFO] =
		{
			.name = "node_fibrechannel_info",
			.unit = "",
			.help = "What the adapter is and how it is connected, as labels; always 1.",
			.source = FOLDER "/*/, the files that the labels are called after, texts",
			.kind = HM_GAUGE,
			.labels =
				HM_LABELS("fc_host", "speed", "port_state", "port_type", "port_id",
					  "port_name", "fabric_name", "symbolic_name",
					  "supported_classes", "supported_speeds", "dev_loss_tmo"),
		},
	[METRIC_COUNTERS] = COUNTER("node_fibrechannel_dumped_frames_total", "dumped_frames", "",
				    "frames", "Frames that were dropped."),
	COUNTER("node_fibrechannel_error_frames_total", "error_frames", "", "frames",
		"Broken frames."),
	COUNTER("node_fibrechannel_invalid_crc_total", "invalid_crc_count", "", "frames",
		"Frames with a wrong checksum."),
	COUNTER("node_fibrechannel_rx_frames_total", "rx_frames", "", "frames", "Frames received."),
	COUNTER("node_fibrechannel_rx_words_total", "rx_words", "", "words of 4 bytes",
		"Words of 4 bytes received."),
	COUNTER("node_fibrechannel_tx_frames_total", "tx_frames", "", "frames", "Frames sent."),
	COUNTER("node_fibrechannel_tx_words_total", "tx_words", "", "words of 4 bytes",
		"Words of 4 bytes sent."),
	COUNTER("node_fibrechannel_seconds_since_last_reset_total", "seconds_since_last_reset",
		"seconds", "seconds", "Time since the counters of the port were last set back."),
	COUNTER("node_fibrechannel_invalid_tx_words_total", "invalid_tx_word_count", "", "words",
		"Invalid words sent."),
	COUNTER("node_fibrechannel_link_failure_total", "link_failure_count", "", "failures",
		"Times that the link failed."),
	COUNTER("node_fibrechannel_loss_of_sync_total", "loss_of_sync_count", "", "losses",
		"Times that the line lost its rhythm."),
	COUNTER("node_fibrechannel_loss_of_signal_total", "loss_of_signal_count", "", "losses",
		"Times that there was no signal."),
	COUNTER("node_fibrechannel_nos_total", "nos_count", "", "sequences",
		"Times that the other side said it was not operational."),
	COUNTER("node_fibrechannel_fcp_packet_aborts_total", "fcp_packet_aborts", "", "packets",
		"SCSI packets that were given up."),
};

#define N_METRICS  (sizeof(metrics) / sizeof(metrics[0]))
#define N_COUNTERS (N_METRICS - METRIC_COUNTERS)
/* The labels but the first. */
#define N_TEXTS 10

struct adapter {
	char name[HM_DEVICE_NAME_MAX];
	/* Kept; or why it cannot be opened. */
	int text_fds[N_TEXTS];
	int counter_fds[N_COUNTERS];
};

struct state {
	const struct hm_host *host;
	struct adapter *adapters;
	size_t n_adapters;
};

static int open_file(const struct state *state, const char *adapter, const char *file,
		     size_t length)
{
	char path[256];

	(void)snprintf(path, sizeof(path), FOLDER "/%s/%.*s", adapter, (int)length, file);
	return hm_open(state->host, path);
}

static int add_adapter(void *context, const char *name)
{
	struct state *state = context;
	struct adapter *adapters;
	struct adapter *adapter;

	if (strlen(name) >= sizeof(adapter->name))
		return 0;
	adapters = reallocarray(state->adapters, state->n_adapters + 1, sizeof(*adapters));
	if (!adapters)
		return -ENOMEM;
	state->adapters = adapters;
	adapter = &adapters[state->n_adapters++];
	*adapter = (struct adapter){0};
	memcpy(adapter->name, name, strlen(name));
	for (size_t i = 0; i < N_TEXTS; i++) {
		const char *file = metrics[METRIC_INFO].labels[i + 1];

		adapter->text_fds[i] = open_file(state, name, file, strlen(file));
	}
	for (size_t i = 0; i < N_COUNTERS; i++) {
		const char *file = metrics[METRIC_COUNTERS + i].source + strlen(FOLDER "/*/");

		adapter->counter_fds[i] = open_file(state, name, file, strcspn(file, ","));
	}
	return 0;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	result = hm_devices_find(host, "fc_host", "*", add_adapter, state);
	if (result < 0)
		return result;
	return state->n_adapters > 0 ? 0 : -ENODEV;
}

struct text {
	char bytes[256];
};

/* As node_exporter does: without blanks around it, and numbers without 0x. What cannot be read is "". */
static const char *read_text(int fd, const char *file, struct text *text)
{
	char *start = text->bytes;
	size_t length;

	start[0] = '\0';
	if (fd >= 0)
		(void)hm_read_string(fd, text->bytes, sizeof(text->bytes));
	start += strspn(start, " \t");
	for (length = strlen(start); length > 0 && strchr(" \t", start[length - 1]); length--)
		start[length - 1] = '\0';
	hm_label_clean(start, sizeof(text->bytes) - (size_t)(start - text->bytes));
	if (strncmp(start, "0x", 2) == 0 && length > 2 &&
	    (strcmp(file, "port_id") == 0 || strcmp(file, "port_name") == 0 ||
	     strcmp(file, "fabric_name") == 0))
		start += 2;
	return start;
}

static void emit_info(const struct adapter *adapter, struct hm_batch *out)
{
	struct text texts[N_TEXTS];
	const char *labels[N_TEXTS + 2] = {adapter->name};
	int error = 0;

	for (size_t i = 0; i < N_TEXTS; i++) {
		labels[i + 1] = read_text(adapter->text_fds[i], metrics[METRIC_INFO].labels[i + 1],
					  &texts[i]);
		if (hm_is_passing(adapter->text_fds[i]))
			error = adapter->text_fds[i];
	}
	if (error < 0)
		hm_emit_missing_labels(out, &metrics[METRIC_INFO], error, labels);
	else
		hm_emit_labels(out, &metrics[METRIC_INFO], 1, labels);
}

/* @return 0; -ENODATA: the adapter does not count this */
static int read_counter(int fd, uint64_t *ret_number)
{
	char text[64];
	struct hm_span line;
	struct hm_span word;
	uint64_t number;
	int result = fd;

	if (result >= 0)
		result = hm_read_string(fd, text, sizeof(text));
	/* Files that there are not, and those that can only be written. */
	if (result == -ENOENT || result == -EINVAL || result == -EOPNOTSUPP || result == -EACCES)
		return -ENODATA;
	if (result < 0)
		return result;
	line = (struct hm_span){text, strlen(text)};
	if (!hm_next_word(&line, &word))
		return -EINVAL;
	if (word.length > 2 && strncmp(word.start, "0x", 2) == 0)
		result = hm_span_hex((struct hm_span){word.start + 2, word.length - 2}, &number);
	else
		result = hm_span_uint64(word, &number);
	if (result < 0)
		return result;
	*ret_number = number;
	return number == UINT64_MAX ? -ENODATA : 0;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_adapters; i++) {
		const struct adapter *adapter = &state->adapters[i];

		emit_info(adapter, out);
		for (size_t j = 0; j < N_COUNTERS; j++) {
			const struct hm_metric *metric = &metrics[METRIC_COUNTERS + j];
			uint64_t number = 0;
			int error = read_counter(adapter->counter_fds[j], &number);

			if (error == 0)
				hm_emit(out, metric, (double)number, adapter->name);
			else if (error != -ENODATA)
				hm_emit_missing(out, metric, error, adapter->name);
		}
	}
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_adapters; i++) {
		const struct adapter *adapter = &state->adapters[i];

		for (size_t j = 0; j < N_TEXTS; j++) {
			if (adapter->text_fds[j] >= 0)
				close(adapter->text_fds[j]);
		}
		for (size_t j = 0; j < N_COUNTERS; j++) {
			if (adapter->counter_fds[j] >= 0)
				close(adapter->counter_fds[j]);
		}
	}
	free(state->adapters);
}

HM_PLUGIN(fibrechannel) = {
	HM_PLUGIN_HEADER,
	.name = "fibrechannel",
	.help = "Host adapters of Fibre Channel: what they are, and what they count.",
	.looks_for = FOLDER,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.udev_subsystem = "fc_host",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
