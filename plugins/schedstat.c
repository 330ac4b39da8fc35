/* SPDX-License-Identifier: MIT */
/* How long each CPU ran tasks, and how long tasks waited for it. */

#include <errno.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define NS_PER_S 1e9

/* The numbers of a CPU's line that are used are these. */
#define FIRST_FIELD 7

/* Room for the number of a CPU as text. */
#define CPU_MAX_BYTES 24

/* In the order of the fields. */
enum metric {
	METRIC_RUNNING,
	METRIC_WAITING,
	METRIC_TIMESLICES,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_RUNNING] =
		{
			.name = "node_schedstat_running_seconds_total",
			.unit = "seconds",
			.help = "Time the CPU ran tasks.",
			.source = "/proc/schedstat, line cpuN, field 7, nanoseconds",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu"),
		},
	[METRIC_WAITING] =
		{
			.name = "node_schedstat_waiting_seconds_total",
			.unit = "seconds",
			.help = "Time that tasks waited for this CPU, added up over them.",
			.source = "/proc/schedstat, line cpuN, field 8, nanoseconds",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu"),
		},
	[METRIC_TIMESLICES] =
		{
			.name = "node_schedstat_timeslices_total",
			.unit = "",
			.help = "Turns of tasks on the CPU.",
			.source = "/proc/schedstat, line cpuN, field 9, turns",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu"),
		},
};

struct state {
	struct hm_text file;
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->file, host, "/proc/schedstat");

	return result == -ENOENT ? -ENODEV : result;
}

/* "cpu12" @return false: not the word of a CPU */
static bool parse_cpu(struct hm_span word, int64_t *ret_number, char ret_name[CPU_MAX_BYTES])
{
	struct hm_span digits = {word.start + 3, word.length - 3};

	if (word.length <= 3 || memcmp(word.start, "cpu", 3) != 0 ||
	    digits.length >= CPU_MAX_BYTES || hm_span_int64(digits, ret_number) < 0)
		return false;
	memcpy(ret_name, digits.start, digits.length);
	ret_name[digits.length] = '\0';
	return true;
}

/* @return 0 when there was a value */
static int emit_cpu(struct hm_batch *out, struct hm_span line, const char *name)
{
	struct hm_span word;
	int result = -ENODATA;

	for (size_t i = 1; i < FIRST_FIELD; i++)
		(void)hm_next_word(&line, &word);
	for (size_t i = 0; i < N_METRICS; i++) {
		uint64_t number = 0;
		int error = hm_next_word(&line, &word) ? hm_span_uint64(word, &number) : -ENODATA;
		double value = (double)number;

		if (error < 0) {
			hm_emit_missing(out, &metrics[i], error, name);
			continue;
		}
		hm_emit(out, &metrics[i], i == METRIC_TIMESLICES ? value : value / NS_PER_S, name);
		result = 0;
	}
	return result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int64_t last = -1;
	const char *cursor;
	struct hm_span line;
	int result = hm_text_read(&state->file);

	if (result < 0)
		return result;
	result = -ENODATA;
	cursor = state->file.data;
	while (hm_next_line(&cursor, &line)) {
		char name[CPU_MAX_BYTES];
		struct hm_span word;
		int64_t number;

		/* CPUs stand in their order; one that does not was there before. */
		if (!hm_next_word(&line, &word) || !parse_cpu(word, &number, name) ||
		    number <= last)
			continue;
		last = number;
		if (emit_cpu(out, line, name) == 0)
			result = 0;
	}
	return result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
}

HM_PLUGIN(schedstat) = {
	HM_PLUGIN_HEADER,
	.name = "schedstat",
	.help = "How long each CPU ran tasks, and how long tasks waited for it.",
	.looks_for = "/proc/schedstat, of kernels built with CONFIG_SCHEDSTATS",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
