/* SPDX-License-Identifier: MIT */
/* Load averages: how many tasks ran or waited for a CPU or a disk, over 1, 5 and 15 minutes. */

#include <errno.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define N_LOADS 3

/* In the order of the fields. */
static const struct hm_metric metrics[N_LOADS] = {
	{
		.name = "node_load1",
		.unit = "",
		.help = "Load average over 1 minute.",
		.source = "/proc/loadavg, field 1, runnable and uninterruptible tasks",
		.kind = HM_GAUGE,
	},
	{
		.name = "node_load5",
		.unit = "",
		.help = "Load average over 5 minutes.",
		.source = "/proc/loadavg, field 2, runnable and uninterruptible tasks",
		.kind = HM_GAUGE,
	},
	{
		.name = "node_load15",
		.unit = "",
		.help = "Load average over 15 minutes.",
		.source = "/proc/loadavg, field 3, runnable and uninterruptible tasks",
		.kind = HM_GAUGE,
	},
};

struct loadavg {
	struct hm_text file;
};

static int start_collect(void *state, const struct hm_host *host)
{
	struct loadavg *loadavg = state;
	int result = hm_text_open(&loadavg->file, host, "/proc/loadavg");

	loadavg->file.record_max_bytes = HM_TEXT_ONE_RECORD;
	return result == -ENOENT ? -ENODEV : result;
}

static int get_current_state(void *state, struct hm_batch *out)
{
	struct loadavg *loadavg = state;
	const char *cursor;
	struct hm_span line;
	int result = hm_text_read(&loadavg->file);

	if (result < 0)
		return result;
	cursor = loadavg->file.data;
	if (!hm_next_line(&cursor, &line))
		return -ENODATA;
	result = -ENODATA;
	for (size_t i = 0; i < N_LOADS; i++) {
		struct hm_span word;
		double load = 0;
		int error = hm_next_word(&line, &word) ? hm_span_double(word, &load) : -ENODATA;

		if (error < 0) {
			hm_emit_missing(out, &metrics[i], error);
			if (result < 0)
				result = error;
			continue;
		}
		hm_emit(out, &metrics[i], load);
		result = 0;
	}
	return result;
}

static void stop_collect(void *state)
{
	struct loadavg *loadavg = state;

	hm_text_close(&loadavg->file);
}

HM_PLUGIN(loadavg) = {
	HM_PLUGIN_HEADER,
	.name = "loadavg",
	.help = "Load averages over 1, 5 and 15 minutes.",
	.looks_for = "/proc/loadavg",
	.metrics = metrics,
	.n_metrics = N_LOADS,
	.state_size = sizeof(struct loadavg),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
