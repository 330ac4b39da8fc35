/* SPDX-License-Identifier: MIT */
/*
 * State, disks and progress of the arrays of Linux' software RAID (md).
 *
 * No disk is woken: /proc/mdstat and the two numbers below /sys/block/mdN/md are kept by the driver in memory.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/mdstat.h"

#define FILE_NAME "/proc/mdstat"

/* More arrays than this are not told: names are compared with all before. */
#define ARRAYS_MAX 1024

/* Blocks are KiB, whatever the array's own blocks are. */
enum metric {
	METRIC_STATE,
	METRIC_DISKS,
	METRIC_DISKS_REQUIRED,
	METRIC_BLOCKS,
	METRIC_BLOCKS_SYNCED,
	METRIC_RAID_DISKS,
	METRIC_DEGRADED,
	N_METRICS,
};

/* clang-format off */
static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_STATE] = {.name = "node_md_state", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("device", "state"),
	 .source = FILE_NAME ", an array's first line (active, inactive) and its progress (recovery, resync, check)",
	 .help = "1 = this is the state of the array."},
	[METRIC_DISKS] = {.name = "node_md_disks", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("device", "state"),
	 .source = FILE_NAME ", [N/ACTIVE] of an array's second line, (F) and (S) of its first",
	 .help = "Disks of the array that are active, have failed, or are spare."},
	[METRIC_DISKS_REQUIRED] = {.name = "node_md_disks_required", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("device"), .source = FILE_NAME ", [N/ACTIVE] of an array's second line",
	 .help = "Disks that the array has when it is whole."},
	[METRIC_BLOCKS] = {.name = "node_md_blocks", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("device"), .source = FILE_NAME ", first word of an array's second line, KiB",
	 .help = "Size of the array in blocks of 1024 bytes."},
	[METRIC_BLOCKS_SYNCED] = {.name = "node_md_blocks_synced", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("device"), .source = FILE_NAME ", (DONE/ALL) of an array's progress, KiB",
	 .help = "How far the recovery, resync or check has come, in blocks of 1024 bytes; without one, all blocks."},
	[METRIC_RAID_DISKS] = {.name = "node_md_raid_disks", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("device"), .source = "/sys/block/md*/md/raid_disks, first word",
	 .help = "Disks that the array is made of, as configured."},
	[METRIC_DEGRADED] = {.name = "node_md_degraded", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("device"), .source = "/sys/block/md*/md/degraded",
	 .help = "Disks that the array lacks."},
};
/* clang-format on */

enum file {
	FILE_RAID_DISKS,
	FILE_DEGRADED,
	N_FILES,
};

static const struct {
	const char *name;
	enum metric metric;
} files[N_FILES] = {
	[FILE_RAID_DISKS] = {"raid_disks", METRIC_RAID_DISKS},
	[FILE_DEGRADED] = {"degraded", METRIC_DEGRADED},
};

/* The files of an array that stands at some place of /proc/mdstat. */
struct array {
	char name[HM_DEVICE_NAME_MAX]; /* "" = not opened */
	bool is_active;                /* only then are all files there */
	int fds[N_FILES];              /* -1: the array has no such file */
};

struct state {
	const struct hm_host *host;
	struct hm_text file;
	struct array *arrays; /* by place */
	size_t n_places;
	size_t n_arrays; /* of this round */
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->file, host, FILE_NAME);

	state->host = host;
	return result == -ENOENT ? -ENODEV : result;
}

static void close_files(struct array *array)
{
	for (size_t i = 0; i < N_FILES && array->name[0]; i++) {
		if (array->fds[i] >= 0)
			close(array->fds[i]);
	}
	array->name[0] = '\0';
}

static void open_files(const struct hm_host *host, struct array *array, const struct mdstat *now)
{
	close_files(array);
	for (size_t i = 0; i < N_FILES; i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "/sys/block/%s/md/%s", now->name, files[i].name);
		array->fds[i] = hm_open(host, path);
	}
	memcpy(array->name, now->name, sizeof(array->name));
	array->is_active = now->is_active;
}

/* Nothing is said of an empty file: a container has no disks of its own. */
static void emit_files(struct array *array, struct hm_batch *out)
{
	for (size_t i = 0; i < N_FILES && array->name[0]; i++) {
		const struct hm_metric *metric = &metrics[files[i].metric];
		char text[64];
		struct hm_span line = {text, 0};
		struct hm_span word;
		uint64_t number = 0;
		int error;

		if (array->fds[i] < 0)
			continue;
		error = hm_read_string(array->fds[i], text, sizeof(text));
		line.length = strlen(text);
		if (error == 0 && !hm_next_word(&line, &word))
			continue;
		if (error == 0)
			error = hm_span_uint64(word, &number);
		if (error == 0)
			hm_emit(out, metric, (double)number, array->name);
		else
			hm_emit_missing(out, metric, error, array->name);
		/* It was stopped, and another one may have its name: opened anew in the next round. */
		if (error == -ENODEV)
			array->is_active = !array->is_active;
	}
}

static void emit_blocks(const struct mdstat *now, struct hm_batch *out)
{
	/* An array without disks has no second line. */
	if (now->n_lines == 0)
		return;
	if (now->blocks_error < 0) {
		hm_emit_missing(out, &metrics[METRIC_BLOCKS], now->blocks_error, now->name);
		hm_emit_missing(out, &metrics[METRIC_BLOCKS_SYNCED], now->blocks_error, now->name);
		return;
	}
	hm_emit(out, &metrics[METRIC_BLOCKS], (double)now->blocks, now->name);
	if (now->synced_error < 0)
		hm_emit_missing(out, &metrics[METRIC_BLOCKS_SYNCED], now->synced_error, now->name);
	else
		hm_emit(out, &metrics[METRIC_BLOCKS_SYNCED], (double)now->synced, now->name);
}

static void emit_mdstat(const struct mdstat *now, struct hm_batch *out)
{
	if (now->has_disks) {
		hm_emit(out, &metrics[METRIC_DISKS_REQUIRED], (double)now->n_required, now->name);
		hm_emit(out, &metrics[METRIC_DISKS], (double)now->n_active, now->name, "active");
	}
	hm_emit(out, &metrics[METRIC_DISKS], (double)now->n_failed, now->name, "failed");
	hm_emit(out, &metrics[METRIC_DISKS], (double)now->n_spare, now->name, "spare");
	for (size_t i = 0; i < MDSTAT_N_STATES; i++)
		hm_emit(out, &metrics[METRIC_STATE], now->state == mdstat_states[i], now->name,
			mdstat_states[i]);
	emit_blocks(now, out);
}

/* All lines of an array were read. Of two of one name the first counts. */
static int finish(struct state *state, const struct mdstat *now, struct hm_batch *out)
{
	struct array *array;

	if (!now->name[0] || state->n_arrays == ARRAYS_MAX)
		return 0;
	for (size_t i = 0; i < state->n_arrays; i++) {
		if (strcmp(state->arrays[i].name, now->name) == 0)
			return 0;
	}
	if (state->n_arrays == state->n_places) {
		array = reallocarray(state->arrays, state->n_places + 1, sizeof(*array));
		if (!array)
			return -ENOMEM;
		state->arrays = array;
		array[state->n_places++] = (struct array){0};
	}
	array = &state->arrays[state->n_arrays++];
	/* Not all files are there until the array runs. */
	if (strcmp(array->name, now->name) != 0 || array->is_active != now->is_active)
		open_files(state->host, array, now);
	emit_mdstat(now, out);
	emit_files(array, out);
	return 0;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	struct mdstat now = {0};
	const char *cursor;
	struct hm_span line;
	int result = hm_text_read(&state->file);

	state->n_arrays = 0;
	cursor = state->file.data;
	while (result >= 0 && hm_next_line(&cursor, &line)) {
		if (line.length > 0 && line.start[0] == ' ') {
			mdstat_add(&now, line);
		} else if (line.length > 0) {
			result = finish(state, &now, out);
			mdstat_begin(&now, line);
		}
	}
	return result < 0 ? result : finish(state, &now, out);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
	for (size_t i = 0; i < state->n_places; i++)
		close_files(&state->arrays[i]);
	free(state->arrays);
}

HM_PLUGIN(md) = {
	HM_PLUGIN_HEADER,
	.name = "md",
	.help = "State, disks and progress of the arrays of Linux' software RAID.",
	.looks_for = FILE_NAME,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.udev_subsystem = "block",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
