/* SPDX-License-Identifier: MIT */
/*
 * What each disk reads, writes, discards and flushes, and what udev knows of it.
 *
 * No disk is woken: /proc/diskstats are counters in memory, udev's database is a file below /run, and of sysfs only
 * `wwid` and `queue/rotational` are read, which the kernel keeps from when it found the disk. (A virtio disk's `serial`
 * would be asked of the device: it is taken from udev.)
 */

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/udev_block.h"

#define LINE "/proc/diskstats, "
#define UDEV "/run/udev/data/bMAJOR:MINOR, "

#define OF_DISK .labels = HM_LABELS("device")
#define COUNT   .unit = "", .kind = HM_COUNTER, OF_DISK
#define SECONDS .unit = "seconds", .kind = HM_COUNTER, OF_DISK
#define BYTES   .unit = "bytes", .kind = HM_COUNTER, OF_DISK
#define STATE   .unit = "", .kind = HM_GAUGE, OF_DISK
#define INFO    .unit = "", .kind = HM_GAUGE

/* First those of the fields, in their order. */
enum metric {
	METRIC_INFO = 17,
	METRIC_FILESYSTEM_INFO,
	METRIC_DEVICE_MAPPER_INFO,
	METRIC_ATA_WRITE_CACHE,
	METRIC_ATA_WRITE_CACHE_ENABLED,
	METRIC_ATA_ROTATION_RATE,
	METRIC_WWID_INFO,
	METRIC_ROTATIONAL,
	N_METRICS,
};

#define N_FIELDS METRIC_INFO

/* So many lines have a descriptor that shows when udev tells something else of their disk. */
#define WATCHED_LINES_MAX 128

/* What every kernel since 2.6.25 has of every disk; discards came with 4.18, flushes with 5.5. */
#define FIELDS_MIN 11

/* clang-format off */
static const struct hm_metric metrics[N_METRICS] = {
	{.name = "node_disk_reads_completed_total", COUNT, .source = LINE "field 4",
	 .help = "Reads that were completed."},
	{.name = "node_disk_reads_merged_total", COUNT, .source = LINE "field 5",
	 .help = "Reads that were merged with an adjacent one."},
	{.name = "node_disk_read_bytes_total", BYTES,
	 .source = LINE "field 6, sectors of 512 bytes", .help = "Bytes read."},
	{.name = "node_disk_read_time_seconds_total", SECONDS,
	 .source = LINE "field 7, milliseconds", .help = "Time that all reads took together."},
	{.name = "node_disk_writes_completed_total", COUNT, .source = LINE "field 8",
	 .help = "Writes that were completed."},
	{.name = "node_disk_writes_merged_total", COUNT, .source = LINE "field 9",
	 .help = "Writes that were merged with an adjacent one."},
	{.name = "node_disk_written_bytes_total", BYTES,
	 .source = LINE "field 10, sectors of 512 bytes", .help = "Bytes written."},
	{.name = "node_disk_write_time_seconds_total", SECONDS,
	 .source = LINE "field 11, milliseconds", .help = "Time that all writes took together."},
	{.name = "node_disk_io_now", STATE, .source = LINE "field 12, requests",
	 .help = "Requests on their way now."},
	{.name = "node_disk_io_time_seconds_total", SECONDS,
	 .source = LINE "field 13, milliseconds",
	 .help = "Time during which at least one request was on its way."},
	{.name = "node_disk_io_time_weighted_seconds_total", SECONDS,
	 .source = LINE "field 14, milliseconds",
	 .help = "The same, each moment counted as often as requests were on their way."},
	{.name = "node_disk_discards_completed_total", COUNT,
	 .source = LINE "field 15, since Linux 4.18", .help = "Discards that were completed."},
	{.name = "node_disk_discards_merged_total", COUNT,
	 .source = LINE "field 16, since Linux 4.18",
	 .help = "Discards that were merged with an adjacent one."},
	{.name = "node_disk_discarded_sectors_total", COUNT,
	 .source = LINE "field 17, sectors of 512 bytes",
	 .help = "Sectors of 512 bytes discarded."},
	{.name = "node_disk_discard_time_seconds_total", SECONDS,
	 .source = LINE "field 18, milliseconds", .help = "Time that all discards took together."},
	{.name = "node_disk_flush_requests_total", COUNT,
	 .source = LINE "field 19, since Linux 5.5",
	 .help = "Flushes of the disk's cache that were completed."},
	{.name = "node_disk_flush_requests_time_seconds_total", SECONDS,
	 .source = LINE "field 20, milliseconds", .help = "Time that all flushes took together."},
	[METRIC_INFO] = {.name = "node_disk_info", INFO,
	 .labels = HM_LABELS("device", "major", "minor", "path", "wwn", "model", "serial", "revision"),
	 .source = LINE "fields 1 to 3; " UDEV "ID_PATH, ID_WWN, ID_MODEL, SCSI_IDENT_SERIAL or "
		   "ID_SERIAL_SHORT or ID_SERIAL, ID_REVISION",
	 .help = "Which disk this is; always 1."},
	[METRIC_FILESYSTEM_INFO] = {.name = "node_disk_filesystem_info", INFO,
	 .labels = HM_LABELS("device", "type", "usage", "uuid", "version"),
	 .source = UDEV "ID_FS_TYPE, ID_FS_USAGE, ID_FS_UUID, ID_FS_VERSION",
	 .help = "What the whole disk holds; always 1."},
	[METRIC_DEVICE_MAPPER_INFO] = {.name = "node_disk_device_mapper_info", INFO,
	 .labels = HM_LABELS("device", "name", "uuid", "vg_name", "lv_name", "lv_layer"),
	 .source = UDEV "DM_NAME, DM_UUID, DM_VG_NAME, DM_LV_NAME, DM_LV_LAYER",
	 .help = "Which volume of the device mapper this is; always 1."},
	[METRIC_ATA_WRITE_CACHE] = {.name = "node_disk_ata_write_cache", STATE,
	 .source = UDEV "ID_ATA_WRITE_CACHE, 0 or 1",
	 .help = "1 = the ATA disk has a write cache."},
	[METRIC_ATA_WRITE_CACHE_ENABLED] = {.name = "node_disk_ata_write_cache_enabled", STATE,
	 .source = UDEV "ID_ATA_WRITE_CACHE_ENABLED, 0 or 1",
	 .help = "1 = the ATA disk uses its write cache."},
	[METRIC_ATA_ROTATION_RATE] = {.name = "node_disk_ata_rotation_rate_rpm", STATE,
	 .source = UDEV "ID_ATA_ROTATION_RATE_RPM, turns a minute",
	 .help = "How fast the ATA disk turns, in turns a minute; 0 = it does not."},
	[METRIC_WWID_INFO] = {.name = "node_disk_wwid_info", INFO, .labels = HM_LABELS("device", "wwid"),
	 .source = "/sys/block/*/wwid or /sys/block/*/device/wwid",
	 .help = "The id that the disk keeps when its name changes; always 1."},
	[METRIC_ROTATIONAL] = {.name = "node_disk_rotational", STATE,
	 .source = "/sys/block/*/queue/rotational, 0 or 1",
	 .help = "1 = the disk turns, 0 = it does not."},
};
/* clang-format on */

/* What each field is multiplied by, for the unit of its metric: sectors of 512 bytes, milliseconds. */
static const double factors[N_FIELDS] = {1,     1,     512, 0.001, 1, 1,     512, 0.001, 1,
					 0.001, 0.001, 1,   1,     1, 0.001, 1,   0.001};

static const struct hm_option options[] = {
	{.name = "ignore",
	 .fallback = "ram[0-9]* zram[0-9]* loop[0-9]* fd[0-9]* [hsv]d[a-z][0-9]* xvd[a-z][0-9]* "
		     "nvme[0-9]*n[0-9]*p[0-9]*",
	 .help = "Globs of the devices that are left out: by default RAM disks, loops, floppies and "
		 "partitions."},
};

/* What is known of the device of one line, until another one stands there. */
struct disk {
	char name[HM_DEVICE_NAME_MAX]; /* "" = nothing yet */
	char major[24];
	char minor[24];
	bool is_left_out; /* by the option, or its line makes no sense */
	bool is_second;   /* an earlier line has the same name */
	char wwid[256];
	char rotational[8];
	struct udev_block udev;
};

struct state {
	const struct hm_host *host;
	struct hm_text file;
	struct disk *disks; /* by line */
	size_t n_disks;
	bool is_changed; /* a line of this round was another device's in the last one */
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->file, host, "/proc/diskstats");

	state->file.record_max_bytes = HM_TEXT_SHORT_RECORDS;
	state->host = host;
	return result == -ENOENT ? -ENODEV : result;
}

/* sysfs has a '!' where a name has a '/': "cciss/c0d0". */
static void read_attributes(const struct hm_host *host, struct disk *disk)
{
	char name[HM_DEVICE_NAME_MAX];
	char path[128];

	(void)strlcpy(name, disk->name, sizeof(name));
	for (char *slash = strchr(name, '/'); slash; slash = strchr(slash, '/'))
		*slash = '!';
	(void)snprintf(path, sizeof(path), "/sys/block/%s/wwid", name);
	if (hm_read_line_of(host, path, disk->wwid, sizeof(disk->wwid)) < 0) {
		(void)snprintf(path, sizeof(path), "/sys/block/%s/device/wwid", name);
		(void)hm_read_line_of(host, path, disk->wwid, sizeof(disk->wwid));
	}
	for (size_t i = strlen(disk->wwid); i > 0 && disk->wwid[i - 1] == ' '; i--)
		disk->wwid[i - 1] = '\0';
	hm_label_clean(disk->wwid, sizeof(disk->wwid));
	(void)snprintf(path, sizeof(path), "/sys/block/%s/queue/rotational", name);
	if (hm_read_line_of(host, path, disk->rotational, sizeof(disk->rotational)) == 0 &&
	    strcmp(disk->rotational, "0") != 0 && strcmp(disk->rotational, "1") != 0)
		disk->rotational[0] = '\0';
}

static bool word_copy(char *out, size_t size, struct hm_span word)
{
	if (word.length >= size)
		return false;
	memcpy(out, word.start, word.length);
	out[word.length] = '\0';
	return true;
}

/* Another device stands in this line than did before. @param words  major, minor, name */
static int change_disk(struct state *state, struct disk *disk, const struct hm_span words[3])
{
	char number[64];
	uint64_t ignored;
	int result;

	state->is_changed = true;
	udev_block_free(&disk->udev);
	*disk = (struct disk){.is_left_out = true};
	if (!word_copy(disk->major, sizeof(disk->major), words[0]) ||
	    !word_copy(disk->minor, sizeof(disk->minor), words[1]) ||
	    !word_copy(disk->name, sizeof(disk->name), words[2]) ||
	    hm_span_uint64(words[0], &ignored) < 0 || hm_span_uint64(words[1], &ignored) < 0 ||
	    hm_globs_take(hm_option(state->host, "ignore"), disk->name))
		return 0;
	(void)snprintf(number, sizeof(number), "%s:%s", disk->major, disk->minor);
	result = udev_block_read(&disk->udev, state->host, number,
				 (size_t)(disk - state->disks) < WATCHED_LINES_MAX);
	if (result < 0) {
		disk->name[0] = '\0';
		return result;
	}
	read_attributes(state->host, disk);
	disk->is_left_out = false;
	return 0;
}

/* The device of a line. Most rounds find each where it was in the last one. */
static int find_disk(struct state *state, size_t line, const struct hm_span words[3],
		     struct disk **ret_disk)
{
	struct disk *disk;
	int result = 0;

	if (line == state->n_disks) {
		struct disk *disks = reallocarray(state->disks, line + 1, sizeof(*disks));

		if (!disks)
			return -ENOMEM;
		state->disks = disks;
		disks[state->n_disks++] = (struct disk){0};
	}
	disk = &state->disks[line];
	if (!hm_span_equals(words[2], disk->name) || !hm_span_equals(words[0], disk->major) ||
	    !hm_span_equals(words[1], disk->minor) || udev_block_has_changed(&disk->udev))
		result = change_disk(state, disk, words);
	if (state->is_changed && !disk->is_left_out) {
		disk->is_second = false;
		for (size_t i = 0; i < line && !disk->is_second; i++)
			disk->is_second = !state->disks[i].is_left_out &&
					  strcmp(state->disks[i].name, disk->name) == 0;
	}
	*ret_disk = disk;
	return result;
}

static void emit_ata(struct hm_batch *out, const struct disk *disk, enum metric metric,
		     enum udev_property property)
{
	const char *text = disk->udev.values[property];
	struct hm_span word = {text, strlen(text)};
	double number = 0;
	int error = hm_span_double(word, &number);

	if (word.length == 0)
		return;
	if (error < 0)
		hm_emit_missing(out, &metrics[metric], error, disk->name);
	else
		hm_emit(out, &metrics[metric], number, disk->name);
}

static void emit_udev(struct hm_batch *out, const struct disk *disk)
{
	const char *const *values = disk->udev.values;
	const char *serial = values[UDEV_SCSI_SERIAL];

	/* The one that is printed on the disk; virtio disks have the last one only. */
	if (!*serial)
		serial = values[UDEV_SERIAL_SHORT];
	if (!*serial)
		serial = values[UDEV_SERIAL];
	hm_emit(out, &metrics[METRIC_INFO], 1, disk->name, disk->major, disk->minor,
		values[UDEV_PATH], values[UDEV_WWN], values[UDEV_MODEL], serial,
		values[UDEV_REVISION]);
	if (*values[UDEV_FS_TYPE]) {
		hm_emit(out, &metrics[METRIC_FILESYSTEM_INFO], 1, disk->name, values[UDEV_FS_TYPE],
			values[UDEV_FS_USAGE], values[UDEV_FS_UUID], values[UDEV_FS_VERSION]);
	}
	if (*values[UDEV_DM_NAME]) {
		hm_emit(out, &metrics[METRIC_DEVICE_MAPPER_INFO], 1, disk->name,
			values[UDEV_DM_NAME], values[UDEV_DM_UUID], values[UDEV_DM_VG_NAME],
			values[UDEV_DM_LV_NAME], values[UDEV_DM_LV_LAYER]);
	}
	if (!*values[UDEV_ATA])
		return;
	emit_ata(out, disk, METRIC_ATA_WRITE_CACHE, UDEV_ATA_WRITE_CACHE);
	emit_ata(out, disk, METRIC_ATA_WRITE_CACHE_ENABLED, UDEV_ATA_WRITE_CACHE_ENABLED);
	emit_ata(out, disk, METRIC_ATA_ROTATION_RATE, UDEV_ATA_ROTATION_RATE);
}

static void emit_disk(struct hm_batch *out, const struct disk *disk, struct hm_span line)
{
	struct hm_span words[N_FIELDS];
	size_t n_words = 0;

	while (n_words < N_FIELDS && hm_next_word(&line, &words[n_words]))
		n_words++;
	/* Partitions of kernels before 2.6.25 had four fields that mean something else. */
	if (n_words < FIELDS_MIN)
		return;
	for (size_t i = 0; i < n_words; i++) {
		uint64_t number = 0;
		int error = hm_span_uint64(words[i], &number);

		if (error < 0)
			hm_emit_missing(out, &metrics[i], error, disk->name);
		else
			hm_emit(out, &metrics[i], (double)number * factors[i], disk->name);
	}
	emit_udev(out, disk);
	if (*disk->wwid)
		hm_emit(out, &metrics[METRIC_WWID_INFO], 1, disk->name, disk->wwid);
	if (*disk->rotational)
		hm_emit(out, &metrics[METRIC_ROTATIONAL], *disk->rotational == '1', disk->name);
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	const char *cursor;
	struct hm_span line;
	size_t n_lines = 0;
	int result = hm_text_read(&state->file);

	state->is_changed = false;
	cursor = state->file.data;
	while (result >= 0 && hm_next_line(&cursor, &line)) {
		struct hm_span words[3];
		struct disk *disk = NULL;

		if (!hm_next_word(&line, &words[0]) || !hm_next_word(&line, &words[1]) ||
		    !hm_next_word(&line, &words[2]))
			continue;
		result = find_disk(state, n_lines++, words, &disk);
		if (result == 0 && !disk->is_left_out && !disk->is_second)
			emit_disk(out, disk, line);
	}
	return result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
	for (size_t i = 0; i < state->n_disks; i++)
		udev_block_free(&state->disks[i].udev);
	free(state->disks);
}

HM_PLUGIN(diskstats) = {
	HM_PLUGIN_HEADER,
	.name = "diskstats",
	.help = "What each disk reads, writes, discards and flushes, and which disk it is; without RAM "
		"disks, loops, floppies and partitions.",
	.looks_for = "/proc/diskstats",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.udev_subsystem = "block",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
