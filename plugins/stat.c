/* SPDX-License-Identifier: MIT */
/* What the kernel counted since boot: interrupts, context switches, forks; and when it booted. */

#include <errno.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

/* In the order of the kernel's lines. */
enum metric {
	METRIC_INTERRUPTS,
	METRIC_CONTEXT_SWITCHES,
	METRIC_BOOT_TIME,
	METRIC_FORKS,
	METRIC_RUNNING,
	METRIC_BLOCKED,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_INTERRUPTS] =
		{
			.name = "node_intr_total",
			.unit = "",
			.help = "Interrupts that were served.",
			.source = "/proc/stat, line intr, field 1, interrupts",
			.kind = HM_COUNTER,
		},
	[METRIC_CONTEXT_SWITCHES] =
		{
			.name = "node_context_switches_total",
			.unit = "",
			.help = "Times that a CPU went over to another task.",
			.source = "/proc/stat, line ctxt, context switches",
			.kind = HM_COUNTER,
		},
	[METRIC_BOOT_TIME] =
		{
			.name = "node_boot_time_seconds",
			.unit = "seconds",
			.help = "When the system booted, since 1970.",
			.source = "/proc/stat, line btime, seconds",
			.kind = HM_GAUGE,
		},
	[METRIC_FORKS] =
		{
			.name = "node_forks_total",
			.unit = "",
			.help = "Processes and threads that were started.",
			.source = "/proc/stat, line processes, forks",
			.kind = HM_COUNTER,
		},
	[METRIC_RUNNING] =
		{
			.name = "node_procs_running",
			.unit = "",
			.help = "Tasks that run or could run now.",
			.source = "/proc/stat, line procs_running, tasks",
			.kind = HM_GAUGE,
		},
	[METRIC_BLOCKED] =
		{
			.name = "node_procs_blocked",
			.unit = "",
			.help = "Tasks that wait for input or output now.",
			.source = "/proc/stat, line procs_blocked, tasks",
			.kind = HM_GAUGE,
		},
};

static const struct hm_field fields[N_METRICS] = {
	{"intr", &metrics[METRIC_INTERRUPTS], 0},
	{"ctxt", &metrics[METRIC_CONTEXT_SWITCHES], 0},
	{"btime", &metrics[METRIC_BOOT_TIME], 0},
	{"processes", &metrics[METRIC_FORKS], 0},
	{"procs_running", &metrics[METRIC_RUNNING], 0},
	{"procs_blocked", &metrics[METRIC_BLOCKED], 0},
};

struct state {
	struct hm_text file;
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_share(&state->file, host, "/proc/stat");

	state->file.record_max_bytes = HM_TEXT_ONE_RECORD;
	return result == -ENOENT ? -ENODEV : result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = hm_text_read(&state->file);

	if (result < 0)
		return result;
	return hm_fields_emit(out, state->file.data, fields, N_METRICS) > 0 ? 0 : -ENODATA;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
}

HM_PLUGIN(stat) = {
	HM_PLUGIN_HEADER,
	.name = "stat",
	.help = "Interrupts, context switches, forks, running tasks and the time of boot.",
	.looks_for = "/proc/stat",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
