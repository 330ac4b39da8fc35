/* SPDX-License-Identifier: MIT */
/* Paging, swapping, page faults and killed tasks: the lines of /proc/vmstat that node_exporter takes by default. */

#include <errno.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

/* A word, a number of 64 bits, a blank and a newline. All lines are about a page. */
#define LINE_MAX_BYTES 96

/* Those that begin as ^(oom_kill|pgpg|pswp|pg.*fault) does, in the kernel's order; pgmajfault_* are SUSE's. */
#define LINES(LINE)                                                                                \
	LINE("node_vmstat_pgpgin", "pgpgin", "KiB read from block devices.", "KiB")                \
	LINE("node_vmstat_pgpgout", "pgpgout", "KiB written to block devices.", "KiB")             \
	LINE("node_vmstat_pgpgoutclean", "pgpgoutclean", "Pages reclaimed unwritten.", "pages")    \
	LINE("node_vmstat_pswpin", "pswpin", "Pages read from the swap.", "pages")                 \
	LINE("node_vmstat_pswpout", "pswpout", "Pages written to the swap.", "pages")              \
	LINE("node_vmstat_pgfault", "pgfault", "Page faults, of both kinds.", "faults")            \
	LINE("node_vmstat_pgmajfault", "pgmajfault", "Page faults that read a disk.", "faults")    \
	LINE("node_vmstat_pgmajfault_s", "pgmajfault_s", "Those of shared memory.", "faults")      \
	LINE("node_vmstat_pgmajfault_a", "pgmajfault_a", "Those of no file.", "faults")            \
	LINE("node_vmstat_pgmajfault_f", "pgmajfault_f", "Those of files.", "faults")              \
	LINE("node_vmstat_oom_kill", "oom_kill", "Tasks killed for lack of memory.", "tasks")

#define METRIC(full_name, word, text, counted)                                                     \
	{                                                                                          \
		.name = (full_name),                                                               \
		.unit = "",                                                                        \
		.help = (text),                                                                    \
		.source = "/proc/vmstat, line " word ", " counted,                                 \
		.kind = HM_COUNTER,                                                                \
	},

static const struct hm_metric metrics[] = {LINES(METRIC)};

#define N_METRICS (sizeof(metrics) / sizeof(metrics[0]))

#define WORD(full_name, word, text, counted) word,

static const char *const words[N_METRICS] = {LINES(WORD)};

struct state {
	struct hm_text file;
	struct hm_field fields[N_METRICS];
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->file, host, "/proc/vmstat");

	state->file.record_max_bytes = LINE_MAX_BYTES;
	for (size_t i = 0; i < N_METRICS; i++)
		state->fields[i] = (struct hm_field){words[i], &metrics[i], 0};
	return result == -ENOENT ? -ENODEV : result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = hm_text_read(&state->file);

	if (result < 0)
		return result;
	return hm_fields_emit(out, state->file.data, state->fields, N_METRICS) > 0 ? 0 : -ENODATA;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
}

HM_PLUGIN(vmstat) = {
	HM_PLUGIN_HEADER,
	.name = "vmstat",
	.help = "Paging, swapping, page faults and tasks killed for lack of memory.",
	.looks_for = "/proc/vmstat",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
