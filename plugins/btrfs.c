/* SPDX-License-Identifier: MIT */
/*
 * Space, devices, errors and commits of each mounted Btrfs file system.
 *
 * No disk is woken: all of /sys/fs/btrfs is kept in memory, and so is what ioctl(2) tells of the devices.
 */

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/btrfs_devices.h"
#include "plugins/btrfs_metrics.h"
#include "plugins/folder_watch.h"
#include "plugins/milliseconds.h"

#define PATH_BYTES 256

static const struct hm_option options[] = {
	{
		.name = TIMEOUT_NAME,
		.fallback = TIMEOUT_FALLBACK,
		.help = "How long file systems are waited for that are asked for their devices.",
		.check = milliseconds_check,
	},
};

static const struct hm_attribute reserve = {.file = "global_rsv_size",
					    .metric = &btrfs_metrics[BTRFS_RESERVE]};
static const struct hm_attribute reserved = {.file = "bytes_reserved",
					     .metric = &btrfs_metrics[BTRFS_RESERVED]};
static const struct hm_attribute used = {.file = "used_bytes",
					 .metric = &btrfs_metrics[BTRFS_USED]};
static const struct hm_attribute size = {.file = "total_bytes",
					 .metric = &btrfs_metrics[BTRFS_SIZE]};
static const struct hm_attribute device_size = {
	.file = "size", .metric = &btrfs_metrics[BTRFS_DEVICE_SIZE], .factor = 512};

/* A line of two words, the second one a number. */
struct field {
	const char *word;
	enum btrfs_metric metric;
	double divisor;
	const char *type; /* a label; NULL = it has none */
};

static const struct field fields[] = {
	{"write_errs", BTRFS_ERRORS, 1, "write"},
	{"read_errs", BTRFS_ERRORS, 1, "read"},
	{"flush_errs", BTRFS_ERRORS, 1, "flush"},
	{"corruption_errs", BTRFS_ERRORS, 1, "corruption"},
	{"generation_errs", BTRFS_ERRORS, 1, "generation"},
	{"commits", BTRFS_COMMITS, 1, NULL},
	{"last_commit_ms", BTRFS_COMMIT_LAST, 1000, NULL},
	{"max_commit_ms", BTRFS_COMMIT_MAX, 1000, NULL},
	{"total_commit_ms", BTRFS_COMMIT_SECONDS, 1000, NULL},
};

#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

/* The sorts of block groups; "mixed" is of small file systems. */
static const char *const types[] = {"data", "metadata", "system", "mixed"};

/* One file of lines: of a file system, or of one of its devices. */
struct lines {
	char uuid[HM_DEVICE_NAME_MAX];
	char devid[HM_DEVICE_NAME_MAX]; /* "" = of the file system */
	struct hm_text file;
};

/* What stays as it is until folders come or go. */
struct constant {
	enum btrfs_metric metric;
	double value;
	char uuid[HM_DEVICE_NAME_MAX];
	char label[264];               /* of the file system, or the type of the block group */
	char mode[HM_DEVICE_NAME_MAX]; /* of the block group */
};

/* What its devices are called and how large they are, where it cannot be asked for more. */
struct filesystem {
	char fsid[HM_DEVICE_NAME_MAX];
	char uuid[HM_DEVICE_NAME_MAX];
	struct hm_attributes sizes;
};

struct state {
	const struct hm_host *host;
	int64_t timeout_us;
	struct btrfs_devices devices;
	struct folder_watch *watches; /* all folders in which folders come and go */
	size_t n_watches;
	bool is_half; /* the last search failed */
	struct constant *constants;
	size_t n_constants;
	struct lines *lines;
	size_t n_lines;
	struct filesystem *filesystems;
	size_t n_filesystems;
	struct hm_attributes numbers;
	/* The file system that is looked at, and its block group: */
	char folder[128];
	char uuid[HM_DEVICE_NAME_MAX];
	const char *type;
	size_t n_devices;
};

/* What is not there, as in kernels before it came, is not told. */
static int optional(int result)
{
	return result == -ENOENT || result == -ENOTDIR ? 0 : result;
}

static int watch_folder(struct state *state, const char *path)
{
	struct folder_watch *watches =
		reallocarray(state->watches, state->n_watches + 1, sizeof(*watches));
	int result;

	if (!watches)
		return -ENOMEM;
	state->watches = watches;
	watches[state->n_watches] = (struct folder_watch){0};
	result = folder_watch_open(&watches[state->n_watches], state->host, path);
	state->n_watches += result == 0;
	return result;
}

static int add_constant(struct state *state, const struct constant *constant)
{
	struct constant *constants =
		reallocarray(state->constants, state->n_constants + 1, sizeof(*constants));

	if (!constants)
		return -ENOMEM;
	state->constants = constants;
	constants[state->n_constants++] = *constant;
	return 0;
}

static int append_filesystem(struct state *state, const char *fsid)
{
	struct filesystem *list =
		reallocarray(state->filesystems, state->n_filesystems + 1, sizeof(*list));
	struct filesystem *added;

	if (!list)
		return -ENOMEM;
	state->filesystems = list;
	added = &list[state->n_filesystems++];
	*added = (struct filesystem){0};
	(void)strlcpy(added->fsid, fsid, sizeof(added->fsid));
	(void)strlcpy(added->uuid, state->uuid, sizeof(added->uuid));
	return 0;
}

/* @param devid  "" = of the file system */
static int add_lines(struct state *state, const char *path, const char *devid)
{
	struct lines *lines = reallocarray(state->lines, state->n_lines + 1, sizeof(*lines));
	struct lines *added;
	int result;

	if (!lines)
		return -ENOMEM;
	state->lines = lines;
	added = &lines[state->n_lines];
	*added = (struct lines){0};
	(void)strlcpy(added->uuid, state->uuid, sizeof(added->uuid));
	(void)strlcpy(added->devid, devid, sizeof(added->devid));
	result = hm_text_open(&added->file, state->host, path);
	state->n_lines += result == 0;
	return result;
}

/* How many bytes of the disks one of data takes; 0 = not known. */
static double mode_ratio(const char *mode, double n_devices)
{
	static const struct {
		const char *mode;
		double ratio;
	} ratios[] = {
		{"single", 1}, {"raid0", 1},   {"dup", 2},     {"raid1", 2},
		{"raid10", 2}, {"raid1c3", 3}, {"raid1c4", 4},
	};

	for (size_t i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++) {
		if (strcmp(mode, ratios[i].mode) == 0)
			return ratios[i].ratio;
	}
	if (strcmp(mode, "raid5") == 0 && n_devices > 1)
		return n_devices / (n_devices - 1);
	if (strcmp(mode, "raid6") == 0 && n_devices > 2)
		return n_devices / (n_devices - 2);
	return 0;
}

/* Modes are the folders among what a type has: only they have a size in them. */
static int add_mode(void *context, const char *mode)
{
	struct state *state = context;
	struct constant ratio = {.metric = BTRFS_RATIO,
				 .value = mode_ratio(mode, (double)state->n_devices)};
	char folder[PATH_BYTES];
	char path[PATH_BYTES + 16];
	int result;
	int fd;

	(void)snprintf(folder, sizeof(folder), "%s/allocation/%s/%s", state->folder, state->type,
		       mode);
	(void)snprintf(path, sizeof(path), "%s/total_bytes", folder);
	fd = hm_open(state->host, path);
	if (fd < 0)
		return optional(fd);
	close(fd);
	result = hm_attributes_add(&state->numbers, state->host, &size, folder, state->uuid,
				   state->type, mode);
	if (result == 0)
		result = hm_attributes_add(&state->numbers, state->host, &used, folder, state->uuid,
					   state->type, mode);
	result = optional(result);
	if (result < 0 || ratio.value == 0)
		return result;
	(void)strlcpy(ratio.uuid, state->uuid, sizeof(ratio.uuid));
	(void)strlcpy(ratio.label, state->type, sizeof(ratio.label));
	(void)strlcpy(ratio.mode, mode, sizeof(ratio.mode));
	return add_constant(state, &ratio);
}

static int add_device(void *context, const char *device)
{
	struct state *state = context;
	struct hm_attributes *sizes = &state->filesystems[state->n_filesystems - 1].sizes;
	char folder[PATH_BYTES];

	state->n_devices++;
	(void)snprintf(folder, sizeof(folder), "%s/devices/%s", state->folder, device);
	return optional(hm_attributes_add(sizes, state->host, &device_size, folder, state->uuid,
					  device, ""));
}

static int add_devid(void *context, const char *devid)
{
	struct state *state = context;
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/devinfo/%s/error_stats", state->folder, devid);
	return optional(add_lines(state, path, devid));
}

static int add_type(struct state *state, const char *type)
{
	char folder[PATH_BYTES];
	int result;

	state->type = type;
	(void)snprintf(folder, sizeof(folder), "%s/allocation/%s", state->folder, type);
	result = watch_folder(state, folder);
	if (result == 0)
		result = optional(hm_attributes_add(&state->numbers, state->host, &reserved, folder,
						    state->uuid, type));
	if (result == 0)
		result = hm_folder_find(state->host, folder, "[!.]*", add_mode, state);
	return optional(result);
}

/* Copies of a file system have one id of metadata, and folders of their own. */
static bool is_known(const struct state *state, const char *uuid)
{
	for (size_t i = 0; i < state->n_constants; i++) {
		if (strcmp(state->constants[i].uuid, uuid) == 0)
			return true;
	}
	return false;
}

/* A label that is changed while the file system is mounted is told with the next change of folders. */
static int add_info(struct state *state, const char *name)
{
	struct constant info = {.metric = BTRFS_INFO, .value = 1};
	char path[PATH_BYTES];
	int result;

	(void)snprintf(path, sizeof(path), "%s/metadata_uuid", state->folder);
	result = hm_read_line_of(state->host, path, state->uuid, sizeof(state->uuid));
	if (result < 0 || !*state->uuid || is_known(state, state->uuid))
		(void)strlcpy(state->uuid, name, sizeof(state->uuid));
	(void)strlcpy(info.uuid, state->uuid, sizeof(info.uuid));
	(void)snprintf(path, sizeof(path), "%s/label", state->folder);
	(void)hm_read_line_of(state->host, path, info.label, sizeof(info.label));
	hm_label_clean(info.label, sizeof(info.label));
	return add_constant(state, &info);
}

/* First the devices: ratios depend on their number. While it is being mounted, for minutes perhaps, not all is there. */
static int add_filesystem(void *context, const char *name)
{
	struct state *state = context;
	char path[PATH_BYTES];
	int result;

	(void)snprintf(state->folder, sizeof(state->folder), BTRFS_FOLDER "/%s", name);
	state->n_devices = 0;
	result = add_info(state, name);
	if (result == 0)
		result = append_filesystem(state, name);
	if (result == 0)
		result = watch_folder(state, state->folder);
	(void)snprintf(path, sizeof(path), "%s/devices", state->folder);
	if (result == 0)
		result = optional(hm_folder_find(state->host, path, "[!.]*", add_device, state));
	(void)snprintf(path, sizeof(path), "%s/allocation", state->folder);
	if (result == 0)
		result = optional(watch_folder(state, path));
	if (result == 0)
		result = optional(hm_attributes_add(&state->numbers, state->host, &reserve, path,
						    state->uuid));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && result == 0; i++)
		result = add_type(state, types[i]);
	(void)snprintf(path, sizeof(path), "%s/commit_stats", state->folder);
	if (result == 0)
		result = optional(add_lines(state, path, ""));
	(void)snprintf(path, sizeof(path), "%s/devinfo", state->folder);
	if (result == 0)
		result = watch_folder(state, path);
	if (result == 0)
		result = hm_folder_find(state->host, path, "[0-9]*", add_devid, state);
	return optional(result);
}

static void close_all(struct state *state)
{
	for (size_t i = 0; i < state->n_watches; i++)
		folder_watch_close(&state->watches[i]);
	for (size_t i = 0; i < state->n_lines; i++)
		hm_text_close(&state->lines[i].file);
	for (size_t i = 0; i < state->n_filesystems; i++)
		hm_attributes_close(&state->filesystems[i].sizes);
	hm_attributes_close(&state->numbers);
	state->n_watches = 0;
	state->n_filesystems = 0;
	state->n_lines = 0;
	state->n_constants = 0;
}

/* File systems are named by their ids; "features" is none. */
static int find_filesystems(struct state *state)
{
	int result;

	close_all(state);
	result = watch_folder(state, BTRFS_FOLDER);
	if (result == 0)
		result = hm_folder_find(state->host, BTRFS_FOLDER, "*-*", add_filesystem, state);
	state->is_half = result < 0;
	return result;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	state->timeout_us = milliseconds_us(host, TIMEOUT_NAME);
	if (state->timeout_us < 0)
		return -EINVAL;
	result = find_filesystems(state);
	if (result == 0 && state->n_constants == 0)
		result = -ENODEV;
	if (result == 0)
		result = btrfs_devices_open(&state->devices, host);
	return result == -ENOENT ? -ENODEV : result;
}

static void emit_field(const struct lines *lines, const struct field *field, struct hm_span line,
		       struct hm_batch *out)
{
	const struct hm_metric *metric = &btrfs_metrics[field->metric];
	const char *const labels[] = {lines->uuid, field->type ? lines->devid : NULL, field->type,
				      NULL};
	struct hm_span word = {"", 0};
	uint64_t number = 0;
	int error;

	(void)hm_next_word(&line, &word);
	error = hm_span_uint64(word, &number);
	if (error < 0)
		hm_emit_missing_labels(out, metric, error, labels);
	else
		hm_emit_labels(out, metric, (double)number / field->divisor, labels);
}

/* Of two lines of one word the first counts. */
static void emit_lines(const struct lines *lines, struct hm_batch *out)
{
	bool is_done[N_FIELDS] = {false};
	const char *cursor = lines->file.data;
	struct hm_span line;
	struct hm_span word;

	while (hm_next_line(&cursor, &line)) {
		if (!hm_next_word(&line, &word))
			continue;
		for (size_t i = 0; i < N_FIELDS; i++) {
			bool is_of_device = fields[i].type != NULL;

			if (is_done[i] || is_of_device != (*lines->devid != '\0') ||
			    !hm_span_equals(word, fields[i].word))
				continue;
			is_done[i] = true;
			emit_field(lines, &fields[i], line, out);
		}
	}
}

static void emit_failure(const struct lines *lines, int error, struct hm_batch *out)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		const char *const labels[] = {lines->uuid, fields[i].type ? lines->devid : NULL,
					      fields[i].type, NULL};

		if ((*lines->devid != '\0') == (fields[i].type != NULL))
			hm_emit_missing_labels(out, &btrfs_metrics[fields[i].metric], error,
					       labels);
	}
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	bool has_changed = state->is_half;
	int result = 0;

	for (size_t i = 0; i < state->n_watches; i++)
		has_changed |= folder_watch_ask(&state->watches[i]);
	if (has_changed)
		result = find_filesystems(state);
	if (result < 0)
		return result;
	for (size_t i = 0; i < state->n_constants; i++) {
		const struct constant *constant = &state->constants[i];
		const char *const labels[] = {constant->uuid, constant->label,
					      *constant->mode ? constant->mode : NULL, NULL};

		hm_emit_labels(out, &btrfs_metrics[constant->metric], constant->value, labels);
	}
	(void)hm_attributes_emit(&state->numbers, state->host, out);
	btrfs_devices_ask(&state->devices, state->timeout_us);
	for (size_t i = 0; i < state->n_filesystems; i++) {
		struct filesystem *filesystem = &state->filesystems[i];

		if (!btrfs_devices_emit(&state->devices, filesystem->fsid, filesystem->uuid, out))
			(void)hm_attributes_emit(&filesystem->sizes, state->host, out);
	}
	for (size_t i = 0; i < state->n_lines; i++) {
		int error = hm_text_read(&state->lines[i].file);

		if (error < 0)
			emit_failure(&state->lines[i], error, out);
		else
			emit_lines(&state->lines[i], out);
	}
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	close_all(state);
	btrfs_devices_close(&state->devices);
	free(state->filesystems);
	free(state->watches);
	free(state->constants);
	free(state->lines);
}

HM_PLUGIN(btrfs) = {
	HM_PLUGIN_HEADER,
	.name = "btrfs",
	.help = "Space, devices, errors and commits of each mounted Btrfs file system.",
	.looks_for = BTRFS_FOLDER "/UUID",
	.metrics = btrfs_metrics,
	.n_metrics = BTRFS_N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	/* No .udev_subsystem: it does not tell of mounts. */
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
