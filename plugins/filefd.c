/* SPDX-License-Identifier: MIT */
/* Open files of the whole system, and how many there may be. */

#include <errno.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

enum metric {
	METRIC_ALLOCATED,
	METRIC_MAXIMUM,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_ALLOCATED] =
		{
			.name = "node_filefd_allocated",
			.unit = "",
			.help = "Open files of the whole system.",
			.source = "/proc/sys/fs/file-nr, field 1, file handles",
			.kind = HM_GAUGE,
		},
	[METRIC_MAXIMUM] =
		{
			.name = "node_filefd_maximum",
			.unit = "",
			.help = "How many files may be open in the whole system.",
			.source = "/proc/sys/fs/file-nr, field 3, file handles",
			.kind = HM_GAUGE,
		},
};

/* Field 2, free handles, has been 0 since Linux 2.6. */
static const struct hm_metric *const fields[] = {
	&metrics[METRIC_ALLOCATED],
	NULL,
	&metrics[METRIC_MAXIMUM],
};

struct state {
	struct hm_text file;
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->file, host, "/proc/sys/fs/file-nr");

	state->file.record_max_bytes = HM_TEXT_ONE_RECORD;
	return result == -ENOENT ? -ENODEV : result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	const char *cursor;
	struct hm_span line;
	int result = hm_text_read(&state->file);

	if (result < 0)
		return result;
	cursor = state->file.data;
	if (!hm_next_line(&cursor, &line))
		return -ENODATA;
	result = -ENODATA;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct hm_span word;
		uint64_t number = 0;
		int error = hm_next_word(&line, &word) ? hm_span_uint64(word, &number) : -ENODATA;

		if (!fields[i])
			continue;
		if (error < 0) {
			hm_emit_missing(out, fields[i], error);
			continue;
		}
		hm_emit(out, fields[i], (double)number);
		result = 0;
	}
	return result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
}

HM_PLUGIN(filefd) = {
	HM_PLUGIN_HEADER,
	.name = "filefd",
	.help = "Open files of the whole system, and how many there may be.",
	.looks_for = "/proc/sys/fs/file-nr",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
