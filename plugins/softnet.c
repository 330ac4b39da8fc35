/* SPDX-License-Identifier: MIT */
/* Packets that each CPU took from the network, and those it could not. */

#include <errno.h>
#include <stdio.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

/* Since Linux 5.10 the CPU's number stands in this column; before it is the number of the line. */
#define COLUMN_CPU 12

#define N_COLUMNS 13

/* The last of the columns that have been there since Linux 2.6.32. */
#define N_OLD_COLUMNS 9

enum metric {
	METRIC_PROCESSED,
	METRIC_DROPPED,
	METRIC_SQUEEZED,
	METRIC_COLLISIONS,
	METRIC_RECEIVED_RPS,
	METRIC_FLOW_LIMIT,
	METRIC_BACKLOG,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_PROCESSED] =
		{
			.name = "node_softnet_processed_total",
			.unit = "",
			.help = "Packets the CPU took from the network.",
			.source = "/proc/net/softnet_stat, column 1, packets (32 bits)",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu"),
		},
	[METRIC_DROPPED] =
		{
			.name = "node_softnet_dropped_total",
			.unit = "",
			.help = "Packets lost because too many waited for the CPU.",
			.source = "/proc/net/softnet_stat, column 2, packets (32 bits)",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu"),
		},
	[METRIC_SQUEEZED] =
		{
			.name = "node_softnet_times_squeezed_total",
			.unit = "",
			.help = "Times that packets were left over when the CPU's turn ended.",
			.source = "/proc/net/softnet_stat, column 3, times (32 bits)",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu"),
		},
	[METRIC_COLLISIONS] =
		{
			.name = "node_softnet_cpu_collision_total",
			.unit = "",
			.help = "Times that another CPU held the device's lock when sending.",
			.source = "/proc/net/softnet_stat, column 9, times (32 bits)",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu"),
		},
	[METRIC_RECEIVED_RPS] =
		{
			.name = "node_softnet_received_rps_total",
			.unit = "",
			.help = "Times that another CPU handed packets to this one.",
			.source = "/proc/net/softnet_stat, column 10, times (32 bits)",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu"),
		},
	[METRIC_FLOW_LIMIT] =
		{
			.name = "node_softnet_flow_limit_count_total",
			.unit = "",
			.help = "Packets dropped because their flow had too large a share.",
			.source = "/proc/net/softnet_stat, column 11, packets (32 bits)",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu"),
		},
	[METRIC_BACKLOG] =
		{
			.name = "node_softnet_backlog_len",
			.unit = "",
			.help = "Packets that wait for the CPU now.",
			.source = "/proc/net/softnet_stat, column 12, packets",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("cpu"),
		},
};

static const struct hm_metric *const columns[N_COLUMNS] = {
	[0] = &metrics[METRIC_PROCESSED],    [1] = &metrics[METRIC_DROPPED],
	[2] = &metrics[METRIC_SQUEEZED],     [8] = &metrics[METRIC_COLLISIONS],
	[9] = &metrics[METRIC_RECEIVED_RPS], [10] = &metrics[METRIC_FLOW_LIMIT],
	[11] = &metrics[METRIC_BACKLOG],
};

/* What one line said. */
struct reading {
	size_t n_columns;
	int errors[N_COLUMNS]; /* 0, or why the column cannot be used */
	uint64_t numbers[N_COLUMNS];
};

struct state {
	struct hm_text file;
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->file, host, "/proc/net/softnet_stat");

	state->file.record_max_bytes = HM_TEXT_SHORT_RECORDS;
	return result == -ENOENT ? -ENODEV : result;
}

static void parse_reading(struct reading *reading, struct hm_span line)
{
	struct hm_span word;

	*reading = (struct reading){0};
	while (reading->n_columns < N_COLUMNS && hm_next_word(&line, &word)) {
		size_t i = reading->n_columns++;

		reading->errors[i] = hm_span_hex(word, &reading->numbers[i]);
	}
	/* Columns that a kernel does not have are not missing, those that every kernel has are. */
	for (; reading->n_columns > 0 && reading->n_columns < N_OLD_COLUMNS; reading->n_columns++)
		reading->errors[reading->n_columns] = -ENODATA;
}

/* @return 0 when there was a value */
static int emit_cpu(struct hm_batch *out, const struct reading *reading, uint64_t cpu)
{
	char name[24];
	int result = -ENODATA;

	(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)cpu);
	for (size_t i = 0; i < reading->n_columns; i++) {
		if (!columns[i])
			continue;
		if (reading->errors[i] < 0) {
			hm_emit_missing(out, columns[i], reading->errors[i], name);
			continue;
		}
		hm_emit(out, columns[i], (double)reading->numbers[i], name);
		result = 0;
	}
	return result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	uint64_t next = 0;
	const char *cursor;
	struct hm_span line;
	int result = hm_text_read(&state->file);

	if (result < 0)
		return result;
	result = -ENODATA;
	cursor = state->file.data;
	while (hm_next_line(&cursor, &line)) {
		struct reading reading;
		uint64_t cpu = next;

		parse_reading(&reading, line);
		if (reading.n_columns > COLUMN_CPU)
			cpu = reading.numbers[COLUMN_CPU];
		/* CPUs stand in their order; one that does not was there before, or has no number. */
		if (reading.n_columns == 0 || cpu < next ||
		    (reading.n_columns > COLUMN_CPU && reading.errors[COLUMN_CPU] < 0) ||
		    cpu == UINT64_MAX)
			continue;
		next = cpu + 1;
		if (emit_cpu(out, &reading, cpu) == 0)
			result = 0;
	}
	return result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
}

HM_PLUGIN(softnet) = {
	HM_PLUGIN_HEADER,
	.name = "softnet",
	.help = "Packets that each CPU took from the network, and those it could not.",
	.looks_for = "/proc/net/softnet_stat",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
