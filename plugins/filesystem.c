/* SPDX-License-Identifier: MIT */
/* Size and free space of every mounted file system. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "hostmetrics/task.h"
#include "plugins/milliseconds.h"
#include "plugins/mountinfo.h"

enum metric {
	METRIC_SIZE,
	METRIC_FREE,
	METRIC_AVAIL,
	METRIC_FILES,
	METRIC_FILES_FREE,
	METRIC_READONLY,
	METRIC_DEVICE_ERROR,
	METRIC_MOUNT_INFO,
	N_METRICS,
};

/* The first ones are of statfs(2). */
#define N_STATFS METRIC_READONLY

#define FILESYSTEM(metric_name, metric_unit, text, from)                                           \
	{                                                                                          \
		.name = "node_filesystem_" metric_name, .unit = (metric_unit), .help = (text),     \
		.source = (from), .kind = HM_GAUGE,                                                \
		.labels = HM_LABELS("device", "fstype", "mountpoint"),                             \
	}

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_SIZE] = FILESYSTEM("size_bytes", "bytes", "Size of the file system.",
				   "statfs(2), f_blocks x f_bsize"),
	[METRIC_FREE] = FILESYSTEM("free_bytes", "bytes", "Free space of the file system.",
				   "statfs(2), f_bfree x f_bsize"),
	[METRIC_AVAIL] = FILESYSTEM("avail_bytes", "bytes", "Free space for all but root.",
				    "statfs(2), f_bavail x f_bsize"),
	[METRIC_FILES] = FILESYSTEM("files", "", "Files that the file system may have.",
				    "statfs(2), f_files"),
	[METRIC_FILES_FREE] =
		FILESYSTEM("files_free", "", "Files that may be added.", "statfs(2), f_ffree"),
	[METRIC_READONLY] = FILESYSTEM("readonly", "", "1 where nothing can be written.",
				       "/proc/1/mountinfo, option ro"),
	[METRIC_DEVICE_ERROR] = FILESYSTEM("device_error", "", "1 where it gives no answer.",
					   "statfs(2), its error"),
	[METRIC_MOUNT_INFO] = {"node_filesystem_mount_info", "",
			       "Which device is mounted where; 1.",
			       "/proc/1/mountinfo, fields 3, 5 and the source", HM_GAUGE,
			       HM_LABELS("device", "major", "minor", "mountpoint")},
};

static const struct hm_option options[] = {
	{
		.name = "ignore_types",
		.fallback =
			"autofs binfmt_misc bpf cgroup* configfs debugfs devpts devtmpfs fusectl "
			"hugetlbfs iso9660 mqueue nsfs overlay proc* pstore rpc_pipefs securityfs "
			"selinuxfs squashfs sysfs tracefs",
		.help = "Globs: file systems of these types are left out. An automount that is asked would mount.",
	},
	{
		.name = "ignore_mounts",
		.fallback =
			"/dev /dev/* /proc /proc/* /sys /sys/* /run/credentials/* /var/lib/docker/* "
			"/var/lib/containers/storage/*",
		.help = "Globs: what is mounted there is left out; * takes / as well.",
	},
	{
		.name = TIMEOUT_NAME,
		.fallback = TIMEOUT_FALLBACK,
		.help = "How long file systems that may not answer (NFS, FUSE, ...) are waited for.",
		.check = milliseconds_check,
	},
};

/* Whose statfs(2) only reads what is in memory. Others may wait for a server or a process that is gone. */
static const char local_types[] = "ext2 ext3 ext4 xfs btrfs f2fs tmpfs ramfs rootfs squashfs erofs";

/* What a task does, and finds. */
struct question {
	struct statfs answer;
	char path[]; /* with its NUL */
};

struct mount {
	char *text; /* owned; has the others, each with its NUL */
	const char *device;
	const char *path; /* to be asked for */
	const char *mountpoint;
	const char *type;
	const char *major;
	const char *minor;
	bool is_readonly;
	bool may_block;
	struct hm_task *task; /* where it may block; NULL: without memory for it */
};

struct mounts {
	struct mount *list;
	size_t n;
};

struct state {
	const struct hm_host *host;
	struct hm_text table;
	struct mounts mounts;
	struct hm_tasks *tasks;
	int64_t timeout_us;
	bool has_table;
};

/* -- the table of mounts --------------------------------------------------------------------------- */

static void free_mount(struct hm_tasks *tasks, struct mount *mount)
{
	if (mount->task)
		hm_task_remove(tasks, mount->task);
	free(mount->text);
}

static void free_mounts(struct hm_tasks *tasks, struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++)
		free_mount(tasks, &mounts->list[i]);
	free(mounts->list);
	*mounts = (struct mounts){0};
}

static bool is_same(const struct mount *a, const struct mount *b)
{
	return strcmp(a->mountpoint, b->mountpoint) == 0 && strcmp(a->device, b->device) == 0;
}

static bool is_left_out(const struct hm_host *host, const struct mounts *mounts,
			const struct mount *mount)
{
	if (hm_globs_take(hm_option(host, "ignore_types"), mount->type) ||
	    hm_globs_take(hm_option(host, "ignore_mounts"), mount->mountpoint))
		return true;
	/* Mounted there twice, one over the other. */
	for (size_t i = 0; i < mounts->n; i++) {
		if (is_same(&mounts->list[i], mount))
			return true;
	}
	return false;
}

static int make_mount(const struct mountinfo_line *line, struct mount *mount)
{
	size_t n_bytes = MOUNTINFO_LABEL_GROWTH *
				 (line->device.length + line->path.length + line->type.length +
				  line->major.length + line->minor.length) +
			 line->path.length + 6;
	char *at = malloc(n_bytes);

	if (!at)
		return -ENOMEM;
	*mount = (struct mount){.text = at};
	mount->device = at;
	mount->mountpoint = mountinfo_copy_label(at, line->device);
	mount->type = mountinfo_copy_label((char *)mount->mountpoint, line->path);
	mount->major = mountinfo_copy_label((char *)mount->type, line->type);
	mount->minor = mountinfo_copy_label((char *)mount->major, line->major);
	mount->path = mountinfo_copy_label((char *)mount->minor, line->minor);
	mountinfo_copy_path((char *)mount->path, line->path);
	mount->is_readonly = mountinfo_has_option(line->options, "ro") ||
			     mountinfo_has_option(line->super_options, "ro");
	mount->may_block = !hm_globs_take(local_types, mount->type);
	return 0;
}

static int append_mount(struct mounts *mounts, const struct mount *mount)
{
	struct mount *list = reallocarray(mounts->list, mounts->n + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	mounts->list = list;
	list[mounts->n++] = *mount;
	return 0;
}

static int add_mount(const struct hm_host *host, struct mounts *mounts, struct hm_span text)
{
	struct mountinfo_line line;
	struct mount mount;
	int result;

	if (!mountinfo_parse(text, &line))
		return 0;
	result = make_mount(&line, &mount);
	if (result == 0 && is_left_out(host, mounts, &mount)) {
		free_mount(NULL, &mount);
		return 0;
	}
	if (result < 0)
		return result;
	result = append_mount(mounts, &mount);
	if (result < 0)
		free_mount(NULL, &mount);
	return result;
}

/* The way to it leads through one that may block. */
static bool is_below(const struct mount *mount, const struct mount *other)
{
	size_t length = strlen(other->path);

	return strncmp(mount->path, other->path, length) == 0 &&
	       (mount->path[length] == '/' || (length == 1 && mount->path[1] != '\0'));
}

static void find_blocking(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++) {
		for (size_t j = 0; j < mounts->n && mounts->list[i].may_block; j++) {
			if (is_below(&mounts->list[j], &mounts->list[i]))
				mounts->list[j].may_block = true;
		}
	}
}

static int ask(void *memory)
{
	struct question *question = memory;

	return statfs(question->path, &question->answer) < 0 ? -errno : 0;
}

/* One that did not return is the same still where the same is mounted there. */
static void keep_tasks(struct state *state, struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++) {
		struct mount *mount = &mounts->list[i];

		for (size_t j = 0; mount->may_block && j < state->mounts.n; j++) {
			struct mount *before = &state->mounts.list[j];

			if (!before->task || !is_same(mount, before))
				continue;
			mount->task = before->task;
			before->task = NULL;
		}
	}
}

static void add_tasks(struct state *state, struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++) {
		struct mount *mount = &mounts->list[i];
		size_t n_bytes = sizeof(struct question) + strlen(mount->path) + 1;
		struct question *question;

		if (!mount->may_block || mount->task)
			continue;
		question = calloc(1, n_bytes);
		if (!question)
			continue;
		(void)stpcpy(question->path, mount->path);
		if (hm_task_add(state->tasks, ask, question, n_bytes, &mount->task) < 0)
			mount->task = NULL;
		free(question);
	}
}

static int read_table(struct state *state)
{
	struct mounts mounts = {0};
	const char *cursor;
	struct hm_span line;
	int result = hm_text_read(&state->table);

	cursor = state->table.data;
	while (result == 0 && hm_next_line(&cursor, &line))
		result = add_mount(state->host, &mounts, line);
	if (result < 0) {
		free_mounts(NULL, &mounts);
		return result;
	}
	find_blocking(&mounts);
	keep_tasks(state, &mounts);
	free_mounts(state->tasks, &state->mounts);
	state->mounts = mounts;
	add_tasks(state, &state->mounts);
	state->has_table = true;
	return 0;
}

/* Below a root it is what the folder lies on. */
static int ask_below(const struct hm_host *host, const char *path, struct statfs *ret_answer)
{
	int fd = hm_open(host, path);
	int result = fd >= 0 && fstatfs(fd, ret_answer) < 0 ? -errno : fd;

	if (fd >= 0)
		close(fd);
	return result < 0 ? result : 0;
}

static int find_answer(const struct state *state, const struct mount *mount,
		       struct statfs *ret_answer)
{
	const void *memory;
	int result;

	if (hm_is_redirected(state->host))
		return ask_below(state->host, mount->path, ret_answer);
	if (!mount->may_block)
		return statfs(mount->path, ret_answer) < 0 ? -errno : 0;
	result = mount->task ? hm_task_result(mount->task, &memory) : -ENOMEM;
	if (result == 0)
		*ret_answer = ((const struct question *)memory)->answer;
	return result;
}

static void emit(struct hm_batch *out, const struct mount *mount, int error,
		 const struct statfs *answer)
{
	const double block = (double)answer->f_bsize;
	const double values[N_STATFS] = {
		[METRIC_SIZE] = (double)answer->f_blocks * block,
		[METRIC_FREE] = (double)answer->f_bfree * block,
		[METRIC_AVAIL] = (double)answer->f_bavail * block,
		[METRIC_FILES] = (double)answer->f_files,
		[METRIC_FILES_FREE] = (double)answer->f_ffree,
	};
	const char *const labels[] = {mount->device, mount->type, mount->mountpoint, NULL};

	for (size_t i = 0; i < N_STATFS; i++) {
		if (error < 0)
			hm_emit_missing_labels(out, &metrics[i], error, labels);
		else
			hm_emit_labels(out, &metrics[i], values[i], labels);
	}
	hm_emit_labels(out, &metrics[METRIC_READONLY], mount->is_readonly, labels);
	hm_emit_labels(out, &metrics[METRIC_DEVICE_ERROR], error < 0, labels);
	hm_emit(out, &metrics[METRIC_MOUNT_INFO], 1, mount->device, mount->major, mount->minor,
		mount->mountpoint);
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	bool is_changed = !state->has_table || mountinfo_has_changed(&state->table, state->host);
	int result = is_changed ? read_table(state) : 0;

	if (result < 0)
		return result;
	if (!hm_is_redirected(state->host))
		hm_tasks_run(state->tasks, state->timeout_us);
	for (size_t i = 0; i < state->mounts.n; i++) {
		const struct mount *mount = &state->mounts.list[i];
		struct statfs answer = {0};
		int error = find_answer(state, mount, &answer);

		emit(out, mount, error, &answer);
	}
	return state->mounts.n > 0 ? 0 : -ENODATA;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	state->timeout_us = milliseconds_us(host, TIMEOUT_NAME);
	if (state->timeout_us < 0)
		return -EINVAL;
	result = mountinfo_open(&state->table, host);
	if (result < 0)
		return result == -ENOENT ? -ENODEV : result;
	return hm_tasks_new(&state->tasks);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	free_mounts(state->tasks, &state->mounts);
	hm_tasks_free(state->tasks);
	hm_text_close(&state->table);
}

HM_PLUGIN(filesystem) = {
	HM_PLUGIN_HEADER,
	.name = "filesystem",
	.help = "Size and free space of every mounted file system.",
	.looks_for = "/proc/1/mountinfo",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
