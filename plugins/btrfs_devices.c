/* SPDX-License-Identifier: MIT */
/* What a mounted Btrfs file system says of its devices by ioctl(2). */

#include "plugins/btrfs_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "plugins/btrfs_metrics.h"
#include "plugins/mountinfo.h"

/* One with more devices is told of without them. */
#define DEVICES_MAX 56

/* Some of the places where a file system is mounted: one that is hidden, or closed to the agent, is no hindrance. */
#define PATHS_MAX_BYTES 1024

/* "e4d909c2-90d0-fb1c-a068-ffaddf22cbd0" */
#define ID_TEXT_BYTES 37

struct device {
	uint64_t size_bytes;
	uint64_t allocated_bytes;
	uint64_t errors[BTRFS_DEV_STAT_VALUES_MAX];
	int32_t error; /* why these are not known: those of a device that is missing are not */
	uint8_t id[BTRFS_UUID_SIZE];
	char name[32];
};

/* Where a file system is mounted. */
struct places {
	size_t n_bytes;
	char paths[PATHS_MAX_BYTES]; /* each with its NUL */
};

/* What a task gets, and finds. */
struct question {
	struct places places;
	uint8_t fsid[BTRFS_FSID_SIZE];
	size_t n_devices;
	struct device devices[DEVICES_MAX];
};

struct btrfs_mounted {
	TAILQ_ENTRY(btrfs_mounted) entry;
	char number[24];      /* of the device of the mount: one for each file system */
	struct places found;  /* in the table */
	struct places asked;  /* what the task was given */
	struct hm_task *task; /* NULL: not asked yet */
	struct question last; /* with the last answer */
	bool has_last;
	int error; /* of this round */
};

_Static_assert(sizeof(struct question) <= HM_TASK_MAX_BYTES, "it goes to a task");

/* -- the task: system calls only --------------------------------------------------------------------- */

/* The last part of "/dev/mapper/home", as node_exporter tells it. A device that is missing has no path. */
static void copy_name(char name[static 32], const uint8_t *path, size_t size)
{
	size_t start = 0;
	size_t length = 0;

	for (size_t i = 0; i < size && path[i]; i++) {
		if (path[i] == '/')
			start = i + 1;
	}
	for (; start + length < size && path[start + length] && length < 31; length++)
		name[length] = (char)path[start + length];
	name[length] = '\0';
}

/* @return 1; 0: there is none of this number; -errno */
static int ask_device(int fd, uint64_t devid, struct device *device)
{
	struct btrfs_ioctl_dev_info_args info = {.devid = devid};
	struct btrfs_ioctl_get_dev_stats stats = {
		.devid = devid,
		.nr_items = BTRFS_DEV_STAT_VALUES_MAX,
	};

	if (ioctl(fd, BTRFS_IOC_DEV_INFO, &info) < 0)
		return errno == ENODEV ? 0 : -errno;
	device->size_bytes = info.total_bytes;
	device->allocated_bytes = info.bytes_used;
	for (size_t i = 0; i < sizeof(device->id); i++)
		device->id[i] = info.uuid[i];
	copy_name(device->name, info.path, sizeof(info.path));
	device->error = ioctl(fd, BTRFS_IOC_GET_DEV_STATS, &stats) < 0 ? -errno : 0;
	for (size_t i = 0; i < BTRFS_DEV_STAT_VALUES_MAX; i++)
		device->errors[i] = stats.values[i];
	return 1;
}

static int ask_filesystem(int fd, struct question *question)
{
	struct btrfs_ioctl_fs_info_args info = {0};
	int result = 0;

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(question->fsid); i++)
		question->fsid[i] = info.fsid[i];
	if (info.num_devices > DEVICES_MAX)
		return -E2BIG;
	/* Numbers have gaps, where devices were removed. */
	for (uint64_t devid = 0; devid <= info.max_id && result >= 0; devid++) {
		if (question->n_devices == DEVICES_MAX)
			break;
		result = ask_device(fd, devid, &question->devices[question->n_devices]);
		question->n_devices += result == 1;
	}
	return result < 0 ? result : 0;
}

static int ask(void *memory)
{
	struct question *question = memory;
	int result = -ENOENT;
	size_t at = 0;

	question->n_devices = 0;
	while (result < 0 && at < question->places.n_bytes) {
		const char *path = question->places.paths + at;
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		result = fd < 0 ? -errno : ask_filesystem(fd, question);
		if (fd >= 0)
			close(fd);
		if (result == -E2BIG)
			break;
		while (question->places.paths[at])
			at++;
		at++;
	}
	return result;
}

/* -- what is mounted --------------------------------------------------------------------------------- */

static void remove_mounted(struct btrfs_devices *devices, struct btrfs_mounted *mounted)
{
	TAILQ_REMOVE(&devices->mounts, mounted, entry);
	if (mounted->task)
		hm_task_remove(devices->tasks, mounted->task);
	free(mounted);
}

/* @return NULL: no memory */
static struct btrfs_mounted *find_mounted(struct btrfs_devices *devices,
					  const struct mountinfo_line *line)
{
	struct btrfs_mounted *mounted;
	char number[sizeof(mounted->number)] = "";

	(void)snprintf(number, sizeof(number), "%.*s:%.*s", (int)line->major.length,
		       line->major.start, (int)line->minor.length, line->minor.start);
	TAILQ_FOREACH(mounted, &devices->mounts, entry) {
		if (strcmp(mounted->number, number) == 0)
			return mounted;
	}
	mounted = calloc(1, sizeof(*mounted));
	if (!mounted)
		return NULL;
	memcpy(mounted->number, number, sizeof(number));
	TAILQ_INSERT_TAIL(&devices->mounts, mounted, entry);
	return mounted;
}

/* Put the place of a line behind those that are known of the same file system, where it fits. */
static int add_place(struct btrfs_devices *devices, const struct mountinfo_line *line)
{
	struct btrfs_mounted *mounted = find_mounted(devices, line);
	struct places *places;
	char *path;

	if (!mounted)
		return -ENOMEM;
	places = &mounted->found;
	if (line->path.length >= sizeof(places->paths) - places->n_bytes)
		return 0;
	path = places->paths + places->n_bytes;
	mountinfo_copy_path(path, line->path);
	places->n_bytes += strlen(path) + 1;
	return 0;
}

/* A task that did not return stays the same where the same is mounted at the same places. */
static int renew_task(struct btrfs_devices *devices, struct btrfs_mounted *mounted)
{
	const struct places *found = &mounted->found;
	struct question question = {.places = *found};
	bool is_same = found->n_bytes == mounted->asked.n_bytes &&
		       memcmp(found->paths, mounted->asked.paths, found->n_bytes) == 0;

	if (mounted->task && is_same)
		return 0;
	if (mounted->task)
		hm_task_remove(devices->tasks, mounted->task);
	mounted->task = NULL;
	mounted->asked = *found;
	return hm_task_add(devices->tasks, ask, &question, sizeof(question), &mounted->task);
}

/* What cannot be read, or kept in memory, is looked at again in the next round. */
static int read_table(struct btrfs_devices *devices)
{
	struct btrfs_mounted *mounted;
	struct btrfs_mounted *next;
	const char *cursor;
	struct hm_span text;
	int result = hm_text_read(&devices->table);

	TAILQ_FOREACH(mounted, &devices->mounts, entry)
		mounted->found.n_bytes = 0;
	cursor = devices->table.data;
	while (result == 0 && hm_next_line(&cursor, &text)) {
		struct mountinfo_line line;

		if (mountinfo_parse(text, &line) && hm_span_equals(line.type, "btrfs"))
			result = add_place(devices, &line);
	}
	if (result < 0)
		return result;
	TAILQ_FOREACH_SAFE(mounted, &devices->mounts, entry, next) {
		int error = 0;

		if (mounted->found.n_bytes == 0)
			remove_mounted(devices, mounted);
		else
			error = renew_task(devices, mounted);
		result = error < 0 ? error : result;
	}
	return result;
}

int btrfs_devices_open(struct btrfs_devices *devices, const struct hm_host *host)
{
	int result;

	TAILQ_INIT(&devices->mounts);
	if (hm_is_redirected(host))
		return 0;
	devices->host = host;
	result = mountinfo_open(&devices->table, host);
	if (result < 0)
		return 0;
	result = hm_tasks_new(&devices->tasks);
	if (result < 0)
		hm_text_close(&devices->table);
	return result;
}

static void take_answer(struct btrfs_mounted *mounted)
{
	const void *memory = NULL;

	mounted->error = mounted->task ? hm_task_result(mounted->task, &memory) : -ENOMEM;
	if (mounted->error < 0)
		return;
	memcpy(&mounted->last, memory, sizeof(mounted->last));
	mounted->has_last = true;
}

void btrfs_devices_ask(struct btrfs_devices *devices, int64_t timeout_us)
{
	struct btrfs_mounted *mounted;

	if (!devices->tasks)
		return;
	if (!devices->has_table || mountinfo_has_changed(&devices->table, devices->host))
		devices->has_table = read_table(devices) == 0;
	hm_tasks_run(devices->tasks, timeout_us);
	TAILQ_FOREACH(mounted, &devices->mounts, entry) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): those that were freed were taken off the list */
		take_answer(mounted);
	}
}

/* -- what they said ---------------------------------------------------------------------------------- */

static void format_id(char text[static ID_TEXT_BYTES], const uint8_t *id)
{
	static const char digits[] = "0123456789abcdef";
	char *at = text;

	for (size_t i = 0; i < BTRFS_UUID_SIZE; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = digits[id[i] >> 4];
		*at++ = digits[id[i] & 15];
	}
	*at = '\0';
}

static void emit_value(struct hm_batch *out, enum btrfs_metric metric, int error, double value,
		       const char *const labels[])
{
	if (error < 0)
		hm_emit_missing_labels(out, &btrfs_metrics[metric], error, labels);
	else
		hm_emit_labels(out, &btrfs_metrics[metric], value, labels);
}

static void emit_device(struct hm_batch *out, const struct device *device, int error,
			const char *uuid)
{
	static const char *const types[BTRFS_DEV_STAT_VALUES_MAX] = {
		[BTRFS_DEV_STAT_WRITE_ERRS] = "write",
		[BTRFS_DEV_STAT_READ_ERRS] = "read",
		[BTRFS_DEV_STAT_FLUSH_ERRS] = "flush",
		[BTRFS_DEV_STAT_CORRUPTION_ERRS] = "corruption",
		[BTRFS_DEV_STAT_GENERATION_ERRS] = "generation",
	};
	const int error_of_errors = error < 0 ? error : device->error;
	char name[3 * sizeof(device->name)];
	char id[ID_TEXT_BYTES];

	(void)snprintf(name, sizeof(name), "%s", device->name);
	hm_label_clean(name, sizeof(name));
	format_id(id, device->id);
	emit_value(out, BTRFS_DEVICE_SIZE, error, (double)device->size_bytes,
		   HM_LABEL_VALUES(uuid, name, id));
	emit_value(out, BTRFS_DEVICE_UNUSED, error,
		   (double)(device->size_bytes - device->allocated_bytes),
		   HM_LABEL_VALUES(uuid, name, id));
	for (size_t i = 0; i < BTRFS_DEV_STAT_VALUES_MAX; i++)
		emit_value(out, BTRFS_DEVICE_ERRORS, error_of_errors, (double)device->errors[i],
			   HM_LABEL_VALUES(uuid, types[i], name, id));
}

bool btrfs_devices_emit(const struct btrfs_devices *devices, const char *fsid, const char *uuid,
			struct hm_batch *out)
{
	const struct btrfs_mounted *mounted;

	if (!devices->tasks)
		return false;
	TAILQ_FOREACH(mounted, &devices->mounts, entry) {
		char text[ID_TEXT_BYTES];

		if (!mounted->has_last)
			continue;
		format_id(text, mounted->last.fsid);
		if (strcmp(text, fsid) != 0)
			continue;
		for (size_t j = 0; j < mounted->last.n_devices; j++)
			emit_device(out, &mounted->last.devices[j], mounted->error, uuid);
		return true;
	}
	return false;
}

void btrfs_devices_close(struct btrfs_devices *devices)
{
	struct btrfs_mounted *mounted;
	struct btrfs_mounted *next;

	/* Zeroed, its list has not even an end. */
	if (!devices->tasks)
		return;
	TAILQ_FOREACH_SAFE(mounted, &devices->mounts, entry, next)
		remove_mounted(devices, mounted);
	hm_tasks_free(devices->tasks);
	hm_text_close(&devices->table);
	*devices = (struct btrfs_devices){0};
}
