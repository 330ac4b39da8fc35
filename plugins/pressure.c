/* SPDX-License-Identifier: MIT */
/* Pressure stall information: how long tasks had to wait for CPU, memory, disks and interrupts. */

#include <errno.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define US_PER_MS 1000.0
#define MS_PER_S  1000.0

enum metric {
	METRIC_CPU_WAITING,
	METRIC_IO_WAITING,
	METRIC_IO_STALLED,
	METRIC_MEMORY_WAITING,
	METRIC_MEMORY_STALLED,
	METRIC_IRQ_STALLED,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_CPU_WAITING] =
		{
			.name = "node_pressure_cpu_waiting_seconds_total",
			.unit = "seconds",
			.help = "Time in which at least one task waited for a CPU.",
			.source = "/proc/pressure/cpu, line some, total, microseconds",
			.kind = HM_COUNTER,
		},
	[METRIC_IO_WAITING] =
		{
			.name = "node_pressure_io_waiting_seconds_total",
			.unit = "seconds",
			.help = "Time in which at least one task waited for a disk.",
			.source = "/proc/pressure/io, line some, total, microseconds",
			.kind = HM_COUNTER,
		},
	[METRIC_IO_STALLED] =
		{
			.name = "node_pressure_io_stalled_seconds_total",
			.unit = "seconds",
			.help = "Time in which tasks waited for a disk and no other ran.",
			.source = "/proc/pressure/io, line full, total, microseconds",
			.kind = HM_COUNTER,
		},
	[METRIC_MEMORY_WAITING] =
		{
			.name = "node_pressure_memory_waiting_seconds_total",
			.unit = "seconds",
			.help = "Time in which at least one task waited for memory.",
			.source = "/proc/pressure/memory, line some, total, microseconds",
			.kind = HM_COUNTER,
		},
	[METRIC_MEMORY_STALLED] =
		{
			.name = "node_pressure_memory_stalled_seconds_total",
			.unit = "seconds",
			.help = "Time in which tasks waited for memory and no other ran.",
			.source = "/proc/pressure/memory, line full, total, microseconds",
			.kind = HM_COUNTER,
		},
	[METRIC_IRQ_STALLED] =
		{
			.name = "node_pressure_irq_stalled_seconds_total",
			.unit = "seconds",
			.help = "Time in which interrupts kept all tasks from running.",
			.source = "/proc/pressure/irq, line full, total, microseconds",
			.kind = HM_COUNTER,
		},
};

/* What a resource's file has: the line of tasks that wait, the line of times when all do. */
static const struct {
	const char *path;
	const struct hm_metric *some; /* NULL = the line means nothing, or is not there */
	const struct hm_metric *full;
} resources[] = {
	{"/proc/pressure/cpu", &metrics[METRIC_CPU_WAITING], NULL},
	{"/proc/pressure/io", &metrics[METRIC_IO_WAITING], &metrics[METRIC_IO_STALLED]},
	{"/proc/pressure/memory", &metrics[METRIC_MEMORY_WAITING], &metrics[METRIC_MEMORY_STALLED]},
	{"/proc/pressure/irq", NULL, &metrics[METRIC_IRQ_STALLED]},
};

#define N_RESOURCES (sizeof(resources) / sizeof(resources[0]))

struct state {
	struct hm_text files[N_RESOURCES];
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = -ENODEV;

	for (size_t i = 0; i < N_RESOURCES; i++) {
		struct hm_text *file = &state->files[i];
		int error = hm_text_open(file, host, resources[i].path);

		file->record_max_bytes = HM_TEXT_ONE_RECORD;
		/* Kernels can be built with it and have it off: then files are there, and cannot be read. */
		if (error == 0 && hm_text_read(file) == -EOPNOTSUPP) {
			hm_text_close(file);
			error = -ENOENT;
		}
		if (error < 0 && error != -ENOENT && error != -EOPNOTSUPP)
			return error;
		if (error == 0)
			result = 0;
	}
	return result;
}

/* "avg10=0.00 avg60=0.00 avg300=0.00 total=1234" */
static int parse_total(struct hm_span line, uint64_t *ret_us)
{
	static const char key[] = "total=";
	struct hm_span word;

	while (hm_next_word(&line, &word)) {
		struct hm_span start = {word.start, sizeof(key) - 1};
		struct hm_span digits = {word.start + start.length, word.length - start.length};

		if (word.length > start.length && hm_span_equals(start, key))
			return hm_span_uint64(digits, ret_us);
	}
	return -ENODATA;
}

/* @return 0 when there is a value */
static int emit_line(struct hm_batch *out, const struct hm_metric *metric, const char *text,
		     const char *kind)
{
	struct hm_span line;
	uint64_t total_us = 0;
	int result = -ENODATA;

	while (hm_next_line(&text, &line)) {
		struct hm_span word;

		if (!hm_next_word(&line, &word) || !hm_span_equals(word, kind))
			continue;
		result = parse_total(line, &total_us);
		break;
	}
	if (result < 0)
		hm_emit_missing(out, metric, result);
	else
		hm_emit(out, metric, (double)total_us / US_PER_MS / MS_PER_S);
	return result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = -ENODATA;

	for (size_t i = 0; i < N_RESOURCES; i++) {
		struct hm_text *file = &state->files[i];
		const struct hm_metric *lines[] = {resources[i].some, resources[i].full};
		int error = file->is_open ? hm_text_read(file) : 0;

		for (size_t j = 0; j < 2; j++) {
			if (!file->is_open || !lines[j])
				continue;
			if (error < 0)
				hm_emit_missing(out, lines[j], error);
			else if (emit_line(out, lines[j], file->data, j == 0 ? "some" : "full") ==
				 0)
				result = 0;
		}
	}
	return result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < N_RESOURCES; i++)
		hm_text_close(&state->files[i]);
}

HM_PLUGIN(pressure) = {
	HM_PLUGIN_HEADER,
	.name = "pressure",
	.help = "How long tasks had to wait for CPU, memory, disks and interrupts.",
	.looks_for = "/proc/pressure, from Linux 4.20 on",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
